import { isDeepStrictEqual } from 'node:util';
import {
  type HistoryEntry,
  type JobDefinition,
  type MachineDefinition,
  SignalboxError,
} from '../../index.ts';
import { familyOf } from '../../model/durable/family.ts';
import type { PreparedMachine } from '../../model/durable/machine.ts';
import { jobChart } from '../../model/jobs/machine-version.ts';
import type { ActorRecord } from '../../model/records/records.ts';
import { decodeValue } from '../../model/values/values.ts';
import { actorChanges } from '../../reading/replay/actor-story.ts';
import { type JobLife, jobLife } from '../../reading/replay/job-life.ts';
import type { JobStep } from '../../reading/replay/job-steps.ts';
import { toldJob } from '../../reading/replay/told-job.ts';
import { givenValue } from '../simulate/oracle/events.ts';
import { Oracle } from '../simulate/oracle/oracle.ts';
import { replayJob } from './replay-job.ts';

/** Where this version would have gone another way. */
export interface Divergence {
  /** Id of the actor or the job. */
  readonly id: string;
  readonly seq: number;
  readonly at: Date;
  readonly event: string;
  readonly from: string | null;
  readonly to: string | null;
  /** What is other, in words. */
  readonly what: string;
}

/** Where histories and this version differ. */
export interface ReplayedHistories {
  /** How many actors, or jobs, had entries. */
  readonly histories: number;
  /** How many of their entries were made again. */
  readonly steps: number;
  /** How many could not be: their beginning was cut, or a parent that is not among them gave their input. */
  readonly skipped: number;
  readonly divergences: readonly Divergence[];
}

/** Finds where histories would have gone another way. */
export async function replayHistories(
  definition: Pick<MachineDefinition, 'name' | 'prepared'> | JobDefinition<never, unknown>,
  given: Iterable<HistoryEntry> | AsyncIterable<HistoryEntry>,
): Promise<ReplayedHistories> {
  const entries: HistoryEntry[] = [];
  for await (const entry of given) entries.push(entry);
  entries.sort((one, other) => one.seq - other.seq);
  return 'prepared' in definition
    ? ofActors(
        definition.prepared,
        entries.filter(({ kind }) => kind === 'actor'),
      )
    : ofJobs(
        definition,
        entries.filter(({ kind }) => kind === 'job'),
      );
}

function historiesIn(entries: readonly HistoryEntry[]): Map<string, HistoryEntry[]> {
  const histories = new Map<string, HistoryEntry[]>();
  for (const entry of entries) {
    const history = histories.get(entry.id);
    if (history === undefined) histories.set(entry.id, [entry]);
    else history.push(entry);
  }
  return histories;
}

/** The actors of a machine. Their parents say what children were given. */
function ofActors(machine: PreparedMachine, entries: readonly HistoryEntry[]): ReplayedHistories {
  // Each as its only version.
  const machines = new Map(
    Array.from(familyOf([machine]), ([name, each]) => [name, { ...each, previous: [] }] as const),
  );
  const oracle = new Oracle([...machines.values()].map((prepared) => ({ prepared })));
  const inputs = new Map<string, unknown[]>();
  const found: Divergence[] = [];
  const ids = new Set<string>();
  let [steps, skipped] = [0, 0];
  const changes = [...historiesIn(entries).values()].flatMap((history) => [...actorChanges(history)]);
  changes.sort((one, other) => one.entry.seq - other.entry.seq);
  for (const { entry, before, after } of changes) {
    const present = machines.get(after.machine);
    // What was cut off has said of which machine it is.
    if (after.machine === '') skipped += 1;
    if (present === undefined) continue;
    ids.add(entry.id);
    const isStart = entry.event === 'signalbox.start';
    const isChild = isStart && after.parent !== null;
    const told = isChild ? inputs.get(entry.id) : [givenValue(entry.arg)];
    if (
      entry.event === 'signalbox.migrate' ||
      (isStart && !told?.length) ||
      (!isStart && before === undefined)
    ) {
      skipped += 1;
      continue;
    }
    steps += 1;
    const verdict = oracle.judge(before && asBy(present, before), entryAsBy(present, entry), told?.shift());
    if (verdict === null) continue;
    if ('wrong' in verdict) found.push(divergenceAt(entry, verdict.wrong));
    else
      for (const effect of verdict.made.effects)
        if (effect.type === 'startActor')
          inputs.set(effect.id, [...(inputs.get(effect.id) ?? []), effect.input]);
  }
  return { histories: ids.size, steps, skipped, divergences: found };
}

/** An actor that another version has stepped, as if this one had. */
function asBy({ version, hash }: PreparedMachine, record: ActorRecord): ActorRecord {
  return { ...record, version, hash };
}

function entryAsBy({ version, hash }: PreparedMachine, entry: HistoryEntry): HistoryEntry {
  const { version: _version, hash: _hash, ...patch } = entry.patch ?? {};
  return { ...entry, patch: entry.event === 'signalbox.start' ? { ...patch, version, hash } : patch };
}

async function ofJobs(
  definition: JobDefinition<never, unknown>,
  entries: readonly HistoryEntry[],
): Promise<ReplayedHistories> {
  const found: Divergence[] = [];
  let [histories, steps, skipped] = [0, 0, 0];
  for (const history of historiesIn(entries).values()) {
    const story = storyOf(history);
    if (story === null) skipped += history.length;
    if (story === null || story.name !== definition.definition.name) continue;
    histories += 1;
    steps += story.steps.length;
    for (const step of story.steps) {
      const what = otherStep(step);
      if (what !== null) found.push(divergenceAt(step.entry, what));
    }
    if (story.alone.length === 0) found.push(...(await otherWay(definition, story)));
    else skipped += 1;
  }
  return { histories, steps, skipped, divergences: found };
}

/** Null: its beginning was cut. */
function storyOf(history: readonly HistoryEntry[]): JobLife | null {
  try {
    return jobLife(history.filter(({ gone }) => !gone));
  } catch (error) {
    if (error instanceof SignalboxError && error.code === 'HISTORY_CUT') return null;
    throw error;
  }
}

/** What the chart of this version does otherwise; null: nothing. */
function otherStep({ entry, before, event, after }: JobStep): string | null {
  if (event === null) return null;
  const step = jobChart.step(before.state, before, event);
  if (!step.moved) return `the chart of jobs does not take it in ${before.state}`;
  if (step.to !== after.state) return `the chart of jobs goes to ${step.to}`;
  for (const [key, value] of Object.entries(step.patch ?? {}))
    if (!isDeepStrictEqual(value, entry.patch?.[key]))
      return `the chart of jobs sets ${key} to ${JSON.stringify(value)}`;
  return null;
}

/** Leads a job again, and compares its states and how it ended. */
async function otherWay(
  definition: JobDefinition<never, unknown>,
  story: JobLife,
): Promise<readonly Divergence[]> {
  const told = toldJob(story, { args: story.put.args, failure: (each) => each, reason: (text) => text });
  const args = told.args.map((arg) => decodeValue(arg, (id) => ({ $job: id })));
  const now = await replayJob(definition as unknown as JobDefinition, { ...told, args });
  const at = story.states.findIndex((state, index) => state !== now.states[index]);
  const isSame = at === -1 && now.states.length === story.states.length && now.ending === story.last.ending;
  if (isSame) return [];
  const [was, is] = [ways(story.states, story.last.ending), ways(now.states, now.ending)];
  return [divergenceAt(entryAt(story, at), `it went ${was}, and would go ${is}`)];
}

function ways(states: readonly string[], ending: string | null): string {
  return `${states.join(', ')}${ending === null ? '' : ` (${ending})`}`;
}

/** The entry with which it came to one of its states. */
function entryAt({ steps, to }: JobLife, index: number): HistoryEntry {
  let count = -1;
  let state = '';
  for (const { entry, after } of steps) {
    if (after.state !== state) count += 1;
    state = after.state;
    if (count === index) return entry;
  }
  return to;
}

function divergenceAt({ id, seq, at, event, from, to }: HistoryEntry, what: string): Divergence {
  return { id, seq, at: new Date(at), event, from, to, what };
}
