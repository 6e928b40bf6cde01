import { isEnd, type JobLane, type LanePart, type LanesView } from '../../../protocol/timeline.ts';
import { clockText, durationText, numberText, shortId } from '../../format.ts';
import { State } from '../../parts/glyph.tsx';
import { Empty, ProblemBox, Skeleton } from '../../parts/messages.tsx';
import { jobHash } from '../../route.ts';
import { usePresent } from '../../source/live.ts';

/** How many entries a picture of lanes can span. */
export const lengths: readonly number[] = [200, 1000, 5000, 20_000];

const fills: Readonly<Record<LanePart['is'], string>> = {
  new: 'l-new',
  held: 's-held',
  pending: 'l-pending',
  assigned: 's-wait',
  running: 's-run',
  waiting: 'l-waiting',
  timingOut: 'l-stopping',
  cancelling: 'l-stopping',
  callbacks: 's-back',
  succeeded: 's-fine',
  failed: 's-stop',
  cancelled: 's-fine',
  other: 'l-new',
};

/** A bar a job over a part of the journal, on one scale of time. */
export function LanesPicture(props: {
  readonly text: string;
  readonly length: number;
  /** The first entry of the part, or the last one; both null: it ends with the newest one. */
  readonly from: number | null;
  readonly to: number | null;
  readonly at: number | null;
  readonly change: (to: { readonly from: number | null; readonly to: number | null }) => void;
  readonly select: (seq: number) => void;
}) {
  const { text, length, from, to, change } = props;
  const query = new URLSearchParams({ n: String(length) });
  if (from !== null) query.set('from', String(from));
  if (to !== null) query.set('to', String(to));
  if (text !== '') query.set('text', text);
  const live = usePresent<LanesView>(`lanes?${query}`);
  const view = live.answer.value?.data ?? null;
  if (view === null)
    return live.problem.value === null ? (
      <Skeleton />
    ) : (
      <ProblemBox problem={live.problem.value} again={live.again} />
    );
  const older = view.from > view.keptFrom;
  return (
    <>
      <div class="bar">
        <h2 class="label">Lanes</h2>
        <span class="mono quiet cut">
          seq {numberText(view.from)} – {numberText(view.to)} · {durationText(view.toAt - view.fromAt)} ·{' '}
          {numberText(view.jobs.length + view.more)} jobs
          {view.more > 0 ? `, the first ${numberText(view.jobs.length)} shown` : ''}
        </span>
        <span class="end">
          <button
            type="button"
            class="btn small"
            disabled={!older}
            onClick={() => change({ from: null, to: Math.max(view.keptFrom + length - 1, view.from - 1) })}
          >
            Earlier
          </button>
          <button
            type="button"
            class="btn small"
            disabled={view.to >= view.newest}
            onClick={() => change({ from: view.to + 1, to: null })}
          >
            Later
          </button>
        </span>
      </div>
      {view.jobs.length === 0 ? (
        <Empty title="No job has an entry there.">Go earlier, or take a longer part.</Empty>
      ) : (
        <Bars view={view} at={props.at} select={props.select} />
      )}
      {view.isCut && (
        <p class="pad faint small">
          {numberText(view.looked)} entries were looked at, and no more in one go.
        </p>
      )}
    </>
  );
}

function Bars(props: {
  readonly view: LanesView;
  readonly at: number | null;
  readonly select: (seq: number) => void;
}) {
  const { view } = props;
  const { fromAt, toAt } = view;
  const ticks = [0, 1, 2, 3, 4].map((part) => clockText(fromAt + ((toAt - fromAt) * part) / 4));
  return (
    <div class="lanes">
      <div class="lane-row lane-head" aria-hidden="true">
        <span>job</span>
        <span class="ticks">
          {ticks.map((tick, index) => (
            <span key={index}>{tick}</span>
          ))}
        </span>
        <span>then</span>
      </div>
      <ol aria-label="Jobs, in the order in which they are first seen">
        {view.jobs.map((job) => (
          <Row key={job.id} job={job} {...props} />
        ))}
      </ol>
    </div>
  );
}

function Row(props: {
  readonly job: JobLane;
  readonly view: LanesView;
  readonly at: number | null;
  readonly select: (seq: number) => void;
}) {
  const { job, view, at, select } = props;
  const last = job.parts.at(-1);
  return (
    <li class="lane-row">
      <a class="task cut" href={jobHash(job.id)} title={job.id}>
        {job.name ?? 'not kept'} <span class="faint">{shortId(job.id, 6)}</span>
      </a>
      <svg class="lane-bar" aria-hidden="true">
        <path class="axis" d="M0 11.5H4000" />
        {job.parts.map((part, index) => (
          <Part
            key={index}
            part={part}
            view={view}
            isLater={at !== null && part.seq !== null && part.seq > at}
            select={select}
          />
        ))}
      </svg>
      <State state={stateOf(last)} ending={endingOf(job, last)} />
    </li>
  );
}

function Part(props: {
  readonly part: LanePart;
  readonly view: LanesView;
  readonly isLater: boolean;
  readonly select: (seq: number) => void;
}) {
  const { part, view, select } = props;
  const span = Math.max(1, view.toAt - view.fromAt);
  const x = ((part.from - view.fromAt) / span) * 100;
  const isMark = isEnd(part.is);
  const { seq } = part;
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the log has the same entry as a line.
    <rect
      class={`${fills[part.is]}${props.isLater ? ' later' : ''}`}
      x={`${isMark ? Math.min(99.7, x) : x}%`}
      y={isMark ? 0 : 2}
      width={isMark ? 2 : `${Math.max(0.15, ((part.to - part.from) / span) * 100)}%`}
      height={isMark ? 12 : 8}
      onClick={() => seq !== null && select(seq)}
    >
      <title>
        {part.is} {isMark ? clockText(part.from, true) : durationText(part.to - part.from)}
      </title>
    </rect>
  );
}

const leaves: Readonly<Record<string, string>> = {
  running: 'active.running',
  waiting: 'active.waiting',
  timingOut: 'active.timingOut',
  cancelling: 'active.cancelling',
  held: 'pending',
};

function stateOf(last: LanePart | undefined): string {
  if (last === undefined) return 'gone';
  return isEnd(last.is) ? 'completed' : (leaves[last.is] ?? last.is);
}

function endingOf({ ending }: JobLane, last: LanePart | undefined): JobLane['ending'] {
  if (last?.is === 'failed') return ending === null || ending === 'succeeded' ? 'failed' : ending;
  return last?.is === 'succeeded' || last?.is === 'cancelled' ? last.is : null;
}

/** What the fillings mean. */
export function LanesLegend() {
  const words = [
    ['s-held', 'held until due'],
    ['l-pending', 'pending'],
    ['s-wait', 'assigned'],
    ['s-run', 'running'],
    ['l-waiting', 'waits for another'],
    ['l-stopping', 'asked to stop'],
    ['s-back', 'callbacks'],
    ['s-stop', 'failed'],
  ] as const;
  return (
    <>
      <div class="bar rule">
        <h2 class="label">Lifeline of a job</h2>
      </div>
      <div class="pad legend col">
        {words.map(([name, word]) => (
          <span key={name}>
            <svg viewBox="0 0 14 8" aria-hidden="true">
              <rect class={name} x=".5" y=".5" width="13" height="7" />
            </svg>
            {word}
          </span>
        ))}
      </div>
    </>
  );
}
