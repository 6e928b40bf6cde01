import type { Signal } from '@preact/signals';
import type { PossibleEvent } from '../../protocol/job.ts';
import { edgeKey } from './edge-key.ts';
import { type EdgeLook, EdgeTrack } from './edge-track.tsx';
import type { Stay } from './heat.ts';
import { type ChartLayout, type EdgeLayout, shortEvent } from './layout.ts';
import { StateNode } from './state-node.tsx';
import type { ChartWay } from './way.ts';

/** The chart of a machine with the way that one job or actor took through it. Hidden from those who hear the page: they have the outline. */
export function Chart(props: {
  readonly layout: ChartLayout;
  readonly way: ChartWay;
  /** How long it has stood where it stands: ticks. */
  readonly sinceMs: number;
  /** Key of the edge that is pointed at. */
  readonly lit: Signal<string | null>;
}) {
  const { layout, way, sinceMs, lit } = props;
  const looks = layout.edges.map((edge) => lookOf(edge, way));
  const order = looks.map((_, index) => index).sort((one, other) => rank(looks[one]) - rank(looks[other]));
  // Shares are of the life of the job: not of the time since, and nothing is counted twice.
  const total = way.states
    .filter(({ state }) => layout.nodes.some((node) => node.state === state && node.staysAt === undefined))
    .reduce((sum, { state, ms }) => sum + (state === 'completed' ? 0 : ms), 0);
  const stays = new Map(
    way.taken.filter(({ target }) => target === null).map((edge) => [edgeKey(edge), edge.count]),
  );
  const countOf = (source: string, event: string): number =>
    [...stays].find(([key]) => key.startsWith(`${source}|${event}|`))?.[1] ?? 0;
  return (
    <svg class="chart" viewBox={`-16 0 ${layout.width + 16} ${layout.height}`} aria-hidden="true">
      {order.map((index) => (
        <EdgeTrack
          key={index}
          edge={layout.edges[index] as EdgeLayout}
          look={looks[index] as EdgeLook}
          layout={layout}
          lit={lit}
        />
      ))}
      {layout.nodes.map((node) => (
        <StateNode
          key={node.state}
          node={node}
          visits={way.states.find(({ state }) => state === node.state)}
          way={way}
          total={total}
          sinceMs={sinceMs}
          countOf={(event) => countOf(node.state, event)}
        />
      ))}
      <Starts layout={layout} />
      {platesOf(layout, looks).map((plate) => (
        <Plate key={plate.at.join()} plate={plate} />
      ))}
      <AnyState
        layout={layout}
        stayOf={(event) => {
          const count = countOf('', event);
          return { count, look: count > 0 ? 'taken' : '' };
        }}
      />
    </svg>
  );
}

/** Where the chart begins, and the states that hold others. */
export function Starts({ layout }: { readonly layout: ChartLayout }) {
  return (
    <>
      {layout.starts.map(({ dot, r, tip }) => (
        <g key={dot.join()}>
          <circle class="start-dot" cx={dot[0]} cy={dot[1]} r={r} />
          <path class="start-line" d={`M${dot.join(' ')}H${tip[0] - 5}`} />
          <path class="start-dot" d={`M${tip.join(' ')}l-6.5 -3.75v7.5z`} />
        </g>
      ))}
    </>
  );
}

/** What every state takes: from here with a way of its own, or without leaving the state. */
export function AnyState(props: { readonly layout: ChartLayout; readonly stayOf: (event: string) => Stay }) {
  const { layout, stayOf } = props;
  if (layout.any === null) return null;
  const [x, y] = layout.any.at;
  return (
    <>
      {layout.edges
        .filter(({ source }) => source === '')
        .map(({ event, points: [[dotX, dotY] = [0, 0]] }) => (
          <circle key={event} class="any-dot" cx={dotX} cy={dotY} r="3.5" />
        ))}
      <text x={x} y={y} class="any">
        any state
      </text>
      {layout.any.events.map((event, index) => {
        const { count, look } = stayOf(event);
        return (
          <text key={event} x={x} y={y + 16 + index * 14} class={`any ${look}`.trim()}>
            {shortEvent(layout, event)}
            {count > 0 ? ` ×${count}` : ''}
          </text>
        );
      })}
    </>
  );
}

interface PlateLook {
  readonly at: EdgeLayout['plate'];
  readonly count: number;
  readonly isLast: boolean;
}

/** Counts stand on the tracks: ways that share a track share its plate. */
function platesOf(layout: ChartLayout, looks: readonly EdgeLook[]): readonly PlateLook[] {
  const plates = new Map<string, PlateLook>();
  for (const [index, { plate }] of layout.edges.entries()) {
    const { count = 0, isLast = false } = looks[index] ?? {};
    const other = plates.get(plate.join());
    plates.set(plate.join(), {
      at: plate,
      count: count + (other?.count ?? 0),
      isLast: isLast || other?.isLast === true,
    });
  }
  return [...plates.values()].filter(({ count }) => count > 0);
}

function Plate({ plate: { at, count, isLast } }: { readonly plate: PlateLook }) {
  const [x, y] = at;
  const width = 9 + String(count).length * 6;
  return (
    <g class={isLast ? 'last' : undefined}>
      <g class="plate">
        <rect x={x - width / 2} y={y - 7.5} width={width} height="15" />
        <text x={x} y={y + 3.75}>
          {count}
        </text>
      </g>
    </g>
  );
}

function lookOf(edge: EdgeLayout, way: ChartWay): EdgeLook {
  const key = edgeKey(edge);
  const count = way.taken.find((taken) => edgeKey(taken) === key)?.count ?? 0;
  const next = way.next.find((possible) => edgeKey(possible) === key);
  const isOpen = next?.isOpen === true && next.why === null;
  return {
    key,
    count,
    isLast: way.lastWay.has(key),
    next: next === undefined ? null : isOpen ? 'open' : 'blocked',
    refusal: next === undefined || isOpen ? null : refusalOf(next),
  };
}

/** What stops an event, in the fewest words. */
export function refusalOf({ guards, why }: PossibleEvent): string | null {
  const said = guards.find(({ answer }) => !answer);
  return said === undefined ? why : `${said.guard} said no`;
}

function rank(look: EdgeLook | undefined): number {
  if (look === undefined) return 0;
  if (look.isLast) return 4;
  if (look.count > 0) return 3;
  return look.next === null ? 0 : look.next === 'blocked' ? 1 : 2;
}
