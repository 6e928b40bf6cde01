import type {
  ComparedChart,
  CoverageVerdict,
  RowCoverage,
  WayCoverage,
} from '../../../reading/coverage/compare/compare-coverage.ts';
import { numberText } from '../format.ts';
import { verdictWords } from './coverage-counts.tsx';
import { targetWords, wayWords } from './coverage-heat.ts';

const ranks: Readonly<Record<CoverageVerdict, number>> = { untested: 0, tested: 1, untaken: 2 };

/** The ways of a chart as a table: first what production takes and no test. */
export function CoverageWays({ chart }: { readonly chart: ComparedChart }) {
  const ways = chart.states
    .flatMap((state) => state.ways)
    .sort(
      (one, other) =>
        ranks[one.verdict] - ranks[other.verdict] ||
        other.production - one.production ||
        other.tests - one.tests,
    );
  const taken = ways.filter(({ verdict }) => verdict !== 'untaken');
  const untaken = ways.slice(taken.length);
  return (
    <>
      {taken.length > 0 && (
        <table class="table coverage of-ways">
          <Head title="way" />
          <tbody>
            {taken.map((way) => (
              <tr key={JSON.stringify(way)} class={way.verdict}>
                <Way machine={chart.machine} way={way} />
                <Figures of={way} />
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {untaken.length > 0 && (
        <details class="untaken">
          <summary>
            {numberText(untaken.length)} {untaken.length === 1 ? 'way was' : 'ways were'} never taken
          </summary>
          <table class="table coverage">
            <tbody>
              {untaken.map((way) => (
                <tr key={JSON.stringify(way)} class={way.verdict}>
                  <Way machine={chart.machine} way={way} />
                </tr>
              ))}
            </tbody>
          </table>
        </details>
      )}
    </>
  );
}

function Head({ title }: { readonly title: string }) {
  return (
    <thead>
      <tr>
        <th>{title}</th>
        <th class="fit num">production</th>
        <th class="fit num">tests</th>
        <th class="fit">verdict</th>
      </tr>
    </thead>
  );
}

function Way({ machine, way }: { readonly machine: string; readonly way: WayCoverage }) {
  return (
    <td title={titleOf(way)}>
      <b>{wayWords(machine, way)}</b>{' '}
      <span class="quiet">
        {lastKey(way.source)} {targetWords(way)}
      </span>
    </td>
  );
}

/** Rows that no way of a chart has; of a machine without states all that are known. */
export function CoverageRows({ chart }: { readonly chart: ComparedChart }) {
  const { rows, version, states } = chart;
  if (rows.length === 0) return null;
  const isOfOthers = states.length > 0;
  return (
    <>
      <div class="bar rule">
        <h3 class="label">{isOfOthers ? 'Not in the chart of today' : 'Rows'}</h3>
        <span class="quiet">
          {isOfOthers
            ? 'another version made them: they are listed, and not judged'
            : version === null
              ? 'its chart is not known here'
              : 'a reducer, which has one state'}
        </span>
      </div>
      <table class="table coverage">
        <Head title="row" />
        <tbody>
          {rows.map((row) => (
            <tr key={JSON.stringify(row)} class={isOfOthers ? undefined : row.verdict}>
              <td title={rowText(row)}>
                <b>{wayWords(chart.machine, { event: row.event, guard: null })}</b>{' '}
                <span class="quiet">
                  {row.from === '' && row.to === '' ? '' : `${placeText(row.from)} → ${placeText(row.to)}`}
                  {isOfOthers && ` in version ${row.version}`}
                </span>
              </td>
              <Figures of={row} />
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}

function Figures({ of: { production, tests, verdict } }: { readonly of: WayCoverage | RowCoverage }) {
  return (
    <>
      <td class={production === 0 ? 'fit num faint' : 'fit num'}>{numberText(production)}</td>
      <td class={tests === 0 ? 'fit num faint' : 'fit num'}>{numberText(tests)}</td>
      <td class="fit verdict">{verdictWords[verdict]}</td>
    </>
  );
}

function titleOf({ source, event, guard, targets }: WayCoverage): string {
  const from = source === '' ? 'any state' : source;
  const condition = guard === null ? '' : ` [${guard}]`;
  return `${event || 'always'}${condition}: ${from} ${targets.length === 0 ? 'stays' : `→ ${targets.join(' + ')}`}`;
}

function rowText({ from, event, to, version }: RowCoverage): string {
  return `${event}: ${from} → ${to}, version ${version}`;
}

function placeText(place: string): string {
  return place === '' ? '·' : place.split('|').map(lastKey).join(' + ');
}

function lastKey(path: string): string {
  return path === '' ? 'any' : path.slice(path.lastIndexOf('.') + 1);
}
