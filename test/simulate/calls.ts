import { local } from 'signalbox';
import type { SimulatedRun } from 'signalbox/testing';

/** Two polls, and what the store takes for them. */
const abortedWithinMs = 21_000;

/** One call of the code of a job. */
interface Call {
  readonly dispatcher: string | null;
  readonly signal: AbortSignal;
  hasEnded: boolean;
  /** When the job was called again elsewhere while this one was still running. */
  overtakenAt: number | null;
}

/** Every call of the code of a job, and what must be true when it is made. */
export class Calls {
  readonly #run: SimulatedRun;
  readonly #calls = new Map<string, Call[]>();

  constructor(run: SimulatedRun) {
    this.#run = run;
  }

  /** Records the start of a call. Returns the number of the call and a function that records its end. */
  called(): { readonly count: number; readonly ended: () => void } {
    const id = local.getJob()?.id ?? '?';
    const calls = this.#calls.get(id) ?? [];
    // Of two calls the one of the older attempt is wrong, also when it is made last: by a process that was stopped.
    const isLate = (local.getJob()?.record.attempts ?? 0) < (this.#run.job(id)?.attempts ?? 0);
    const now = this.#run.now();
    if (!isLate) for (const earlier of calls) if (!earlier.hasEnded) earlier.overtakenAt ??= now;
    const dispatcher = local.getDispatcher()?.uuid ?? null;
    const { signal } = local;
    const startedAt = now;
    const call: Call = { dispatcher, signal, hasEnded: false, overtakenAt: isLate ? now : null };
    calls.push(call);
    this.#calls.set(id, calls);
    this.#checkStart(id);
    const ended = (): void => {
      call.hasEnded = true;
      this.#checkTold(id, call);
      this.#checkStopped(id, call, startedAt);
    };
    return { count: calls.length, ended };
  }

  #checkStart(id: string): void {
    const run = this.#run;
    const job = run.job(id);
    if (job === undefined) run.violated(`I9 job ${id} is called before its put is synced`);
    else if (job.parent !== null && !['CALLBACKS', 'COMPLETED'].includes(run.job(job.parent)?.status ?? ''))
      run.violated(`I9 callback ${id} is called before the outcome of ${job.parent} is synced`);
    // By then it may be reassigned, and over: its one attempt is recorded.
    if (job?.name.startsWith('never') === true && job.attempts === 0)
      run.violated(`I5 job ${id} must not run twice, and is called before its start is synced`);
  }

  /** Code whose job was reassigned gets its abort signal at the next poll of its dispatcher, at the latest. */
  #checkTold(id: string, { dispatcher, signal, overtakenAt }: Call): void {
    const since = dispatcher === null ? null : this.#run.wellSince(dispatcher);
    if (since === null || overtakenAt === null || signal.aborted) return;
    const lateMs = this.#run.now() - Math.max(since, overtakenAt);
    if (lateMs > abortedWithinMs)
      this.#run.violated(
        `I6 job ${id} was reassigned, and its code on ${dispatcher} was not aborted for ${lateMs} ms`,
      );
  }

  /** Code that is to stop, because of a request or of a time limit, gets its abort signal at the next poll, at the latest. */
  #checkStopped(id: string, { dispatcher, signal, overtakenAt }: Call, startedAt: number): void {
    const since = dispatcher === null ? null : this.#run.wellSince(dispatcher);
    const { stop, timeout } = this.#run.job(id) ?? {};
    if (since === null || overtakenAt !== null || signal.aborted) return;
    const now = this.#run.now();
    const askedMs = stop == null || stop.at < startedAt ? 0 : now - Math.max(since, stop.at);
    if (askedMs > abortedWithinMs)
      this.#run.violated(
        `I18 job ${id} is to stop, and its code on ${dispatcher} was not aborted for ${askedMs} ms`,
      );
    const longMs = timeout == null ? 0 : now - Math.max(since, startedAt) - timeout;
    if (longMs > abortedWithinMs)
      this.#run.violated(`I19 an attempt of job ${id} on ${dispatcher} takes ${longMs} ms more than it may`);
  }

  /** What the journal says of the calls when everything is over. `crashes`: how often everything went down, or the store. */
  check(crashes: number): void {
    const run = this.#run;
    for (const [id, calls] of this.#calls) {
      const job = run.job(id);
      const attempts = job?.attempts ?? 0;
      // The last start before a power cut, or a crash of the server, may be uncounted.
      if (calls.length > attempts + crashes)
        run.violated(`I5 job ${id} was called ${calls.length} times in ${attempts} attempts`);
      if (job?.name.startsWith('never') === true && calls.length > 1)
        run.violated(`I5 job ${id} was called ${calls.length} times`);
    }
  }
}
