import type { AnyEventObject, EventFromLogic, InputFrom, SnapshotFrom } from 'xstate';
import type { Failure as StoredFailure } from '../../../machines/job.context.ts';
import {
  type DurableLogic,
  Failure,
  type Instant,
  type MachineDefinition,
  type StoredSnapshot,
} from '../../index.ts';
import { snapshotOf } from '../../model/durable/thaw.ts';
import { merged } from '../../reading/replay/actor-story.ts';
import { instantMs } from '../../time.ts';
import { checkOptions, invalid } from '../check-options.ts';
import { recorderFor } from '../coverage/recorder.ts';
import { JobStandIn } from '../simulate/oracle/events.ts';
import { type After, afterMs, checkStory } from './after.ts';
import { type ActorStepMade, type EventRefused, MachineRun } from './machine-run.ts';

/**
 * Something that comes to an actor: an event of its machine, the outcome of a child (`xstate.done.actor.charge` with its `output`,
 * `xstate.error.actor.charge` with its `error`), or what was done to it (`signalbox.stop`, `signalbox.suspend`, `signalbox.resume`).
 */
export type StoryEvent<L extends DurableLogic> =
  | EventFromLogic<L>
  | { readonly type: `xstate.${string}`; readonly output?: unknown; readonly error?: unknown }
  | { readonly type: `signalbox.${string}`; readonly error?: unknown; readonly timer?: string };

/** The story of an actor. */
export interface MachineStory<L extends DurableLogic> {
  /** When it is started. Default 2030-01-01T00:00:00Z. */
  readonly at?: Instant;
  readonly input?: InputFrom<L>;
  /** Where it begins, instead of a start. */
  readonly snapshot?: Omit<StoredSnapshot, 'version'>;
  /** `due`: a timer fires by itself when it is due. `told`: only where the story has its event. Default `due`. */
  readonly timers?: 'due' | 'told';
  /** What comes to it, and how long after its start. What it sends to itself is part of that. */
  readonly story: readonly (readonly [after: After, event: StoryEvent<L>])[];
  /** How long it goes on. Default: until the last step of the story. */
  readonly until?: After;
}

/** The way that an actor went. */
export interface ReplayedActor<L extends DurableLogic> {
  /** The states that it was in, one after the other: paths joined by `|`, as its history has them. */
  readonly states: readonly string[];
  readonly status: 'active' | 'suspended' | 'done' | 'failed' | 'stopped';
  /** As XState has it: `matches`, `context`, `output`. */
  readonly snapshot: SnapshotFrom<L>;
  /** Each step that it has made. */
  readonly steps: readonly ActorStepMade[];
  /** What came and moved nothing. */
  readonly refused: readonly EventRefused[];
}

const defaultStart = Date.UTC(2030, 0, 1);

/** Leads an actor through a story. */
export function replayMachine<L extends DurableLogic>(
  { prepared }: Pick<MachineDefinition<L>, 'prepared'>,
  given: MachineStory<L>,
): ReplayedActor<L> {
  checkOptions(given, ['at', 'input', 'snapshot', 'timers', 'story', 'until']);
  const times = checkStory(given.story);
  const { at = defaultStart, input, snapshot, timers = 'due', story, until } = given;
  if (timers !== 'due' && timers !== 'told') throw invalid('timers', "'due' or 'told'", String(timers));
  if (input !== undefined && snapshot !== undefined)
    throw invalid('snapshot', 'absent where `input` is given', 'both');
  const start = instantMs(at, 'at');
  const events = story.map(([, event]) => asGiven(event as AnyEventObject));
  const run = new MachineRun(prepared, start, timers === 'told');
  if (snapshot === undefined) run.start(withStandIns(input));
  else run.goOnFrom(withStandIns(snapshot) as typeof snapshot);
  for (const [index, event] of events.entries()) {
    run.goOnUntil(start + (times[index] as number));
    run.take(event);
  }
  if (until !== undefined) run.goOnUntil(start + Math.max(afterMs(until, 'until'), times.at(-1) ?? 0));
  const recorder = recorderFor([{ prepared }]);
  const { name: machine, version } = prepared;
  for (const { event, from, to } of run.steps)
    recorder?.addRow({ machine, version, from: from ?? '', event, to });
  return {
    states: merged(run.steps.map(({ to }) => to)),
    status: run.record.status as ReplayedActor<L>['status'],
    // Read when it is asked for: a step can lead XState to a state that its machine does not have.
    get snapshot() {
      return snapshotOf(prepared, run.record, (id) => new JobStandIn(id)) as SnapshotFrom<L>;
    },
    steps: run.steps,
    refused: run.refused,
  };
}

/** An event as a step gets it: an outcome says whose it is, and a failure is one, however it was written. */
function asGiven(event: AnyEventObject): AnyEventObject {
  if (typeof event !== 'object' || event === null || typeof event.type !== 'string')
    throw invalid('story', 'events with a type', String(event));
  const [, child] = /^xstate\.(?:done|error)\.actor\.(.+)$/s.exec(event.type) ?? [];
  const given = { ...(child !== undefined && { actorId: child }), ...event };
  if (!event.type.startsWith('xstate.error.') && event.type !== 'signalbox.fail')
    return withStandIns(given) as AnyEventObject;
  const { error } = event;
  const isFailure = error instanceof Failure || error instanceof Error;
  return { ...given, error: isFailure ? Failure.from(error) : new Failure(whole(error)) };
}

/** A failure of which a story says what matters. */
export function whole(error: unknown): StoredFailure {
  const nothing = { name: 'Error', message: '', stack: '', code: null, cause: null, extra: {} };
  if (typeof error !== 'object' || error === null) return { ...nothing, message: String(error) };
  const told = error as Partial<StoredFailure>;
  return { ...nothing, ...told, cause: told.cause == null ? null : whole(told.cause) };
}

/** A value of a story in which `{ $job: id }` stands for a job. */
function withStandIns(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || value instanceof Failure) return value;
  if (Array.isArray(value)) return value.map(withStandIns);
  const [key, ...more] = Object.keys(value);
  if (key === '$job' && more.length === 0) return new JobStandIn(String((value as { $job: unknown }).$job));
  if (Object.getPrototypeOf(value) !== Object.prototype) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, withStandIns(inner)]));
}
