import { NodeReactor, type ScheduledCall } from 'signalbox';

/** Time runs faster through it: an hour of the shop passes in a second. The origin is the same in every process. */
export class TimeLens extends NodeReactor {
  readonly #origin: number;
  readonly #factor: number;

  constructor(origin: number, factor: number) {
    super();
    this.#origin = origin;
    this.#factor = factor;
  }

  override now(): number {
    return this.#origin + (Date.now() - this.#origin) * this.#factor;
  }

  override callLater(delayMs: number, call: () => void): ScheduledCall {
    return super.callLater(delayMs / this.#factor, call);
  }
}
