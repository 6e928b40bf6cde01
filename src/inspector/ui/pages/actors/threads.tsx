import type { ThreadsView } from '../../../protocol/actors.ts';
import { durationText, numberText } from '../../format.ts';

/** More are too narrow to be counted. */
const mostCells = 48;

/** The worker threads of an agent, one cell a slot: filled one with a job, hollow one that waits for the next, dashed none. */
export function Threads({ threads, size }: { readonly threads: ThreadsView; readonly size: number }) {
  const { now, maxHeapMb, idleMs, maxJobs } = threads;
  const rules = [
    maxHeapMb === null ? null : `heap up to ${numberText(maxHeapMb)} MB`,
    `ends after ${durationText(idleMs)} without a job`,
    maxJobs === null ? null : `is replaced after ${numberText(maxJobs)} jobs`,
  ].filter((rule) => rule !== null);
  return (
    <section aria-label="Worker threads" class="rule">
      <div class="bar">
        <h2 class="label">Worker threads</h2>
        {now === null ? (
          <span class="quiet">of another process: not seen here</span>
        ) : (
          <span class="mono quiet">
            {numberText(now.busy)} busy, {numberText(now.idle)} idle, {numberText(now.started)} started
          </span>
        )}
        <span class="end quiet opt">each {rules.join(', ')}</span>
      </div>
      {now !== null && size <= mostCells && <Cells busy={now.busy} idle={now.idle} size={size} />}
    </section>
  );
}

function Cells({
  busy,
  idle,
  size,
}: {
  readonly busy: number;
  readonly idle: number;
  readonly size: number;
}) {
  // A thread that is being ended counts until it is gone.
  const count = Math.max(size, busy + idle);
  const step = 100 / Math.max(1, count);
  const lookOf = (index: number): string => (index < busy ? 'run' : index < busy + idle ? 'rest' : 'none');
  return (
    <div class="pad">
      <svg class="quota threads" aria-hidden="true">
        {Array.from({ length: count }, (_, index) => (
          <rect
            key={index}
            class={lookOf(index)}
            x={`${index * step + 0.15}%`}
            y="1.5"
            width={`${step - 0.3}%`}
            height="11"
          />
        ))}
      </svg>
    </div>
  );
}
