import { type Actor, type AnyActorLogic, type AnyActorRef, createActor, waitFor } from 'xstate';
import { supervisorMachine } from '../../../machines/supervisor.machine.ts';
import { SignalboxError } from '../../errors.ts';
import { type Limits, limitsOf } from '../../model/checks/limits.ts';
import { checkUuid } from '../../model/checks/names.ts';
import { Failure } from '../../model/values/failure.ts';
import { withCodec } from '../../store/coded-store.ts';
import type { OpenStore } from '../../store/store.ts';
import { DueTimer } from '../agents/due-timer.ts';
import type { RuntimeContext } from '../commits/runtime-context.ts';
import { StoredRules } from '../commits/stored-rules.ts';
import { Turns } from '../commits/turns.ts';
import type { Registry } from '../definitions/registry.ts';
import { recover } from '../dispatchers/recovery.ts';
import { consoleLogger } from '../environment/console-logger.ts';
import { instanceUuid } from '../environment/instance-uuid.ts';
import { errorText, Log } from '../environment/logging.ts';
import { type IdSource, mathRandom, nodeTextFiles, randomIds } from '../environment/ports.ts';
import { NodeReactor } from '../environment/reactor/node-reactor.ts';
import type { Clock, Reactor, RunnableReactor } from '../environment/reactor/reactor.ts';
import { joinReactor, leaveReactor } from '../environment/reactor/shared-reactors.ts';
import { withinMs } from '../environment/reactor/time-limits.ts';
import { Sleeps } from '../environment/sleeps.ts';
import { nodeThreads } from '../environment/threads.ts';
import { threadModuleOf } from './check-options.ts';
import { createRuntime, type Runtime } from './create-runtime.ts';
import type { LifecycleListeners } from './lifecycle-listeners.ts';
import { LiveActors } from './live-actors.ts';
import type { SignalboxOptions } from './signalbox-options.ts';

/** A dispatcher, as its supervisor stops it. */
interface SupervisedDispatcher {
  stopped(): Promise<void>;
  abandon(): void;
}

/** What a Signalbox shares with its supervisor. */
interface Shared {
  readonly registry: Registry;
  readonly listeners: LifecycleListeners;
  readonly dispatchers: ReadonlyMap<string, SupervisedDispatcher>;
}

/** How long what runs may take when the box stops, in milliseconds: to end by itself, and then when it is asked to stop. */
export interface StopTimes {
  readonly grace: number;
  readonly abort: number;
}

/**
 * Joins the supervisor's chart to the world: opens the store, recovers, routes work to agents, drains and closes.
 */
export class Supervisor {
  readonly reactor: Reactor & Partial<RunnableReactor>;
  /** The machines that live in this process. */
  readonly actors: LiveActors;
  /** The parts of the running box; null until the store is open. */
  runtime: Runtime | null = null;
  readonly #options: SignalboxOptions;
  readonly #shared: Shared;
  readonly #limits: Limits;
  readonly #now: () => number;
  readonly #supervisor: Actor<typeof supervisorMachine>;
  readonly #offered = new Set<string>();
  readonly #dueTimer: DueTimer;
  readonly #sleeps: Sleeps;
  #openError: unknown = null;
  #storeFailure: Error | null = null;
  #times: StopTimes = { grace: 0, abort: 0 };
  #spawned = 0;

  constructor(options: SignalboxOptions, shared: Shared) {
    this.#options = options;
    this.#shared = shared;
    this.#limits = limitsOf(options.limits);
    this.reactor = options.reactor ?? new NodeReactor();
    joinReactor(this.reactor, this);
    const clock =
      options.clock ?? (this.reactor.now === undefined ? new NodeReactor() : (this.reactor as Clock));
    this.#now = () => clock.now();
    this.#sleeps = new Sleeps(this.reactor);
    this.#dueTimer = new DueTimer({
      reactor: this.reactor,
      store: () => {
        const { agents, delivery, context } = this.#opened();
        return this.state === 'running' && (agents.size > 0 || delivery.isRunning) ? context.store : null;
      },
      tick: () => this.#supervisor.send({ type: 'tick.due' }),
    });
    this.#supervisor = createActor(
      supervisorMachine.provide({
        actions: {
          openStore: () => void this.#openStore(),
          recover: () => void this.#recover(),
          routeWork: ({ event }) => this.#opened().agents.offer((event as { queue: string }).queue),
          wakeDue: () => this.#opened().agents.offer(),
          tickSchedules: () => void this.#opened().ticker.look(),
          deliver: () => this.#opened().delivery.look(),
          scheduleTick: () => this.#dueTimer.plan(),
          cancelTick: () => this.#dueTimer.cancel(),
          drain: () => void this.#drain(),
          closeStore: () => void this.runtime?.context.store.close().catch(() => {}),
          abortJobs: () => this.#abortJobs(),
        },
      }),
    );
    this.actors = new LiveActors(this.#supervisor, this.#now, (error) =>
      this.runtime?.context.log.events('ERROR', () => `a listener of actors failed: ${String(error)}`),
    );
    this.#supervisor.start();
  }

  /** The state of the chart. */
  get state(): string {
    return String(this.#supervisor.getSnapshot().value);
  }

  /** Resolves when the store is open and recovered. Rejects with what prevented it. */
  async opened(): Promise<void> {
    await waitFor(this.#supervisor, (snapshot) => snapshot.matches('running') || snapshot.matches('failed'));
    if (this.#openError !== null) throw this.#openError;
  }

  /** Resolves when it has stopped, or failed. */
  async stopped(): Promise<void> {
    await waitFor(this.#supervisor, (snapshot) => snapshot.matches('stopped') || snapshot.matches('failed'));
  }

  /** Makes an actor a child of the supervisor. Undefined when the chart refuses it. */
  spawn(name: string, logic: AnyActorLogic, input: unknown): AnyActorRef | undefined {
    // An agent that was removed may still end when another one of its name starts.
    this.#spawned += 1;
    const id = `${name}:${this.#spawned}`;
    this.#supervisor.send({ type: 'child.spawn', id, logic, input });
    return (this.#supervisor.getSnapshot().children as Record<string, AnyActorRef | undefined>)[id];
  }

  /** Removes a child that has nothing left to do. */
  dismiss({ id }: AnyActorRef): void {
    this.#supervisor.send({ type: 'child.leave', id });
  }

  /** Lets what runs end, asks it to stop, and closes the store. Rejects when the store fails meanwhile. */
  async stop({ grace, abort }: StopTimes): Promise<void> {
    this.#times = { grace, abort };
    const isKnown = this.#storeFailure !== null;
    const store = this.runtime?.context.store ?? null;
    this.#supervisor.send({ type: 'box.stop' });
    await waitFor(this.#supervisor, (snapshot) => snapshot.matches('stopped'));
    try {
      await store?.close();
    } finally {
      // The store is closed: what waits for it, or to try it again, ends.
      this.#sleeps.end();
      this.runtime?.watch.lookAgain();
      this.runtime?.loopWatch.stop();
      this.runtime?.stops.end();
      await this.runtime?.threads.end();
    }
    if (!isKnown && this.#storeFailure !== null) throw this.#storeFailure;
  }

  /** The runtime, in states that the chart enters with an open store only. */
  #opened(): Runtime {
    if (this.runtime === null) throw new SignalboxError('NOT_STARTED', { what: 'the Signalbox' });
    return this.runtime;
  }

  async #openStore(): Promise<void> {
    const { store, codec = null } = this.#options;
    const ids = this.#options.ids ?? randomIds;
    const log = new Log(this.#options.logger ?? consoleLogger());
    let open: OpenStore | null = null;
    try {
      open = await store.open({
        now: this.#now,
        defer: (run) => this.reactor.callFromThread(run),
        newId: () => ids.newUuid(),
        report: (message) => log.events('WARNING', () => message),
      });
      const coded = await withCodec(open, codec);
      open = coded;
      open.onFailure((error) => {
        this.#storeFailure = error;
        log.events('CRITICAL', () => `the store failed: ${error.message}`, { err: error });
        this.#supervisor.send({ type: 'store.failed', reason: error.message });
      });
      const rules = new StoredRules(coded, this.#shared.registry);
      await rules.pending();
      const uuid = checkUuid(this.#options.uuid ?? this.#instanceUuid(open, ids));
      const context: RuntimeContext = {
        store: open,
        registry: this.#shared.registry,
        reactor: this.reactor,
        ids,
        random: this.#options.random ?? mathRandom,
        instrument: this.#options.instrument ?? null,
        intercept: this.#options.intercept ?? null,
        log,
        uuid,
        threadModule: threadModuleOf(this.#options),
        rules,
        turns: new Turns(),
        queues: new Set(),
        limits: this.#limits,
        now: () => coded.now(),
        sleep: (ms) => this.#sleeps.take(ms),
      };
      this.runtime = createRuntime(context, {
        offerWork: (queue, isLater) => this.#offerWork(queue, isLater),
        planDue: () => this.#planDue(),
        isRunning: () => this.state === 'running',
        now: this.#now,
        threads: this.#options.threads ?? nodeThreads(),
        hooksOn: (work) => this.#shared.listeners.on(work),
      });
      open.onHint((hint) => {
        if ('queue' in hint) this.#offerWork(hint.queue, true);
        else if ('stop' in hint) this.runtime?.stops.request(hint.stop);
        else this.runtime?.delivery.look();
      });
      this.#supervisor.send({ type: 'store.opened' });
    } catch (error) {
      this.#openError = error;
      // Without a runtime nothing else would close the store.
      await open?.close().catch(() => {});
      this.#supervisor.send({ type: 'store.failed', reason: String(error) });
    }
  }

  #instanceUuid(store: OpenStore, ids: IdSource): string {
    const files = this.#options.files ?? nodeTextFiles;
    // A store that dies with its process leaves nothing that an instance would have to recognise.
    const isVolatile = store.isVolatile && files.environment('SIGNALBOX_UUID_FILE') === undefined;
    return isVolatile ? ids.newUuid() : instanceUuid(files, ids, store.directory);
  }

  async #recover(): Promise<void> {
    try {
      await recover(this.#opened());
      this.#supervisor.send({ type: 'recovery.done' });
    } catch (error) {
      this.#openError = error;
      this.#supervisor.send({ type: 'store.failed', reason: String(error) });
    }
  }

  /** At most one event per queue and tick, however much was put. `isLater`: some of it may be due later. */
  #offerWork(queue: string, isLater: boolean): void {
    if (isLater) this.#planDue();
    if (this.#offered.has(queue)) return;
    this.#offered.add(queue);
    queueMicrotask(() => {
      this.#offered.delete(queue);
      this.#supervisor.send({ type: 'work.available', queue });
    });
  }

  #planDue(): void {
    this.#supervisor.send({ type: 'work.planned' });
  }

  async #drain(): Promise<void> {
    const { agents, context, delivery } = this.#opened();
    for (const agent of agents) agent.drain();
    const { grace, abort } = this.#times;
    const idle = (): Promise<unknown> => Promise.all([...agents].map((agent) => agent.idle()));
    if (grace > 0) await withinMs(context.reactor, idle(), grace);
    if (abort > 0) {
      for (const agent of agents) agent.workers.shutDown();
      await withinMs(context.reactor, idle(), abort);
    }
    for (const dispatcher of this.#shared.dispatchers.values()) await dispatcher.stopped();
    await delivery.stop();
    if (leaveReactor(this.reactor, this)) await this.#stopReactor(context);
    await context.store.settled().catch(() => {});
    this.#supervisor.send({ type: 'drain.done' });
  }

  /** An error of a trigger of the program must not prevent the end of the box. */
  async #stopReactor({ log }: RuntimeContext): Promise<void> {
    try {
      await this.reactor.stop?.();
    } catch (error) {
      const failure = Failure.from(error);
      log.events('ERROR', () => `a trigger before shutdown failed: ${errorText(failure)}`, {
        err: failure.toError(),
      });
    }
  }

  #abortJobs(): void {
    const reason = new Error('the store failed');
    leaveReactor(this.reactor, this);
    if (this.runtime === null) return;
    for (const agent of this.runtime.agents) agent.workers.abort(reason);
    // Polls could do nothing any more, and would keep the process alive after `stop`.
    for (const dispatcher of this.#shared.dispatchers.values()) dispatcher.abandon();
  }
}
