import { beginnings, failEach, failingCalls } from '../store/json/nth-failure.ts';
import type { Part } from './part.ts';

/** Lets each operation of a workload fail, in every way. The tests take one way for each; this takes all. */
export async function failuresPart(progress: (line: string) => void): Promise<Part> {
  let runs = 0;
  const violations: string[] = [];
  for (const beginning of beginnings) {
    for (const call of failingCalls) {
      const found = await failEach(beginning, call, true);
      runs += found.runs;
      violations.push(...found.problems);
      progress(`each ${call} on ${beginning}: ${found.runs} failures, ${found.problems.length} problems`);
    }
  }
  return { figures: { failures: { runs, problems: violations.length } }, violations };
}
