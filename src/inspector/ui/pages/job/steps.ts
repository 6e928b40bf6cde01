import type { JobView } from '../../../protocol/job.ts';
import type { Way } from '../../chart/way.ts';
import { useKeys } from '../../keys.ts';

/** Steps through the life of a job. Null: there is none further. */
export interface Steps {
  readonly first: (() => void) | null;
  readonly back: (() => void) | null;
  readonly forward: (() => void) | null;
  readonly last: (() => void) | null;
  readonly now: (() => void) | null;
}

/** The steps from one moment, also by keys. Each leads to an entry of this job; the newest one is now. */
export function useSteps(view: JobView, way: Way, select: (seq: number | null) => void): Steps {
  const { lines } = view.history;
  const end = lines.length - 1;
  const index = way.isPast ? lines.findIndex(({ seq }) => seq === way.line?.seq) : end;
  const to = (target: number): void => {
    const bounded = Math.min(end, Math.max(0, target));
    select(bounded === end ? null : (lines[bounded]?.seq ?? null));
  };
  const when = (isPossible: boolean, target: number): (() => void) | null =>
    isPossible ? () => to(target) : null;
  const steps: Steps = {
    first: when(index > 0, 0),
    back: when(index > 0, index - 1),
    forward: when(index < end, index + 1),
    last: when(index < end, end),
    now: way.isPast ? () => select(null) : null,
  };
  useKeys({
    ArrowLeft: () => steps.back?.(),
    ArrowRight: () => steps.forward?.(),
    'shift+ArrowLeft': () => to(index - 10),
    'shift+ArrowRight': () => to(index + 10),
    Home: () => steps.first?.(),
    End: () => steps.last?.(),
    L: () => steps.now?.(),
    Escape: () => steps.now?.(),
  });
  return steps;
}
