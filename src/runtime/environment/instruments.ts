import type { AttemptEnding } from '../../model/jobs/attempts.ts';
import { Failure } from '../../model/values/failure.ts';
import { errorText, type Log } from './logging.ts';

/** A job that is put, as an instrument sees it. */
export interface InstrumentedPut {
  readonly id: string;
  /** Name of its definition. */
  readonly name: string;
  readonly queue: string;
}

/** An attempt that begins. */
export interface AttemptBegin extends InstrumentedPut {
  /** Name of the agent; null outside an agent. */
  readonly agent: string | null;
  /** Its number; the first is 1. */
  readonly attempt: number;
  /** What `put` gave for this job; null when it gave nothing. */
  readonly carried: string | null;
}

/** An attempt that has ended. */
export interface AttemptEnd extends AttemptBegin {
  readonly ending: AttemptEnding;
  /** Why it failed, was cancelled, or timed out; null when it did not. */
  readonly failure: Failure | null;
}

/**
 * What watches puts and attempts from outside, such as a tracer. Its errors are logged and change nothing. It is called in the
 * middle of the work, so it must be short.
 *
 * @example
 * ```ts
 * import { AsyncLocalStorage } from 'node:async_hooks';
 * import { createSignalbox, defineJob, type Instrument, memoryStore } from 'signalbox';
 *
 * const trace = new AsyncLocalStorage<string>();
 * const spans: string[] = [];
 * const instrument: Instrument = {
 *   // Stored with the job: its code continues the trace of the put, in whatever process.
 *   put: () => trace.getStore(),
 *   start: ({ carried }, call) => trace.run(carried ?? 'none', call),
 *   end: ({ name, ending }) => void spans.push(`${name} ${ending}`),
 * };
 * const work = defineJob({ name: 'work', run: () => trace.getStore() ?? '' });
 * const box = await createSignalbox({ store: memoryStore(), jobs: [work], instrument });
 * await box.start();
 * const job = await trace.run('trace-1', () => box.queue().put(work()));
 * console.log(await job.result(), spans); // => trace-1 [ 'work succeeded' ]
 * await box.stop();
 * ```
 */
export interface Instrument {
  /**
   * Called for each job as it is put, before its commit. What it returns is stored with the job, as annotation
   * `signalbox.carried`: text such as a `traceparent`. Undefined stores nothing.
   */
  put?(job: InstrumentedPut): string | undefined;
  /** Called as an attempt begins. `call` calls the code: call it once, in the context in which the code shall run. */
  start?(attempt: AttemptBegin, call: () => void): void;
  /** Called when an attempt has ended and that is written. An attempt whose process or whose job is lost has no end. */
  end?(attempt: AttemptEnd): void;
}

/**
 * Stands between attempts and their code, for tests: what it returns, or throws, is what the code has given. `call` calls the code.
 * It sees jobs of the program alone, and no code in a thread.
 *
 * @example
 * ```ts
 * import { createSignalbox, defineJob, type Intercept, memoryStore } from 'signalbox';
 *
 * const charge = defineJob({ name: 'charge', run: (cents: number) => `the bank took ${cents}` });
 * const intercept: Intercept = ({ name, args }, call) => (name === 'charge' ? `test: ${args}` : call());
 * const box = await createSignalbox({ store: memoryStore(), jobs: [charge], intercept });
 * await box.start();
 * const job = await box.queue().put(charge(4200));
 * console.log(await job.result()); // => test: 4200
 * await box.stop();
 * ```
 */
export type Intercept = (attempt: InterceptedAttempt, call: () => unknown) => unknown;

/** The attempt whose code is about to be called. */
export interface InterceptedAttempt extends InstrumentedPut {
  /** Its number; the first is 1. */
  readonly attempt: number;
  readonly args: readonly unknown[];
}

/** The annotation that keeps what `instrument.put` gave. */
export const carriedAnnotation = 'signalbox.carried';

/** What the instrument of a process gives for a job that is put; null: nothing. */
export function carriedBy(
  { instrument, log }: { readonly instrument: Instrument | null; readonly log: Log },
  job: InstrumentedPut,
): string | null {
  if (instrument === null) return null;
  const carried = guarded(log, 'put', () => instrument.put?.(job));
  return typeof carried === 'string' ? carried : null;
}

/** An error of an instrument is logged, and changes nothing. */
export function guarded<Result>(log: Log, hook: string, work: () => Result): Result | undefined {
  try {
    return work();
  } catch (error) {
    const failure = Failure.from(error);
    log.events('ERROR', () => `instrument.${hook} failed: ${errorText(failure)}`, { err: failure.toError() });
    return undefined;
  }
}
