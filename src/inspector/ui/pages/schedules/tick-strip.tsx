import type { ScheduleView } from '../../../protocol/queues.ts';
import { now } from '../../connection.ts';
import { instantText } from '../../format.ts';
import { isBad } from '../../state.ts';

/** So many of the last ticks stand beside the next ones. */
const mostLast = 20;

/** The last ticks and the next ones on one line of time: filled a job, red one that failed, hollow none. */
export function TickStrip({ view }: { readonly view: ScheduleView }) {
  const last = view.last.slice(0, mostLast);
  const instants = [...last.map(({ tick }) => tick), ...view.next, now.value];
  const [from, to] = [Math.min(...instants), Math.max(...instants)];
  if (from === to) return null;
  const x = (at: number): string => `${Math.round(((at - from) / (to - from)) * 9800 + 100) / 100}%`;
  return (
    <svg
      class={view.state === 'active' ? 'ticks' : 'ticks still'}
      role="img"
      aria-label="Ticks on a line of time"
    >
      <line class="t-base" x1="0" x2="100%" y1="22.5" y2="22.5" />
      {last.map(({ tick, became, ending }) => (
        <rect
          key={tick}
          class={became !== 'job' ? 't-none' : isBad(ending) ? 't-bad' : 't-made'}
          x={x(tick)}
          y="8"
          width="6"
          height="14"
          transform="translate(-3 0)"
        >
          <title>{`${instantText(tick, now.value)}: ${became === 'job' ? (ending ?? 'a job') : became}`}</title>
        </rect>
      ))}
      {view.next.map((tick) => (
        <rect key={tick} class="t-next" x={x(tick)} y="8.5" width="6" height="13" transform="translate(-3 0)">
          <title>{instantText(tick, now.value)}</title>
        </rect>
      ))}
      <line class="t-now" x1={x(now.value)} x2={x(now.value)} y1="0" y2="27" />
    </svg>
  );
}
