import type { JobRecord } from '../../../model/records/records.ts';
import { retriedAnnotation } from '../../../model/records/system-names.ts';
import type { ShownJob } from '../../../reading/shown.ts';
import type { StoreReader } from '../../../store/reader.ts';
import type { OriginView } from '../../protocol/job.ts';

/** Where a job comes from, and under what it is found. */
export async function originView(
  reader: StoreReader,
  { id, tags, keys, origin, reply }: JobRecord,
  shown: ShownJob,
): Promise<OriginView> {
  const retried = await reader.get('annotation', `${id}/${retriedAnnotation}`);
  return {
    tags: tags ?? [],
    keys: shown.hidden === null ? (keys ?? []) : [],
    schedule: origin?.schedule ?? null,
    actor: reply === null ? null : { id: reply.actor, child: reply.child },
    retryOf: origin?.retryOf ?? null,
    retriedAs: retried === undefined ? null : String(retried.value),
  };
}
