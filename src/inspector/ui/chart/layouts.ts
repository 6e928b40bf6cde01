import agent from './agent.layout.json' with { type: 'json' };
import dispatcher from './dispatcher.layout.json' with { type: 'json' };
import { type ChartLayout, jobLayout } from './layout.ts';
import representation from './representation.layout.json' with { type: 'json' };
import supervisor from './supervisor.layout.json' with { type: 'json' };

// Pages that load late import this: the first load has the chart of jobs alone.
const layouts = new Map<string, ChartLayout>(
  [jobLayout, agent, dispatcher, representation, supervisor].map((layout) => [
    layout.chart,
    layout as unknown as ChartLayout,
  ]),
);

/** The picture of a chart of the engine, by the name of the chart. */
export function layoutOf(chart: string): ChartLayout | null {
  return layouts.get(chart) ?? null;
}
