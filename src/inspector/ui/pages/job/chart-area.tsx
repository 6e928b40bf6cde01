import type { Signal } from '@preact/signals';
import { useState } from 'preact/hooks';
import type { JobView } from '../../../protocol/job.ts';
import { setSetting, setting } from '../../browser.ts';
import { Chart } from '../../chart/chart.tsx';
import { jobLayout } from '../../chart/layout.ts';
import { Outline } from '../../chart/outline.tsx';
import type { Way } from '../../chart/way.ts';
import { useKeys } from '../../keys.ts';
import { NextEvents } from './next-events.tsx';

/** The real chart of the job with the way it took, beside the same as a list. */
export function ChartArea(props: {
  readonly view: JobView;
  readonly way: Way;
  readonly sinceMs: number;
  readonly lit: Signal<string | null>;
}) {
  const { view, way, sinceMs, lit } = props;
  const [form, setForm] = useState(setting('chart') === 'outline' ? 'outline' : 'wide');
  const choose = (next: string): void => {
    setForm(next);
    setSetting('chart', next);
  };
  useKeys({ c: () => choose(form === 'wide' ? 'outline' : 'wide') });
  return (
    <>
      <div class="bar">
        <h2 class="label">Chart</h2>
        <span class="mono quiet">{view.machine.name}</span>
        <span class="end no-phone">
          {form === 'wide' && <Key />}
          <fieldset class="seg" aria-label="Form of the chart">
            {['wide', 'outline'].map((name) => (
              <button key={name} type="button" aria-pressed={form === name} onClick={() => choose(name)}>
                {name}
              </button>
            ))}
          </fieldset>
          <kbd>c</kbd>
        </span>
      </div>
      {form === 'wide' && (
        <div class="chart-wrap no-phone">
          <Chart layout={jobLayout} way={way} sinceMs={sinceMs} lit={lit} />
        </div>
      )}
      <div class={form === 'wide' ? 'outlined' : undefined}>
        <Outline layout={jobLayout} way={way} sinceMs={sinceMs} of="this job" />
      </div>
      <NextEvents view={view} way={way} />
    </>
  );
}

function Key() {
  return (
    <span class="key">
      <span>
        <KeyLine kind="taken" />
        taken
      </span>
      <span>
        <KeyLine kind="next" />
        can be taken
      </span>
      <span>
        <KeyLine kind="blocked" />
        refused
      </span>
      <span>
        <KeyLine kind="guard" />
        guard
      </span>
    </span>
  );
}

function KeyLine({ kind }: { readonly kind: 'taken' | 'next' | 'blocked' | 'guard' }) {
  return (
    <svg viewBox="0 0 26 10" aria-hidden="true">
      <g class={`edge ${kind}`}>
        <path class="track" d="M0 5H26" />
        {kind === 'blocked' && <path class="stop" d="M13 0V10" />}
        {kind === 'guard' && <circle class="lamp" cx="13" cy="5" r="3.25" />}
      </g>
    </svg>
  );
}
