import type { LimitView } from '../../../protocol/queues.ts';
import { now } from '../../connection.ts';
import { instantText } from '../../format.ts';
import { Glyph } from '../../parts/glyph.tsx';

/** What limits a queue beside slots that all jobs share: keys and rates, and what is closed. Nothing where there is none. */
export function Limits({ limits }: { readonly limits: readonly LimitView[] }) {
  if (limits.length === 0) return null;
  return (
    <>
      <div class="bar rule">
        <h2 class="label">Limits</h2>
        <span class="mono quiet">{limits.length}</span>
      </div>
      <table class="table">
        <thead>
          <tr>
            <th>limit</th>
            <th>allows</th>
            <th class="fit">state</th>
          </tr>
        </thead>
        <tbody>
          {limits.map(({ name, words, closed }) => (
            <tr key={name}>
              <td class="task">{name}</td>
              <td title={words}>{words}</td>
              <td class="fit">
                {closed === null ? (
                  'open'
                ) : (
                  <span class="st st-paused">
                    <Glyph name="paused" />
                    closed{closed.until === null ? '' : ` until ${instantText(closed.until, now.value)}`}
                  </span>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}
