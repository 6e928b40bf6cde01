import {
  SignalboxError,
  type Thread,
  type ThreadListener,
  type ThreadPort,
  type ThreadStart,
} from '../../index.ts';

/**
 * How a job fares in a virtual thread. `runs`: its code runs to its end. `hangs`: its code is not called, and the thread hears
 * nothing any more. `exits` and `runsOutOfMemory`: its code runs, and the thread is gone instead of giving its result.
 * `survives`: as `hangs`, and the thread does not exit when it is terminated, until `release`.
 */
export type ThreadFate = 'runs' | 'hangs' | 'exits' | 'runsOutOfMemory' | 'survives';

/** The options of virtual threads. */
export interface VirtualThreadsOptions {
  /** What the module of threads exports: the definitions that threads know. */
  readonly exports?: object;
  /** How a job fares in a thread, by its name and id. Default: it runs. */
  readonly fate?: (name: string, id: string) => ThreadFate;
}

/**
 * Threads that are none: code runs inline, in virtual time and with what the box has for ids and chance, so that a test can be
 * repeated. What goes between the sides is the same text as with worker threads. A thread can be made to hang, to exit, and to run
 * out of memory.
 *
 * @example
 * ```ts
 * import { agent, defineJob } from 'signalbox';
 * import { createTestBox, VirtualReactor, VirtualThreads } from 'signalbox/testing';
 *
 * const loop = defineJob({ name: 'loop', timeout: '1m', retry: { maxAttempts: 1 }, run: () => 'never' });
 * const reactor = new VirtualReactor();
 * const { box, tearDown } = await createTestBox({
 *   reactor,
 *   jobs: [loop],
 *   agent: agent({ executor: 'thread' }),
 *   threadModule: 'file:///jobs.js',
 *   threads: new VirtualThreads({ exports: { loop }, fate: () => 'hangs' }),
 * });
 * const job = await box.queue().put(loop());
 * await reactor.advance('66s');
 * console.log((await job.refresh()).ending, job.outcome?.ok === false && job.outcome.failure.code); // => failed TIMEOUT
 * await tearDown();
 * ```
 */
export class VirtualThreads implements ThreadPort {
  readonly #exports: object;
  readonly #fate: (name: string, id: string) => ThreadFate;
  readonly #alive = new Set<VirtualThread>();
  #started = 0;

  constructor({ exports = {}, fate = () => 'runs' }: VirtualThreadsOptions = {}) {
    if (typeof exports !== 'object' || exports === null)
      throw new SignalboxError('INVALID_OPTION', {
        option: 'exports',
        expected: 'the exports of a module',
        actual: typeof exports,
      });
    this.#exports = exports;
    this.#fate = fate;
  }

  /** How many threads were started, ever. */
  get started(): number {
    return this.#started;
  }

  /** How many have not exited. */
  get alive(): number {
    return this.#alive.size;
  }

  /** The jobs, by id, whose code a thread has that has not exited. */
  get jobs(): readonly string[] {
    return [...this.#alive].flatMap(({ job }) => job ?? []);
  }

  start(start: ThreadStart, listener: ThreadListener): Thread {
    this.#started += 1;
    const thread = new VirtualThread(start, listener, this.#fate, () => this.#alive.delete(thread));
    this.#alive.add(thread);
    start.serve(thread.channel, async () => this.#exports);
    return thread;
  }

  /** Lets the threads exit that survived. */
  release(): void {
    for (const thread of [...this.#alive]) thread.release();
  }
}

class VirtualThread implements Thread {
  readonly #start: ThreadStart;
  readonly #listener: ThreadListener;
  readonly #fateOf: (name: string, id: string) => ThreadFate;
  readonly #gone: () => void;
  readonly #calls: (() => void)[] = [];
  #hear: (text: string) => void = () => {};
  #fate: ThreadFate = 'runs';
  #isTerminated = false;
  #isGone = false;
  /** The job whose code it has. */
  job: string | null = null;

  readonly channel = {
    send: (text: string): void => this.#said(text),
    listen: (hear: (text: string) => void): void => {
      this.#hear = hear;
    },
  };

  constructor(
    start: ThreadStart,
    listener: ThreadListener,
    fateOf: (name: string, id: string) => ThreadFate,
    gone: () => void,
  ) {
    this.#start = start;
    this.#listener = listener;
    this.#fateOf = fateOf;
    this.#gone = gone;
  }

  send(text: string): void {
    const message = JSON.parse(text) as {
      type: string;
      job?: { readonly name: string; readonly id: string };
    };
    if (message.type === 'call' && message.job !== undefined) {
      this.job = message.job.id;
      this.#fate = this.#fateOf(message.job.name, message.job.id);
    }
    if (this.#fate !== 'hangs' && this.#fate !== 'survives') this.#later(() => this.#hear(text));
  }

  keepProcess(): void {}

  terminate(): void {
    this.#isTerminated = true;
    if (this.#fate !== 'survives') this.#later(() => this.#exit(1, false));
  }

  release(): void {
    if (this.#isTerminated) this.#later(() => this.#exit(1, false));
  }

  #said(text: string): void {
    if (this.#isTerminated || this.#isGone) return;
    const isEnd = (JSON.parse(text) as { type: string }).type === 'end';
    const isFatal = this.#fate === 'exits' || this.#fate === 'runsOutOfMemory';
    if (isEnd && isFatal)
      this.#later(() => this.#exit(this.#fate === 'exits' ? 9 : 1, this.#fate !== 'exits'));
    else
      this.#later(() => {
        if (isEnd) this.job = null;
        this.#listener.heard(text);
      });
  }

  #exit(code: number, isOutOfMemory: boolean): void {
    if (this.#isGone) return;
    this.#isGone = true;
    this.#gone();
    const error = isOutOfMemory ? new Error('Worker terminated due to reaching memory limit') : null;
    this.#listener.ended({ code, error, isOutOfMemory });
  }

  /** Messages stay in their order, whatever the reactor does with its calls. */
  #later(call: () => void): void {
    this.#calls.push(call);
    this.#start.defer(() => {
      const next = this.#calls.shift();
      if (!this.#isGone) next?.();
    });
  }
}
