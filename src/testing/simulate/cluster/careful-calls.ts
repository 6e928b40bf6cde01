import { type Signalbox, SignalboxError } from '../../../index.ts';
import { isInjected, lostConnection, saysNotCommitted } from '../world/faults.ts';
import type { ClientDeps } from './client-deps.ts';

/** The answer to a call that was made once. */
type Answer<Value> = { readonly value: Value } | { readonly error: unknown };

/** The result of a call that was made until it was answered. `isCertain`: it has changed nothing. */
export type Answered<Value> =
  | { readonly value: Value }
  | { readonly error: unknown; readonly isCertain: boolean };

const limitMs = 30_000;
/** Answers after which nothing more is tried. */
const refusals = ['STEP_FAILED', 'ACTOR_NOT_FOUND', 'ACTOR_FINISHED', 'MAILBOX_FULL', 'EVENT_INVALID'];

/** The calls of one act that are made again until they are answered, as a careful program does. */
export class CarefulCalls {
  readonly #parts: ClientDeps;
  #underWay = 0;

  constructor(parts: ClientDeps) {
    this.#parts = parts;
  }

  /** The number of calls that wait for an answer, or for a process that can give one. */
  get underWay(): number {
    return this.#underWay;
  }

  /** Counts a call as one that is made again until it is answered. */
  async counted<Value>(call: () => Promise<Value>): Promise<Value> {
    this.#underWay += 1;
    try {
      return await call();
    } finally {
      this.#underWay -= 1;
    }
  }

  /** Makes a call through any process that is up, until it is answered. Null: it was given up, and may have happened. */
  make<Value>(what: string, call: (box: Signalbox) => Promise<Value>): Promise<Answered<Value> | null> {
    return this.counted(() => this.#make(what, call));
  }

  async #make<Value>(
    what: string,
    call: (box: Signalbox) => Promise<Value>,
  ): Promise<Answered<Value> | null> {
    const { world, isOver, anyBox, forgets, givesUp } = this.#parts;
    const { random } = world;
    let isUnknown = false;
    // As behind a load balancer: the next call of a client need not go where the last one went.
    const first = random.chance(0.4) ? anyBox() : this.#parts.nextBox();
    for (let box = first; ; box = anyBox()) {
      const answer: Answer<Value> = box === null ? { error: lostConnection() } : await this.within(call(box));
      world.note(`${what}: ${'error' in answer ? String(answer.error) : 'acknowledged'}`);
      if ('error' in answer) {
        const { error } = answer;
        if (error instanceof SignalboxError && refusals.includes(error.code))
          return { error, isCertain: !isUnknown };
        if (!isExpected(error)) throw error;
        isUnknown ||= box !== null && !saysNotCommitted(error);
        if (!isUnknown && random.chance(givesUp)) return { error, isCertain: true };
      } else if (!random.chance(forgets)) return answer;
      else isUnknown = true;
      if (isOver()) return null;
      const ms = random.integer(1, 2000);
      await world.sleep(box === null ? Math.max(ms, this.#parts.patienceMs) : ms);
    }
  }

  /** Does not wait for a process without an answer. */
  within<Value>(call: Promise<Value>): Promise<Answer<Value>> {
    const answered = call.then(
      (value) => ({ value }),
      (error: unknown) => ({ error }),
    );
    const late = this.#parts.world.sleep(limitMs).then(() => ({ error: lostConnection() }));
    return Promise.race([answered, late]);
  }
}

/** Whether an error is expected: a fault, or the state of a job, caused it. A mistake in a call is not expected. */
export function isExpected(error: unknown): boolean {
  if (error instanceof SignalboxError)
    return !/^(INVALID_|ARGS_|UNKNOWN_|QUEUE_|QUOTA_|JOB_EXISTS)/.test(error.code);
  return isInjected(error);
}
