import { median } from './statistics.ts';
import { Page } from './viewer.ts';

/** How long a page takes to show an earlier moment. */
export interface LookedBack {
  /** The first moment, in the middle of the history. */
  readonly enterMs: number;
  /** The entry before or after the one that is shown; the median. */
  readonly stepMs: number;
}

/** Opens the overview at a moment that is over, and steps to and fro, as a page does: one request each. */
export async function lookBack(url: string, steps: number): Promise<LookedBack> {
  const page = new Page(url);
  const middle = Math.floor((await page.ask('hello')).seq / 2);
  const timed = async (at: number): Promise<number> => {
    const begin = performance.now();
    const { seq } = await page.ask(`overview?at=${at}`);
    if (seq !== at) throw new Error(`Expected the overview at entry ${at}, got it at ${seq}.`);
    return performance.now() - begin;
  };
  const enterMs = await timed(middle);
  const times: number[] = [];
  for (let step = 1; step <= steps; step += 1) {
    // Ten to the left, ten to the right.
    times.push(await timed(middle + (Math.floor(step / 10) % 2 === 0 ? -(step % 10) : (step % 10) - 10)));
  }
  return { enterMs, stepMs: median(times) };
}
