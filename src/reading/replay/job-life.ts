import type { Failure, Outcome } from '../../../machines/job.context.ts';
import type { EventOf } from '../../../machines/job.events.ts';
import type { Json } from '../../../machines/json.ts';
import { invalidOption, SignalboxError } from '../../errors.ts';
import type { JobRecord } from '../../model/records/records.ts';
import { referredJobs } from '../../model/values/values.ts';
import type { HistoryEntry } from '../../store/entry.ts';
import { merged } from './actor-story.ts';
import { type JobStep, jobSteps } from './job-steps.ts';

/** When an attempt is made again: at once, or not before so many milliseconds after the put; null: it is not. */
export type Again = 'at once' | number | null;

/** What happened to a job from outside, or how one of its attempts ended. */
type JobTurn =
  /** An agent may take it. */
  | { readonly is: 'claim' }
  | { readonly is: 'throws'; readonly failure: Failure; readonly again: Again }
  | { readonly is: 'returns'; readonly value: Json }
  | { readonly is: 'snoozes'; readonly until: number; readonly reason: string | null }
  /** Its code stops, as it was asked to. */
  | { readonly is: 'stops' }
  /** Its process is killed. */
  | { readonly is: 'killed'; readonly again: Again }
  /** Its process stops, and hands it on. */
  | { readonly is: 'hand on' }
  | { readonly is: 'cancel'; readonly reason: string | null }
  | { readonly is: 'fail'; readonly failure: Failure };

/** A deed, and how many milliseconds after the put. */
export type JobHappening = JobTurn & { readonly after: number };

/** The life of a job, as it can be led again. */
export interface JobLife {
  readonly id: string;
  readonly name: string;
  /** Instant of its put. */
  readonly at: number;
  readonly from: HistoryEntry;
  readonly to: HistoryEntry;
  readonly steps: readonly JobStep[];
  /** The job as it was put. */
  readonly put: JobRecord;
  readonly happened: readonly JobHappening[];
  /** Why time ran out, and after how many milliseconds of an attempt. */
  readonly limit: { readonly what: string; readonly ms: number } | null;
  /** Milliseconds after its put at which its history ends. */
  readonly until: number;
  /** The states that it was in, one after the other. */
  readonly states: readonly string[];
  readonly last: JobRecord;
  /** What of it cannot be led again; empty: all can. */
  readonly alone: readonly string[];
}

/**
 * Reads the life of a job from its entries, oldest first.
 * @throws SignalboxError `HISTORY_CUT` when its beginning is not among them; `INVALID_OPTION` when there are none.
 */
export function jobLife(entries: readonly HistoryEntry[]): JobLife {
  const steps = [...jobSteps(entries)];
  const [first] = steps;
  const end = steps.at(-1);
  if (first === undefined || end === undefined)
    throw invalidOption('entries', 'the history of a job', 'none');
  if (first.entry.q !== 0) throw new SignalboxError('HISTORY_CUT', { seq: first.entry.seq });
  const at = first.entry.at;
  const happened = steps.flatMap((step, index) => {
    const deed = deedOf(step, steps.slice(index + 1), at);
    return deed === null ? [] : [{ ...deed, after: step.entry.at - at }];
  });
  return {
    ...{ id: first.entry.id, name: end.after.name, at, from: first.entry, to: end.entry, steps, happened },
    put: first.after,
    limit: limitOf(steps),
    until: end.entry.at - at,
    states: merged(steps.map(({ after }) => after.state)),
    last: end.after,
    alone: [...new Set(steps.flatMap((step, index) => aloneIn(step, index === 0, at)))].concat(leftIn(end)),
  };
}

/** What an entry says of the world around the job; null: it follows by itself. */
function deedOf(
  { entry, event, before, after }: JobStep,
  next: readonly JobStep[],
  at: number,
): JobTurn | null {
  switch (event?.type) {
    case 'job.claim':
      return before.state === 'pending' ? { is: 'claim' } : null;
    case 'job.retry':
      return { is: 'throws', failure: event.failed.failure, again: 'at once' };
    case 'job.reschedule':
      // After an interruption the policy of the job has put it back.
      return event.failed === null
        ? null
        : { is: 'throws', failure: event.failed.failure, again: againAt(event, at) };
    case 'job.finish':
      return endOf(event.outcome);
    case 'job.interrupt':
      return { is: 'killed', again: afterKill(next, at) };
    case 'job.snooze':
      return { is: 'snoozes', until: event.beginAfter - at, reason: event.reason };
    case 'job.cancelled':
      return { is: 'stops' };
    case 'job.handBack':
      return { is: 'hand on' };
    case 'job.cancel':
      return { is: 'cancel', reason: event.reason };
    case 'job.fail':
      return event.expired ? null : { is: 'fail', failure: event.failure };
    case 'job.pull':
      // A claim finds it too late.
      return event.system === null || after.state !== 'new' || entry.from !== 'pending'
        ? null
        : { is: 'claim' };
    default:
      return null;
  }
}

function endOf(outcome: Outcome): JobTurn {
  return outcome.ok
    ? { is: 'returns', value: outcome.value }
    : { is: 'throws', failure: outcome.failure, again: null };
}

function againAt({ beginAfter, at: failedAt }: EventOf<'job.reschedule'>, at: number): Again {
  return (beginAfter ?? failedAt) - at;
}

/** What the policy of a job has said of its interruption. */
function afterKill(next: readonly JobStep[], at: number): Again {
  for (const { event } of next) {
    if (event?.type === 'job.reschedule') return againAt(event, at);
    if (event?.type === 'job.abort') return null;
  }
  return 0;
}

function limitOf(steps: readonly JobStep[]): JobLife['limit'] {
  for (const { event, before } of steps)
    if (event?.type === 'job.timeout' && event.what !== 'deadline')
      return { what: event.what, ms: event.at - (before.activeStart ?? event.at) };
  return null;
}

/** Events that a story has a deed for, or that follow from one. */
const led: readonly string[] = [
  ...['job.put', 'job.claim', 'job.start', 'job.retry', 'job.finish', 'job.reschedule', 'job.interrupt'],
  ...['job.abort', 'job.fail', 'job.cancel', 'job.cancelled', 'job.timeout', 'job.snooze', 'job.handBack'],
  ...['job.complete', 'job.file', 'job.defer', 'priority.set', 'tags.set', 'failureLogLevel.set'],
];

function aloneIn({ entry, event, before, after }: JobStep, isFirst: boolean, at: number): readonly string[] {
  const what = `${entry.event} at +${entry.at - at}ms`;
  if (entry.event === 'job.pull') return event?.type === 'job.pull' && event.system !== null ? [] : [what];
  if (isFirst && entry.event !== 'job.put') return [what];
  if (!isFirst && entry.event === 'job.put') return [what];
  if (isFirst && referredJobs([...after.args] as Json).length > 0)
    return ['arguments that refer to other jobs'];
  if (entry.event === 'job.interrupt' && !before.state.startsWith('active')) return [what];
  return led.includes(entry.event) ? [] : [what];
}

/** A job that is led again has no callbacks. */
function leftIn({ after }: JobStep): readonly string[] {
  return after.state === 'callbacks' ? ['callbacks that are left'] : [];
}
