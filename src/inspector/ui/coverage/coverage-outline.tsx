import type { ChartCoverage, StateCoverage } from '../../../reading/coverage/compare/compare-coverage.ts';
import { durationText } from '../format.ts';
import { Counts } from './coverage-counts.tsx';
import { targetWords, wayWords } from './coverage-heat.ts';

/** A chart as a list of stations, inner states below those around them: for charts without a picture, on a phone, and to be heard. */
export function CoverageOutline({ chart }: { readonly chart: ChartCoverage }) {
  const { machine, states } = chart;
  const shown = states.filter(({ path, ways }) => path !== '' || ways.length > 0);
  // What every state takes comes last, as in pictures.
  const last = shown.filter(({ path }) => path === '');
  return (
    <ol class="outline coverage" aria-label={`Chart ${machine}, as a list`}>
      {[...shown.filter(({ path }) => path !== ''), ...last].map((state) => (
        <Station key={state.path} machine={machine} state={state} />
      ))}
    </ol>
  );
}

function Station({ machine, state }: { readonly machine: string; readonly state: StateCoverage }) {
  const { path, type, dwell, ways } = state;
  const depth = path === '' ? 0 : path.split('.').length - 1;
  const wasThere = dwell !== null || ways.some(({ verdict }) => verdict !== 'untaken');
  const marks = [wasThere ? 'seen' : '', path === '' ? 'any' : '', `in-${Math.min(depth, 5)}`];
  return (
    <li class={marks.filter((mark) => mark !== '').join(' ')}>
      <div class="stop">
        <span class="name" title={path}>
          {path === '' ? 'any state' : path.slice(path.lastIndexOf('.') + 1)}
        </span>
        {(type === 'parallel' || type === 'final' || type === 'history') && path !== '' && (
          <span class="quiet small">{type}</span>
        )}
        {dwell !== null && (
          <span class="dwell">
            p50 {durationText(dwell.p50)} · p95 {durationText(dwell.p95)}
          </span>
        )}
      </div>
      {ways.length > 0 && (
        <ul class="ways">
          {ways.map((way) => (
            <li key={`${way.event} ${way.guard} ${way.targets.join()}`} class={`way ${way.verdict}`}>
              <span class="what">
                {wayWords(machine, way)} {targetWords(way)}
              </span>
              <Counts of={way} />
            </li>
          ))}
        </ul>
      )}
    </li>
  );
}
