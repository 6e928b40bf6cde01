import type { JobView } from '../../../protocol/job.ts';
import { route } from '../../app-state.ts';
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
  // From where the address is: keys may come faster than the page is drawn.
  const move = (by: number): void => {
    const { value } = route;
    const at = value.page === 'job' ? value.at : null;
    const from = at === null ? end : lines.findLastIndex(({ seq }) => seq <= at);
    to((from < 0 ? end : from) + by);
  };
  const steps: Steps = {
    first: index > 0 ? () => to(0) : null,
    back: index > 0 ? () => move(-1) : null,
    forward: index < end ? () => move(1) : null,
    last: index < end ? () => to(end) : null,
    now: way.isPast ? () => select(null) : null,
  };
  useKeys({
    ArrowLeft: () => move(-1),
    ArrowRight: () => move(1),
    'shift+ArrowLeft': () => move(-10),
    'shift+ArrowRight': () => move(10),
    Home: () => to(0),
    End: () => to(end),
    L: () => select(null),
    Escape: () => select(null),
  });
  return steps;
}
