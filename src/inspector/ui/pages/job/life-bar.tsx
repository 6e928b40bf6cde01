import type { JobView } from '../../../protocol/job.ts';
import type { Way } from '../../chart/way.ts';
import { now } from '../../connection.ts';
import { clockText, durationText, instantText, numberText } from '../../format.ts';
import { isBad } from '../../state.ts';
import type { Steps } from './steps.ts';

/** The life of a job on the scale of its time: one mark an entry, what failed below, and where this page stands. */
export function LifeBar(props: { readonly view: JobView; readonly way: Way; readonly steps: Steps }) {
  const { view, way, steps } = props;
  const { lines } = view.history;
  const from = lines[0]?.at ?? way.at;
  const newest = lines.at(-1)?.at ?? way.at;
  // The life of a job that is over ends with it.
  const to = Math.max(from + 1, view.state === 'completed' ? newest : now.value);
  const place = (at: number): number => (Math.min(Math.max(at, from), to) - from) / (to - from);
  const at = way.isPast ? way.at : to;
  return (
    <div class="time">
      <span class="steps">
        <Step label="First (Home)" d="M2 2h1.6v10H2zM12 2v10L5 7z" step={steps.first} />
        <Step label="Back (←)" d="M10.5 2v10L3.5 7z" step={steps.back} />
      </span>
      <span class="where opt faint">{clockText(from)}</span>
      <div class="scale">
        <Marks view={view} place={place} at={at} cursor={place(at)} />
      </div>
      <span class="where">
        <span>
          seq <b>{numberText(way.line?.seq ?? 0)}</b>
        </span>
        <span class="no-phone">{instantText(way.line?.at ?? way.at, now.value, true)}</span>
        {way.isPast && <span class="past no-phone">{durationText(now.value - way.at)} ago</span>}
      </span>
      <span class="steps">
        <Step label="Forward (→)" d="M3.5 2v10l7-5z" step={steps.forward} />
        <Step label="Last (End)" d="M2 2v10l7-5zM10.4 2H12v10h-1.6z" step={steps.last} />
      </span>
      <button
        type="button"
        class="btn small"
        aria-disabled={steps.now === null}
        onClick={() => steps.now?.()}
      >
        Now <kbd>L</kbd>
      </button>
    </div>
  );
}

function Step(props: { readonly label: string; readonly d: string; readonly step: (() => void) | null }) {
  return (
    <button
      type="button"
      class="icon"
      aria-label={props.label}
      title={props.label}
      aria-disabled={props.step === null}
      onClick={() => props.step?.()}
    >
      <svg viewBox="0 0 14 14" aria-hidden="true">
        <path fill="currentColor" d={props.d} />
      </svg>
    </button>
  );
}

function Marks(props: {
  readonly view: JobView;
  readonly place: (at: number) => number;
  readonly at: number;
  readonly cursor: number;
}) {
  const { view, place, at, cursor } = props;
  const { lines } = view.history;
  const x = (share: number): string => `${(share * 100).toFixed(3)}%`;
  return (
    <svg role="img" aria-label={`${lines.length} entries over the life of this job`}>
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
      <svg x={x(cursor)} class="cursor" aria-hidden="true">
        <path class="tb-cur" d="M0 0V24" />
        <path class="tb-cur-h" d="M-4 0h8v3l-4 4-4-4z" />
      </svg>
    </svg>
  );
}

/** The stretches in which its code ran. */
function stretches(
  { history: { lines }, state }: JobView,
  until: number,
): readonly { readonly kind: 'run'; readonly from: number; readonly to: number }[] {
  return lines.flatMap((line, index) => {
    const next = lines[index + 1]?.at ?? (state === 'completed' ? line.at : until);
    const isRunning = line.to?.startsWith('active') === true && line.at < until;
    return isRunning ? [{ kind: 'run' as const, from: line.at, to: Math.min(next, until) }] : [];
  });
}
