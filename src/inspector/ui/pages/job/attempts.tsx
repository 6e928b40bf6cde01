import type { AttemptView, JobView } from '../../../protocol/job.ts';
import type { Way } from '../../chart/way.ts';
import { now } from '../../connection.ts';
import { secondsText } from '../../format.ts';
import { type BarPart, SplitBar, SplitLegend } from '../../parts/split-bar.tsx';
import { lookOf } from '../../state.ts';

/** The calls of its code, one below the other on one scale: how long each was held, waited and ran. */
export function Attempts({ view, way }: { readonly view: JobView; readonly way: Way }) {
  const tries = way.isPast ? triesUntil(view.tries, way.at) : view.tries;
  if (tries.length === 0) return null;
  const scaleMs = Math.max(...tries.map((each) => partsOf(each).reduce((sum, { ms }) => sum + ms, 0)));
  return (
    <>
      <div class="bar rule">
        <h2 class="label">Attempts</h2>
        <span class="mono quiet">{tries.length}</span>
        <SplitLegend />
      </div>
      <table class="table attempts">
        <thead>
          <tr>
            <th class="fit">attempt</th>
            <th class="fit num">held s</th>
            <th class="fit num">wait s</th>
            <th class="fit num">run s</th>
            <th>where the time went</th>
            <th class="fit">ended</th>
          </tr>
        </thead>
        <tbody>
          {tries.map((each) => (
            <tr key={each.n}>
              <td class="fit num">{each.n}</td>
              <td class="fit num">{seconds(each.heldMs)}</td>
              <td class="fit num">{seconds(each.waitMs)}</td>
              <td class="fit num">{secondsText(runOf(each))}</td>
              <td>
                <SplitBar parts={partsOf(each)} scaleMs={scaleMs * 1.005} end={endOf(each)} />
              </td>
              <td class="fit">{endText(each, way.state)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}

/** Those that had begun at an instant; the last one may have been at work. */
function triesUntil(tries: readonly AttemptView[], at: number): readonly AttemptView[] {
  return tries
    .filter(({ startedAt }) => startedAt <= at)
    .map((each) =>
      each.runMs !== null && each.startedAt + each.runMs > at
        ? { ...each, runMs: at - each.startedAt, ending: null, failure: null }
        : each,
    );
}

function seconds(ms: number | null): string {
  return ms === null || ms === 0 ? '–' : secondsText(ms);
}

function runOf({ runMs, startedAt }: AttemptView): number {
  return runMs ?? Math.max(0, now.value - startedAt);
}

function partsOf(each: AttemptView): readonly BarPart[] {
  return [
    { is: 'held', ms: each.heldMs ?? 0 },
    { is: 'waiting', ms: each.waitMs ?? 0 },
    { is: 'running', ms: runOf(each) },
  ];
}

function endOf({ ending }: AttemptView): 'bad' | 'good' | null {
  if (ending === 'succeeded') return 'good';
  return ending === 'failed' || ending === 'interrupted' ? 'bad' : null;
}

function endText({ ending, failure }: AttemptView, state: string) {
  if (ending === null) return <span class="is">{lookOf(state, null).word}</span>;
  if (failure === null || ending === 'cancelled') return ending === 'handedBack' ? 'handed back' : ending;
  return (
    <span class="fails" title={`${failure.name}: ${failure.message}`}>
      {failure.code ?? failure.name}
    </span>
  );
}
