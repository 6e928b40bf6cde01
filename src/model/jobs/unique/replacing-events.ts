import type { JobEvent } from '../../../../machines/job.events.ts';
import type { Json } from '../../../../machines/json.ts';
import type { JobRecord } from '../../records/records.ts';
import { canonicalJson } from '../../values/canonical-json.ts';

/** The events that give a job which waits what another one was put with: only what differs. */
export function replacingEvents(
  job: JobRecord,
  wanted: Pick<JobRecord, 'args' | 'priority' | 'keys' | 'tags'>,
  { beginAfter, at }: { readonly beginAfter: number | null; readonly at: number },
): readonly JobEvent[] {
  const events: JobEvent[] = [];
  const { args, priority, keys, tags } = wanted;
  if (!isSame(job.args, args)) events.push({ type: 'args.set', args });
  if (job.priority !== priority) events.push({ type: 'priority.set', priority });
  if (!isSame(job.keys, keys)) events.push({ type: 'keys.set', keys });
  if (!isSame(job.tags, tags)) events.push({ type: 'tags.set', tags });
  if (beginAfter !== null) events.push({ type: 'job.defer', at, beginAfter });
  return events;
}

function isSame(one: Json, other: Json): boolean {
  return canonicalJson(one) === canonicalJson(other);
}
