import './sequence.css';
import {
  isEnd,
  type SequenceBar,
  type SequenceFold,
  type SequenceLane,
  type SequenceMessage,
  type SequenceView,
} from '../../protocol/timeline.ts';
import { clockText, durationText, numberText, processName, secondsText, shortId } from '../format.ts';
import { layoutOf, type SequenceLayout, shortened } from './sequence-layout.ts';

/** Who sent what to whom about one job: lanes from left to right, time from above. What comes after `at` is small print. */
export function SequencePicture(props: {
  readonly view: SequenceView;
  readonly at: number | null;
  readonly select: (seq: number) => void;
}) {
  const { view, at, select } = props;
  const layout = layoutOf(view);
  const { width, height } = layout;
  const pickedEnd = view.rows.findLastIndex((row) => row.is === 'message' && row.seq === at);
  const y = layout.y[pickedEnd];
  return (
    <>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keys. */}
      <section class="scroll seqwrap no-phone" aria-label="Sequence" tabIndex={0}>
        <svg class="seq" viewBox={`0 0 ${width} ${height}`} width={width} height={height} aria-hidden="true">
          {y !== undefined && <Picked view={view} layout={layout} at={at} end={y} />}
          {view.lanes.map((lane, index) => (
            <Lane key={index} lane={lane} x={layout.x[index] ?? 0} height={height} />
          ))}
          <text class="t" x={layout.left - 12} y="16">
            after, s
          </text>
          <text class="t" x={width - 8} y="16">
            seq
          </text>
          {view.rows.map((row, index) =>
            row.is === 'fold' ? (
              <Fold key={index} row={row} layout={layout} y={layout.y[index] ?? 0} />
            ) : null,
          )}
          {view.bars.map((bar, index) => (
            <Bar
              key={index}
              bar={bar}
              view={view}
              layout={layout}
              at={at}
              cut={y === undefined ? null : y + 10.5}
            />
          ))}
          {view.rows.map((row, index) =>
            row.is === 'message' ? (
              <Message
                key={index}
                row={row}
                layout={layout}
                y={layout.y[index] ?? 0}
                isLater={at !== null && row.seq > at}
                select={select}
              />
            ) : null,
          )}
          {y !== undefined && <path class="now-line" d={`M0 ${y + 10.5}H${width}`} />}
        </svg>
      </section>
      <Told view={view} at={at} select={select} />
    </>
  );
}

function Picked(props: {
  readonly view: SequenceView;
  readonly layout: SequenceLayout;
  readonly at: number | null;
  readonly end: number;
}) {
  const { view, layout, at, end } = props;
  const start = layout.y[view.rows.findIndex((row) => row.is === 'message' && row.seq === at)] ?? end;
  return <rect class="pick" x="0" y={start - 15} width={layout.width} height={end - start + 25} />;
}

function Lane({
  lane,
  x,
  height,
}: {
  readonly lane: SequenceLane;
  readonly x: number;
  readonly height: number;
}) {
  return (
    <>
      <path class="life" d={`M${x} 38V${height - 4}`} />
      <text class="lane-name mid" x={x} y="16">
        {lane.is === 'dispatcher' ? processName(lane.title) : lane.title}
      </text>
      <text class="lane-sub mid" x={x} y="30">
        {noteOf(lane)}
      </text>
    </>
  );
}

function noteOf({ is, note, job }: SequenceLane): string {
  if (is === 'agent') return `agent of ${processName(note)}`;
  return note === job ? shortId(note) : note;
}

function Fold({
  row,
  layout,
  y,
}: {
  readonly row: SequenceFold;
  readonly layout: SequenceLayout;
  readonly y: number;
}) {
  const { left, right } = layout;
  return (
    <>
      <rect class="fold" x={left} y={y - 13} width={right - left} height="22" />
      <text class="fold-l" x={left + 8} y={y + 2}>
        {foldText(row)}
      </text>
      {row.entries !== null && row.entries > 0 && (
        <text class="fold-l right" x={right - 8} y={y + 2}>
          ×{numberText(row.entries)} {row.repeats === null ? 'entries of others' : 'entries'} folded
        </text>
      )}
    </>
  );
}

/** `5.0 s held, then 2.3 s pending`, or `claim, start, reschedule ×240`. */
function foldText({ spans, repeats }: SequenceFold): string {
  if (repeats !== null) return `${repeats.events.join(', ')} ×${numberText(repeats.times)}`;
  return spans.map(({ is, ms }) => `${durationText(ms)} ${is}`).join(', then ');
}

function Bar(props: {
  readonly bar: SequenceBar;
  readonly view: SequenceView;
  readonly layout: SequenceLayout;
  readonly at: number | null;
  /** Where the later part begins; null: there is none. */
  readonly cut: number | null;
}) {
  const { bar, view, layout, at, cut } = props;
  const x = layout.x[bar.lane] ?? 0;
  const bottom = layout.height - 8;
  const top = layout.y[bar.from] ?? bottom;
  const isLast = bar.to === null && bar.is !== 'agent' && isEnd(bar.is);
  const end = isLast ? Math.min(bottom, top + 30) : bar.to === null ? bottom : (layout.y[bar.to] ?? bottom);
  const half = bar.is === 'running' || bar.is === 'failed' ? 6 : 4;
  const row = view.rows[bar.from];
  const isLater = at !== null && row?.is === 'message' && row.seq > at;
  const middle = cut === null || isLater ? end : Math.min(end, Math.max(top, cut));
  const part = (from: number, to: number, later: boolean) =>
    to > from && (
      <rect
        class={`b-${bar.is}${later ? ' later' : ''}`}
        x={x - half}
        y={from}
        width={2 * half}
        height={Math.max(1, to - from)}
      />
    );
  return (
    <>
      <rect class="under" x={x - 7} y={top} width="14" height={Math.max(1, end - top)} />
      {part(top, middle, isLater)}
      {part(middle, end, true)}
    </>
  );
}

function Message(props: {
  readonly row: SequenceMessage;
  readonly layout: SequenceLayout;
  readonly y: number;
  readonly isLater: boolean;
  readonly select: (seq: number) => void;
}) {
  const { row, layout, y } = props;
  const [from, to] = [layout.x[row.from] ?? 0, layout.x[row.to] ?? 0];
  const way = to < from ? -1 : 1;
  const tip = to - way * 6;
  const bad = row.isBad ? 'bad' : '';
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the list beside the picture has the same as buttons.
    <g class={props.isLater ? 'said later' : 'said'} onClick={() => props.select(row.seq)}>
      <rect class="hit" x="0" y={y - 16} width={layout.width} height="24" />
      {row.isFirst && (
        <>
          <text class="t" x={layout.left - 12} y={y + 4}>
            {row.afterMs === null ? clockText(row.at, true) : `+${secondsText(row.afterMs)}`}
          </text>
          <text class="t seqno" x={layout.width - 8} y={y + 4}>
            {numberText(row.seq)}
          </text>
        </>
      )}
      <path class={`msg ${bad} ${row.isBack ? 'back' : ''}`} d={`M${from + way * 5} ${y}H${tip - way * 5}`} />
      <path class={`msg-tip ${bad === '' ? '' : 'bad-tip'}`} d={`M${tip} ${y}l${-7 * way} -4v8z`} />
      <MessageText row={row} from={from} to={to} y={y - 5} />
    </g>
  );
}

/** Over the way: in its middle when it has room there, else at its end, where it is read. */
function MessageText(props: {
  readonly row: SequenceMessage;
  readonly from: number;
  readonly to: number;
  readonly y: number;
}) {
  const { row, from, to, y } = props;
  const text = shortened(row.text);
  const isNear = Math.abs(row.from - row.to) === 1;
  const [place, x] = isNear ? ['mid', (from + to) / 2] : to > from ? ['right', to - 16] : ['', to + 16];
  return (
    <text class={`msg-l ${row.isBad ? 'bad-l' : ''} ${place}`} x={x} y={y}>
      {text}
    </text>
  );
}

/** The same as a list: for those who hear the page, and on a phone, which has no room for lanes. */
function Told(props: {
  readonly view: SequenceView;
  readonly at: number | null;
  readonly select: (seq: number) => void;
}) {
  const { view, at, select } = props;
  const name = (lane: number): string => {
    const found = view.lanes[lane];
    return found === undefined ? '' : found.is === 'dispatcher' ? processName(found.title) : found.title;
  };
  return (
    <ol class="told outlined" aria-label="Sequence, as a list">
      {view.rows.map((row, index) => (
        <li key={index} class={row.is === 'message' && at !== null && row.seq > at ? 'later' : ''}>
          {row.is === 'fold' ? (
            <span class="quiet">{foldText(row)}</span>
          ) : (
            <>
              <span class="at">
                {row.isFirst
                  ? row.afterMs === null
                    ? clockText(row.at)
                    : `+${secondsText(row.afterMs)}`
                  : ''}
              </span>
              <button
                type="button"
                tabIndex={-1}
                aria-current={row.seq === at ? 'true' : undefined}
                onClick={() => select(row.seq)}
              >
                <span class="quiet">
                  {name(row.from)} → {name(row.to)}
                </span>{' '}
                <b class={row.isBad ? 'fails' : ''}>{row.text}</b>
              </button>
            </>
          )}
        </li>
      ))}
    </ol>
  );
}
