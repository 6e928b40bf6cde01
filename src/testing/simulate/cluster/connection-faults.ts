import type { OpenStore } from '../../../index.ts';
import { refusal, type SimulationFaults } from '../world/faults.ts';
import type { SeededRandom } from '../world/random.ts';

/** A call of the store by one process. */
export interface StoreCall {
  readonly kind: 'read' | 'commit' | 'claim';
  /** Of a commit: what it changes. */
  readonly changes: Parameters<OpenStore['commit']>[0]['changes'];
}

/** A change that is made. */
export type Changed = Pick<StoreCall['changes'][number], 'kind' | 'id' | 'event'>;

/** How late a call arrives, and its answer, in milliseconds. */
export interface Delay {
  readonly there: number;
  readonly back: number;
}

/** What goes wrong between one process and the store. */
export interface ConnectionFaults {
  /** The error of a call that does nothing; null: it is made. Asked first, once for each call. */
  refusal(call: StoreCall): Error | null;
  delay(call: StoreCall): Delay;
  /** Whether a commit or a claim is made, and its answer is lost. */
  losesAnswer(call: StoreCall): boolean;
  /** Whether an answer comes in a later turn. */
  answersLater(): boolean;
  /** A commit or a claim is made and written, with what it changed, and its process does not know it yet. */
  made?(call: StoreCall, changes: readonly Changed[]): void;
}

/** Faults that chance decides. */
export class RandomFaults implements ConnectionFaults {
  readonly #faults: Pick<SimulationFaults, 'delays' | 'refusals' | 'lostAnswers'>;
  readonly #random: SeededRandom;
  readonly #note: (what: string) => void;

  /** `note` is called with each fault. */
  constructor(
    faults: Pick<SimulationFaults, 'delays' | 'refusals' | 'lostAnswers'>,
    random: SeededRandom,
    note: (what: string) => void,
  ) {
    this.#faults = faults;
    this.#random = random;
    this.#note = note;
  }

  refusal(call: StoreCall): Error | null {
    if (!this.#random.chance(this.#faults.refusals)) return null;
    const error = refusal(this.#random, call.kind === 'read');
    this.#note(`is refused ${nameOf(call)}: ${error.message}`);
    return error;
  }

  /** None for most calls, some milliseconds for a late one, rarely a minute; there or on the way back. */
  delay(): Delay {
    const random = this.#random;
    if (!random.chance(this.#faults.delays)) return noDelay;
    const ms = random.pick([1, 1, 5, 50, 1000, 5000, random.chance(0.2) ? 70_000 : 10]);
    return random.chance(0.5) ? { there: ms, back: 0 } : { there: 0, back: ms };
  }

  losesAnswer(call: StoreCall): boolean {
    if (!this.#random.chance(this.#faults.lostAnswers)) return false;
    this.#note(`gets no answer to ${nameOf(call)}`);
    return true;
  }

  answersLater(): boolean {
    return this.#random.chance(0.2);
  }
}

export const noDelay: Delay = { there: 0, back: 0 };

/** A call in words. */
export function nameOf({ kind, changes }: StoreCall): string {
  return kind === 'commit' ? (changes[0]?.event ?? 'a commit') : `a ${kind}`;
}
