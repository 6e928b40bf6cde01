import type { JobView } from '../../../protocol/job.ts';
import { route } from '../../app-state.ts';
import type { Way } from '../../chart/way.ts';
import { type Steps, useTimeKeys } from '../../time/steps.ts';

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
    // Between two entries the first step back leads to the one before.
    const isBetween = at !== null && lines[from]?.seq !== at;
    to(Math.max(0, from) + (isBetween && by < 0 ? by + 1 : by));
  };
  const steps: Steps = {
    first: index > 0 ? () => to(0) : null,
    back: index > 0 ? () => move(-1) : null,
    forward: index < end ? () => move(1) : null,
    last: index < end ? () => to(end) : null,
    now: way.isPast ? () => select(null) : null,
  };
  useTimeKeys({ by: move, first: () => to(0), last: () => to(end), now: () => select(null) });
  return steps;
}
