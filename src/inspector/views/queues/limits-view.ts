import { forEver } from '../../../model/jobs/rate.ts';
import type { QuotaRecord } from '../../../model/records/records.ts';
import type { StoreReader } from '../../../store/reader.ts';
import { durationText } from '../../../time.ts';
import type { LimitView } from '../../protocol/queues.ts';

/** The quotas of a queue that limit more than their slots: by keys, by rates, or because they are closed. */
export async function limitViews(
  reader: StoreReader,
  records: readonly QuotaRecord[],
  queue: string,
): Promise<readonly LimitView[]> {
  const views: LimitView[] = [];
  for (const record of records) {
    const { closedUntil = null } = (await reader.get('limit', record.id)) ?? {};
    const closed = closedUntil !== null && closedUntil > reader.now() ? closedUntil : null;
    if (!record.keyed && record.rate === null && closed === null) continue;
    views.push({ name: record.id.slice(queue.length + 1), words: wordsOf(record), closed: closedOf(closed) });
  }
  return views;
}

function closedOf(until: number | null): LimitView['closed'] {
  return until === null ? null : { until: until >= forEver ? null : until };
}

/** `2 at a time, 100 in 1 minute, each key for itself`. Pure. */
function wordsOf({ size, rate, keyed }: Pick<QuotaRecord, 'size' | 'rate' | 'keyed'>): string {
  const burst = rate === null || rate.burst === 1 ? '' : `, ${rate.burst} of them at once`;
  return [
    ...(size === null ? [] : [`${size} at a time`]),
    ...(rate === null ? [] : [`${rate.limit} in ${durationText(rate.per)}${burst}`]),
    ...(keyed ? ['each key for itself'] : []),
  ].join(', ');
}
