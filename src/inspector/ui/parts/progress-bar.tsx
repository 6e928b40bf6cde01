import type { ProgressView } from '../../protocol/job.ts';
import { now } from '../connection.ts';
import { instantText, numberText } from '../format.ts';

/** How far the code of a job has come, as it said last: a bar when it said how much there is, and the numbers. */
export function ProgressBar({ progress }: { readonly progress: ProgressView }) {
  const { done, total, note, at } = progress;
  const share = total === null || total === 0 ? null : Math.min(1, done / total);
  const figures = total === null ? numberText(done) : `${numberText(done)} of ${numberText(total)}`;
  return (
    <section class="progress" aria-label="Progress">
      <span class="label">Progress</span>
      {share !== null && (
        <svg
          class="gauge"
          role="progressbar"
          aria-label="Progress"
          aria-valuemin={0}
          aria-valuemax={100}
          aria-valuenow={Math.floor(share * 100)}
          aria-valuetext={figures}
        >
          <rect class="base" width="100%" height="8" />
          <rect class="s-run" width={`${share * 100}%`} height="8" />
        </svg>
      )}
      <b class="mono">{figures}</b>
      {share !== null && <span class="mono">{Math.floor(share * 100)} %</span>}
      {note !== null && (
        <span class="note" title={note}>
          {note}
        </span>
      )}
      <span class="faint mono end">{instantText(at, now.value)}</span>
    </section>
  );
}
