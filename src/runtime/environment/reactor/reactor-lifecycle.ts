import { SignalboxError, shown } from '../../../errors.ts';
import type { ScheduledCall } from './reactor.ts';

/** What every reactor does the same way: keeps calls until it runs, and triggers until it stops. */
export class ReactorLifecycle {
  running = false;
  #whenRunning: (() => void)[] = [];
  readonly #beforeShutdown = new Set<() => void | Promise<void>>();

  run(): void {
    this.running = true;
    const calls = this.#whenRunning;
    this.#whenRunning = [];
    for (const call of calls) call();
  }

  /** Calls every trigger, also when earlier ones throw, and stops. Rejects with the first error. */
  async stop(): Promise<void> {
    const triggers = [...this.#beforeShutdown];
    this.#beforeShutdown.clear();
    const thrown: unknown[] = [];
    for (const trigger of triggers) {
      try {
        await trigger();
      } catch (error) {
        thrown.push(error);
      }
    }
    this.running = false;
    if (thrown.length > 0) throw thrown[0];
  }

  callWhenRunning(call: () => void): void {
    if (this.running) call();
    else this.#whenRunning.push(call);
  }

  addSystemEventTrigger(phase: string, event: string, call: () => void | Promise<void>): ScheduledCall {
    if (phase !== 'before' || event !== 'shutdown') {
      throw new SignalboxError('INVALID_OPTION', {
        option: 'trigger',
        expected: "phase 'before' of event 'shutdown'",
        actual: `${shown(phase)} of ${shown(event)}`,
      });
    }
    this.#beforeShutdown.add(call);
    return { cancel: () => this.#beforeShutdown.delete(call) };
  }
}
