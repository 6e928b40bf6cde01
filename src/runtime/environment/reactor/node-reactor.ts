import type { RunnableReactor, ScheduledCall } from './reactor.ts';
import { ReactorLifecycle } from './reactor-lifecycle.ts';

/** Node turns longer delays into 1 ms. */
const longestMs = 2 ** 31 - 1;

/**
 * The reactor of a Node process: its event loop and its clock.
 *
 * @example
 * ```ts
 * import { NodeReactor } from 'signalbox';
 *
 * const reactor = new NodeReactor();
 * reactor.run();
 * reactor.callLater(10, () => console.log('later'));
 * ```
 */
export class NodeReactor implements RunnableReactor {
  readonly #life = new ReactorLifecycle();
  readonly #keepsProcess: boolean;

  /** `keepsProcess: false` lets the process end while timed calls are pending. Default true. */
  constructor(options: { readonly keepsProcess?: boolean } = {}) {
    this.#keepsProcess = options.keepsProcess ?? true;
  }

  get running(): boolean {
    return this.#life.running;
  }

  now(): number {
    return Date.now();
  }

  run(): void {
    this.#life.run();
  }

  stop(): Promise<void> {
    return this.#life.stop();
  }

  callFromThread(call: () => void): void {
    setImmediate(call);
  }

  callInThread(call: () => void): void {
    setImmediate(call);
  }

  callLater(delayMs: number, call: () => void): ScheduledCall {
    if (delayMs > longestMs) {
      let first = this.callLater(longestMs, () => {
        first = this.callLater(delayMs - longestMs, call);
      });
      return { cancel: () => first.cancel() };
    }
    const timer = setTimeout(call, Math.max(0, delayMs));
    if (!this.#keepsProcess) timer.unref();
    return { cancel: () => clearTimeout(timer) };
  }

  callInBackground(delayMs: number, call: () => void): ScheduledCall {
    const timer = setTimeout(call, Math.min(Math.max(0, delayMs), longestMs));
    timer.unref();
    return { cancel: () => clearTimeout(timer) };
  }

  callWhenRunning(call: () => void): void {
    this.#life.callWhenRunning(call);
  }

  addSystemEventTrigger(phase: 'before', event: 'shutdown', call: () => void | Promise<void>): ScheduledCall {
    return this.#life.addSystemEventTrigger(phase, event, call);
  }
}
