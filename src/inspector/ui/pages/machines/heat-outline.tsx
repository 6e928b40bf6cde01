import type { EdgeHeat } from '../../../protocol/machines.ts';
import { edgeKey } from '../../chart/edge-key.ts';
import { countText, type Heat } from '../../chart/heat.ts';
import { type ChartLayout, wayText } from '../../chart/layout.ts';
import { stationsOf } from '../../chart/stations.ts';
import { durationText, numberText } from '../../format.ts';
import { neverText } from './figures.tsx';

/** The heat map as a list of stations: for those who hear the page, and on a phone. */
export function HeatOutline(props: {
  readonly layout: ChartLayout;
  readonly heat: Heat;
  readonly hashOf: (edge: EdgeHeat) => string;
}) {
  const { layout, heat, hashOf } = props;
  const never = neverText(heat.machine);
  return (
    <ol class="outline" aria-label={`Chart ${heat.machine.name}, as a list`}>
      {stationsOf(layout).map((station) => {
        const found = heat.stateOf(station.state);
        const dwell = found?.dwell ?? null;
        const stays = [station.state, outerOf(station.state)].flatMap((state) =>
          state === null ? [] : heat.staysOf(state),
        );
        const ways = station.ways.flatMap((edge) => heat.edgeOf(edgeKey(edge)) ?? []);
        return (
          <li key={station.state} class={(found?.population?.n ?? 0) > 0 ? 'seen' : undefined}>
            <div class="stop">
              <span class="name">{station.state === '' ? 'any state' : station.state}</span>
              {found !== undefined && <span class="mono">{countText(found.population)}</span>}
              {dwell !== null && (
                <span class="dwell">
                  p50 {durationText(dwell.p50)} · p95 {durationText(dwell.p95)}
                </span>
              )}
            </div>
            <ul class="ways">
              {[...ways, ...stays.filter((edge) => !isNever(edge))].map((edge) => (
                <li key={edgeKey(edge)}>
                  <a href={hashOf(edge)}>{wayText(layout, edge)}</a>
                  {edge.target === null ? ', stays' : ` → ${edge.target}`} {timesOf(edge, never)}
                </li>
              ))}
              {stays.some(isNever) && (
                <li>
                  stays, {never}:{' '}
                  {stays
                    .filter(isNever)
                    .map((edge) => wayText(layout, edge))
                    .join(', ')}
                </li>
              )}
            </ul>
          </li>
        );
      })}
    </ol>
  );
}

function isNever({ count }: EdgeHeat): boolean {
  return count === 0;
}

function timesOf({ count }: EdgeHeat, never: string) {
  if (count === null) return null;
  return count === 0 ? never : <b>{numberText(count)}</b>;
}

function outerOf(state: string): string | null {
  const at = state.lastIndexOf('.');
  return at < 0 ? null : state.slice(0, at);
}
