import { SignalboxError } from '../../../index.ts';
import type { StoreFiles } from '../../../store/log.ts';
import type { PastThread, StartPastThread } from './past-port.ts';
import { errorOf, type PastReply, type PastThreadData } from './past-server.ts';
import type { PastAnswer, PastQuestion, Pasts, PastsSource } from './pasts.ts';

/** What a store is, whose past a thread reads. */
export interface ThreadedSource extends Pick<PastsSource, 'after' | 'hidden'>, PastThreadData {
  readonly start: StartPastThread;
  /** How far it is synced now. */
  files(): StoreFiles;
  /** Refuses a store that is too large. */
  check(): Promise<void>;
  /** Where no thread can be started: the package was not built. */
  readonly instead: Pasts;
}

const idleMs = 60_000;

interface Waiter {
  resolve(answer: PastAnswer | undefined): void;
  reject(error: Error): void;
}

/** Answers from another thread, so that a look at the past costs the jobs of this one nothing. */
export class ThreadedPasts implements Pasts {
  readonly #source: ThreadedSource;
  readonly #waiters = new Map<number, Waiter>();
  #thread: PastThread | null = null;
  #asked = 0;
  #cancelEnd = (): void => {};

  constructor(source: ThreadedSource) {
    this.#source = source;
  }

  async answer(question: PastQuestion): Promise<PastAnswer | undefined> {
    this.#cancelEnd();
    if (this.#thread === null) await this.#source.check();
    const hidden = await this.#source.hidden();
    const thread = this.#started();
    if (thread === null) return this.#source.instead.answer(question);
    this.#asked += 1;
    const id = this.#asked;
    try {
      return await new Promise((resolve, reject) => {
        this.#waiters.set(id, { resolve, reject });
        thread.setAwaited(true);
        thread.send({ id, store: this.#source.files(), hidden, question });
      });
    } finally {
      this.#waiters.delete(id);
      if (this.#waiters.size === 0) this.#rest();
    }
  }

  #started(): PastThread | null {
    const { start, name, place } = this.#source;
    this.#thread ??= start(
      { name, place },
      { onReply: (reply) => this.#heard(reply), onEnd: (reason) => this.#ended(reason) },
    );
    return this.#thread;
  }

  #heard(reply: PastReply): void {
    const waiter = this.#waiters.get(reply.id);
    if ('failure' in reply) waiter?.reject(errorOf(reply.failure));
    else waiter?.resolve(reply.answer ?? undefined);
  }

  /** The next question begins another thread. */
  #ended(reason: string): void {
    this.#thread = null;
    for (const { reject } of this.#waiters.values())
      reject(
        new SignalboxError('PAST_UNAVAILABLE', {
          found: `a thread that could not read it: ${reason}`,
          repair: 'Ask again; the present can be looked at meanwhile.',
        }),
      );
  }

  #rest(): void {
    this.#thread?.setAwaited(false);
    if (this.#thread === null) return;
    this.#cancelEnd();
    this.#cancelEnd = this.#source.after(idleMs, () => {
      this.#thread?.end();
      this.#thread = null;
    });
  }
}
