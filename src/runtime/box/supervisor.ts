import { type Actor, type AnyActorLogic, type AnyActorRef, createActor, waitFor } from 'xstate';
import { supervisorMachine } from '../../../machines/supervisor.machine.ts';
import { BadStatusError, SignalboxError } from '../../errors.ts';
import { type Limits, limitsOf } from '../../model/checks/limits.ts';
import { checkUuid } from '../../model/checks/names.ts';
import type { RepresentationRecord } from '../../model/records/records.ts';
import { Failure } from '../../model/values/failure.ts';
import { withCodec } from '../../store/coded-store.ts';
import type { OpenStore } from '../../store/store.ts';
import { DueTick } from '../agents/due-timer.ts';
import type { Registry } from '../definitions/registry.ts';
import type { Dispatcher } from '../dispatchers/dispatcher.ts';
import type { Hooks } from '../dispatchers/lifecycle-hooks.ts';
import { instanceUuid } from '../environment/instance-uuid.ts';
import { criticalToStderr, Log } from '../environment/logging.ts';
import { type IdSource, nodeTextFiles, randomIds } from '../environment/ports.ts';
import { NodeReactor } from '../environment/reactor/node-reactor.ts';
import type { Clock, Reactor, RunnableReactor } from '../environment/reactor/reactor.ts';
import { joinReactor, leaveReactor } from '../environment/reactor/shared-reactors.ts';
import { withinMs } from '../environment/reactor/time-limits.ts';
import { Representation } from '../handles/representation.ts';
import { Engine } from './engine.ts';
import type { SignalboxOptions } from './signalbox-options.ts';

/** What a Signalbox shares with its supervision. */
interface Shared {
  readonly registry: Registry;
  readonly hooks: Hooks;
  readonly dispatchers: ReadonlyMap<string, Dispatcher>;
}

/** Joins the supervisor's chart to the world: the one place where its effects are written. */
export class Supervision {
  readonly reactor: Reactor & Partial<RunnableReactor>;
  /** The parts that dispatchers and handles share; null until the store is open. */
  engine: Engine | null = null;
  readonly #options: SignalboxOptions;
  readonly #shared: Shared;
  readonly #limits: Limits;
  readonly #now: () => number;
  readonly #supervisor: Actor<typeof supervisorMachine>;
  readonly #offered = new Set<string>();
  readonly #dueTick: DueTick;
  #openError: unknown = null;
  #storeFailure: Error | null = null;
  #grace = 0;
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
    this.#dueTick = new DueTick({
      reactor: this.reactor,
      store: () => (this.state === 'running' && this.#opened().agents.size > 0 ? this.#opened().store : null),
      tick: () => this.#supervisor.send({ type: 'tick.due' }),
    });
    this.#supervisor = createActor(
      supervisorMachine.provide({
        actions: {
          openStore: () => void this.#openStore(),
          recover: () => void this.#recover(),
          routeWork: ({ event }) => this.#routeWork((event as { queue: string }).queue),
          wakeDue: () => this.#wakeAll(),
          scheduleTick: () => this.#dueTick.plan(),
          cancelTick: () => this.#dueTick.cancel(),
          drain: () => void this.#drain(),
          closeStore: () => void this.engine?.store.close().catch(() => {}),
          abortJobs: () => this.#abortJobs(),
        },
      }),
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

  /** Makes an actor a child of the supervisor. Undefined when the chart refuses it. */
  spawn(name: string, logic: AnyActorLogic, input: unknown): AnyActorRef | undefined {
    // An agent that was removed may still be there when another of its name begins.
    this.#spawned += 1;
    const id = `${name}:${this.#spawned}`;
    this.#supervisor.send({ type: 'child.spawn', id, logic, input });
    return (this.#supervisor.getSnapshot().children as Record<string, AnyActorRef | undefined>)[id];
  }

  /** Lets a child go that is at nothing any more. */
  dismiss({ id }: AnyActorRef): void {
    this.#supervisor.send({ type: 'child.leave', id });
  }

  /** Lets what runs end within `grace` milliseconds, and closes the store. Rejects when the store fails meanwhile. */
  async stop(grace: number): Promise<void> {
    this.#grace = grace;
    const isKnown = this.#storeFailure !== null;
    const store = this.engine?.store ?? null;
    this.#supervisor.send({ type: 'box.stop' });
    await waitFor(this.#supervisor, (snapshot) => snapshot.matches('stopped'));
    try {
      await store?.close();
    } finally {
      this.engine?.end();
    }
    if (!isKnown && this.#storeFailure !== null) throw this.#storeFailure;
  }

  /** The engine, in states that the chart enters with an open store only. */
  #opened(): Engine {
    if (this.engine === null) throw new SignalboxError('NOT_STARTED', { what: 'the Signalbox' });
    return this.engine;
  }

  async #openStore(): Promise<void> {
    const { store, codec = null } = this.#options;
    const ids = this.#options.ids ?? randomIds;
    const log = new Log(this.#options.logger ?? criticalToStderr);
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
      const uuid = checkUuid(this.#options.uuid ?? this.#instanceUuid(open, ids));
      this.engine = new Engine({
        store: open,
        registry: this.#shared.registry,
        reactor: this.reactor,
        // That of the store is the only clock that all hosts share.
        now: () => coded.now(),
        ids,
        log,
        uuid,
        hooks: this.#shared.hooks,
        limits: this.#limits,
        offerWork: (queue) => this.#offerWork(queue),
      });
      open.onHint((queue) => this.#offerWork(queue));
      this.#supervisor.send({ type: 'store.opened' });
    } catch (error) {
      this.#openError = error;
      // Without an engine nobody else could let the store go.
      await open?.close().catch(() => {});
      this.#supervisor.send({ type: 'store.failed', reason: String(error) });
    }
  }

  #instanceUuid(store: OpenStore, ids: IdSource): string {
    const files = this.#options.files ?? nodeTextFiles;
    // A store that dies with its process leaves nothing behind that an instance would have to recognise.
    const isVolatile = store.isVolatile && files.environment('SIGNALBOX_UUID_FILE') === undefined;
    return isVolatile ? ids.newUuid() : instanceUuid(files, ids, store.directory);
  }

  /** Jobs of processes that are known to be gone are handed on before the first poll; for others a sibling waits. */
  async #recover(): Promise<void> {
    try {
      const { store, direct, orphans } = this.#opened();
      const records: RepresentationRecord[] = [];
      for (const queue of await store.list('queue', ''))
        records.push(...(await store.list('representation', `${queue.id}/`)));
      // Asked for after them: who is activated later has an opening by then.
      const { alive } = await store.openings();
      for (const record of records) {
        if (record.state !== 'activated' || alive.has(record.epoch)) continue;
        await this.#deactivated(new Representation(direct, record));
      }
      // Where others may be alive, the first poll has one of them look.
      if (store.exclusive) await orphans.takeUp();
      this.#supervisor.send({ type: 'recovery.done' });
    } catch (error) {
      this.#openError = error;
      this.#supervisor.send({ type: 'store.failed', reason: String(error) });
    }
  }

  async #deactivated(representation: Representation): Promise<void> {
    try {
      await representation.deactivate();
    } catch (error) {
      // Another process has just done it.
      if (!(error instanceof BadStatusError)) throw error;
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
    for (const live of this.#opened().agents.values()) if (live.queue === queue) live.offer();
  }

  #wakeAll(): void {
    for (const live of this.#opened().agents.values()) live.offer();
  }

  async #drain(): Promise<void> {
    const engine = this.#opened();
    for (const live of engine.agents.values()) live.drain();
    if (this.#grace > 0) {
      const idle = Promise.all([...engine.agents.values()].map((live) => live.idle()));
      await withinMs(engine.reactor, idle, this.#grace);
    }
    for (const dispatcher of this.#shared.dispatchers.values()) await dispatcher.stopped();
    if (leaveReactor(this.reactor, this)) await this.#stopReactor(engine);
    await engine.store.settled().catch(() => {});
    this.#supervisor.send({ type: 'drain.done' });
  }

  /** What a trigger of the program throws must not keep the box from its end. */
  async #stopReactor({ log }: Engine): Promise<void> {
    try {
      await this.reactor.stop?.();
    } catch (error) {
      const failure = Failure.from(error);
      log.events('ERROR', () => `a trigger before shutdown failed: ${failure.text()}`, {
        err: failure.toError(),
      });
    }
  }

  #abortJobs(): void {
    const reason = new Error('the store failed');
    leaveReactor(this.reactor, this);
    if (this.engine === null) return;
    for (const live of this.engine.agents.values()) live.workers.abort(reason);
    // Polls could do nothing any more, and would keep the process alive after `stop`.
    for (const dispatcher of this.#shared.dispatchers.values()) dispatcher.abandon();
  }
}
