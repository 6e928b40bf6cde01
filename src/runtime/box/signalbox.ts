import { ConflictError, SignalboxError } from '../../errors.ts';
import { checkCount, checkKnown, checkObject } from '../../model/checks/check-options.ts';
import { checkId, checkQueueName } from '../../model/checks/names.ts';
import type { DurableLogic } from '../../model/durable/machine.ts';
import type { RetryPolicy } from '../../model/jobs/retry.ts';
import type { ActorExplanation } from '../../reading/actors/actor-explanation.ts';
import { explainActor } from '../../reading/actors/explain-actor.ts';
import { explainJob } from '../../reading/explain.ts';
import type { Explanation, KnownNames } from '../../reading/explanation.ts';
import { checkJobsFilter, type JobsFilter } from '../../reading/search/jobs-filter.ts';
import type { HistoryEntry } from '../../store/entry.ts';
import type { OpenStore } from '../../store/store.ts';
import { type Duration, durationMs } from '../../time.ts';
import { putBulk } from '../builtin-jobs/bulk/bulk.ts';
import { BulkOperation } from '../builtin-jobs/bulk/bulk-operation.ts';
import type { BulkAction, BulkFilter, BulkOptions } from '../builtin-jobs/bulk/bulk-request.ts';
import { systemDefinitions } from '../builtin-jobs/system-jobs.ts';
import { ifUnchanged } from '../commits/preconditions.ts';
import { checkSettings } from '../definitions/agent-settings.ts';
import { Registry } from '../definitions/registry.ts';
import { DispatcherOf } from '../dispatchers/dispatcher.ts';
import { type DispatcherHost, provideHost } from '../dispatchers/dispatcher-host.ts';
import type { DispatcherEventName } from '../dispatchers/lifecycle-hooks.ts';
import { Inspectable } from '../environment/inspectable.ts';
import type { Reactor } from '../environment/reactor/reactor.ts';
import { actorId } from '../handles/actors/actor-commands.ts';
import { DeadLetters } from '../handles/actors/dead-letters.ts';
import { DurableActor } from '../handles/actors/durable-actor.ts';
import { type ActorsFilter, type ListedActors, listActors } from '../handles/actors/list-actors.ts';
import { registerMachine } from '../handles/actors/register-machine.ts';
import { callableJob } from '../handles/callback-proxy.ts';
import { type Called, callJob } from '../handles/inline-call.ts';
import { Job, type JobDefinition } from '../handles/job.ts';
import type { MachineDefinition } from '../handles/machines/define-machine.ts';
import { Queue } from '../handles/queue.ts';
import type { ScheduleDefinition } from '../handles/schedules/schedule.ts';
import { JobSearch } from '../handles/search/job-search.ts';
import { servicesOf } from '../handles/services.ts';
import { runTransaction, type Transaction } from '../handles/transaction.ts';
import { ensureLimits } from '../jobs/limit-quotas.ts';
import { storeNew } from '../jobs/put-jobs.ts';
import { noModule } from '../threads/job-thread.ts';
import type { Runtime } from './create-runtime.ts';
import { installAgent } from './install-agent.ts';
import { provideInternals } from './internals.ts';
import { type DispatcherEvent, type DispatcherHook, LifecycleListeners } from './lifecycle-listeners.ts';
import type { ActorChange, ActorView } from './live-actors.ts';
import { type OperateOptions, Operator } from './operator.ts';
import type { SignalboxOptions, StartOptions } from './signalbox-options.ts';
import { Supervisor } from './supervisor.ts';

/**
 * Takes jobs from the queues for this process. Typically one per process; several may be made for tests.
 *
 * @example
 * ```ts
 * import { createSignalbox, Dispatcher, memoryStore } from 'signalbox';
 *
 * const box = await createSignalbox({ store: memoryStore(), jobs: [] });
 * const dispatcher = new Dispatcher(box, { pollInterval: '500ms' });
 * console.log(dispatcher.pollInterval, dispatcher.getStatusInfo().status); // => 500 STOPPED
 * await box.stop();
 * ```
 *
 * @throws SignalboxError `DISPATCHER_EXISTS`, `INVALID_DURATION`, `INVALID_OPTION`, `BOX_STOPPED`.
 */
export class Dispatcher extends DispatcherOf<Signalbox> {}

/** One Signalbox: a store, the jobs this process knows, and the dispatchers that run them. */
export class Signalbox extends Inspectable {
  readonly #registry: Registry;
  readonly #listeners = new LifecycleListeners();
  readonly #dispatchers = new Map<string, Dispatcher>();
  readonly #supervisor: Supervisor;
  readonly #schedules: readonly ScheduleDefinition[];
  #mainAgentHook: (() => void) | null = null;

  /** Use `createSignalbox`. */
  constructor(options: SignalboxOptions) {
    super();
    this.#registry = registryOf(options);
    this.#schedules = options.schedules ?? [];
    this.#supervisor = new Supervisor(options, {
      registry: this.#registry,
      listeners: this.#listeners,
      dispatchers: this.#dispatchers,
    });
    provideInternals(this, () => this.#runtime);
    provideHost(this, () => this.#host());
  }

  /** Resolves when the store is open and recovered. Rejects with what prevented it. */
  opened(): Promise<void> {
    return this.#supervisor.opened();
  }

  get #runtime(): Runtime {
    const { runtime } = this.#supervisor;
    if (runtime === null) throw new SignalboxError('NOT_STARTED', { what: 'the Signalbox' });
    return runtime;
  }

  /** UUID of this instance. */
  get uuid(): string {
    return this.#runtime.context.uuid;
  }

  /** The store, open: its budget, history and contract. */
  get store(): OpenStore {
    return this.#runtime.context.store;
  }

  /** The state of the supervisor: starting, recovering, running, draining, stopped or failed. */
  get state(): string {
    return this.#supervisor.state;
  }

  /** How it does now, for `JSON.stringify` and `console.log`. `definitions`: how many jobs it knows by name. */
  toJSON(): object {
    const { uuid = null, store } = this.#supervisor.runtime?.context ?? {};
    const definitions = this.#registry.names().length;
    const dispatchers = [...this.#dispatchers.values()];
    return { state: this.state, uuid, store: store?.name ?? null, definitions, dispatchers };
  }

  /** The reactor of the box: what waits for the box waits in its time. */
  get reactor(): Reactor {
    return this.#supervisor.reactor;
  }

  /** The queue of a name. Default: the one named ''. It need not exist yet; `put` refuses until it does. */
  queue(name = ''): Queue {
    return new Queue(this.#runtime.work, checkQueueName(name));
  }

  /** Makes a queue when it is missing. @throws SignalboxError `INVALID_NAME`. */
  async createQueue(name: string): Promise<Queue> {
    checkQueueName(name);
    const { work, context } = this.#runtime;
    if ((await work.readChecked('queue', name)) !== undefined) return this.queue(name);
    const patch = { createdAt: context.now() };
    try {
      await work.submit(
        [{ kind: 'queue', id: name, event: 'queue.created', from: null, to: null, patch }],
        [ifUnchanged({ id: name, rev: 0 }, 'queue')],
      );
      context.log.events('INFO', () => `queue '${name}' added`);
    } catch (error) {
      // Another process has made it.
      if (!(error instanceof ConflictError)) throw error;
    }
    return this.queue(name);
  }

  /** Names of the queues, in order. */
  async queues(): Promise<readonly string[]> {
    return (await this.#runtime.work.list('queue', '')).map((queue) => queue.id);
  }

  /** A handle on a job by id. It knows nothing before it is asked: `await box.job(id).refresh()`. */
  job<Result = unknown>(id: string): Job<Result> {
    return Job.reference<Result>(this.#runtime.work, checkId(id));
  }

  /**
   * A handle on a durable actor: of a machine that was made with `defineMachine`, under a key of your own. It need not be there yet.
   *
   * @throws SignalboxError `INVALID_OPTION` for a key that is none.
   */
  actor<L extends DurableLogic>(machine: MachineDefinition<L>, key: string): DurableActor<L> {
    return new DurableActor<L>(this.#runtime.work, actorId(machine.name, key), machine);
  }

  /** A handle on a durable actor by its whole id, such as `order/17/parcel`. */
  actorById(id: string): DurableActor {
    return new DurableActor(this.#runtime.work, id, null);
  }

  /**
   * Lists the actors of a machine, in order of id, a page at a time.
   *
   * @throws SignalboxError `INVALID_OPTION`.
   */
  actors<L extends DurableLogic>(
    machine: MachineDefinition<L>,
    filter: ActorsFilter = {},
  ): Promise<ListedActors<L>> {
    return listActors<L>(this.#runtime.work, machine, filter);
  }

  /** The messages that no actor has taken, and none will. */
  get deadLetters(): DeadLetters {
    return new DeadLetters(this.#runtime.work);
  }

  /**
   * Finds jobs, newest first: go through them, or ask for pages. What is not synced yet is not found.
   *
   * @example
   * ```ts
   * import { createSignalbox, defineJob, memoryStore } from 'signalbox';
   *
   * const send = defineJob({ name: 'mail.send', run: (to: { tenant: string }) => to.tenant });
   * const box = await createSignalbox({ store: memoryStore(), jobs: [send], queues: ['mail'] });
   * await box.queue('mail').putAll([send({ tenant: 'acme' }), send({ tenant: 'other' })]);
   * for await (const job of box.jobs({ job: 'mail.*', status: 'PENDING', args: { '0.tenant': 'acme' } }))
   *   console.log(job.args); // => [ { tenant: 'acme' } ]
   * const { jobs, next } = await box.jobs({ queue: 'mail' }).page({ limit: 10 });
   * console.log(jobs.length, next); // => 2 null
   * await box.stop();
   * ```
   *
   * @throws SignalboxError `INVALID_FILTER`; for a part of the arguments that is not shown with the first page.
   */
  jobs(filter: JobsFilter = {}): JobSearch {
    const { work, context } = this.#runtime;
    return new JobSearch(work, checkJobsFilter(filter, context.store.now()));
  }

  /**
   * Cancels, retries, removes, or changes the priority of all jobs that a filter finds and that were put before this call, in pages of
   * 500 jobs. Resolves when the work is stored as a job, which the agents of any process do. `remove` drops jobs that are over, as
   * their age would.
   *
   * @example
   * ```ts
   * import { createSignalbox, defineJob, memoryStore } from 'signalbox';
   *
   * const send = defineJob({ name: 'mail.send', run: (to: string) => to });
   * const box = await createSignalbox({ store: memoryStore(), jobs: [send] });
   * await box.start();
   * await box.queue().pause({ job: 'mail.*' });
   * await box.queue().putAll(['ann', 'bob'].map((to) => send(to)));
   * const op = await box.bulk('cancel', { job: 'mail.*' }, { reason: 'wrong list' });
   * const { matched, done, skipped, failed } = await op.result();
   * console.log(matched, done, skipped, failed); // => 2 2 0 []
   * await box.stop();
   * ```
   *
   * @throws SignalboxError `INVALID_FILTER`, `INVALID_OPTION`, `QUEUE_NOT_FOUND`, `QUEUE_FULL`.
   */
  async bulk(action: BulkAction, filter: BulkFilter, options: BulkOptions = {}): Promise<BulkOperation> {
    const { work } = this.#runtime;
    const { id, isHere } = await putBulk(work, action, filter, options);
    return new BulkOperation(work, id, isHere);
  }

  /**
   * Why a job is where it is: what stops it, what to do, and all that a claim asks of it. It asks the code by which agents claim,
   * and changes nothing.
   *
   * @example
   * ```ts
   * import { createSignalbox, defineJob, memoryStore } from 'signalbox';
   *
   * const report = defineJob({ name: 'report', run: () => 'ready' });
   * const box = await createSignalbox({ store: memoryStore(), jobs: [report], queues: ['mail'] });
   * const { id } = await box.queue('mail').put(report());
   * const { verdict } = await box.explain(id ?? '');
   * console.log(verdict.text); // => no dispatcher is at work in queue 'mail'
   * console.log(verdict.remedy); // => Call box.start() in a process that knows the job.
   * await box.stop();
   * ```
   *
   * @throws SignalboxError `JOB_NOT_FOUND`.
   */
  async explain(id: string): Promise<Explanation> {
    const explanation = await explainJob(this.#runtime.context.store, id, this.#registry.known);
    if (explanation === undefined) throw new SignalboxError('JOB_NOT_FOUND', { id });
    return explanation;
  }

  /**
   * Where a durable actor is: what it may take next, and which guards refuse it, its timers, its mail, its children, and what blocks it.
   * It changes nothing.
   *
   * @example
   * ```ts
   * import { createSignalbox, defineMachine, memoryStore } from 'signalbox';
   * import { setup } from 'xstate';
   *
   * const door = defineMachine(
   *   setup({ types: { events: {} as { type: 'open' } } }).createMachine({
   *     id: 'door',
   *     version: '1',
   *     initial: 'closed',
   *     states: { closed: { on: { open: 'open' }, after: { 60_000: 'open' } }, open: {} },
   *   }),
   * );
   * const box = await createSignalbox({ store: memoryStore(), machines: [door] });
   * await box.actor(door, 'front').start();
   * const { state, next, timers, verdict } = await box.explainActor('door/front');
   * console.log(state, next?.map(({ event }) => event), timers.length); // => closed [ 'open' ] 1
   * console.log(verdict.code); // => event
   * await box.stop();
   * ```
   *
   * @throws SignalboxError `ACTOR_NOT_FOUND`.
   */
  async explainActor(id: string): Promise<ActorExplanation> {
    const { context } = this.#runtime;
    const blockedBy = servicesOf(context).actors.lines.blockedBy(id)?.data ?? null;
    const explanation = await explainActor(context.store, id, this.#registry.known, blockedBy);
    if (explanation === undefined) throw new SignalboxError('ACTOR_NOT_FOUND', { id });
    return explanation;
  }

  /**
   * What this process knows by name: definitions, retry policies, filters, machines. Explanations ask it, also those of a store that is read
   * at another moment.
   *
   * @example
   * ```ts
   * import { createSignalbox, defineJob, memoryStore } from 'signalbox';
   *
   * const report = defineJob({ name: 'report', run: () => 'ready' });
   * const box = await createSignalbox({ store: memoryStore(), jobs: [report] });
   * console.log(box.known.definition('report'), box.known.definition('mail.send')); // => true false
   * await box.stop();
   * ```
   */
  get known(): KnownNames {
    return this.#registry.known;
  }

  /**
   * Stores a job NEW, in no queue: with its callbacks, and the jobs in its arguments. Put it later, with any handle on it, or
   * fail it. An id given before makes the call repeatable, as with `put`.
   *
   * @example
   * ```ts
   * import { createSignalbox, defineJob, memoryStore } from 'signalbox';
   *
   * const send = defineJob({ name: 'send', run: (to: string) => `sent to ${to}` });
   * const box = await createSignalbox({ store: memoryStore(), jobs: [send] });
   * await box.start();
   * const { id } = await box.storeNew(send('Ada'));
   * const approved = await box.job<string>(id ?? '').refresh();
   * console.log(approved.status); // => NEW
   * await box.queue().put(approved);
   * console.log(await approved.result()); // => sent to Ada
   * await box.stop();
   * ```
   *
   * @throws BadStatusError when it is stored; SignalboxError `JOB_EXISTS`, and what `put` throws about a job.
   */
  async storeNew<Result>(job: Job<Result> | JobDefinition<readonly [], Result>): Promise<Job<Result>> {
    return (await storeNew(this.#runtime.work, job)) as Job<Result>;
  }

  /**
   * Acts for a person: cancels, pauses, resumes, changes priorities. Each call commits what it does together with who did it and
   * why, so the history of the store's own record is the audit.
   *
   * @example
   * ```ts
   * import { createSignalbox, defineJob, memoryStore } from 'signalbox';
   *
   * const report = defineJob({ name: 'report', run: () => 'ready' });
   * const box = await createSignalbox({ store: memoryStore(), jobs: [report], queues: ['mail'] });
   * const job = await box.queue('mail').put(report());
   * const operator = box.operate({ user: 'ada', reason: 'wrong month' });
   * console.log(await operator.cancel(job.id ?? '')); // => cancelled
   * for await (const { event, patch } of box.store.history('store', 'store'))
   *   if (event === 'operator.acted') console.log((patch?.lastAction as { user: string }).user); // => ada
   * await box.stop();
   * ```
   *
   * @throws SignalboxError `INVALID_OPTION`.
   */
  operate(options: OperateOptions): Operator {
    return new Operator(this.#runtime.work, options);
  }

  /** Registers a job of this process. @throws SignalboxError `DUPLICATE_DEFINITION`, `ANONYMOUS_FUNCTION`. */
  define(definition: JobDefinition<never, unknown>): void {
    this.#registry.add(definition);
    // When that fails, the next put tries again and says why; until then no viewer shows its values.
    this.#supervisor.runtime?.context.rules.pending()?.catch(() => {});
    // Jobs of it may wait: they were left to a process that knows it.
    this.#supervisor.runtime?.agents.offer();
  }

  /**
   * Calls a job here and now, outside any queue and agent, and resolves when it and its callbacks are done. `input` is
   * appended to its arguments. A job that fails gives its Failure; nothing is thrown for it. A job whose code returns a job that
   * is not over waits for it, and the call gives that job.
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
    return callJob(this.#runtime, callableJob<Result>(job), input);
  }

  /**
   * Registers a retry policy of this process under its name, and under `''` or `callback` as the default of jobs or of
   * callbacks. Jobs that wait for a policy of that name go on.
   *
   * @throws SignalboxError `INVALID_OPTION`, `INVALID_NAME`.
   */
  definePolicy(policy: RetryPolicy, name?: string): void {
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
    return runTransaction(this.#runtime.work, work);
  }

  /**
   * Hooks into a dispatcher event, before its commit and as part of it. Returns a function that takes the hook back.
   *
   * @throws SignalboxError `INVALID_OPTION`.
   */
  on(event: DispatcherEventName, hook: DispatcherHook): () => void {
    return this.#listeners.hook(event, hook);
  }

  /** Hears of dispatcher events once they are synced. Returns a function that ends it. */
  listen(listener: (event: DispatcherEvent) => void): () => void {
    return this.#listeners.listen(listener);
  }

  /**
   * The machines that live in this process, as they are now: the supervisor, then each dispatcher with its agents. Jobs are
   * records, so they are not among them.
   *
   * @example
   * ```ts
   * import { agent, createSignalbox, memoryStore } from 'signalbox';
   *
   * const box = await createSignalbox({ store: memoryStore(), jobs: [] });
   * await box.start({ agent: agent({ size: 3 }) });
   * console.log(box.liveActors().map(({ machine, state }) => `${machine} ${state}`).join(', '));
   * // => supervisor running, dispatcher waiting, agent idle
   * console.log(box.liveActors().at(-1)?.context); // => { size: 3, held: 0, offered: false }
   * await box.stop();
   * ```
   */
  liveActors(): readonly ActorView[] {
    return this.#supervisor.actors.views();
  }

  /**
   * Calls a listener for each event that a machine of this process takes or ignores, once the transition is over. Machines are
   * observed only while there is a listener, and get at most one event of each kind in a tick: never one for each job. Returns
   * a function that removes the listener.
   *
   * @example
   * ```ts
   * import { createSignalbox, memoryStore } from 'signalbox';
   *
   * const box = await createSignalbox({ store: memoryStore(), jobs: [] });
   * const seen: string[] = [];
   * const stop = box.watchLiveActors(({ actor, event, from }) => {
   *   if (actor.machine === 'dispatcher') seen.push(`${from} -${event}-> ${actor.state}`);
   * });
   * await box.start();
   * stop();
   * console.log(seen[0]); // => stopped -dispatcher.activate-> waiting
   * await box.stop();
   * ```
   *
   * @throws SignalboxError `INVALID_OPTION`.
   */
  watchLiveActors(listener: (change: ActorChange) => void): () => void {
    return this.#supervisor.actors.watch(listener);
  }

  /** Synced entries of the journal from a seq on, oldest first. @throws SignalboxError `INVALID_OPTION`. */
  entries(from = 1): AsyncIterable<HistoryEntry> {
    return this.#runtime.context.store.entries(checkCount(from, 'from', 0));
  }

  /** The dispatchers of this process, by UUID. */
  get dispatchers(): ReadonlyMap<string, Dispatcher> {
    return this.#dispatchers;
  }

  /** The dispatcher of a UUID in this process, active or stopped, or null. Default: that of this instance. */
  getDispatcher(uuid: string = this.uuid): Dispatcher | null {
    return this.#dispatchers.get(uuid) ?? null;
  }

  /** Forgets a dispatcher, so that another may be made under its UUID. */
  popDispatcher(uuid: string = this.uuid): Dispatcher | null {
    const dispatcher = this.#dispatchers.get(uuid) ?? null;
    this.#dispatchers.delete(uuid);
    return dispatcher;
  }

  /** Forgets all dispatchers. They continue: deactivate them first. */
  clearDispatchers(): void {
    this.#dispatchers.clear();
  }

  #mustRun(call: string): void {
    if (this.state !== 'running') throw new SignalboxError('BOX_STOPPED', { call });
  }

  /** What dispatchers need of this box and programs do not. */
  #host(): DispatcherHost {
    const supervisor = this.#supervisor;
    return {
      deps: this.#runtime,
      get state() {
        return supervisor.state;
      },
      add: (uuid, dispatcher) => {
        this.#mustRun('making a dispatcher');
        if (this.#dispatchers.has(uuid)) throw new SignalboxError('DISPATCHER_EXISTS', { uuid });
        this.#dispatchers.set(uuid, dispatcher as Dispatcher);
      },
      spawn: (name, logic, input) => {
        const child = supervisor.spawn(name, logic, input);
        if (child === undefined) throw new SignalboxError('BOX_STOPPED', { call: `starting ${name}` });
        return child;
      },
      dismiss: (child) => supervisor.dismiss(child),
      mustRun: (call) => this.#mustRun(call),
    };
  }

  /**
   * Starts this process's dispatcher: makes the queue '', sets the schedules of the options, and gives every queue an agent `main`. Resolves after the
   * first poll, so agents are ready.
   *
   * @throws SignalboxError `DISPATCHER_STATE` when it is started already, `INVALID_OPTION`, `INVALID_DURATION`, `BOX_STOPPED`.
   */
  async start(options: StartOptions = {}): Promise<Dispatcher> {
    this.#mustRun('start()');
    checkObject(options, 'options');
    const { agent: settings, ...dispatcherOptions } = options;
    if (settings != null) checkSettings(settings, 'agent');
    if (settings?.thread != null && this.#runtime.context.threadModule === null) throw noModule('main');
    await this.createQueue('');
    await ensureLimits(this.#runtime.work);
    for (const { queue, scheduleName, options: figures, job } of this.#schedules)
      await this.queue(queue).schedules.set(scheduleName, figures, job);
    const present = this.#dispatchers.get(this.uuid);
    if (present?.activated != null) throw startedTwice();
    const dispatcher = present ?? new Dispatcher(this, dispatcherOptions);
    dispatcher.activate();
    // After what may refuse the start, and before the first poll, which comes in a later turn.
    if (settings !== null) {
      this.#mainAgentHook?.();
      this.#mainAgentHook = installAgent(this, { name: 'main', ...(settings && { settings }) });
    }
    this.#runtime.delivery.start();
    this.#supervisor.reactor.run?.();
    await dispatcher.nextPoll();
    return dispatcher;
  }

  /** Resolves when it has stopped, by `stop` or because its store failed: for what shows or serves it, and ends with it. */
  stopped(): Promise<void> {
    return this.#supervisor.stopped();
  }

  /**
   * Stops: no more claims, and up to `grace` (default 0) for what runs. Then, for `abort` (default 0), what still runs is asked to
   * stop: `local.signal` aborts with a `ShutdownError`, and a job whose code throws because of that goes back to the front of its
   * queue, without a failure and without an interruption. Threads are ended then, and their jobs go back the same way. At last every dispatcher is deactivated and the store is closed; what
   * still runs is handed over, and runs again at the next start when its policy says so.
   *
   * @throws SignalboxError `STORE_IO`, `STORE_FENCED` when the store fails meanwhile: the box is stopped then, and whether
   * its last commits are on disk is unknown. A store that had failed before does not fail the stop again.
   */
  async stop(options: { readonly grace?: Duration; readonly abort?: Duration } = {}): Promise<void> {
    checkKnown(options, ['grace', 'abort']);
    const grace = durationMs(options.grace ?? 0, 'grace');
    await this.#supervisor.stop({ grace, abort: durationMs(options.abort ?? 0, 'abort') });
  }

  /** Stops it at the end of an `await using` block. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}

function startedTwice(): SignalboxError {
  return new SignalboxError('DISPATCHER_STATE', {
    what: 'this Signalbox',
    state: 'started',
    event: 'start()',
    repair:
      'start() is called once: box.getDispatcher() returns the dispatcher that the first call started. To change an agent, call agents.set of its representation.',
  });
}

/** What this process knows by name from the start: system jobs, and what the options name. */
function registryOf(options: SignalboxOptions): Registry {
  const registry = new Registry();
  for (const definition of systemDefinitions) registry.add(definition);
  for (const definition of options.jobs ?? []) registry.add(definition);
  for (const machine of options.machines ?? []) registerMachine(registry, machine);
  registry.machines.checksSteps = options.checkSteps ?? false;
  for (const filter of options.filters ?? []) registry.addFilter(filter);
  for (const chooser of options.choosers ?? []) registry.addChooser(chooser);
  for (const condition of options.conditions ?? []) registry.addCondition(condition);
  for (const [name, policy] of Object.entries(options.retryPolicies ?? {})) registry.addPolicy(policy, name);
  return registry;
}
