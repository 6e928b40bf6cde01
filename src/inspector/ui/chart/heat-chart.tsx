import type { CoverageVerdict } from '../../../reading/coverage/compare/compare-coverage.ts';
import type { EdgeHeat } from '../../protocol/machines.ts';
import { durationText, numberText } from '../format.ts';
import { AnyState, Starts } from './chart.tsx';
import { edgeKey } from './edge-key.ts';
import { countText, flowAt, type Heat, heatLevel, type Stay, stayOf, warmth } from './heat.ts';
import {
  type ChartLayout,
  type EdgeLayout,
  type NodeLayout,
  shortEvent,
  tipPath,
  trackPath,
  wayText,
} from './layout.ts';

/** A chart as a heat map: its ways as strong as they were taken. Hidden from those who hear the page: they have the outline. */
export function HeatChart(props: {
  readonly layout: ChartLayout;
  readonly heat: Heat;
  /** Key of the way that is picked. */
  readonly picked: string | null;
  /** Null: its ways lead nowhere. */
  readonly hashOf: ((edge: EdgeHeat) => string) | null;
}) {
  const { layout, heat, picked, hashOf } = props;
  const rank = (edge: EdgeLayout): number =>
    edgeKey(edge) === picked || heat.verdictOf?.(edge) === 'untested'
      ? Number.POSITIVE_INFINITY
      : (heat.edgeOf(edgeKey(edge))?.count ?? 0);
  const order = [...layout.edges].sort((one, other) => Math.sign(rank(one) - rank(other)) || 0);
  return (
    <svg class="chart heat" viewBox={`-16 0 ${layout.width + 40} ${layout.height}`} aria-hidden="true">
      {order.map((edge) => (
        <HeatWay
          key={edgeKey(edge)}
          layout={layout}
          edge={edge}
          count={heat.edgeOf(edgeKey(edge))?.count ?? null}
          isPicked={edgeKey(edge) === picked}
          verdict={heat.verdictOf?.(edge) ?? null}
          hash={hashOf?.({ ...edge, count: null }) ?? null}
        />
      ))}
      {layout.nodes.map((node) => (
        <HeatState key={node.state} layout={layout} node={node} heat={heat} />
      ))}
      <Starts layout={layout} />
      <AnyState layout={layout} stayOf={(event) => stayOf(heat, '', event)} />
    </svg>
  );
}

function HeatWay(props: {
  readonly layout: ChartLayout;
  readonly edge: EdgeLayout;
  readonly count: number | null;
  readonly isPicked: boolean;
  readonly verdict: CoverageVerdict | null;
  readonly hash: string | null;
}) {
  const { layout, edge, count, isPicked, verdict, hash } = props;
  const level = count === null ? 1 : heatLevel(count);
  const at = flowAt(edge);
  const [x, y] = edge.label;
  const anchor = edge.anchor === 'mid' ? 'mid' : undefined;
  const flow = count === null || count === 0 ? null : numberText(count);
  const classes = ['edge', level === 0 ? 'never' : `f${level}`, isPicked ? 'picked' : '', verdict ?? ''];
  const drawn = (
    <g class={classes.filter((name) => name !== '').join(' ')}>
      <path class="wide" d={trackPath(edge.points, layout.chamfer, 0)} />
      <path d={level === 0 ? dashedPath(edge, layout) : trackPath(edge.points, layout.chamfer, 4)} />
      <path class="tip" d={tipPath(edge.points, 3.5 + level * 0.6)} />
      <text x={x} y={y} class={anchor}>
        {wayText(layout, edge)}
        {flow !== null && at === 'after' && <tspan class="flow"> {flow}</tspan>}
      </text>
      {flow !== null && at !== 'after' && (
        <text x={at[0]} y={at[1]} class="flow mid">
          {flow}
        </text>
      )}
    </g>
  );
  // Those who use keys have the outline and the table.
  return hash === null ? (
    drawn
  ) : (
    <a href={hash} tabindex={-1}>
      {drawn}
    </a>
  );
}

/** From its end on, so that ways which share a rail share its dashes. */
function dashedPath({ points }: EdgeLayout, { chamfer }: ChartLayout): string {
  return trackPath(points.toReversed(), chamfer, 0);
}

const lineHeight = 14;

function HeatState(props: { readonly layout: ChartLayout; readonly node: NodeLayout; readonly heat: Heat }) {
  const { layout, node, heat } = props;
  const { state, x, y, w, h, stays, staysAt } = node;
  const holdsOthers = staysAt !== undefined;
  const found = heat.stateOf(state);
  const name = state.slice(state.lastIndexOf('.') + 1);
  const isEmpty = (found?.population?.n ?? 0) === 0;
  if (holdsOthers)
    return (
      <g class="node holds">
        <rect class="box" x={x} y={y} width={w} height={h} />
        <text class="name" x={x + 10} y={y + 18}>
          {name}
        </text>
        {stays.map((event, index) => {
          const { count, look } = stayOf(heat, state, event);
          return (
            <text key={event} class={`in ${look}`.trim()} x={staysAt[0]} y={staysAt[1] + index * lineHeight}>
              {shortEvent(layout, event)}
              {count > 0 ? ` ${numberText(count)}` : ''}
            </text>
          );
        })}
      </g>
    );
  return (
    <g class="node">
      <rect class="box" x={x} y={y} width={w} height={h} />
      <rect
        class="warm"
        x={x + 1}
        y={y + 1}
        width={w - 2}
        height={Math.min(48, h - 2)}
        fill-opacity={found === undefined ? 0 : warmth(found)}
      />
      <text class="name" x={x + 9} y={y + 17}>
        {name}
      </text>
      {heat.verdictOf === null && (
        <text class={isEmpty ? 'pop none' : 'pop'} x={x + 9} y={y + 39}>
          {countText(found?.population ?? null)}
        </text>
      )}
      <Figures layout={layout} node={node} heat={heat} top={heat.verdictOf === null ? 65 : 37} />
    </g>
  );
}

/** What there is room for below the header: how long stays last, and what the state takes without being left. */
function Figures(props: {
  readonly layout: ChartLayout;
  readonly node: NodeLayout;
  readonly heat: Heat;
  /** Where the first line stands. */
  readonly top: number;
}) {
  const { layout, node, heat, top } = props;
  const { state, x, y, w, h, stays } = node;
  const rows = Math.max(0, Math.floor((h - top - 8) / lineHeight) + 1);
  const dwell = heat.stateOf(state)?.dwell ?? null;
  const times: readonly FigureLine[] =
    dwell === null
      ? []
      : [
          { name: 'p50', value: durationText(dwell.p50), of: 'dwell' },
          { name: 'p95', value: durationText(dwell.p95), of: 'dwell' },
        ];
  const taken = stays.map((event) => ({ event, ...stayOf(heat, state, event) }));
  const all = taken.map(({ event, count, look }): FigureLine => {
    const value = count === 0 ? null : numberText(count);
    return { name: shortEvent(layout, event), value, of: `in ${look}`.trim() };
  });
  const short = heat.verdictOf === null ? sumOf(taken) : verdictsOf(taken);
  const lines = [...times, ...(times.length + all.length <= rows ? all : short)].slice(0, rows);
  return (
    <>
      {lines.map(({ name, value, of }, index) => (
        <g key={name}>
          <text class={of} x={x + 9} y={y + top + index * lineHeight}>
            {name}
          </text>
          {value !== null && (
            <text class={`${of} right`} x={x + w - 9} y={y + top + index * lineHeight}>
              {value}
            </text>
          )}
        </g>
      ))}
    </>
  );
}

interface FigureLine {
  readonly name: string;
  readonly value: string | null;
  /** Its class. */
  readonly of: string;
}

/** Where there is no room for each stay. */
function sumOf(stays: readonly Stay[]): readonly FigureLine[] {
  const sum = stays.reduce((total, { count }) => total + count, 0);
  const kinds = stays.filter(({ count }) => count > 0).length;
  return [
    { name: 'stays', value: numberText(sum), of: 'dwell' },
    { name: `${kinds} of ${stays.length} kinds`, value: null, of: 'dwell' },
  ];
}

function verdictsOf(stays: readonly Stay[]): readonly FigureLine[] {
  const lineOf = (look: string, words: string): readonly FigureLine[] => {
    const n = stays.filter((stay) => stay.look === look).length;
    return n === 0 ? [] : [{ name: `${n} ${words}`, value: null, of: `in ${look}` }];
  };
  return [...lineOf('untested', 'in no test'), ...lineOf('tested', 'in tests'), ...lineOf('', 'never taken')];
}
