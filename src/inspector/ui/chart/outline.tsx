import type { EdgeName } from '../../protocol/job.ts';
import { durationText } from '../format.ts';
import { Glyph, State } from '../parts/glyph.tsx';
import { isBad } from '../state.ts';
import { refusalOf } from './chart.tsx';
import { edgeKey } from './edge-key.ts';
import { type ChartLayout, wayText } from './layout.ts';
import { type Station, stationsOf } from './stations.ts';
import type { ChartWay } from './way.ts';

/** The chart as a list of stations: for those who hear the page, and on a phone. */
export function Outline(props: {
  readonly layout: ChartLayout;
  readonly way: ChartWay;
  readonly sinceMs: number;
  /** What it is the chart of: `this job`. */
  readonly of: string;
}) {
  const { layout, way, sinceMs } = props;
  const stations = stationsOf(layout);
  const any = stations.find(({ state }) => state === '');
  const leaves = way.states.filter(
    ({ state }) => state !== '' && !way.states.some((other) => other.state.startsWith(`${state}.`)),
  );
  return (
    <ol class="outline" aria-label={`Chart of ${props.of}, as a list`}>
      {leaves.map(({ state, visits, ms, isNow, isKnown }) => {
        const isOver = isNow && state === 'completed';
        const classes = [
          visits > 0 ? 'seen' : '',
          isNow ? 'now' : '',
          isOver ? (isBad(way.ending) ? 'ends' : 'done') : '',
        ];
        const names = classes.filter((name) => name !== '').join(' ');
        return (
          <li key={state} class={names} aria-current={isNow ? 'step' : undefined}>
            <div class="stop">
              <span class="name">
                {state}
                {visits > 0 ? ` ×${visits}` : ''}
              </span>
              {!isKnown && <span class="quiet">not in the chart of today</span>}
              {isOver && <State state={state} ending={way.ending} />}
              {/* A job does not stay in its end: how long ago that was is no time that it took. */}
              {!isOver && (
                <span class="dwell">{visits > 0 ? durationText(ms + (isNow ? sinceMs : 0), true) : '–'}</span>
              )}
            </div>
            <Ways
              layout={layout}
              way={way}
              station={stations.find((station) => station.state === state) ?? { state, ways: [], stays: [] }}
              isNow={isNow}
              wasHere={visits > 0}
            />
          </li>
        );
      })}
      {any !== undefined && (
        <li class="any">
          <div class="stop">
            <span class="name">any state</span>
          </div>
          <Ways layout={layout} way={way} station={any} isNow={false} wasHere={true} />
        </li>
      )}
    </ol>
  );
}

function Ways(props: {
  readonly layout: ChartLayout;
  readonly way: ChartWay;
  readonly station: Station;
  readonly isNow: boolean;
  readonly wasHere: boolean;
}) {
  const { layout, way, station, isNow, wasHere } = props;
  const { state } = station;
  const within = (source: string): boolean =>
    source === state || (source !== '' && state.startsWith(`${source}.`));
  // The ways out of a state around it were taken only from where it was.
  const taken = way.taken.filter(
    ({ source, target }) => target !== null && (source === state || (wasHere && within(source))),
  );
  const next = isNow ? way.next.filter(({ target }) => target !== null) : [];
  const open = next.filter(({ isOpen, why }) => isOpen && why === null);
  const shut = next.filter(({ isOpen, why }) => !(isOpen && why === null));
  const named = new Set([...taken, ...next].map(edgeKey));
  const others = [
    ...station.ways.filter((edge) => !named.has(edgeKey(edge))).map((edge) => namesOf(layout, edge)),
    ...(station.stays.length === 0 ? [] : [`stays: ${station.stays.join(', ')}`]),
  ];
  if (named.size + others.length === 0) return null;
  return (
    <ul class="ways">
      {taken.map((edge) => (
        <li key={`t${edgeKey(edge)}`}>
          <b>
            {wayText(layout, edge)} ×{edge.count}
          </b>{' '}
          → {edge.target}
        </li>
      ))}
      {open.map((edge) => (
        <li key={`o${edgeKey(edge)}`} class="is">
          can: {namesOf(layout, edge)}
        </li>
      ))}
      {shut.map((edge) => (
        <li key={`s${edgeKey(edge)}`} class="fails">
          <Glyph name="failed" /> {namesOf(layout, edge)}: {refusalOf(edge)}
        </li>
      ))}
      {others.length > 0 && <li class="others">{others.join(' · ')}</li>}
    </ul>
  );
}

function namesOf(layout: ChartLayout, edge: EdgeName): string {
  return `${wayText(layout, edge)} → ${edge.target}`;
}
