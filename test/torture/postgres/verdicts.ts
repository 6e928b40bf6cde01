import type { Verdict } from './books.ts';
import type { Campaign } from './campaign.ts';

/** Everything in a campaign that must not be, in words. */
export function violationsOf(run: Campaign, verdict: Verdict): readonly string[] {
  const {
    lost,
    phantoms,
    doubleCompletions,
    wrongStarts,
    quotaExceeded,
    torn,
    wrongEndings,
    unfinished,
    journal,
  } = verdict;
  const zero = {
    lost,
    phantoms,
    doubleCompletions,
    wrongStarts,
    quotaExceeded,
    torn,
    wrongEndings,
    unfinished,
    journal,
  };
  const late = run.terminalWithinMs === null ? [`${run.left.length} jobs were not over in time`] : [];
  return [
    ...run.crashes,
    ...run.complaints,
    ...late,
    ...run.left,
    ...Object.entries(zero)
      .filter(([, count]) => count > 0)
      .map(([what, count]) => `${what}: ${count}`),
    ...verdict.problems,
  ];
}
