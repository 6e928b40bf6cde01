import {
  createSignalbox,
  type Dispatcher,
  handleSignals,
  memoryStore,
  NodeReactor,
  type RunnableReactor,
  type Signalbox,
  SignalboxError,
  type SignalboxOptions,
  type StartOptions,
  type Store,
} from '../index.ts';
import { checkObject, checkOptions } from './check-options.ts';
import { recorderFor } from './coverage/recorder.ts';
import { echoLog, type LogEchoOptions } from './echo-log.ts';
import { getPoll } from './get-poll.ts';
import { heardWhileAlive } from './process/process-logger.ts';
import { TestMachine, type TestProcess, type Unsynced } from './process/test-machine.ts';
import { watchRealTimers } from './real-timers.ts';
import type { StoreHost } from './simulate/world/host.ts';
import { type TearDownOptions, tearDownBox } from './tear-down.ts';
import { VirtualReactor } from './virtual-reactor.ts';

/** The options of a test box: its own, and those of `createSignalbox` and `start`. */
export interface TestBoxOptions extends Omit<SignalboxOptions, 'store' | 'reactor'>, StartOptions {
  /** Default: a new memory store. A function, such as `simulatedJsonStore`, makes a store that can lose something in a crash. */
  readonly store?: Store | ((host: StoreHost) => Store);
  /** Default: a `NodeReactor`. A `VirtualReactor` is attached to the box. */
  readonly reactor?: RunnableReactor;
  /**
   * Which log entries are shown. Default: CRITICAL entries, by `console.log`, and in virtual time a WARNING for each
   * definition whose code uses a real timer. Null: nothing. A `logger` gets every entry.
   */
  readonly log?: Omit<LogEchoOptions, 'logger'> | null;
}

/** What another process on the store of a test box does differently. */
export type ReopenOptions = Omit<TestBoxOptions, 'store' | 'reactor'>;

/** The options of a crash. */
export interface CrashOptions {
  /**
   * What happens with commits that are written and not synced. `kept`: the process is killed, and its operating system goes
   * on. `lost`: the power fails. Default: as in `simulate`: lost where the store can lose something, which
   * `simulatedJsonStore` can; kept on every other store.
   */
  readonly unsynced?: Unsynced;
}

/** A running test box. */
export interface TestBox {
  readonly box: Signalbox;
  readonly dispatcher: Dispatcher;
  /** Ends the echo of the log and stops everything, so that the next test can begin. @throws TearDownError. */
  tearDown(options?: TearDownOptions): Promise<void>;
  /**
   * Kills the process of this box at this instant. Its timers are gone, it logs nothing, no promise that it waits for
   * settles, and what its code still asks the store for is refused with `STORE_CLOSED`. Resolves when another process can
   * open the store. A call that was under way is carried out; with `lost`, only what was synced is left of it. On a
   * PostgreSQL store the opening of the process ends at once.
   *
   * @example
   * ```ts
   * import { defineJob, local } from 'signalbox';
   * import { createTestBox, VirtualReactor, waitForStart } from 'signalbox/testing';
   *
   * const bake = defineJob({ name: 'bake', run: () => local.sleep('1h') });
   * const reactor = new VirtualReactor();
   * const first = await createTestBox({ reactor, jobs: [bake] });
   * const { id = '' } = await waitForStart(await first.box.queue().put(bake()));
   * await reactor.advance('30m');
   *
   * await first.crash();
   * const second = await first.reopen();
   * await reactor.advance('1h');
   * const job = await second.box.job(id ?? '').refresh();
   * console.log(job.status, (await job.attempts()).length); // => COMPLETED 2
   * await second.tearDown();
   * ```
   *
   * @throws SignalboxError `INVALID_OPTION`.
   */
  crash(options?: CrashOptions): Promise<void>;
  /**
   * Starts another process on the same store and reactor, after a crash or a tear-down: with the options of this box, and
   * those that are given instead, such as the `jobs` of a new release.
   *
   * @throws SignalboxError `STORE_LOCKED` while this box still has the store, and what `createTestBox` throws.
   */
  reopen(options?: ReopenOptions): Promise<TestBox>;
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
 * @throws SignalboxError `NOT_STARTED` when the last of these polls does not know the queue; `STORE_…`, `INVALID_…`.
 */
export async function createTestBox(options: TestBoxOptions = {}): Promise<TestBox> {
  checkObject(options);
  const { reactor, store = memoryStore(), ...settings } = options;
  return startOn(new TestMachine(reactor ?? new NodeReactor(), store), settings);
}

/** Starts one process on a machine, and its box in it. */
async function startOn(machine: TestMachine, options: ReopenOptions): Promise<TestBox> {
  const { log = {}, logger, agent, pollInterval, jobsSize, pollsSize, ...settings } = options;
  const echo = log === null ? null : echoLog({ ...log, ...(logger === undefined ? {} : { logger }) });
  const recorder = recorderFor(options.machines);
  const process = machine.boot(recorder === null ? undefined : (store) => recorder.follow(store));
  const { store, reactor } = process;
  const heard = heardWhileAlive(echo ?? logger ?? silent, process);
  const box = await createSignalbox({ checkSteps: true, ...settings, store, reactor, logger: heard }).catch(
    (error: unknown) => {
      process.kill();
      throw error;
    },
  );
  const virtual = machine.reactor instanceof VirtualReactor ? machine.reactor : null;
  virtual?.attach(box);
  // The client of a database uses real timers itself.
  if (virtual !== null && box.store.exclusive) warnOfRealTimers(process, options);
  const tearDown = async (limits?: TearDownOptions): Promise<void> => {
    echo?.stop();
    if (process.isOver) return;
    const tornDown = tearDownBox(box, limits);
    await (virtual?.until(tornDown) ?? tornDown);
    process.end();
  };
  try {
    const dispatcher = await startBox(box, virtual !== null, { agent, pollInterval, jobsSize, pollsSize });
    return { box, dispatcher, tearDown, ...livesOf(machine, process, box, options) };
  } catch (error) {
    await tearDown();
    throw error;
  }
}

type GivenStart = { readonly [option in keyof StartOptions]: StartOptions[option] | undefined };

/** Starts the dispatcher, and waits until it polls. In virtual time its first poll has to do: no time passes. */
async function startBox(box: Signalbox, isVirtual: boolean, given: GivenStart): Promise<Dispatcher> {
  const { agent, pollInterval = isVirtual ? undefined : realPollMs, jobsSize, pollsSize } = given;
  const dispatcher = await box.start({
    ...(pollInterval !== undefined && { pollInterval }),
    ...(jobsSize && { jobsSize }),
    ...(pollsSize && { pollsSize }),
    ...(agent !== undefined && { agent }),
  });
  const timeout = dispatcher.pollInterval + slackMs;
  const poll = isVirtual ? dispatcher.getPollInfo() : await getPoll(dispatcher, 1, { timeout });
  if (poll.queues[''] != null) return dispatcher;
  throw new SignalboxError('NOT_STARTED', { what: `dispatcher ${dispatcher.uuid} in queue ''` });
}

/** Says at WARNING which jobs use real timers, whatever level is echoed: it is about the test. */
function warnOfRealTimers(process: TestProcess, { log = {}, logger }: ReopenOptions): void {
  const given = logger === undefined ? {} : { logger };
  const echo = log === null ? logger : echoLog({ ...log, level: 'WARNING', ...given });
  const end = watchRealTimers(process.reactor, ({ id }, message) => {
    echo?.warn({ stream: 'signalbox.events', ...(id !== null && { job: id }) }, message);
  });
  process.atEnd(end);
}

/** The end of a process, and the next one. */
function livesOf(
  machine: TestMachine,
  process: TestProcess,
  box: Signalbox,
  options: ReopenOptions,
): Pick<TestBox, 'crash' | 'reopen'> {
  let crashed: Promise<void> | null = null;
  return {
    async crash(how = {}) {
      checkOptions(how, ['unsynced']);
      const fate = machine.fateOf(how.unsynced);
      if (crashed === null) handleSignals(box)();
      crashed ??= process.crash(fate);
      await crashed;
    },
    async reopen(instead = {}) {
      checkObject(instead);
      await crashed;
      return startOn(machine, { ...options, ...instead });
    },
  };
}

/** Real time is dear: a test must not wait for the polls of production. */
const realPollMs = 100;

/** How long after its due time the second poll may end. */
const slackMs = 6000;

const silent = echoLog({ write: () => {} });
