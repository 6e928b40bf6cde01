import { SignalboxError } from '../../errors.ts';
import type { Reactor, ScheduledCall } from './reactor/reactor.ts';

/** The waits of an engine before it takes a step again. They end with it: none keeps the process after `stop`. */
export class Sleeps {
  readonly #reactor: Reactor;
  readonly #underway = new Map<ScheduledCall, (reason: Error) => void>();
  #isOver = false;

  constructor(reactor: Reactor) {
    this.#reactor = reactor;
  }

  /** Resolves after this time. @throws SignalboxError `BOX_STOPPED` as soon as the box is stopped. */
  take(ms: number): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#isOver) {
        reject(stopped());
        return;
      }
      const call = this.#reactor.callLater(ms, () => {
        this.#underway.delete(call);
        resolve();
      });
      this.#underway.set(call, reject);
    });
  }

  /** Ends all that are under way, and every later one at once. */
  end(): void {
    this.#isOver = true;
    for (const [call, reject] of this.#underway) {
      call.cancel();
      reject(stopped());
    }
    this.#underway.clear();
  }
}

function stopped(): SignalboxError {
  return new SignalboxError('BOX_STOPPED', { call: 'taking a step again' });
}
