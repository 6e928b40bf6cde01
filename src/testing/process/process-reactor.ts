import type { RunnableReactor, ScheduledCall } from '../../index.ts';
import { invalid } from '../check-options.ts';

/** The living processes of each reactor: the last one stops it. */
const processes = new WeakMap<RunnableReactor, Set<ProcessReactor>>();

/** One process of a test in the reactor of the test. When it is killed, its calls are gone: timed ones, and open ones. */
export class ProcessReactor implements RunnableReactor {
  readonly #host: RunnableReactor;
  /** What is still to be called: timed calls, and triggers before the shutdown. */
  readonly #scheduled = new Set<ScheduledCall>();
  #isKilled = false;

  /** @throws SignalboxError `INVALID_OPTION` for what is no reactor. */
  constructor(host: RunnableReactor) {
    if (typeof host.callLater !== 'function') throw invalid('reactor', 'a reactor', String(host));
    this.#host = host;
    processes.set(host, (processes.get(host) ?? new Set()).add(this));
  }

  get running(): boolean {
    return this.#host.running;
  }

  now(): number {
    return this.#host.now();
  }

  run(): void {
    this.#host.run();
  }

  /** Stops the reactor of the test when no other process uses it. */
  async stop(): Promise<void> {
    if (this.#leave()) await this.#host.stop();
  }

  /** From now on it calls nothing. */
  kill(): void {
    this.#isKilled = true;
    this.#leave();
    for (const call of this.#scheduled) call.cancel();
    this.#scheduled.clear();
  }

  callFromThread(call: () => void): void {
    this.#host.callFromThread(() => this.#call(call));
  }

  callInThread(call: () => void): void {
    this.#host.callInThread(() => this.#call(call));
  }

  callWhenRunning(call: () => void): void {
    this.#host.callWhenRunning(() => this.#call(call));
  }

  callLater(delayMs: number, call: () => void): ScheduledCall {
    if (this.#isKilled) return { cancel: () => {} };
    const scheduled = this.#host.callLater(delayMs, () => {
      this.#scheduled.delete(scheduled);
      call();
    });
    return this.#kept(scheduled);
  }

  addSystemEventTrigger(phase: 'before', event: 'shutdown', call: () => void | Promise<void>): ScheduledCall {
    return this.#kept(this.#host.addSystemEventTrigger(phase, event, call));
  }

  #call(call: () => void): void {
    if (!this.#isKilled) call();
  }

  #kept(scheduled: ScheduledCall): ScheduledCall {
    this.#scheduled.add(scheduled);
    return {
      cancel: () => {
        this.#scheduled.delete(scheduled);
        scheduled.cancel();
      },
    };
  }

  /** Whether it was the last process. */
  #leave(): boolean {
    const all = processes.get(this.#host);
    all?.delete(this);
    return all === undefined || all.size === 0;
  }
}
