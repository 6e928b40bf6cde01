import type { FailedAttempt, Outcome, Place, Snoozed, Stop } from '../../../../machines/job.context.ts';
import type { HistoryEntry, Patch } from '../../../store/entry.ts';
import { durationText } from '../../../time.ts';
import { failureWords } from '../values/failure-view.ts';

type Values = Readonly<Record<string, unknown>>;

/** What matters about an entry of a job, in a few words; null: nothing. `before`: its values then. All is redacted. Pure. */
export function noteOf({ event, patch, at }: HistoryEntry, before: Values): string | null {
  const values = patch ?? {};
  switch (event) {
    case 'job.put':
      return putNote(values, before, at);
    case 'job.claim':
      return placeNote(values.parent as Place | undefined);
    case 'job.reschedule':
      return rescheduleNote(values, at);
    case 'job.retry':
      return `${failedWords(values) ?? 'failed'}, again at once`;
    case 'job.wait':
      return values.waitingOn === 'promise' ? 'for a promise' : `for job ${String(values.waitingOn)}`;
    case 'job.finish':
    case 'job.abort':
    case 'job.fail':
      return outcomeWords(values);
    case 'job.cancel':
      return stopNote(values);
    case 'job.timeout':
      return `its ${(values.stop as unknown as Stop | null)?.cause ?? 'time'} has passed`;
    case 'job.snooze':
    case 'job.defer':
      return putOffNote(values, at);
    case 'job.handBack':
      return 'its process stops: the attempt does not count';
    case 'job.expire':
      return outcomeWords(values);
    case 'job.interrupt':
      return 'its process disappeared';
    case 'callback.move':
      return placeNote(values.parent as Place | undefined);
    default:
      return event.endsWith('.set') ? setNote(event, values, before) : null;
  }
}

function putNote(values: Patch, before: Values, at: number): string {
  const place = values.parent as Place | undefined;
  const queue = place !== undefined && 'queue' in place ? `into queue '${place.queue}'` : 'into a queue';
  const names = (values.quotaNames ?? before.quotaNames ?? []) as readonly string[];
  const begin = Number(values.beginAfter ?? 0);
  return [
    queue,
    ...(names.length === 0 ? [] : [`quota ${names.join(', ')}`]),
    ...(begin > at ? [`begins in ${durationText(begin - at)}`] : []),
  ].join(', ');
}

function placeNote(place: Place | null | undefined): string | null {
  if (place == null) return null;
  if ('agent' in place) return `agent ${place.agent}`;
  return 'job' in place ? `to job ${place.job}` : null;
}

function rescheduleNote(values: Patch, at: number): string {
  const begin = values.beginAfter;
  const again = typeof begin === 'number' && begin > at ? `again in ${durationText(begin - at)}` : 'put back';
  const words = failedWords(values);
  return words === null ? `interrupted, ${again}` : `${words}, ${again}`;
}

/** Who cancelled it, and why. */
function stopNote({ stop }: Patch): string {
  const { by = null, reason = null } = (stop ?? {}) as Partial<Stop>;
  return [...(reason === null ? [] : [reason]), ...(by === null ? [] : [`by ${by}`])].join(', ');
}

function putOffNote({ beginAfter, snoozed }: Patch, at: number): string {
  const begin = Number(beginAfter ?? 0);
  const when = begin > at ? `again in ${durationText(begin - at)}` : 'now';
  const { reason = null } = (snoozed ?? {}) as Partial<Snoozed>;
  return reason === null ? when : `${when}: ${reason}`;
}

function failedWords({ lastFailure }: Patch): string | null {
  const failed = lastFailure as unknown as FailedAttempt | null | undefined;
  return failed == null ? null : failureWords(failed.failure);
}

function outcomeWords({ outcome }: Patch): string | null {
  const found = outcome as unknown as Outcome | null | undefined;
  return found == null || found.ok ? null : failureWords(found.failure);
}

/** A setting that is one word or number, before and after. */
function setNote(event: string, values: Patch, before: Values): string | null {
  const key = event.slice(0, -'.set'.length);
  const [old, now] = [before[key], values[key]];
  if (key === 'args' || key === 'callable') return null;
  return `${word(old)} → ${word(now)}`;
}

function word(value: unknown): string {
  if (value === undefined || value === null) return 'none';
  return Array.isArray(value) ? value.join(', ') || 'none' : String(value);
}
