import type { ChartCoverage } from '../../../reading/coverage/compare/compare-coverage.ts';
import { HeatChart } from '../chart/heat-chart.tsx';
import { layoutOf } from '../chart/layouts.ts';
import { coverageHeat } from './coverage-heat.ts';
import { CoverageOutline } from './coverage-outline.tsx';

/** A chart in three colours: as a picture where there is one and room for it, else as an outline. */
export function CoverageChart({ chart }: { readonly chart: ChartCoverage }) {
  const layout = layoutOf(chart.machine);
  if (chart.states.length === 0) return null;
  if (layout === null || layout.version !== chart.version) return <CoverageOutline chart={chart} />;
  return (
    <>
      <div class="chart-wrap roomy no-phone">
        <HeatChart layout={layout} heat={coverageHeat(chart)} picked={null} hashOf={null} />
      </div>
      <div class="outlined">
        <CoverageOutline chart={chart} />
      </div>
    </>
  );
}
