import type { ComparedChart, StateCoverage } from '../../../reading/coverage/compare/compare-coverage.ts';
import { around } from '../../../reading/coverage/compare/coverage-chart.ts';
import { durationText } from '../format.ts';
import { Counts } from './coverage-counts.tsx';
import { targetWords, wayWords } from './coverage-heat.ts';

/** A chart as a list of stations, inner states below those around them: for charts without a picture, on a phone, and to be heard. */
export function CoverageOutline({ chart }: { readonly chart: ComparedChart }) {
  const { machine, states } = chart;
  const shown = states.filter(({ path, ways }) => path !== '' || ways.length > 0);
  // What every state takes comes last, as in pictures.
  const last = shown.filter(({ path }) => path === '');
  const seen = reached(states);
  return (
    <ol class="outline coverage" aria-label={`Chart ${machine}, as a list`}>
      {[...shown.filter(({ path }) => path !== ''), ...last].map((state) => (
        <Station key={state.path} machine={machine} state={state} wasThere={seen.has(state.path)} />
      ))}
    </ol>
  );
}

/** States that something was in: it stayed there, left by a way, or came there by one. */
function reached(states: readonly StateCoverage[]): ReadonlySet<string> {
  const taken = states.flatMap(({ ways }) => ways).filter(({ verdict }) => verdict !== 'untaken');
  const stayed = states.filter(({ dwell }) => dwell !== null).map(({ path }) => path);
  const places = [...stayed, ...taken.flatMap(({ source, targets }) => [source, ...targets])];
  return new Set([...around(places.join('|')), ...(taken.some(({ source }) => source === '') ? [''] : [])]);
}

function Station(props: {
  readonly machine: string;
  readonly state: StateCoverage;
  readonly wasThere: boolean;
}) {
  const { machine, state, wasThere } = props;
  const { path, type, dwell, ways } = state;
  const depth = path === '' ? 0 : path.split('.').length - 1;
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
