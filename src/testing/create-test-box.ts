import {
  createSignalbox,
  type Dispatcher,
  memoryStore,
  NodeReactor,
  type RunnableReactor,
  type Signalbox,
  SignalboxError,
  type SignalboxOptions,
  type StartOptions,
  type Store,
} from '../index.ts';
import { checkObject } from './check-options.ts';
import { echoLog, type LogEchoOptions } from './echo-log.ts';
import { getPoll } from './get-poll.ts';
import { type TearDownOptions, tearDownBox } from './tear-down.ts';
import { VirtualReactor } from './virtual-reactor.ts';

/** The options of a test box: its own, and those of `createSignalbox` and `start`. */
export interface TestBoxOptions extends Omit<SignalboxOptions, 'store' | 'reactor'>, StartOptions {
  /** Default: a new memory store. */
  readonly store?: Store;
  /** Default: a `NodeReactor`. A `VirtualReactor` is attached to the box. */
  readonly reactor?: RunnableReactor;
  /**
   * Which log entries are shown. Default: CRITICAL entries, by `console.log`. Null: nothing. A `logger` gets
   * every entry.
   */
  readonly log?: Omit<LogEchoOptions, 'logger'> | null;
}

/** A running test box. */
export interface TestBox {
  readonly box: Signalbox;
  readonly dispatcher: Dispatcher;
  /** Ends the echo of the log and stops everything, so that the next test can begin. @throws TearDownError. */
  tearDown(options?: TearDownOptions): Promise<void>;
}

/**
 * Starts a system for one test: a new store, the queue `''`, a dispatcher that polls every 0.1 s, and agent `main`.
 * Resolves after two polls, so a test has nothing more to wait for. For hours of virtual time give a longer
 * `pollInterval`: each poll is made.
 *
 * @example
 * ```ts
 * import { defineJob } from 'signalbox';
 * import { createTestBox } from 'signalbox/testing';
 *
 * const multiply = defineJob({ name: 'multiply', run: (a: number, b: number) => a * b });
 * const { box, tearDown } = await createTestBox({ jobs: [multiply] });
 * const job = await box.queue().put(multiply(14, 3));
 * console.log(await job.result()); // => 42
 * await tearDown();
 * ```
 *
 * @throws SignalboxError `NOT_STARTED` when the second poll does not know the queue; `STORE_…`, `INVALID_…`.
 */
export async function createTestBox(options: TestBoxOptions = {}): Promise<TestBox> {
  checkObject(options);
  const {
    log = {},
    reactor = new NodeReactor(),
    store = memoryStore(),
    pollInterval = '100ms',
    ...more
  } = options;
  const { agent, jobsSize, pollsSize, logger, ...settings } = more;
  const echo = log === null ? null : echoLog({ ...log, ...(logger === undefined ? {} : { logger }) });
  const combined = echo ?? logger ?? silent;
  const box = await createSignalbox({ ...settings, store, reactor, logger: combined });
  const virtual = reactor instanceof VirtualReactor ? reactor : null;
  virtual?.attach(box);
  const inItsTime = <Value>(promise: Promise<Value>): Promise<Value> => virtual?.until(promise) ?? promise;
  const tearDown = (limits?: TearDownOptions): Promise<void> => {
    echo?.stop();
    return inItsTime(tearDownBox(box, limits));
  };
  const sizes = { ...(jobsSize && { jobsSize }), ...(pollsSize && { pollsSize }) };
  try {
    const dispatcher = await box.start({ ...sizes, pollInterval, ...(agent === undefined ? {} : { agent }) });
    const timeout = dispatcher.pollInterval + slackMs;
    const poll = await inItsTime(getPoll(dispatcher, 1, { timeout }));
    if (poll.queues[''] != null) return { box, dispatcher, tearDown };
    throw new SignalboxError('NOT_STARTED', { what: `dispatcher ${dispatcher.uuid} in queue ''` });
  } catch (error) {
    await tearDown();
    throw error;
  }
}

/** How long after its due time the second poll may end. */
const slackMs = 6000;

const silent = echoLog({ write: () => {} });
