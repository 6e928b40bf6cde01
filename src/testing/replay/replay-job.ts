import {
  Failure,
  type Instant,
  type JobDefinition,
  type JobRecord,
  type JobSettings,
  type RetryPolicy,
} from '../../index.ts';
import { decodeValue } from '../../model/values/values.ts';
import { type JobLife, jobLife } from '../../reading/replay/job-life.ts';
import { instantMs } from '../../time.ts';
import { checkOptions, invalid } from '../check-options.ts';
import type { TestBoxOptions } from '../create-test-box.ts';
import { type After, afterMs, checkStory } from './after.ts';
import { type AgainAt, type AttemptEnd, type JobAct, JobRun } from './job-run.ts';
import { whole } from './replay-machine.ts';

/** An error, or what of it matters. */
export type ToldError =
  | Error
  | Failure
  | { readonly name?: string; readonly message?: string; readonly code?: string | null };

/**
 * Something that happens to a job. `claim`: an agent may take it. How the attempt under way ends: `return`: its code is called, and what
 * that gives counts; `throw`: it throws, and its code is not called; `kill`: its code is called, and its process is killed before anything
 * is stored; `hand on`: its process stops and hands it on; `stop`: it stops, since it was cancelled or has run out of time; `snooze`: it
 * puts itself off. `again`: when it may be made again, for a definition without a retry policy. What others do: `cancel`, `fail`.
 */
export type JobDeed =
  | 'claim'
  | 'return'
  | 'stop'
  | 'hand on'
  | { readonly throw: ToldError; readonly again?: 'at once' | After }
  | { readonly kill: true; readonly again?: 'at once' | After }
  | { readonly snooze: After; readonly reason?: string }
  | { readonly cancel: string | null }
  | { readonly fail: ToldError };

/** The story of a job. */
export interface JobStory<Args extends readonly unknown[]> {
  /** When it is put. Default 2030-01-01T00:00:00Z. */
  readonly at?: Instant;
  readonly args: Args;
  /** What it is put with. */
  readonly put?: JobSettings;
  /** What happens to it, and how long after its put. No agent takes it before the story says `claim`. */
  readonly story: readonly (readonly [after: After, deed: JobDeed])[];
  /** How long it goes on. Default: until the last step of the story. */
  readonly until?: After;
  /** Other jobs and machines that its code uses. They are not held: an agent takes them at once. */
  readonly jobs?: TestBoxOptions['jobs'];
  readonly machines?: TestBoxOptions['machines'];
  /** Those that definition or `put` name. */
  readonly retryPolicies?: { readonly [name: string]: RetryPolicy };
}

/** The way that a job went. */
export interface ReplayedJob {
  /** The states that it was in, one after the other, as its history has them: `pending`, `assigned`, `active.running` … */
  readonly states: readonly string[];
  readonly ending: JobRecord['ending'];
  /** Its result; undefined: it has none. */
  readonly value: unknown;
  readonly failure: Failure | null;
  /** The events of its history. */
  readonly events: readonly string[];
  /** How often its code was called. */
  readonly attempts: number;
  /** What of the story could not happen, and so did not. */
  readonly refused: readonly DeedRefused[];
}

/** A deed that was not possible: the end of an attempt that was not under way, or one that left the job as it was. */
export interface DeedRefused {
  readonly at: Date;
  readonly deed: JobDeed;
  /** The state of the job then. */
  readonly state: string;
}

const defaultPut = Date.UTC(2030, 0, 1);

/** Leads a job through a story. */
export async function replayJob<Args extends readonly unknown[]>(
  definition: JobDefinition<Args, unknown>,
  given: JobStory<Args>,
): Promise<ReplayedJob> {
  checkOptions(given, ['at', 'args', 'put', 'story', 'until', 'jobs', 'machines', 'retryPolicies']);
  const times = checkStory(given.story);
  const { at = defaultPut, args, put = {}, story, until } = given;
  const { jobs = [], machines = [], retryPolicies = {} } = given;
  if (!Array.isArray(args)) throw invalid('args', 'the list of arguments', String(args));
  const begin = instantMs(at, 'at');
  const end = begin + Math.max(times.at(-1) ?? 0, until === undefined ? 0 : afterMs(until, 'until'));
  const acts = actsOf(
    story.map(([, deed], index) => [begin + (times[index] as number), deed]),
    begin,
  );
  const run = new JobRun(definition as unknown as JobDefinition<never, unknown>, {
    ...{ at: begin, args, settings: { ...put, unique: false }, acts, until: end },
    ...{ jobs, machines, retryPolicies },
  });
  const entries = await run.lead();
  const refused = run.refused.map(({ act, at: ms, state }) => ({
    ...{ at: new Date(ms), state },
    deed: story[act]?.[1] as JobDeed,
  }));
  return resultOf(jobLife(entries), refused);
}

function resultOf({ states, last, steps }: JobLife, refused: ReplayedJob['refused']): ReplayedJob {
  const { ending, outcome, attempts } = last;
  return {
    ...{ states, ending, attempts, refused },
    value: outcome?.ok === true ? decodeValue(outcome.value, (id) => ({ $job: id })) : undefined,
    failure: outcome === null || outcome.ok ? null : new Failure(outcome.failure),
    events: steps.map(({ entry }) => entry.event),
  };
}

/** The acts of a story. */
function actsOf(story: readonly (readonly [at: number, deed: JobDeed])[], begin: number): readonly JobAct[] {
  return story.map(([at, deed]) => {
    if (deed === 'claim') return { at, is: 'claim' };
    const isObject = typeof deed === 'object' && deed !== null;
    if (isObject && 'cancel' in deed) return { at, is: 'cancel', reason: deed.cancel };
    if (isObject && 'fail' in deed) return { at, is: 'fail', failure: failureOf(deed.fail) };
    return { at, is: 'ends', end: endOf(deed, begin) };
  });
}

function endOf(deed: Exclude<JobDeed, 'claim'>, begin: number): AttemptEnd {
  if (deed === 'return') return { is: 'returns' };
  if (deed === 'stop') return { is: 'stops' };
  if (deed === 'hand on') return { is: 'hands on' };
  if (typeof deed === 'object' && deed !== null) {
    if ('throw' in deed)
      return { is: 'throws', failure: failureOf(deed.throw), again: againOf(deed.again, begin) };
    if ('kill' in deed) return { is: 'killed', again: againOf(deed.again, begin) };
    if ('snooze' in deed)
      return { is: 'snoozes', until: begin + afterMs(deed.snooze, 'snooze'), reason: deed.reason ?? null };
  }
  throw invalid(
    'story',
    "a deed: 'claim', 'return', 'stop', 'hand on', { throw }, { kill }, { snooze }, { cancel } or { fail }",
    String(deed),
  );
}

function againOf(again: 'at once' | After | undefined, begin: number): AgainAt {
  if (again === undefined || again === 'at once') return again ?? null;
  return begin + afterMs(again, 'again');
}

function failureOf(told: ToldError): Failure {
  return told instanceof Failure || told instanceof Error ? Failure.from(told) : new Failure(whole(told));
}
