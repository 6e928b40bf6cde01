import { ConflictError, SignalboxError } from '../../../index.ts';
import { checkOptions, invalid } from '../../check-options.ts';
import type { SeededRandom } from './random.ts';

/**
 * The faults of a run. Each seed leaves some of them out and has the others more or less often, so that rare
 * combinations occur, and no defect hides behind a fault that stops everything.
 */
export interface SimulationFaults {
  /** Chance that a call of the store is answered late: usually a little, sometimes by more than the death interval. */
  readonly delays: number;
  /** Chance that the store refuses a call: nothing is read or written. */
  readonly refusals: number;
  /** Chance that a commit is made and its answer is lost. */
  readonly lostAnswers: number;
  /** The largest number of times that a process loses its store for a while. */
  readonly disconnections: number;
  /**
   * The largest number of times that a process stops for a while and continues, as a suspended one does without
   * noticing.
   */
  readonly pauses: number;
  /** The largest number of times that a process is killed. Another one starts, sometimes with the same UUID. */
  readonly kills: number;
  /**
   * The largest number of times that the wall clock of a process jumps, forward or back. The clock of the store
   * is right.
   */
  readonly clockJumps: number;
  /** The largest number of times that everything crashes at once, the store included, and starts again. */
  readonly crashes: number;
  /**
   * The largest number of times that a process stops just as the store starts a job for it, for longer than the death
   * interval. The answer comes some time after the process has continued.
   */
  readonly stalls: number;
}

/** All faults, as often as a run can bear. */
export const allFaults: SimulationFaults = {
  delays: 0.05,
  refusals: 0.02,
  lostAnswers: 0.01,
  disconnections: 2,
  pauses: 2,
  kills: 2,
  clockJumps: 2,
  crashes: 2,
  stalls: 2,
};

/**
 * Checks faults. @throws SignalboxError `INVALID_OPTION`: a misspelt one would leave a run without the intended
 * fault.
 */
export function checkedFaults(faults: Partial<SimulationFaults> | false): Partial<SimulationFaults> | false {
  if (faults === false) return faults;
  checkOptions(faults, Object.keys(allFaults), 'faults');
  for (const [name, usual] of Object.entries(allFaults)) {
    const value = faults[name as keyof SimulationFaults];
    const isChance = usual < 1;
    const isRight = isChance ? Number(value) <= 1 : Number.isInteger(value);
    if (value === undefined || (typeof value === 'number' && value >= 0 && isRight)) continue;
    const expected = isChance ? 'a chance from 0 to 1' : 'a whole number from 0 up';
    throw invalid(`faults.${name}`, expected, String(value));
  }
  return faults;
}

/** Returns the faults of one seed. */
export function drawnFaults(
  faults: Partial<SimulationFaults> | false,
  random: SeededRandom,
): SimulationFaults {
  const most = faults === false ? {} : faults;
  const drawn: Record<string, number> = {};
  for (const [name, usual] of Object.entries(allFaults)) {
    const highest = faults === false ? 0 : (most[name as keyof SimulationFaults] ?? usual);
    const share = random.pick([0, 0.3, 1]);
    drawn[name] = usual < 1 ? highest * share : Math.round(highest * share * random.next());
  }
  return drawn as unknown as SimulationFaults;
}

/** Makes the error of a lost connection: the outcome of the call is unknown. */
export function lostConnection(): Error {
  return Object.assign(new Error('the connection to the store was lost'), { code: 'ECONNRESET' });
}

/** Makes the error of a call that did nothing. A read gets only errors that reads can have. */
export function refusal(random: SeededRandom, isRead: boolean): Error {
  const kind = random.integer(0, isRead ? 5 : 7);
  if (kind < 4) return lostConnection();
  if (kind < 6) return new ConflictError({ subject: 'a record', expected: 'at rev 1', actual: 'rev 2' });
  if (kind === 6) return new SignalboxError('STORE_FULL', { path: 'the simulated store', needed: 1 });
  return new Error('the store has an error of its own');
}

/** Whether an error means that nothing was committed. After any other error the outcome is unknown. */
export function saysNotCommitted(error: unknown): boolean {
  if (error instanceof ConflictError) return true;
  return error instanceof SignalboxError && ['STORE_FULL', 'DUPLICATE_JOB'].includes(error.code);
}

/** Whether an error is one of the above, and not one of Signalbox itself. */
export function isInjected(error: unknown): boolean {
  return error instanceof Error && /^the (connection to the store|store has an error)/.test(error.message);
}
