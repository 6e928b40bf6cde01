import { type Actor, type AnyActorLogic, type AnyActorRef, createActor, waitFor } from 'xstate';
import { supervisorMachine } from '../../machines/supervisor.machine.ts';
import { ConflictError, SignalboxError, shown } from '../errors.ts';
import { checkId, checkQueueName } from '../model/names.ts';
import type { RetryPolicy } from '../model/retry.ts';
import type { HistoryEntry, OpenStore, Store } from '../store/store.ts';
import { type Duration, durationMs } from '../time.ts';
import { type AgentSettings, agent } from './agents.ts';
import { draftCallback } from './callback-drafts.ts';
import { type Called, callJob } from './calling.ts';
import {
  type ChooserDefinition,
  type ConditionDefinition,
  type FilterDefinition,
  type JobDefinition,
  Registry,
} from './definitions.ts';
import { Dispatcher, type DispatcherOptions } from './dispatcher.ts';
import { Engine } from './engine.ts';
import { type DispatcherEvent, type DispatcherEventName, type DispatcherHook, Hooks } from './hooks.ts';
import { installAgent } from './install-agent.ts';
import { instanceUuid } from './instance-uuid.ts';
import { Job } from './job.ts';
import { criticalToStderr, Log, type Logger } from './logging.ts';
import { type IdSource, nodeTextFiles, randomIds, type TextFilePort } from './ports.ts';
import { Queue } from './queue.ts';
import { NodeReactor } from './reactor/node-reactor.ts';
import type { Clock, Reactor, RunnableReactor, ScheduledCall } from './reactor/reactor.ts';
import { Representation } from './representations.ts';
import { systemDefinitions } from './system-jobs.ts';
import { runTransaction, type Transaction, transactionOn } from './transaction.ts';

/** What `createSignalbox` is told. */
export interface SignalboxOptions {
  readonly store: Store;
  /** The jobs that this process knows by name. */
  readonly jobs?: readonly JobDefinition<never, unknown>[];
  /** Queues to make when they are missing. */
  readonly queues?: readonly string[];
  readonly filters?: readonly FilterDefinition[];
  readonly choosers?: readonly ChooserDefinition[];
  /** Conditions of callbacks: see `job.addConditionalCallbacks`. */
  readonly conditions?: readonly ConditionDefinition[];
  /** Policies by name; under `''` the default of jobs, under `callback` that of callbacks. */
  readonly retryPolicies?: { readonly [name: string]: RetryPolicy };
  /** Default: a new `NodeReactor`. A reactor that is also a clock is the clock, unless `clock` says otherwise. */
  readonly reactor?: Reactor & Partial<Clock>;
  readonly clock?: Clock;
  readonly ids?: IdSource;
  /** Default: CRITICAL entries on standard error. */
  readonly logger?: Logger;
  /** UUID of this instance. Default: read from its file, see docs/guide.md. */
  readonly uuid?: string;
  readonly files?: TextFilePort;
}

/** What `start` is told. */
export interface StartOptions extends Omit<DispatcherOptions, 'reactor' | 'uuid'> {
  /** The agent `main` that every queue gets when it has none. Default: size 3, any job. Null: none. */
  readonly agent?: AgentSettings | null;
}

/**
 * Opens a store and gives the Signalbox on it: jobs can be put and asked for at once, and run after `start()`.
 *
 * @example
 * ```ts
 * import { createSignalbox, defineJob, memoryStore } from 'signalbox';
 *
 * const multiply = defineJob({ name: 'multiply', run: (a: number, b: number) => a * b });
 * const box = await createSignalbox({ store: memoryStore(), jobs: [multiply] });
 * await box.start();
 * const job = await box.queue().put(multiply(14, 3));
 * console.log(await job.result()); // => 42
 * await box.stop();
 * ```
 *
 * @throws SignalboxError `STORE_…` when the store cannot be opened, `INVALID_NAME`, `DUPLICATE_DEFINITION`, `ANONYMOUS_FUNCTION`.
 */
export async function createSignalbox(options: SignalboxOptions): Promise<Signalbox> {
  if (typeof options?.store?.open !== 'function') {
    throw new SignalboxError('INVALID_OPTION', {
      option: 'store',
      expected: "a store, such as memoryStore() or jsonStore('data/jobs')",
      actual: shown(options?.store),
    });
  }
  const queues = (options.queues ?? []).map(checkQueueName);
  const box = new Signalbox(options);
  try {
    await box.opened();
    for (const queue of queues) await box.createQueue(queue);
  } catch (error) {
    // Nobody gets this box, so nobody else could let the store go.
    await box.stop().catch(() => {});
    throw error;
  }
  return box;
}

/** One Signalbox: a store, the jobs this process knows, and the dispatchers that run them. */
export class Signalbox {
  readonly #options: SignalboxOptions;
  readonly #registry = new Registry();
  readonly #hooks = new Hooks(transactionOn);
  readonly #reactor: Reactor & Partial<RunnableReactor>;
  readonly #now: () => number;
  readonly #supervisor: Actor<typeof supervisorMachine>;
  readonly #dispatchers = new Map<string, Dispatcher>();
  readonly #offered = new Set<string>();
  #engine: Engine | null = null;
  #openError: unknown = null;
  #tick: ScheduledCall | null = null;
  #grace = 0;
  #mainAgentHook: (() => void) | null = null;

  /** Use `createSignalbox`. */
  constructor(options: SignalboxOptions) {
    this.#options = options;
    this.#reactor = options.reactor ?? new NodeReactor();
    const clock =
      options.clock ?? (this.#reactor.now === undefined ? new NodeReactor() : (this.#reactor as Clock));
    this.#now = () => clock.now();
    for (const definition of systemDefinitions(() => this.engine)) this.#registry.add(definition);
    for (const definition of options.jobs ?? []) this.#registry.add(definition);
    for (const filter of options.filters ?? []) this.#registry.addFilter(filter);
    for (const chooser of options.choosers ?? []) this.#registry.addChooser(chooser);
    for (const condition of options.conditions ?? []) this.#registry.addCondition(condition);
    for (const [name, policy] of Object.entries(options.retryPolicies ?? {}))
      this.#registry.addPolicy(policy, name);
    this.#supervisor = createActor(
      supervisorMachine.provide({
        actions: {
          openStore: () => void this.#openStore(),
          recover: () => void this.#recover(),
          routeWork: ({ event }) => this.#routeWork((event as { queue: string }).queue),
          wakeDue: () => this.#wakeAll(),
          scheduleTick: () => void this.#scheduleTick(),
          cancelTick: () => this.#tick?.cancel(),
          drain: () => void this.#drain(),
          closeStore: () => void this.#engine?.store.close().catch(() => {}),
          abortJobs: () => this.#abortJobs(),
        },
      }),
    );
    this.#supervisor.start();
  }

  /** Resolves when the store is open and recovered. Rejects with what prevented it. */
  async opened(): Promise<void> {
    await waitFor(this.#supervisor, (snapshot) => snapshot.matches('running') || snapshot.matches('failed'));
    if (this.#openError !== null) throw this.#openError;
  }

  /** The parts that dispatchers and handles share. */
  get engine(): Engine {
    if (this.#engine === null) throw new SignalboxError('NOT_STARTED', { what: 'the Signalbox' });
    return this.#engine;
  }

  /** UUID of this instance. */
  get uuid(): string {
    return this.engine.uuid;
  }

  /** The store, open: its budget, history and contract. */
  get store(): OpenStore {
    return this.engine.store;
  }

  /** The state of the supervisor: starting, recovering, running, draining, stopped or failed. */
  get state(): string {
    return String(this.#supervisor.getSnapshot().value);
  }

  /** The queue of a name. Default: the one named ''. It need not exist yet; `put` refuses until it does. */
  queue(name = ''): Queue {
    return new Queue(this.engine.direct, checkQueueName(name));
  }

  /** Makes a queue when it is missing. @throws SignalboxError `INVALID_NAME`. */
  async createQueue(name: string): Promise<Queue> {
    checkQueueName(name);
    const { direct } = this.engine;
    if ((await direct.get('queue', name)) !== undefined) return this.queue(name);
    const patch = { createdAt: this.#now() };
    try {
      await direct.submit(
        [{ kind: 'queue', id: name, event: 'queue.created', from: null, to: null, patch }],
        [{ what: 'rev', kind: 'queue', id: name, rev: 0 }],
      );
      this.engine.log.events('INFO', () => `queue '${name}' added`);
    } catch (error) {
      // Somebody else has just made it.
      if (!(error instanceof ConflictError)) throw error;
    }
    return this.queue(name);
  }

  /** Names of the queues, in order. */
  async queues(): Promise<readonly string[]> {
    return (await this.engine.direct.list('queue', '')).map((queue) => queue.id);
  }

  /** A handle on a job by id. It knows nothing before it is asked: `await box.job(id).refresh()`. */
  job<Result = unknown>(id: string): Job<Result> {
    return Job.reference<Result>(this.engine.direct, checkId(id));
  }

  /** Registers a job of this process. @throws SignalboxError `DUPLICATE_DEFINITION`, `ANONYMOUS_FUNCTION`. */
  define(definition: JobDefinition<never, unknown>): void {
    this.#registry.add(definition);
  }

  /**
   * Calls a job here and now, outside any queue and agent, and resolves when it and its callbacks are done. `input` is
   * appended to its arguments. A job that fails gives its Failure; nothing is thrown for it.
   *
   * @example
   * ```ts
   * import { createSignalbox, defineJob, memoryStore } from 'signalbox';
   *
   * const multiply = defineJob({ name: 'multiply', run: (a: number, b: number) => a * b });
   * const box = await createSignalbox({ store: memoryStore(), jobs: [multiply] });
   * console.log(await box.call(multiply.partial(14), 3)); // => 42
   * await box.stop();
   * ```
   *
   * @throws BadStatusError unless the job is NEW or ASSIGNED.
   */
  call<Result>(
    job: Job<Result> | JobDefinition<never, Result>,
    ...input: readonly unknown[]
  ): Promise<Called<Result>> {
    return callJob(this.engine, draftCallback<Result>(job), input);
  }

  /**
   * Registers a retry policy of this process under its name, and under `''` or `callback` as the default of jobs or of
   * callbacks. Jobs that wait for a policy of that name go on.
   */
  definePolicy(policy: RetryPolicy, name: string = policy.name): void {
    this.#registry.addPolicy(policy, name);
  }

  /**
   * Several calls as one commit, all or nothing. What it read must not have changed meanwhile.
   *
   * @example
   * ```ts
   * import { createSignalbox, defineJob, memoryStore } from 'signalbox';
   *
   * const note = defineJob({ name: 'note', run: (text: string) => text });
   * const box = await createSignalbox({ store: memoryStore(), jobs: [note], queues: ['a', 'b'] });
   * await box.transaction(async (tx) => {
   *   await tx.queue('a').put(note('both'));
   *   await tx.queue('b').put(note('or none'));
   * });
   * console.log(await box.queue('a').length(), await box.queue('b').length()); // => 1 1
   * await box.stop();
   * ```
   *
   * @throws ConflictError when it has; nothing was applied, and the function is not run again.
   */
  transaction<Result>(work: (tx: Transaction) => Promise<Result> | Result): Promise<Result> {
    return runTransaction(this.engine, work);
  }

  /** Hooks into a dispatcher event, before its commit and as part of it. Returns a function that takes the hook back. */
  on(event: DispatcherEventName, hook: DispatcherHook): () => void {
    return this.#hooks.hook(event, hook);
  }

  /** Hears of dispatcher events once they are synced. Returns a function that ends it. */
  listen(listener: (event: DispatcherEvent) => void): () => void {
    return this.#hooks.listen(listener);
  }

  /** Synced entries of the journal from a seq on, oldest first. */
  entries(from = 1): AsyncIterable<HistoryEntry> {
    return this.engine.store.entries(from);
  }

  /** The dispatchers of this process, by UUID. */
  get dispatchers(): ReadonlyMap<string, Dispatcher> {
    return this.#dispatchers;
  }

  /** The dispatcher of a UUID in this process, active or stopped, or null. Default: that of this instance. */
  getDispatcher(uuid: string = this.uuid): Dispatcher | null {
    return this.#dispatchers.get(uuid) ?? null;
  }

  /** Called by a new dispatcher. @throws SignalboxError `DISPATCHER_EXISTS`. */
  addDispatcher(dispatcher: Dispatcher): void {
    if (this.#dispatchers.has(dispatcher.uuid))
      throw new SignalboxError('DISPATCHER_EXISTS', { uuid: dispatcher.uuid });
    this.#dispatchers.set(dispatcher.uuid, dispatcher);
  }

  /** Forgets a dispatcher, so that another may be made under its UUID. */
  popDispatcher(uuid: string = this.uuid): Dispatcher | null {
    const dispatcher = this.#dispatchers.get(uuid) ?? null;
    this.#dispatchers.delete(uuid);
    return dispatcher;
  }

  /** Forgets all dispatchers. What they do goes on: deactivate them first. */
  clearDispatchers(): void {
    this.#dispatchers.clear();
  }

  /** Makes an actor a child of the supervisor. */
  spawn(id: string, logic: AnyActorLogic, input: unknown): AnyActorRef {
    this.#supervisor.send({ type: 'child.spawn', id, logic, input });
    const child = (this.#supervisor.getSnapshot().children as Record<string, AnyActorRef | undefined>)[id];
    if (child === undefined) throw new SignalboxError('BOX_STOPPED', { call: `starting ${id}` });
    return child;
  }

  /**
   * Starts this process's dispatcher: makes the queue '' and gives every queue an agent `main`. Resolves after the
   * first poll, so agents are ready. @throws SignalboxError `DISPATCHER_STATE` when it is started already.
   */
  async start(options: StartOptions = {}): Promise<Dispatcher> {
    if (this.state !== 'running') throw new SignalboxError('BOX_STOPPED', { call: 'start()' });
    await this.createQueue('');
    const { agent: settings = agent(), ...dispatcherOptions } = options;
    if (settings !== null) {
      this.#mainAgentHook?.();
      this.#mainAgentHook = installAgent(this, { name: 'main', settings });
    }
    const dispatcher = this.#dispatchers.get(this.uuid) ?? new Dispatcher(this, dispatcherOptions);
    dispatcher.activate();
    this.#reactor.run?.();
    await dispatcher.nextPoll();
    return dispatcher;
  }

  /**
   * Stops: no more claims, up to `grace` (default 0) for what runs, then every dispatcher is deactivated as the lineage
   * does it and the store is closed. What still ran is handed on and runs again at the next start, as its policy says.
   */
  async stop(options: { readonly grace?: Duration } = {}): Promise<void> {
    this.#grace = durationMs(options.grace ?? 0, 'grace');
    const store = this.#engine?.store ?? null;
    this.#supervisor.send({ type: 'box.stop' });
    await waitFor(this.#supervisor, (snapshot) => snapshot.matches('stopped'));
    await store?.close();
    this.#engine?.watch.lookAgain();
  }

  async #openStore(): Promise<void> {
    const { store, ids = randomIds, logger = criticalToStderr } = this.#options;
    const log = new Log(logger);
    try {
      const open = await store.open({
        now: this.#now,
        defer: (run) => this.#reactor.callFromThread(run),
        newId: () => ids.newUuid(),
        report: (message) => log.events('WARNING', () => message),
      });
      open.onFailure((error) => this.#supervisor.send({ type: 'store.failed', reason: error.message }));
      const uuid = this.#options.uuid ?? this.#instanceUuid(open, ids);
      this.#engine = new Engine({
        store: open,
        registry: this.#registry,
        reactor: this.#reactor,
        now: this.#now,
        ids,
        log,
        uuid,
        hooks: this.#hooks,
        offerWork: (queue) => this.#offerWork(queue),
      });
      this.#supervisor.send({ type: 'store.opened' });
    } catch (error) {
      this.#openError = error;
      this.#supervisor.send({ type: 'store.failed', reason: String(error) });
    }
  }

  #instanceUuid(store: OpenStore, ids: IdSource): string {
    const files = this.#options.files ?? nodeTextFiles;
    // A store that dies with its process leaves nothing behind that an instance would have to recognise.
    const isVolatile = store.isVolatile && files.environment('SIGNALBOX_UUID_FILE') === undefined;
    return isVolatile ? ids.newUuid() : instanceUuid(files, ids, store.directory);
  }

  /** On a store that only one process can hold, every earlier process is dead: their jobs are handed on before the first poll. */
  async #recover(): Promise<void> {
    try {
      const { store, direct } = this.engine;
      for (const queue of store.exclusive ? await store.list('queue', '') : []) {
        for (const record of await store.list('representation', `${queue.id}/`)) {
          const isLeft = record.state === 'activated' && record.epoch < store.epoch;
          if (isLeft) await new Representation(direct, record).deactivate();
        }
      }
      for (const job of store.exclusive ? await store.orphans() : [])
        await this.engine.callbacks.readopt(job);
      this.#supervisor.send({ type: 'recovery.done' });
    } catch (error) {
      this.#openError = error;
      this.#supervisor.send({ type: 'store.failed', reason: String(error) });
    }
  }

  /** At most one event per queue and tick, however much was put. */
  #offerWork(queue: string): void {
    if (this.#offered.has(queue)) return;
    this.#offered.add(queue);
    queueMicrotask(() => {
      this.#offered.delete(queue);
      this.#supervisor.send({ type: 'work.available', queue });
    });
  }

  #routeWork(queue: string): void {
    for (const live of this.engine.agents.values()) if (live.queue === queue) live.offer();
  }

  #wakeAll(): void {
    for (const live of this.engine.agents.values()) live.offer();
  }

  /** One timer for the earliest due time of all: it moves no job, it only wakes the claim. */
  async #scheduleTick(): Promise<void> {
    const { store, agents } = this.engine;
    if (agents.size === 0) return;
    const due = await store.due().catch(() => null);
    this.#tick?.cancel();
    this.#tick = null;
    if (due === null || this.state !== 'running') return;
    this.#tick = this.#reactor.callLater(Math.max(0, due - store.now()), () =>
      this.#supervisor.send({ type: 'tick.due' }),
    );
  }

  async #drain(): Promise<void> {
    const { engine } = this;
    for (const live of engine.agents.values()) live.drain();
    const idle = Promise.all([...engine.agents.values()].map((live) => live.idle()));
    if (this.#grace > 0) await engine.withinMs(idle, this.#grace);
    for (const dispatcher of this.#dispatchers.values()) await dispatcher.stopped();
    await this.#reactor.stop?.();
    await engine.store.settled().catch(() => {});
    this.#supervisor.send({ type: 'drain.done' });
  }

  #abortJobs(): void {
    const reason = new Error('the store failed');
    if (this.#engine === null) return;
    for (const live of this.#engine.agents.values()) live.abortRuns(reason);
    // Polls could do nothing any more, and would keep the process alive after `stop`.
    for (const dispatcher of this.#dispatchers.values()) dispatcher.abandon();
  }
}
