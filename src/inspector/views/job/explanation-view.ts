import type { Failure } from '../../../../machines/job.context.ts';
import type { JobRecord } from '../../../model/records/records.ts';
import type { Explanation } from '../../../reading/explanation.ts';
import type { Shown, ShownJob } from '../../../reading/shown.ts';
import type { Patch } from '../../../store/entry.ts';
import type { StoreReader } from '../../../store/reader.ts';
import type { ExplanationView } from '../../protocol/explanation.ts';

/** An explanation, its texts without what is hidden of the job that each is about. */
export async function explanationView(
  reader: StoreReader,
  shown: Shown,
  { because, conditions, verdict, ...explanation }: Explanation,
): Promise<ExplanationView> {
  const job = await reader.get('job', explanation.job);
  const each = job === undefined ? null : await shownWithHistory(reader, shown, job);
  const outcome = job?.outcome ?? null;
  const failure = outcome === null || outcome.ok ? null : outcome.failure;
  const text = (found: string): string =>
    each === null
      ? found
      : each.text(failure === null ? found : withShown(found, failure, each.failure(failure)));
  const inner: ExplanationView[] = [];
  for (const other of because) inner.push(await explanationView(reader, shown, other));
  return {
    ...explanation,
    verdict: { ...verdict, text: text(verdict.text) },
    conditions: conditions.map((found) => ({ ...found, text: text(found.text) })),
    because: inner,
  };
}

/** Entries of a job that are read for what its earlier arguments had to hide. */
const mostEntries = 200;

/** A job as it may be shown, with the secrets of its earlier arguments: a failure may hold them. */
export async function shownWithHistory(reader: StoreReader, shown: Shown, job: JobRecord): Promise<ShownJob> {
  const patches: (Patch | null)[] = [];
  if (job.outcome?.ok === false)
    for await (const { patch } of reader.history('job', job.id, job.lastSeq))
      if (patches.push(patch) >= mostEntries) break;
  return shown.job(job, patches);
}

/** A definition may hide all of a failure: then its message stands in no text. */
function withShown(text: string, { message }: Failure, shown: Failure): string {
  return message === '' ? text : text.replaceAll(message, shown.message);
}
