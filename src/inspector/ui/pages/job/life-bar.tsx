import type { JobView } from '../../../protocol/job.ts';
import type { Way } from '../../chart/way.ts';
import { present, shownMoment } from '../../connection.ts';
import { isBad } from '../../state.ts';
import { nextLine } from '../../time/pace.ts';
import type { Steps } from '../../time/steps.ts';
import { TimeBar } from '../../time/time-bar.tsx';

/** The life of a job on the scale of its time: one mark an entry, what failed below, and where this page stands. */
export function LifeBar(props: {
  readonly view: JobView;
  readonly way: Way;
  readonly steps: Steps;
  readonly select: (seq: number | null) => void;
}) {
  const { view, way, steps, select } = props;
  const { lines } = view.history;
  const newest = lines.at(-1);
  const from = lines[0]?.at ?? way.at;
  // The life of a job that is over ends with it.
  const end = newest?.to === 'completed' ? newest.at : present.value;
  const to = Math.max(from + 1, end);
  const place = (at: number): number => (Math.min(Math.max(at, from), to) - from) / (to - from);
  const entryAt = (at: number): number | null => {
    const line = lines.findLast((each) => each.at <= at) ?? lines[0];
    return line === undefined || line === newest ? null : line.seq;
  };
  return (
    <TimeBar
      from={from}
      to={to}
      seq={way.isPast ? (shownMoment.value?.seq ?? way.line?.seq ?? 0) : (newest?.seq ?? 0)}
      at={way.isPast ? way.at : to}
      isPast={way.isPast}
      steps={steps}
      seqAt={entryAt}
      goTo={select}
      next={(seq, ms) => nextLine(lines, seq, ms)}
      label={`Moment in the life of this job, ${lines.length} entries`}
    >
      {(at) => <Marks view={view} place={place} at={at} />}
    </TimeBar>
  );
}

function Marks(props: {
  readonly view: JobView;
  readonly place: (at: number) => number;
  readonly at: number;
}) {
  const { view, place, at } = props;
  const { lines } = view.history;
  const x = (share: number): string => `${(share * 100).toFixed(3)}%`;
  return (
    <>
      <rect class="tb-base" x="0" y="19" width="100%" height="1" />
      {stretches(view, at).map(({ kind, from, to }) => (
        <rect
          key={`${kind}${from}`}
          class={`tb-${kind}`}
          x={x(place(from))}
          width={x(place(to) - place(from))}
          y="14"
          height="5"
        />
      ))}
      {lines.map((line) => (
        <g key={line.seq}>
          <rect
            class={line.at > at ? 'tb-later' : 'tb-n'}
            x={x(place(line.at))}
            y={line.from === line.to ? 13 : 7}
            width="2"
            height={line.from === line.to ? 6 : 12}
          />
          {(isBad(line.ending) || line.event === 'job.retry' || line.event === 'job.reschedule') && (
            <rect class="tb-f" x={x(place(line.at))} y="21" width="3" height="3" />
          )}
        </g>
      ))}
    </>
  );
}

/** The stretches in which its code ran. */
function stretches(
  { history: { lines } }: JobView,
  until: number,
): readonly { readonly kind: 'run'; readonly from: number; readonly to: number }[] {
  return lines.flatMap((line, index) => {
    const next = lines[index + 1]?.at ?? until;
    const isRunning = line.to?.startsWith('active') === true && line.at < until;
    return isRunning ? [{ kind: 'run' as const, from: line.at, to: Math.min(next, until) }] : [];
  });
}
