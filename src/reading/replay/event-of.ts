import type {
  FailedAttempt,
  Failure,
  JobContext,
  Outcome,
  Place,
  Stop,
} from '../../../machines/job.context.ts';
import type { EventOf, JobEvent } from '../../../machines/job.events.ts';
import type { JobRecord } from '../../model/records/records.ts';
import type { Entry } from '../../store/entry.ts';

/** What an entry sets of a job, and when. */
interface Given {
  readonly set: Partial<JobContext>;
  readonly before: JobRecord;
  readonly at: number;
}

type Rebuild<Type extends JobEvent['type']> = (given: Given) => Omit<EventOf<Type>, 'type'>;

const unknownFailure: Failure = { name: '', message: '', stack: '', code: null, cause: null, extra: {} };

/** How each event of the chart is read from what it has set. */
const rebuilds: { readonly [Type in JobEvent['type']]: Rebuild<Type> } = {
  'job.put': ({ set, before, at }) => ({
    queue: queueIn(set.parent),
    beginAfter: set.beginAfter ?? at,
    at: set.readyAt ?? asHeld(set, set.beginAfter ?? at),
    assigner: set.assigner ?? before.assigner,
    deadline: set.deadline ?? null,
  }),
  'job.pull': ({ set }) => ({ system: set.parent == null ? null : systemIn(set.parent) }),
  'job.claim': ({ set, before }) => ({
    ...(set.parent as { readonly queue: string; readonly dispatcher: string; readonly agent: string }),
    epoch: set.epoch ?? before.epoch,
    quotas: set.quotas ?? before.quotas,
  }),
  'job.unassign': ({ set }) => ({ queue: queueIn(set.parent) }),
  'job.start': ({ set, at }) => ({ at: set.activeStart ?? at }),
  'job.retry': ({ set }) => ({ failed: set.lastFailure as FailedAttempt }),
  'job.wait': ({ set }) => ({ on: set.waitingOn ?? '' }),
  'job.finish': ({ set, before, at }) => ({
    at: set.activeEnd ?? at,
    outcome: set.outcome as Outcome,
    retryData: dataIn(set, before),
    awaited: before.waitingOn,
  }),
  'job.reschedule': ({ set, before, at }) => ({
    at: set.beginAfter == null ? at : asHeld(set, set.beginAfter),
    queue: queueIn(set.parent),
    beginAfter: set.beginAfter ?? null,
    retryData: dataIn(set, before),
    failed: set.lastFailure ?? null,
  }),
  'job.interrupt': ({ set }) => ({ system: systemIn(set.parent) }),
  'job.abort': ({ set, before, at }) => ({
    at: set.activeEnd ?? at,
    failure: failureIn(set),
    retryData: dataIn(set, before),
  }),
  'job.fail': ({ set, at }) => ({
    at: set.activeEnd ?? at,
    failure: failureIn(set),
    expired: set.ending === 'expired',
  }),
  'job.cancel': ({ set, at }) => ({
    at: set.stop?.at ?? at,
    by: set.stop?.by ?? '',
    reason: set.stop?.reason ?? null,
    failure: failureIn(set),
  }),
  'job.cancelled': ({ set, at }) => ({ at: set.activeEnd ?? at, failure: failureIn(set) }),
  'job.timeout': ({ set, at }) => ({
    at: set.stop?.at ?? at,
    what: (set.stop?.cause ?? 'timeout') as Exclude<Stop['cause'], 'cancel'>,
  }),
  'job.expire': ({ set, at }) => ({ at: set.activeEnd ?? at, failure: failureIn(set) }),
  'job.snooze': ({ set, at }) => ({
    at,
    queue: queueIn(set.parent),
    beginAfter: set.beginAfter ?? at,
    reason: set.snoozed?.reason ?? null,
  }),
  'job.handBack': ({ set }) => ({ queue: queueIn(set.parent) }),
  'job.defer': ({ set, at }) => ({ at: asHeld(set, set.beginAfter ?? at), beginAfter: set.beginAfter ?? at }),
  'callback.reset': ({ set, before }) => ({ retryData: dataIn(set, before) }),
  'callback.move': ({ set }) => ({ to: (set.parent as { readonly job: string }).job }),
  'job.complete': ({ set, at }) => ({ at: set.callbacksEnd ?? at, unstarted: 0 }),
  'job.file': ({ set, at }) => ({ at: set.callbacksEnd ?? at }),
  'callable.set': ({ set, before }) => ({ name: set.name ?? before.name }),
  'args.set': ({ set, before }) => ({ args: set.args ?? before.args }),
  'args.append': ({ set, before }) => ({ args: (set.args ?? before.args).slice(before.args.length) }),
  'beginAfter.set': ({ set }) => ({ beginAfter: set.beginAfter ?? null }),
  'beginBy.set': ({ set }) => ({ beginBy: set.beginBy ?? null }),
  'priority.set': ({ set }) => ({ priority: set.priority ?? 0 }),
  'quotaNames.set': ({ set }) => ({ quotaNames: set.quotaNames ?? [], unknown: 0 }),
  'keys.set': ({ set }) => ({ keys: set.keys ?? null }),
  'tags.set': ({ set }) => ({ tags: set.tags ?? null }),
  'failureLogLevel.set': ({ set }) => ({ failureLogLevel: set.failureLogLevel ?? null }),
  'retryPolicy.set': ({ set }) => ({ retryPolicy: set.retryPolicy ?? null }),
};

/**
 * Rebuilds the event of the chart from its entry and the job before it: an entry keeps its type and what it has
 * set. Null: the entry is none of the chart, such as `job.new` or `evicted`. What of an event leaves no trace is not known: of a
 * cancel that asks code to stop, the failure that it would have had.
 */
export function eventOf(
  { event, at, patch }: Pick<Entry, 'event' | 'patch'> & { at: number },
  before: JobRecord,
): JobEvent | null {
  if (!Object.hasOwn(rebuilds, event)) return null;
  const rebuild = rebuilds[event as JobEvent['type']] as Rebuild<never>;
  const set = (patch ?? {}) as unknown as Partial<JobContext>;
  return { type: event, ...(rebuild({ set, before, at }) as object) } as JobEvent;
}

function queueIn(place: Place | null | undefined): string {
  return (place as { readonly queue: string }).queue;
}

function systemIn(place: Place | null | undefined): string {
  return (place as { readonly system: string }).system;
}

/** An instant at which a job that may begin then is in the line where it is: held before it, else not. */
function asHeld({ line }: Partial<JobContext>, beginAfter: number): number {
  return line === 'held' ? beginAfter - 1 : beginAfter;
}

function dataIn(set: Partial<JobContext>, before: JobRecord): JobContext['retryData'] {
  return set.retryData === undefined ? before.retryData : set.retryData;
}

function failureIn({ outcome }: Partial<JobContext>): Failure {
  return outcome == null || outcome.ok ? unknownFailure : outcome.failure;
}
