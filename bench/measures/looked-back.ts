import { median } from './statistics.ts';
import { Page } from './viewer.ts';

/** How long a page takes to show an earlier moment. Null: the inspector shows the present alone. */
export interface LookedBack {
  /** The first moment, in the middle of the history. */
  readonly enterMs: number | null;
  /** The entry before or after the one that is shown; the median. */
  readonly stepMs: number | null;
}

const none: LookedBack = { enterMs: null, stepMs: null };

/** Opens the overview at a moment that is over, and steps to and fro, as a page does: one request each. */
export async function lookBack(url: string, steps: number): Promise<LookedBack> {
  const page = new Page(url);
  const middle = Math.floor((await page.ask('hello')).seq / 2);
  const timed = async (at: number): Promise<number | null> => {
    const begin = performance.now();
    const { seq } = await page.ask(`overview?at=${at}`);
    return seq === at ? performance.now() - begin : null;
  };
  const enterMs = await timed(middle);
  if (enterMs === null) return none;
  const times: number[] = [];
  for (let step = 1; step <= steps; step += 1) {
    // Ten to the left, ten to the right.
    const ms = await timed(middle + (Math.floor(step / 10) % 2 === 0 ? -(step % 10) : (step % 10) - 10));
    if (ms !== null) times.push(ms);
  }
  return { enterMs, stepMs: median(times) };
}
