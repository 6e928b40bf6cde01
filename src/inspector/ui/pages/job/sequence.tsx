import type { HistoryLine, JobView } from '../../../protocol/job.ts';
import { clockText, eventText, processName, secondsText } from '../../format.ts';
import { isBad } from '../../state.ts';

const laneWidth = 190;
const left = 96;
const rowHeight = 24;
const most = 60;

/** Who sent what to this job, and in which order. Silence over a second is folded, and said. */
export function Sequence({ view }: { readonly view: JobView }) {
  const lines = view.history.lines.slice(-most);
  const authors = [...new Set(lines.map(({ by }) => by))];
  const lanes = [...authors, 'job'];
  const x = (lane: number): number => left + 40 + lane * laneWidth;
  const jobLane = x(lanes.length - 1);
  const rows = rowsOf(lines);
  const height = 40 + (rows.at(-1)?.y ?? 0) + rowHeight;
  const width = jobLane + 150;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keys.
    <section class="seqwrap scroll" aria-label="Sequence" tabIndex={0}>
      <svg
        class="seq"
        viewBox={`0 0 ${width} ${height}`}
        width={width}
        height={height}
        role="img"
        aria-label="Sequence"
      >
        {lanes.map((lane, index) => (
          <g key={lane}>
            <text class="lane-name mid" x={x(index)} y="16">
              {lane === 'job' ? view.name : processName(lane)}
            </text>
            <path class="life" d={`M${x(index)} 26V${height - 4}`} />
          </g>
        ))}
        {rows.map(({ line, y, gapMs }, index) => {
          const from = x(lanes.indexOf(line.by));
          const bad = isBad(line.ending);
          const next = rows[index + 1];
          return (
            <g key={line.seq} transform={`translate(0 ${y + 40})`}>
              <rect
                class={barOf(line)}
                x={jobLane - 4}
                y="0"
                width="8"
                height={(next?.y ?? y + rowHeight) - y}
              />
              {gapMs !== null && (
                <text class="fold-l" x={left + 8} y={-rowHeight / 2 + 4}>
                  {secondsText(gapMs)} s
                </text>
              )}
              <text class="t" x={left - 8} y="4">
                {clockText(line.at, true)}
              </text>
              <path class={bad ? 'msg bad' : 'msg'} d={`M${from} 0H${jobLane - 10}`} />
              <path class={bad ? 'bad-tip' : 'msg-tip'} d={`M${jobLane - 5} 0l-8 -4.5v9z`} />
              <text class={bad ? 'msg-l bad-l' : 'msg-l'} x={from + 10} y="-4">
                {eventText(line.event)}
              </text>
              {line.from !== line.to && (
                <text class="lane-sub" x={jobLane + 12} y="4">
                  {line.ending ?? line.to}
                </text>
              )}
            </g>
          );
        })}
      </svg>
      {view.history.lines.length > most && <p class="faint small">The newest {most} entries.</p>}
    </section>
  );
}

function rowsOf(
  lines: readonly HistoryLine[],
): readonly { readonly line: HistoryLine; readonly y: number; readonly gapMs: number | null }[] {
  let y = 0;
  return lines.map((line, index) => {
    const before = lines[index - 1];
    const gapMs = before !== undefined && line.at - before.at >= 1000 ? line.at - before.at : null;
    if (index > 0) y += gapMs === null ? rowHeight : rowHeight * 2;
    return { line, y, gapMs };
  });
}

function barOf({ to }: HistoryLine): string {
  const name = to === null ? 'pending' : to.startsWith('active') ? 'running' : to;
  return ['pending', 'assigned', 'running', 'callbacks'].includes(name) ? `b-${name}` : 'b-none';
}
