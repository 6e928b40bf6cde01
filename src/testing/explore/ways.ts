import { type PerturbationName, perturbations } from './perturbations.ts';
import type { Point, PointJob } from './points.ts';
import type { Strike } from './strike.ts';

/** What is done to a life, with the name of that. */
export interface Plan {
  readonly name: string;
  readonly strikes: readonly Strike[];
}

/** Names what is done at a point, in words. */
type NameOf = (point: Point, words: string) => string;

/** The same life with one thing done at each of its points: as far as that can be done there. Pure. */
export function plansOf(
  points: readonly Point[],
  wanted: readonly PerturbationName[],
  canLose: boolean,
  nameOf: NameOf = ({ number, label }, words) => `commit ${number} ${label} · ${words}`,
): readonly Plan[] {
  return points.flatMap((point) =>
    wanted.flatMap((perturbation) =>
      perturbation === 'lost' && !canLose ? [] : plansAt(point, perturbation, nameOf),
    ),
  );
}

function plansAt(point: Point, perturbation: PerturbationName, nameOf: NameOf): readonly Plan[] {
  const words = perturbations[perturbation];
  const plan = (strike: Partial<Strike> = {}, what = words): Plan => ({
    name: nameOf(point, what),
    strikes: [{ call: point.call, perturbation, job: null, until: null, ...strike }],
  });
  const plansOfJobs = (jobs: readonly PointJob[]): readonly Plan[] =>
    jobs.map(({ id, name }, place) => {
      // Of jobs with one name the second has a 2 behind it.
      const before = jobs.slice(0, place).filter((each) => each.name === name).length;
      return plan({ job: id }, `${name}${before === 0 ? '' : ` ${before + 1}`} ${words}`);
    });
  switch (perturbation) {
    case 'taken':
      return point.holds ? [plan()] : [];
    case 'late':
      return point.tooLateAt === null ? [] : [plan({ until: point.tooLateAt })];
    case 'timer':
      return point.timers.map(({ actor, dueAt }) => plan({ until: dueAt }, words.replace('…', actor)));
    case 'twice':
      return point.isNamedMessage ? [plan()] : [];
    case 'throws':
      return point.calls ? [plan()] : [];
    case 'hangs':
      return point.calls && point.hasTimeLimit ? [plan()] : [];
    case 'pulled':
      return plansOfJobs(point.jobs.filter(({ state, isAwaited }) => state === 'pending' && !isAwaited));
    case 'cancelled':
      return plansOfJobs(point.jobs.filter(({ state }) => !/^(callbacks|completed)/.test(state)));
    default:
      return [plan()];
  }
}

/** One plan after another, in one life. Pure. */
export function joined(first: Plan, second: Plan): Plan {
  return {
    name: `${first.name}, then ${second.name}`,
    strikes: [...first.strikes, ...second.strikes],
  };
}
