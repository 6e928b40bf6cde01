import { explainJob } from '../../reading/explain.ts';
import type { RuntimeContext } from './runtime-context.ts';

/** What a TimeoutError says of the job that was waited for. */
export interface WaitReason {
  readonly got: string;
  readonly repair: string;
}

/** Reads how far a job is and why it is probably not further. Undefined when there is no such job. */
export async function waitReason(
  { store, registry }: RuntimeContext,
  id: string,
): Promise<WaitReason | undefined> {
  const explanation = await explainJob(store, id, registry.known);
  if (explanation === undefined) return undefined;
  const { status, attempts, verdict } = explanation;
  const tries = `${attempts} ${attempts === 1 ? 'attempt' : 'attempts'}`;
  return { got: `status ${status} after ${tries}: ${verdict.text}`, repair: verdict.remedy };
}
