import { useState } from 'preact/hooks';
import type { ComparedChart } from '../../../../reading/coverage/compare/compare-coverage.ts';
import { go } from '../../app-state.ts';
import { setSetting, setting } from '../../browser.ts';
import { layoutOf } from '../../chart/layouts.ts';
import { now } from '../../connection.ts';
import { ChartParts, hasPicture } from '../../coverage/coverage-chart.tsx';
import { CoverageKey } from '../../coverage/coverage-counts.tsx';
import '../../coverage/coverage.css';
import { instantText, numberText } from '../../format.ts';
import { useKeys } from '../../keys.ts';
import { Empty } from '../../parts/messages.tsx';
import { pageHash } from '../../route.ts';
import { MachineCell } from './machine-cell.tsx';
import { TestsInput } from './tests-drop.tsx';
import { type Compared, forget, recount } from './tests-files.ts';

/** Each chart in three colours: what production takes and no test, what tests take, and what nothing takes. */
export function CoverageView(props: { readonly compared: Compared; readonly name: string }) {
  const { compared, name } = props;
  const chart = compared.charts.find(({ machine }) => machine === name);
  const [isList, setList] = useState(setting('heat') === 'outline');
  const choose = (next: boolean): void => {
    setList(next);
    setSetting('heat', next ? 'outline' : 'heat');
  };
  useKeys({ c: () => choose(!isList) });
  return (
    <div class="cols flip3 machines">
      <ChartList charts={compared.charts} chosen={name} />
      <section class="area chart-area" aria-label="Chart">
        {chart === undefined ? (
          <Empty title={`Neither tests nor production have a chart ${name}.`} />
        ) : (
          <>
            <Head chart={chart} compared={compared} isList={isList} choose={choose} />
            <div class="bar">
              <CoverageKey />
            </div>
            <ChartParts chart={chart} isList={isList} />
          </>
        )}
      </section>
    </div>
  );
}

function ChartList({
  charts,
  chosen,
}: {
  readonly charts: readonly ComparedChart[];
  readonly chosen: string;
}) {
  return (
    <section class="area list" aria-label="Machines">
      <div class="bar">
        <h2 class="label">Machines</h2>
        <span class="mono quiet">{charts.length}</span>
        <span class="end">
          <button
            type="button"
            class="btn small"
            onClick={() => {
              forget();
              // The traffic has charts of the engine alone.
              if (layoutOf(chosen) === null) go(pageHash('machines', 'job'));
            }}
          >
            Back to traffic
          </button>
        </span>
      </div>
      <table class="table">
        <thead>
          <tr>
            <th>chart</th>
            <th class="fit num">in no test</th>
            <th class="fit num">in tests</th>
            <th class="fit num">never</th>
          </tr>
        </thead>
        <tbody>
          {charts.map(({ machine, version, verdicts: { untested, tested, untaken } }) => (
            <tr key={machine} aria-selected={machine === chosen}>
              <MachineCell name={machine} version={version} isChosen={machine === chosen} />
              <td class={untested > 0 ? 'fit num fails strong' : 'fit num faint'}>{numberText(untested)}</td>
              <td class={tested > 0 ? 'fit num' : 'fit num faint'}>{numberText(tested)}</td>
              <td class="fit num faint">{numberText(untaken)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Head(props: {
  readonly chart: ComparedChart;
  readonly compared: Compared;
  readonly isList: boolean;
  readonly choose: (isList: boolean) => void;
}) {
  const { chart, compared, isList, choose } = props;
  const { machine, version, verdicts } = chart;
  const { files, at, production } = compared;
  const { tested, untested, untaken } = verdicts;
  return (
    <div class="head">
      <h1 class="mono">
        {machine}
        {version === null ? '' : `@${version}`}
      </h1>
      <span class="facts">
        <span>
          <b>{numberText(tested)}</b> of {numberText(tested + untested + untaken)} in tests
        </span>
        <span class="opt">
          <b>{numberText(files)}</b> {files === 1 ? 'file' : 'files'}
        </span>
        <span
          class="opt"
          title={
            production.fromAt === null ? undefined : `from ${instantText(production.fromAt, now.peek())} on`
          }
        >
          {production.isCut ? 'the newest ' : ''}
          <b>{numberText(production.entries)}</b> entries, read at <b>{instantText(at, now.peek())}</b>
        </span>
      </span>
      <span class="actions">
        {hasPicture(chart) && (
          <fieldset class="seg no-phone" aria-label="Form of the chart">
            {[false, true].map((list) => (
              <button
                key={String(list)}
                type="button"
                aria-pressed={isList === list}
                onClick={() => choose(list)}
              >
                {list ? 'outline' : 'heat'}
              </button>
            ))}
          </fieldset>
        )}
        <button type="button" class="btn small" onClick={() => void recount()}>
          Count again
        </button>
        <TestsInput label="Other files…" />
      </span>
    </div>
  );
}
