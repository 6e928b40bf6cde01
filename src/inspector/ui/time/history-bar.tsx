import type { TimebarView } from '../../protocol/timeline.ts';
import { go, hello, isInPast, route } from '../app-state.ts';
import { addressHash, zoneOffsetMs } from '../browser.ts';
import { newestSeq, present, shownMoment } from '../connection.ts';
import { instantText, numberText } from '../format.ts';
import { momentHash } from '../route.ts';
import { usePresent } from '../source/live.ts';
import { type History, hasHistory, heightsOf, instantOf, seqAt, ticksBetween } from './axis.ts';
import { nextSeq } from './pace.ts';
import { useTimeKeys } from './steps.ts';
import { TimeBar } from './time-bar.tsx';

/** The kept history of the store: how much happened when, what failed, and which moment the page shows. */
export function HistoryBar() {
  const noPast = hello.value?.noPast ?? null;
  const { answer } = usePresent<TimebarView>(noPast === null ? 'timebar' : null);
  const view = answer.value?.data ?? null;
  if (noPast !== null)
    return (
      <div class="time">
        <span class="why-not small">{noPast}</span>
      </div>
    );
  if (!hasHistory(view)) return <div class="time" />;
  return <Bar history={view} />;
}

function Bar({ history }: { readonly history: History }) {
  const { from, to } = history;
  const newest = Math.max(to.seq, newestSeq.value);
  const isPast = isInPast.value;
  // While a moment is read the cursor is there already; its instant is known when it was read.
  const asked = route.value.at;
  const seq = asked ?? newest;
  const shown = shownMoment.value;
  const at = asked === null ? present.value : shown?.seq === asked ? shown.at : instantOf(history, asked);
  const goTo = (next: number | null): void => {
    const hash = addressHash();
    go(momentHash(hash, next === null || next >= newest ? 'now' : Math.max(from.seq, next)), true);
  };
  const moves = {
    // From where the address is: keys may come faster than the page is drawn.
    by: (count: number) => goTo((route.peek().at ?? newest) + count),
    first: () => goTo(from.seq),
    last: () => goTo(null),
    now: () => (route.peek().at === null ? undefined : goTo(null)),
  };
  useTimeKeys(moves);
  const end = Math.max(to.at, from.at + 1);
  return (
    <TimeBar
      from={from.at}
      to={end}
      seq={seq}
      at={isPast ? at : end}
      isPast={isPast}
      steps={{
        first: seq > from.seq ? moves.first : null,
        back: seq > from.seq ? () => moves.by(-1) : null,
        forward: isPast ? () => moves.by(1) : null,
        last: isPast ? moves.last : null,
        now: isPast ? moves.now : null,
      }}
      seqAt={(instant) => (instant >= end ? null : seqAt(history, instant))}
      goTo={goTo}
      next={(before, ms) => nextSeq(history, before, ms)}
      label={`Moment, from ${instantText(from.at, present.value)}, seq ${numberText(from.seq)}`}
    >
      {(cursor) => <Density history={history} from={from.at} to={end} at={cursor} />}
    </TimeBar>
  );
}

/** What has not happened yet at the cursor is small print. */
function Density(props: {
  readonly history: History;
  readonly from: number;
  readonly to: number;
  readonly at: number;
}) {
  const { history, from, to, at } = props;
  const heights = heightsOf(history);
  const width = 1000 / Math.max(1, (to - from) / history.stepMs);
  const isLater = (index: number): boolean => from + index * history.stepMs > at;
  const bars = (later: boolean): string =>
    heights
      .flatMap((height, index) =>
        height === 0 || isLater(index) !== later
          ? []
          : `M${(index * width).toFixed(1)} 19v-${(height * 17).toFixed(1)}h${(width * 0.7).toFixed(1)}v${(height * 17).toFixed(1)}z`,
      )
      .join('');
  const failed = history.failed
    .flatMap((count, index) =>
      count === 0
        ? []
        : `M${(index * width).toFixed(1)} 21h${Math.max(2, width * 0.7).toFixed(1)}v3h-${Math.max(2, width * 0.7).toFixed(1)}z`,
    )
    .join('');
  const ticks = ticksBetween(from, to, zoneOffsetMs(from))
    .map((tick) => `M${(((tick - from) / (to - from)) * 1000).toFixed(1)} 0V24`)
    .join('');
  return (
    <>
      <svg viewBox="0 0 1000 24" preserveAspectRatio="none" aria-hidden="true">
        <path class="tb-tick" d={ticks} />
        <path class="tb-n" d={bars(false)} />
        <path class="tb-later" d={bars(true)} />
        <path class="tb-f" d={failed} />
      </svg>
      <rect class="tb-base" x="0" y="19" width="100%" height="1" />
    </>
  );
}
