import type { ComparedChart, CoverageVerdict } from '../../../reading/coverage/compare/compare-coverage.ts';
import { numberText, printable } from '../format.ts';
import machines from '../pages/machines/machines.css?inline';
import coverage from './coverage.css?inline';
import { ChartParts } from './coverage-chart.tsx';
import { CoverageKey } from './coverage-counts.tsx';
import page from './heat-page.css?inline';
import { markup } from './markup.ts';

/** What a page is made from. */
export interface HeatPage {
  readonly charts: readonly ComparedChart[];
  /** Where tests and production are from. */
  readonly tests: string;
  readonly production: string;
  /** The styles that all pages of the inspector have. */
  readonly styles: string;
}

/** One file that shows charts in three colours. It runs no code and asks for nothing. */
export function heatPage({ styles: common, ...given }: HeatPage): string {
  const { charts, tests, production } = shown(given);
  const idle = charts.filter((chart) => !isTaken(chart));
  const styles = [common, machines, coverage, page].join('\n');
  const sum = (verdict: CoverageVerdict): number =>
    charts.reduce((total, { verdicts }) => total + verdicts[verdict], 0);
  const head = `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'"><title>Coverage of charts · Signalbox</title><style>${styles}</style></head>`;
  const body = markup(
    <main class="heat-page">
      <header>
        <h1>Coverage of charts</h1>
        <dl>
          <dt>tests</dt>
          <dd>{tests}</dd>
          <dt>production</dt>
          <dd>{production}</dd>
        </dl>
        <ul class="sums">
          <Sum n={sum('untested')} words="taken in production, in no test" of="untested" />
          <Sum n={sum('tested')} words="taken in tests" of="tested" />
          <Sum n={sum('untaken')} words="never taken" of="untaken" />
        </ul>
        <nav aria-label="Charts">
          <ol>
            {charts.filter(isTaken).map(({ machine, version, verdicts }) => (
              <li key={machine}>
                <a href={`#${idOf(machine)}`}>
                  {machine} <span class="faint">{version}</span>
                </a>
                {verdicts.untested > 0 && <b class="fails">{numberText(verdicts.untested)} in no test</b>}
              </li>
            ))}
          </ol>
        </nav>
      </header>
      {charts.filter(isTaken).map((chart) => (
        <ChartSection key={chart.machine} chart={chart} />
      ))}
      {idle.length > 0 && (
        <p class="idle">
          Nothing took any way of {idle.map(({ machine, version }) => `${machine}@${version}`).join(', ')}.
        </p>
      )}
    </main>,
  );
  return `${head}<body>${body}</body></html>\n`;
}

function Sum(props: { readonly n: number; readonly words: string; readonly of: CoverageVerdict }) {
  return (
    <li class={props.n === 0 ? `${props.of} none` : props.of}>
      <b>{numberText(props.n)}</b> <span>{props.words}</span>
    </li>
  );
}

function ChartSection({ chart }: { readonly chart: ComparedChart }) {
  const { machine, version, verdicts } = chart;
  const { untested, tested, untaken } = verdicts;
  const all = untested + tested + untaken;
  return (
    <section id={idOf(machine)}>
      <div class="bar">
        <h2 class="mono">
          {machine}
          {version === null ? '' : `@${version}`}
        </h2>
        <span class="quiet">
          {numberText(tested)} of {numberText(all)} in tests
          {untested > 0 && (
            <>
              , <b class="fails">{numberText(untested)} in no test</b>
            </>
          )}
        </span>
        <CoverageKey />
      </div>
      <ChartParts chart={chart} isList={false} />
    </section>
  );
}

function isTaken({ verdicts, rows }: ComparedChart): boolean {
  return verdicts.tested + verdicts.untested + rows.length > 0;
}

function idOf(machine: string): string {
  return `chart-${encodeURIComponent(machine)}`;
}

/** No text of a program can hide in the page or turn a line round. */
function shown<Value>(value: Value): Value {
  return JSON.parse(JSON.stringify(value), (_, each) => (typeof each === 'string' ? printable(each) : each));
}
