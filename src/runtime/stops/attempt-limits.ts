import type { Stop } from '../../../machines/job.context.ts';
import { ReassignedError } from '../../errors.ts';
import { stepJob } from '../../model/jobs/step.ts';
import type { Committer } from '../commits/committer.ts';
import { isStoreAway, isStoreClosed } from '../commits/retry-rules.ts';
import type { RuntimeContext } from '../commits/runtime-context.ts';
import type { ScheduledCall } from '../environment/reactor/reactor.ts';
import { SharedTimers } from '../environment/reactor/shared-timers.ts';
import type { Run } from '../execution/run.ts';

type Limit = Exclude<Stop['cause'], 'cancel'>;

/** A day: the timers of a reactor may not know delays of more than 2^31 ms, and fire at once. */
const longestMs = 86_400_000;
/** When a store that did not take the time-out is asked again. */
const askAgainMs = 1000;

/**
 * Watches the time limits of running attempts. A limit that passes is committed before the code hears of it, so a crash then is
 * no interruption. Timers count elapsed time; a deadline is an instant of the store's clock.
 */
export class AttemptLimits {
  readonly #context: RuntimeContext;
  readonly #committer: Committer;
  readonly #requestStop: (job: string) => void;
  readonly #timeouts: SharedTimers<Run>;
  readonly #beats = new WeakMap<Run, () => void>();

  /** `requestStop`: looks whether the code of a job is to stop. */
  constructor(committer: Committer, requestStop: (job: string) => void) {
    this.#context = committer.context;
    this.#committer = committer;
    this.#requestStop = requestStop;
    const { context } = committer;
    this.#timeouts = new SharedTimers(context.reactor, context, (run) => void this.#passed(run, 'timeout'));
  }

  /** Begins to watch an attempt that is called now. Most jobs have no limit. */
  watch(run: Run): void {
    const { timeout, deadline, name } = run.job;
    const heartbeat = this.#context.registry.definition(name)?.heartbeat ?? null;
    if (timeout === null && deadline === null && heartbeat === null) return;
    // Most of those that have a limit have this one alone.
    if (timeout !== null && timeout <= longestMs && deadline === null && heartbeat === null) {
      run.watch(this.#timeouts.begin(timeout, run));
      return;
    }
    const onTimeout = timeout === null ? null : this.#later(run, 'timeout', timeout);
    const msLeft = deadline === null ? null : Math.max(0, deadline - this.#context.store.now());
    const onDeadline = msLeft === null ? null : this.#later(run, 'deadline', msLeft);
    let onHeartbeat = heartbeat === null ? null : this.#later(run, 'heartbeat', heartbeat);
    if (heartbeat !== null)
      this.#beats.set(run, () => {
        onHeartbeat?.cancel();
        onHeartbeat = this.#later(run, 'heartbeat', heartbeat);
      });
    run.watch({
      cancel: () => {
        for (const call of [onTimeout, onDeadline, onHeartbeat]) call?.cancel();
        this.#beats.delete(run);
      },
    });
  }

  #later(run: Run, limit: Limit, ms: number): ScheduledCall {
    const { reactor } = this.#context;
    if (ms <= longestMs) return reactor.callLater(ms, () => void this.#passed(run, limit));
    let call = reactor.callLater(longestMs, () => {
      call = this.#later(run, limit, ms - longestMs);
    });
    return { cancel: () => call.cancel() };
  }

  /** The code gives a sign of life. */
  beat(run: Run): void {
    this.#beats.get(run)?.();
  }

  /** What is being committed is first, or is refused: then it is no attempt any more. */
  async #passed(run: Run, what: Limit): Promise<void> {
    if (run.isAborted) return;
    const { timers } = run;
    if (run.phase === 'code') {
      const timeout = stepJob(run.job, { type: 'job.timeout', at: this.#context.store.now(), what });
      try {
        await this.#committer.commit(run.by, [timeout], run.preconditions).written;
        return;
      } catch (error) {
        if (isStoreClosed(error)) return;
        // Another process took it for overdue: nothing else stops the code, since this one was not taken for dead.
        if (error instanceof ReassignedError) return run.abort(error);
        // The job may have been cancelled meanwhile.
        if (!isStoreAway(error)) this.#requestStop(run.job.id);
      }
    }
    // The attempt has ended by now, or another one is watched.
    if (run.timers !== timers || timers === null) return;
    run.watch(this.#context.reactor.callLater(askAgainMs, () => void this.#passed(run, what)));
  }
}
