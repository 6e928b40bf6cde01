import type { Failure } from '../../../machines/job.context.ts';
import type { Explanation } from '../../reading/explanation.ts';
import type { Shown } from '../../reading/shown.ts';
import type { StoreReader } from '../../store/store.ts';
import type { ExplanationView } from '../protocol/explanation.ts';

/** An explanation, its texts without what is hidden of the job that each is about. */
export async function explanationView(
  reader: StoreReader,
  shown: Shown,
  { because, conditions, verdict, ...explanation }: Explanation,
): Promise<ExplanationView> {
  const job = await reader.get('job', explanation.job);
  const each = job === undefined ? null : shown.job(job);
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

/** A definition may hide all of a failure: then its message stands in no text. */
function withShown(text: string, { message }: Failure, shown: Failure): string {
  return message === '' ? text : text.replaceAll(message, shown.message);
}
