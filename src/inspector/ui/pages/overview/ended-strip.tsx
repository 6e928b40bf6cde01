import type { EndedView } from '../../../protocol/overview.ts';
import { clockText, durationText, numberText } from '../../format.ts';

const [up, down] = [44, 16];

/** What ended, one bar a step: what succeeded above the line, what failed below. */
export function EndedStrip({ ended }: { readonly ended: EndedView }) {
  const { succeeded, failed, from, to, stepMs } = ended;
  const most = Math.max(1, ...succeeded);
  const mostFailed = Math.max(1, ...failed);
  const width = 10;
  const total = Math.max(1, succeeded.length) * width;
  const ticks = Array.from({ length: 6 }, (_, index) => from + ((to - from) * index) / 5);
  const all = numberText(succeeded.reduce((sum, count) => sum + count, 0));
  return (
    <section aria-label="Ended">
      <div class="bar">
        <h2 class="label">Ended</h2>
        <span class="quiet">
          last {durationText(to - from).replace(/ 00 s$/, '')}, one bar{' '}
          {durationText(stepMs).replace(/\.0 s$/, ' s')}
        </span>
        <span class="end legend no-phone">
          <span>
            <svg viewBox="0 0 14 8" aria-hidden="true">
              <rect class="sp" width="14" height="8" />
            </svg>
            succeeded, above
          </span>
          <span>
            <svg viewBox="0 0 14 8" aria-hidden="true">
              <rect class="sp-f" width="14" height="8" />
            </svg>
            failed, below
          </span>
        </span>
      </div>
      <div class="pad">
        <svg
          class="strip"
          viewBox={`0 0 ${total} ${up + down + 4}`}
          preserveAspectRatio="none"
          role="img"
          aria-label={`${all} jobs succeeded, ${numberText(failed.reduce((sum, count) => sum + count, 0))} failed`}
        >
          {succeeded.map((count, index) => (
            <rect
              key={index}
              class="sp"
              x={index * width + 1}
              y={up - (count / most) * up}
              width={width - 2}
              height={(count / most) * up}
            />
          ))}
          <rect class="strip-line" x="0" y={up} width={total} height="1" />
          {failed.map((count, index) =>
            count === 0 ? null : (
              <rect
                key={index}
                class="sp-f"
                x={index * width + 1}
                y={up + 2}
                width={width - 2}
                height={Math.max(4, (count / mostFailed) * down)}
              />
            ),
          )}
        </svg>
        <div class="ticks" aria-hidden="true">
          {ticks.map((at) => (
            <span key={at}>{clockText(at).slice(0, 5)}</span>
          ))}
        </div>
      </div>
    </section>
  );
}
