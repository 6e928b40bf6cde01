import { invalid } from '../check-options.ts';

/** What can be done to a life at one of its commits. */
export type PerturbationName =
  | 'lost'
  | 'kill'
  | 'unanswered'
  | 'conflict'
  | 'disconnect'
  | 'full'
  | 'taken'
  | 'stopped'
  | 'late'
  | 'pulled'
  | 'cancelled'
  | 'throws'
  | 'hangs'
  | 'twice'
  | 'timer';

/** Each perturbation as the names of ways say it. */
export const perturbations: { readonly [name in PerturbationName]: string } = {
  lost: 'power cut',
  kill: 'kill',
  unanswered: 'no answer',
  conflict: 'conflict',
  disconnect: 'store away',
  full: 'store full',
  taken: 'taken over',
  stopped: 'stopped',
  late: 'too late',
  pulled: 'taken out',
  cancelled: 'cancelled',
  throws: 'next code throws',
  hangs: 'next code hangs',
  twice: 'sent twice',
  timer: 'next timer of … first',
};

export const perturbationNames = Object.keys(perturbations) as readonly PerturbationName[];

/** @throws SignalboxError `INVALID_OPTION` for what is no list of perturbations. */
export function checkPerturbations(given: readonly PerturbationName[]): void {
  if (!Array.isArray(given)) throw invalid('perturb', 'a list of perturbations', String(given));
  for (const name of given)
    if (!perturbationNames.includes(name))
      throw invalid('perturb', `of ${perturbationNames.join(', ')}`, String(name));
}
