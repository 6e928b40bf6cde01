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
  const said = job === undefined || each === null ? [] : saidOf(job, each);
  const text = (found: string): string =>
    each === null
      ? found
      : each.text(said.reduce((all, { raw, safe }) => all.replaceAll(raw, () => safe), found));
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
  if (job.outcome?.ok === false || job.stop !== null || job.snoozed !== null)
    for await (const { patch } of reader.history('job', job.id, job.lastSeq))
      if (patches.push(patch) >= mostEntries) break;
  return shown.job(job, patches);
}

/** Words of others that may stand in an explanation, and what may be shown of them: a definition may hide all of a failure. */
function saidOf(
  { outcome, stop, snoozed }: JobRecord,
  shown: ShownJob,
): readonly { readonly raw: string; readonly safe: string }[] {
  const failure = outcome === null || outcome.ok ? null : outcome.failure;
  return [
    { raw: failure?.message ?? '', safe: failure === null ? '' : shown.failure(failure).message },
    ...[stop, snoozed].map((each) => ({ raw: each?.reason ?? '', safe: shown.reason(each?.reason ?? '') })),
  ].filter(({ raw, safe }) => raw !== '' && raw !== safe);
}
