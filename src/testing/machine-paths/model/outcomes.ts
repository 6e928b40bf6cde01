import type { ChildOutcome } from '../../../model/durable/outcome.ts';
import { Failure } from '../../../model/values/failure.ts';

/** How a job ends: with what its code has given, or with what it has thrown. */
export type JobOutcome<Output = unknown> =
  | { readonly output: Output; readonly error?: never }
  | { readonly error: unknown; readonly output?: never };

/** An outcome, and what the code throws for it. */
export type Scripted = ChildOutcome & { readonly thrown?: unknown };

/** An outcome as machines get it. An error ends its job for good, whatever its retry policy says. */
export function scripted(given: JobOutcome): Scripted {
  if (!('error' in given)) return { ok: true, value: given.output };
  const thrown = unrecoverable(given.error);
  return { ok: false, failure: Failure.from(thrown), thrown };
}

/** Gives or throws what the code of the job shall have given. */
export function perform(outcome: Scripted): unknown {
  if (outcome.ok) return outcome.value;
  throw outcome.thrown;
}

/** A copy: the error of the program is left as it is. */
function unrecoverable(error: unknown): unknown {
  if (!(error instanceof Error)) return Object.assign(new Error(String(error)), { unrecoverable: true });
  const copy = Object.create(Object.getPrototypeOf(error), Object.getOwnPropertyDescriptors(error)) as Error;
  return Object.defineProperty(copy, 'unrecoverable', { value: true, enumerable: true });
}
