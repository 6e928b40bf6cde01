import { useSignal } from '@preact/signals';
import { useState } from 'preact/hooks';
import type { ActorDetail, MachineNow } from '../../../protocol/actors.ts';
import { setSetting, setting } from '../../browser.ts';
import { Chart } from '../../chart/chart.tsx';
import { edgeKey } from '../../chart/edge-key.ts';
import { type ChartLayout, wayText } from '../../chart/layout.ts';
import { layoutOf } from '../../chart/layouts.ts';
import { Outline } from '../../chart/outline.tsx';
import type { ChartWay } from '../../chart/way.ts';
import { clockText, durationText } from '../../format.ts';
import { useKeys } from '../../keys.ts';

/** The chart of a live machine, with what it did since the page looks and what can come next. */
export function MachineArea(props: {
  readonly view: ActorDetail;
  readonly machine: MachineNow;
  readonly sinceMs: number;
  readonly at: number;
}) {
  const { view, machine, sinceMs } = props;
  const lit = useSignal<string | null>(null);
  const [form, setForm] = useState(setting('chart') === 'outline' ? 'outline' : 'chart');
  const choose = (next: string): void => {
    setForm(next);
    setSetting('chart', next === 'chart' ? 'wide' : next);
  };
  useKeys({ c: () => choose(form === 'chart' ? 'outline' : 'chart') });
  const layout = layoutOf(machine.chart);
  if (layout === null) return null;
  const way: ChartWay = { ...machine, ending: null, lastWay: new Set() };
  return (
    <>
      <div class="bar">
        <h2 class="label">Chart</h2>
        <span class="mono quiet">
          {machine.chart}@{machine.version}
        </span>
        <span class="quiet" title="Since this page began to look: what was before is not recorded.">
          counts since {clockText(machine.since)}
        </span>
        <span class="end no-phone">
          <fieldset class="seg" aria-label="Form of the chart">
            {['chart', 'outline'].map((name) => (
              <button key={name} type="button" aria-pressed={form === name} onClick={() => choose(name)}>
                {name}
              </button>
            ))}
          </fieldset>
          <kbd>c</kbd>
        </span>
      </div>
      {form === 'chart' && (
        <div class="chart-wrap no-phone">
          <Chart layout={layout} way={way} sinceMs={sinceMs} lit={lit} />
        </div>
      )}
      <div class={form === 'chart' ? 'outlined' : undefined}>
        <Outline layout={layout} way={way} sinceMs={sinceMs} of={`this ${machine.chart}`} />
      </div>
      <Facts view={view} machine={machine} layout={layout} at={props.at} />
    </>
  );
}

function Facts(props: {
  readonly view: ActorDetail;
  readonly machine: MachineNow;
  readonly layout: ChartLayout;
  readonly at: number;
}) {
  const { view, machine, layout, at } = props;
  const claimed = machine.events.find(({ event }) => event === 'claim.done');
  const senders = [
    ['runtime', 'Runtime'],
    ['code', 'Your code'],
  ] as const;
  return (
    <dl class="next">
      {machine.context.length > 0 && (
        <>
          <dt>Data</dt>
          <dd>
            {machine.context.map(([key, value]) => (
              <span key={key}>
                <span class="quiet">{key}</span> {value}
              </span>
            ))}
            {claimed !== undefined && (
              <span>
                <span class="quiet">last claim</span> {durationText(at - claimed.at)} ago
              </span>
            )}
          </dd>
        </>
      )}
      {view.agent !== null && (
        <>
          <dt>Takes</dt>
          <dd>
            {view.agent.selection}
            {view.agent.isPinned ? (
              <span class="who quiet">set by an operator: code does not change it</span>
            ) : (
              ''
            )}
          </dd>
          <dt>Failure</dt>
          <dd class={view.agent.failure === null ? 'quiet' : 'fails'}>{view.agent.failure ?? 'none'}</dd>
        </>
      )}
      {senders.map(([by, who]) => {
        const events = machine.next.filter((possible) => possible.by === by);
        if (events.length === 0) return null;
        return (
          <>
            <dt key={by}>{who}</dt>
            <dd>
              {events.map((edge) => (
                <span key={edgeKey(edge)} class={edge.target === null ? 'open inner' : 'open'}>
                  {wayText(layout, edge)}
                  {edge.target === null ? '' : <span class="quiet"> {edge.target}</span>}
                </span>
              ))}
            </dd>
          </>
        );
      })}
      {machine.next.length === 0 && (
        <>
          <dt>Next</dt>
          <dd>
            <span class="shut">
              none: <span class="who">{machine.state} has no way out</span>
            </span>
          </dd>
        </>
      )}
    </dl>
  );
}
