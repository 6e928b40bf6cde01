import { type PerturbationName, perturbations } from './perturbations.ts';
import type { Point } from './points.ts';
import type { Strike } from './strike.ts';

/** What is done to a life, with the name of that. */
export interface Plan {
  readonly name: string;
  readonly strikes: readonly Strike[];
}

/** The same life with one thing done at each of its points: as far as that can be done there. Pure. */
export function plansOf(
  points: readonly Point[],
  wanted: readonly PerturbationName[],
  canLose: boolean,
): readonly Plan[] {
  return points.flatMap((point) =>
    wanted.flatMap((perturbation) =>
      perturbation === 'lost' && !canLose ? [] : plansAt(point, perturbation),
    ),
  );
}

function plansAt(point: Point, perturbation: PerturbationName): readonly Plan[] {
  const plan = (strike: Partial<Strike> = {}, words = perturbations[perturbation]): Plan => ({
    name: `commit ${point.number} ${point.label} · ${words}`,
    strikes: [{ call: point.call, perturbation, job: null, until: null, ...strike }],
  });
  switch (perturbation) {
    case 'taken':
      return point.holds ? [plan()] : [];
    case 'late':
      return point.tooLateAt === null ? [] : [plan({ until: point.tooLateAt })];
    case 'timer':
      return point.timers.map(({ actor, dueAt }) => plan({ until: dueAt }, `next timer of ${actor} first`));
    case 'twice':
      return point.isNamedMessage ? [plan()] : [];
    case 'throws':
      return point.calls ? [plan()] : [];
    case 'hangs':
      return point.calls && point.hasTimeLimit ? [plan()] : [];
    case 'pulled':
      return point.jobs
        .filter(({ state, isAwaited }) => state === 'pending' && !isAwaited)
        .map(({ id, name }) => plan({ job: id }, `${name} taken out`));
    case 'cancelled':
      return point.jobs
        .filter(({ state }) => !/^(callbacks|completed)/.test(state))
        .map(({ id, name }) => plan({ job: id }, `${name} cancelled`));
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
