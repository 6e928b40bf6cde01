/*
 * Room: threads.
 *
 * Owns: The side of the process of code that runs in threads: a pool for each agent with `executor: 'thread'`,
 *   and for each thread its one attempt at a time. protocol.ts is all that goes between the two sides; the other
 *   one is the room in-thread.
 *
 * Invariant: An attempt goes on only when its code has ended or its thread is gone. What a thread puts and
 *   changes comes with the end of its code, so a thread that dies leaves nothing of it.
 *
 * May import: environment, definitions, commits, jobs, execution.
 */
import { AsyncResource } from 'node:async_hooks';
import type { ThreadSettings } from '../../model/records/records.ts';
import type { ScheduledCall } from '../environment/reactor/reactor.ts';
import { withinMs } from '../environment/reactor/time-limits.ts';
import type { CodeEnds, Given } from '../execution/given.ts';
import { callInstrumented } from '../execution/instruments.ts';
import type { CodeElsewhere, Run } from '../execution/run.ts';
import { exitMs, JobThread, type JobThreadDeps, type ThreadPlace } from './job-thread.ts';
import { stopForShutdown } from './to-thread.ts';

/** How many threads an agent has, and has had. */
export interface ThreadCounts extends ThreadPlace {
  /** Those that have a job, and those that wait for one. */
  readonly busy: number;
  readonly idle: number;
  /** How many were started, ever. */
  readonly started: number;
}

/** The threads of this process. */
export class Threads {
  readonly #deps: JobThreadDeps;
  readonly #pools = new Set<ThreadPool>();

  constructor(deps: JobThreadDeps) {
    this.#deps = deps;
  }

  /** Makes the pool of an agent. It starts threads as they are needed. */
  open(place: ThreadPlace, settings: ThreadSettings): ThreadPool {
    const pool = new ThreadPool(this.#deps, place, settings, () => this.#pools.delete(pool));
    this.#pools.add(pool);
    return pool;
  }

  /** Ends all threads. */
  async end(): Promise<void> {
    await Promise.all([...this.#pools].map((pool) => pool.shutDown()));
  }
}

/** The threads of an agent: as many as it has jobs at work, and those that wait for the next. */
export class ThreadPool implements CodeElsewhere {
  readonly #deps: JobThreadDeps;
  readonly #place: ThreadPlace;
  readonly #settings: ThreadSettings;
  readonly #forget: () => void;
  readonly #threads = new Set<JobThread>();
  /** Those without a job, the one that was used last at the end, each with the call that ends it. */
  readonly #idle = new Map<JobThread, ScheduledCall>();
  // A thread must not get the asynchronous context of whatever woke the claim of its job.
  readonly #root = new AsyncResource('signalbox');
  #started = 0;
  #isClosing = false;
  #isOver = false;

  constructor(deps: JobThreadDeps, place: ThreadPlace, settings: ThreadSettings, forget: () => void) {
    this.#deps = deps;
    this.#place = place;
    this.#settings = settings;
    this.#forget = forget;
  }

  get counts(): ThreadCounts {
    const idle = this.#idle.size;
    return { ...this.#place, busy: this.#threads.size - idle, idle, started: this.#started };
  }

  call(run: Run, ends: CodeEnds<Given>): void {
    // Its process stops: nothing begins any more, not even another attempt.
    if (this.#isOver) ends.threw(stopForShutdown(run));
    else
      this.#root.runInAsyncScope(() =>
        callInstrumented(run, () => (this.#takeIdle() ?? this.#start()).call(run, ends)),
      );
  }

  #takeIdle(): JobThread | null {
    // The newest: those that are not needed grow old.
    const [thread, ending] = [...this.#idle].at(-1) ?? [null, null];
    if (thread === null) return null;
    ending.cancel();
    this.#idle.delete(thread);
    return thread;
  }

  #start(): JobThread {
    const thread = new JobThread(this.#deps, this.#settings, this.#place, () => this.#freed(thread));
    this.#threads.add(thread);
    this.#started += 1;
    return thread;
  }

  #freed(thread: JobThread): void {
    if (thread.isGone) {
      this.#idle.get(thread)?.cancel();
      this.#idle.delete(thread);
      this.#threads.delete(thread);
      if (this.#isClosing && this.#threads.size === 0) this.#forget();
    } else if (this.#isClosing || thread.isWorn) thread.terminate();
    else {
      const { reactor } = this.#deps.committer.context;
      this.#idle.set(
        thread,
        reactor.callLater(this.#settings.idle, () => {
          this.#idle.delete(thread);
          thread.terminate();
        }),
      );
    }
  }

  /** No job comes any more: each thread ends when it has no job. */
  close(): void {
    this.#isClosing = true;
    for (const [thread, ending] of this.#idle) {
      ending.cancel();
      thread.terminate();
    }
    this.#idle.clear();
    if (this.#threads.size === 0) this.#forget();
  }

  /** Ends all threads, whatever they are at. Resolves when they are gone and their jobs handed back, or when that takes too long. */
  async shutDown(): Promise<void> {
    this.#isOver = true;
    this.close();
    const { reactor } = this.#deps.committer.context;
    const all = Promise.all([...this.#threads].map((thread) => thread.shutDown()));
    if (this.#threads.size > 0) await withinMs(reactor, all, exitMs);
  }
}
