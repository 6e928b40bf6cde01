import type { Verdict } from './books.ts';
import type { Told } from './campaign.ts';

/** Everything in a campaign that must not be, in words. `verdict` null: only what the processes themselves showed. */
export function violationsOf(told: Told, verdict: Verdict | null): readonly string[] {
  const counted = verdict === null ? [] : Object.entries(zeroOf(verdict)).filter(([, count]) => count > 0);
  return [
    ...(told.doubleHolders > 0 ? [`${told.doubleHolders} times two processes held the store`] : []),
    ...told.crashes,
    ...told.complaints,
    ...counted.map(([what, count]) => `${what}: ${count}`),
    ...(verdict?.problems ?? []),
  ];
}

/** The counts of a verdict that have to be 0. */
function zeroOf(verdict: Verdict): Readonly<Record<string, number>> {
  const { lost, phantoms, doubleCompletions, wrongStarts, quotaExceeded, unfinished, journal } = verdict;
  return { lost, phantoms, doubleCompletions, wrongStarts, quotaExceeded, unfinished, journal };
}
