import type { ComparedChart } from '../../../reading/coverage/compare/compare-coverage.ts';
import { HeatChart } from '../chart/heat-chart.tsx';
import { layoutOf } from '../chart/layouts.ts';
import { coverageHeat } from './coverage-heat.ts';
import { CoverageOutline } from './coverage-outline.tsx';
import { CoverageRows, CoverageWays } from './coverage-ways.tsx';

/** A chart in three colours, and its ways as a table. */
export function ChartParts({ chart, isList }: { readonly chart: ComparedChart; readonly isList: boolean }) {
  const { states } = chart;
  const layout = hasPicture(chart) ? layoutOf(chart.machine) : null;
  const isDrawn = layout !== null && !isList;
  return (
    <div class={isDrawn || states.length === 0 ? 'parts-of-chart' : 'parts-of-chart beside'}>
      {isDrawn && (
        <div class="chart-wrap roomy no-phone">
          <HeatChart layout={layout} heat={coverageHeat(chart)} picked={null} hashOf={null} />
        </div>
      )}
      {states.length > 0 && (
        <div class={isDrawn ? 'outlined' : undefined}>
          <CoverageOutline chart={chart} />
        </div>
      )}
      <div class="ways">
        <CoverageWays chart={chart} />
        <CoverageRows chart={chart} />
      </div>
    </div>
  );
}

/** Whether the chart is one of the engine's that is drawn. */
export function hasPicture({ machine, version }: ComparedChart): boolean {
  return layoutOf(machine)?.version === version;
}
