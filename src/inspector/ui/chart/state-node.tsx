import type { StateVisits } from '../../protocol/job.ts';
import { durationText } from '../format.ts';
import { isBad } from '../state.ts';
import type { NodeLayout } from './layout.ts';
import type { ChartWay } from './way.ts';

/** One state as a berth: its header is filled only where the job stands. */
export function StateNode(props: {
  readonly node: NodeLayout;
  readonly visits: StateVisits | undefined;
  readonly way: ChartWay;
  /** Time of the whole life, in which this state has a share. */
  readonly total: number;
  readonly sinceMs: number;
  readonly countOf: (event: string) => number;
}) {
  const { node, visits, way, total, countOf } = props;
  const { x, y, w, h, stays } = node;
  const isNow = visits?.isNow === true;
  const holdsOthers = node.staysAt !== undefined;
  const count = visits?.visits ?? 0;
  const end = node.state === 'completed' && isNow ? way.ending : null;
  const name = node.state.slice(node.state.lastIndexOf('.') + 1);
  const ms = (visits?.ms ?? 0) + (isNow ? props.sinceMs : 0);
  const [stayX, stayY] = node.staysAt ?? [x + 9, y + 66];
  return (
    <g class={classOf(count > 0, isNow, holdsOthers, end !== null, isBad(end))}>
      <rect class="box" x={x} y={y} width={w} height={h} />
      {isNow && !holdsOthers && (
        <rect class="lit" x={x + 1} y={y + 1} width={w - 2} height={Math.min(47, h - 2)} />
      )}
      <text class="name" x={x + (holdsOthers ? 10 : 9)} y={y + 18}>
        {name}
      </text>
      {(count > 0 || !holdsOthers) && (
        <text class="n right" x={x + w - 9} y={y + 18}>
          {count > 0 ? `×${count}` : '0'}
        </text>
      )}
      {!holdsOthers && end === null && (
        <text class="dwell right" x={x + w - 9} y={y + 38}>
          {count > 0 ? durationText(ms, true) : '–'}
        </text>
      )}
      {end !== null && (
        <>
          <use href={`#g-${end}`} x={x + 9} y={y + 29} width="10" height="10" />
          <text class="dwell" x={x + 24} y={y + 38}>
            {end}
          </text>
        </>
      )}
      {stays.length > 0 && !holdsOthers && <path class="cell" d={`M${x + 1} ${y + 50}h${w - 2}`} />}
      {count > 0 && !isNow && !holdsOthers && total > 0 && (
        <rect
          class="share"
          x={x}
          y={y + 47}
          width={Math.max(1.5, ((visits?.ms ?? 0) / total) * w)}
          height="3"
        />
      )}
      {stays.map((event, index) => {
        const times = countOf(event);
        return (
          <text key={event} class={times > 0 ? 'in taken' : 'in'} x={stayX} y={stayY + index * 14}>
            {event}
            {times > 0 ? ` ×${times}` : ''}
          </text>
        );
      })}
    </g>
  );
}

function classOf(
  seen: boolean,
  isNow: boolean,
  holdsOthers: boolean,
  isOver: boolean,
  endedBadly: boolean,
): string {
  return [
    'node',
    holdsOthers ? 'holds' : '',
    seen ? 'seen' : '',
    isNow ? 'now' : '',
    isOver ? (endedBadly ? 'ends' : 'done') : '',
  ]
    .filter((name) => name !== '')
    .join(' ');
}
