import { isDeepStrictEqual } from 'node:util';
import type { HistoryEntry } from '../../../../index.ts';
import type { Made } from '../../oracle/oracle.ts';
import type { ReplayedRecord } from '../replayed-record.ts';
import { type ActorLine, outcomeId, type Reply, type Step } from './line.ts';

type Effect = Made['effects'][number];
type Records = ReadonlyMap<string, ReplayedRecord>;

/** What is wrong, and the entry in which it shows. */
export type Finding = readonly [entry: HistoryEntry, what: string];

/** What the steps of a line ask for is in that line, and what a line has of messages and children a step has asked for. */
export function* effectsIn(line: ActorLine, records: Records): Generator<Finding> {
  for (const steps of line.steps.values())
    for (const step of steps) {
      for (const effect of step.made?.effects ?? []) {
        const missing = missingOf(effect, step, line, records);
        if (missing !== null) yield [step.entry, missing];
      }
      yield* sentToParentIn(step, line);
    }
  for (const { entry, reply } of line.outcomes)
    if (!line.explain(({ id }) => id === outcomeId(reply)))
      yield [entry, `I29 has its outcome, and does not tell ${reply.actor} in the same commit`];
  yield* unasked(line);
}

/** Returns what is not there of what an effect asks for; null: all is. */
function missingOf(effect: Effect, { entry, after }: Step, line: ActorLine, records: Records): string | null {
  const { id } = entry;
  switch (effect.type) {
    case 'send': {
      const { actor } = effect.to;
      const isSent = line.explain(
        (_, letter) =>
          letter.actor === actor && letter.from === id && isDeepStrictEqual(letter.event, effect.event),
      );
      return isSent
        ? null
        : `I30 sends ${JSON.stringify(effect.event)} to ${actor}, which is not in its commit`;
    }
    case 'put':
    case 'startJob': {
      const isChild = effect.type === 'startJob';
      const job = isChild ? null : effect.job.definition.name;
      const isPut = line.explainJob((_, put) => {
        const reply = put.reply as unknown as Reply | undefined;
        if (!isChild) return put.name === job && isDeepStrictEqual(put.args, plain(effect.args));
        return reply?.actor === id && reply.child === effect.child && reply.run === effect.run;
      });
      const what = isChild ? `run ${effect.run} of child ${effect.child}` : `job ${job}`;
      return isPut ? null : `I30 asks for ${what}, which is not in its commit`;
    }
    case 'startActor':
      return line.steps.get(effect.id)?.some((step) => isStartOf(step, id, effect.child, effect.run)) === true
        ? null
        : `I30 starts ${effect.id}, which does not start in its commit`;
    case 'stopChild': {
      const { child } = effect;
      if (child.kind === 'job')
        return rests(records.get(`job/${child.id}`)) ? null : `I32 leaves job ${child.id}, which goes on`;
      const isTold = line.explain(
        (letter, { run }) => letter.id === `${child.id}#~stop` && run === child.run,
      );
      return isTold || after === undefined ? null : `I32 leaves ${child.id}, which is not told to stop`;
    }
    default:
      return null;
  }
}

function isStartOf({ entry, after }: Step, actor: string, child: string, run: number): boolean {
  const parent = after?.parent;
  return (
    entry.event === 'signalbox.start' &&
    parent?.actor === actor &&
    parent.child === child &&
    parent.run === run
  );
}

function plain(args: readonly unknown[]): unknown {
  return JSON.parse(JSON.stringify(args));
}

/** Whether a job that its actor has left has ended, or has a request to stop. */
function rests(job: ReplayedRecord | undefined): boolean {
  return (
    job === undefined || ['callbacks', 'completed'].includes(String(job.state)) || job.fields.stop != null
  );
}

/** The commit that ends a child also sends its end to its parent. One that its parent stopped, or began anew, may be silent. */
function* sentToParentIn({ entry, made, before, after }: Step, line: ActorLine): Generator<Finding> {
  const parent = after?.parent ?? before?.parent;
  if (made === null || made.ending === null || parent == null) return;
  const isTold = line.explain(({ id }) => id === outcomeId(parent));
  if (!isTold && made.ending !== 'stopped')
    yield [entry, `I29 has ended, and does not tell ${parent.actor} in the same commit`];
}

/** Messages from actors, outcomes, and children that no step has asked for. */
function* unasked(line: ActorLine): Generator<Finding> {
  const { letters, jobs } = line;
  for (const { entry, isExplained } of letters) {
    const { from = null, run = null } = entry.patch ?? {};
    if (isExplained || line.isUnknown(String(from))) continue;
    if (run !== null) yield [entry, 'I29 tells what is not so'];
    else if (String(from).includes('/')) yield [entry, `I33 is from ${from}, of which no step sends it`];
  }
  for (const { entry, isExplained } of jobs) {
    const reply = entry.patch?.reply as unknown as Reply | null | undefined;
    if (!isExplained && reply != null && !line.isUnknown(reply.actor))
      yield [entry, `I33 is a child of ${reply.actor}, of which no step starts it`];
  }
}
