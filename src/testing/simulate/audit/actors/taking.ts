import { isDeepStrictEqual } from 'node:util';
import type { Json } from '../../../../index.ts';
import { type ActorRecord, argOf } from '../../oracle/events.ts';
import type { Oracle } from '../../oracle/oracle.ts';
import type { Finding } from './effects.ts';
import { type ActorLine, type Ended, isAlive, isStop, type Step } from './line.ts';

/** What is needed to judge how an actor takes its mail. */
export interface TakingFacts {
  readonly oracle: Oracle;
  /** The actor as it is after the line. */
  readonly now: ActorRecord | undefined;
  /** Whether clocks of processes may differ from the clock of the store. */
  readonly hasPeers: boolean;
}

/** Each message that is taken has moved its actor, or its machine ignores it; each that is dead had to be. */
export function* takingIn(line: ActorLine, actor: string, facts: TakingFacts): Generator<Finding> {
  const steps = line.steps.get(actor) ?? [];
  const moved = new Set<Step>();
  // With peers the messages of a commit come in any order.
  let next = 0;
  for (const ended of line.ended.get(actor) ?? []) {
    if (isStop(ended.message.id)) continue;
    const places = [...steps.slice(next).map(({ before }) => before), facts.now];
    if (ended.entry.to === 'dead') {
      yield* deadAt(ended, places, facts);
      continue;
    }
    const found = steps.findIndex(
      (step, index) => index >= next && !moved.has(step) && isStepOf(step, ended),
    );
    if (found === -1) yield* ignoredAt(ended, places, facts);
    else {
      const step = steps[found] as Step;
      if (!facts.hasPeers) next = found + 1;
      moved.add(step);
      yield* movedBy(step, ended, facts);
    }
  }
  for (const step of steps) {
    const isOutcome = /^xstate\.(done|error)\.actor\./.test(step.entry.event);
    if (isOutcome && !moved.has(step))
      yield [step.entry, 'I29 is the outcome of a child, and no message of its present run said so'];
    if (step.before?.status === 'suspended' && step.made !== null && step.made.by !== 'command')
      yield [step.entry, 'I33 was suspended'];
  }
}

/** Two runs of a child may end alike. */
function isStepOf({ entry, made, before }: Step, { message }: Ended): boolean {
  if (message.fields.run != null && !isPresent(before, message.fields)) return false;
  const event = message.fields.event as Json;
  const { type } = (event ?? {}) as { readonly type?: Json };
  return made?.by !== 'timer' && entry.event === type && isDeepStrictEqual(argOf(event), entry.arg);
}

/** What a step that takes a message must be true of. */
function* movedBy(
  { entry, before }: Step,
  { message }: Ended,
  { hasPeers }: TakingFacts,
): Generator<Finding> {
  const { at } = message.fields;
  const due = Math.min(...Object.values(before?.timers ?? {}).map(([dueAt]) => dueAt));
  if (due <= Number(at) && !hasPeers)
    yield [entry, `I28 takes ${message.id} of ${at}, and a timer was due at ${due}`];
}

function isPresent(
  actor: ActorRecord | undefined,
  { run, from }: Readonly<Record<string, unknown>>,
): boolean {
  return Object.values(actor?.children ?? {}).some((child) => child.run === run && child.id === from);
}

/** One that was taken and has moved nothing: it was none of the actor's, or its machine ignores it. */
function* ignoredAt(
  { entry, message }: Ended,
  places: readonly (ActorRecord | undefined)[],
  { oracle }: TakingFacts,
): Generator<Finding> {
  const { event, run = null } = message.fields as { readonly event: Json; readonly run?: number | null };
  const { type } = event as { readonly type: string };
  const mayBe = places.some((actor) => {
    if (run !== null && (!isAlive(actor) || !isPresent(actor, message.fields))) return true;
    if (actor?.status !== 'active') return false;
    const reaction = oracle.reaction(actor, type, argOf(event), entry.at);
    return reaction === null || reaction === 'ignores';
  });
  // A machine that is to fail has failed instead.
  const hasFailed = places.some((actor) => actor?.status === 'failed');
  if (!mayBe && !hasFailed) yield [entry, `I26 was taken, and ${type} has moved nothing`];
}

function* deadAt(
  { entry, message }: Ended,
  places: readonly (ActorRecord | undefined)[],
  { oracle }: TakingFacts,
): Generator<Finding> {
  const { event } = message.fields as { readonly event: Json };
  const { type } = event as { readonly type: string };
  const reason = String(entry.patch?.reason);
  const reactions = (): boolean =>
    places.some(
      (actor) =>
        actor?.status === 'active' &&
        ['throws', null].includes(oracle.reaction(actor, type, argOf(event), entry.at)),
    );
  if (reason === 'threw') {
    if (!reactions()) yield [entry, `I33 is dead, and ${type} does not throw`];
  } else if (reason === 'skipped') {
    if (!places.some((actor) => actor?.status === 'suspended'))
      yield [entry, 'I27 is skipped, and its actor goes on'];
  } else if (!places.some((actor) => !isAlive(actor)))
    yield [entry, `I27 is dead (${reason}), and its actor lives`];
}
