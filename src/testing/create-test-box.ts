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
 * Starts a system for one test: a new store, the queue `''`, a dispatcher, and agent `main`. A test has nothing more to
 * wait for: it resolves after two polls, 0.1 s apart. In virtual time the dispatcher polls every 5 s, as in production; it
 * has polled once then, and no time has passed.
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
  const { log = {}, reactor = new NodeReactor(), store = memoryStore(), ...more } = options;
  const virtual = reactor instanceof VirtualReactor ? reactor : null;
  const { agent, jobsSize, pollsSize, logger, ...others } = more;
  const { pollInterval = virtual === null ? realPollMs : undefined, ...settings } = others;
  const echo = log === null ? null : echoLog({ ...log, ...(logger === undefined ? {} : { logger }) });
  const combined = echo ?? logger ?? silent;
  const box = await createSignalbox({ ...settings, store, reactor, logger: combined });
  virtual?.attach(box);
  const inItsTime = <Value>(promise: Promise<Value>): Promise<Value> => virtual?.until(promise) ?? promise;
  const tearDown = (limits?: TearDownOptions): Promise<void> => {
    echo?.stop();
    return inItsTime(tearDownBox(box, limits));
  };
  const given = {
    ...(pollInterval !== undefined && { pollInterval }),
    ...(jobsSize && { jobsSize }),
    ...(pollsSize && { pollsSize }),
    ...(agent === undefined ? {} : { agent }),
  };
  try {
    const dispatcher = await box.start(given);
    const timeout = dispatcher.pollInterval + slackMs;
    // In virtual time the first poll has to do: a box that is made must not move the clock of the test.
    const poll = virtual === null ? await getPoll(dispatcher, 1, { timeout }) : dispatcher.getPollInfo();
    if (poll.queues[''] != null) return { box, dispatcher, tearDown };
    throw new SignalboxError('NOT_STARTED', { what: `dispatcher ${dispatcher.uuid} in queue ''` });
  } catch (error) {
    await tearDown();
    throw error;
  }
}

/** Real time is dear: a test must not wait for the polls of production. */
const realPollMs = 100;

/** How long after its due time the second poll may end. */
const slackMs = 6000;

const silent = echoLog({ write: () => {} });
