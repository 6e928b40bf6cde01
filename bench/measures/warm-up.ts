import { type BurnDownOptions, warmUp } from './burn-down.ts';

/** Does what a burn-down does for so long, and forgets it: before turns in the same process. */
export async function measure(options: BurnDownOptions): Promise<object> {
  await warmUp(options);
  return {};
}
