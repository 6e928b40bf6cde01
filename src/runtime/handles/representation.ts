import type { RepresentationEvent } from '../../../machines/representation.machine.ts';
import { isDead } from '../../model/monitoring/liveness.ts';
import type { RepresentationRecord } from '../../model/records/records.ts';
import { type Duration, durationMs, type Instant, instantMs } from '../../time.ts';
import type { UnitOfWork } from '../commits/unit-of-work.ts';
import type { RepresentationCommands } from '../dispatchers/representation-commands.ts';
import { Inspectable } from '../environment/inspectable.ts';
import type { Reactor } from '../environment/reactor/reactor.ts';
import { Agents } from './agents.ts';
import { servicesOf } from './services.ts';

/**
 * A dispatcher's durable record in one queue: any process can read and change it.
 *
 * @example
 * ```ts
 * import { createSignalbox, memoryStore } from 'signalbox';
 *
 * const box = await createSignalbox({ store: memoryStore() });
 * await box.start();
 * const representation = await box.queue().dispatchers.get(box.uuid);
 * await representation.setPingIntervals({ pingInterval: '10s', pingDeathInterval: '30s' });
 * console.log(representation.pingInterval, representation.dead); // => 10000 false
 * await box.stop();
 * ```
 */
export class Representation extends Inspectable {
  readonly agents: Agents;
  readonly #work: UnitOfWork;
  #record: RepresentationRecord;

  constructor(work: UnitOfWork, record: RepresentationRecord) {
    super();
    this.#work = work;
    this.#record = record;
    this.agents = new Agents(work, record.queue, record.dispatcher);
  }

  get record(): RepresentationRecord {
    return this.#record;
  }

  get uuid(): string {
    return this.#record.dispatcher;
  }

  get queue(): string {
    return this.#record.queue;
  }

  /** The reactor of its box: what waits for it waits in that time. */
  get reactor(): Reactor {
    return this.#work.context.reactor;
  }

  /** When it was activated; null while it is not. */
  get activated(): Date | null {
    return this.#record.activated === null ? null : new Date(this.#record.activated);
  }

  get lastPing(): Date | null {
    return this.#record.lastPing === null ? null : new Date(this.#record.lastPing);
  }

  /** Milliseconds between pings. Default 30,000. */
  get pingInterval(): number {
    return this.#record.pingInterval;
  }

  /** Milliseconds without a ping after which it counts as dead. Default 60,000. */
  get pingDeathInterval(): number {
    return this.#record.pingDeathInterval;
  }

  /** Whether it counts as dead now: computed, never stored. */
  get dead(): boolean {
    return isDead(this.#record, this.#work.context.store.now());
  }

  /** Its record as last read, for `JSON.stringify` and `console.log`. */
  toJSON(): object {
    const { uuid, queue, activated, lastPing, pingInterval, pingDeathInterval, dead } = this;
    const { state } = this.#record;
    return { uuid, queue, state, activated, lastPing, pingInterval, pingDeathInterval, dead };
  }

  get #commands(): RepresentationCommands {
    return servicesOf(this.#work.context).representations;
  }

  // Commands refresh it first, through its own unit: one of an ended transaction refuses them, and one whose command is
  // refused is current.

  /** Reads it again. @throws SignalboxError `REPRESENTATION_NOT_FOUND`. */
  async refresh(): Promise<this> {
    this.#record = await this.#commands.read(this.#record.id, this.#work);
    return this;
  }

  /** Releases what its agents hold and activates it. @throws BadStatusError when it is activated. */
  async activate(): Promise<void> {
    await this.refresh();
    this.#record = await this.#commands.activate(this.#record.id);
  }

  /** Deactivates it and releases its jobs. @throws BadStatusError when it is not activated. */
  async deactivate(): Promise<void> {
    await this.refresh();
    this.#record = await this.#commands.deactivate(this.#record.id);
  }

  /**
   * Deactivates it while it counts as dead: a sign of life that came meanwhile is seen. Returns whether it was dead.
   * @throws BadStatusError when it is not activated.
   */
  async deactivateIfDead(): Promise<boolean> {
    await this.refresh();
    const wasDead = await this.#commands.deactivateIfDead(this.#record.id);
    await this.refresh();
    return wasDead;
  }

  /** Activates it again when it is alive although it was deactivated. Releases nothing. */
  async reactivate(): Promise<void> {
    await this.refresh();
    this.#record = await this.#commands.reactivate(this.#record.id);
  }

  /** Records a sign of life, by the store's clock: the only one that all hosts share. */
  ping(): Promise<void> {
    return this.#send({ type: 'ping', at: this.#work.context.store.now() });
  }

  /** Sets when it was last alive: for tests of false deaths. @throws SignalboxError `INVALID_INSTANT`. */
  async setActivated(at: Instant): Promise<void> {
    await this.#send({ type: 'activated.set', at: instantMs(at, 'at') });
  }

  /**
   * Changes how often it pings and after how long without a ping it counts as dead.
   * @throws SignalboxError `INVALID_DURATION`.
   */
  async setPingIntervals(intervals: {
    readonly pingInterval: Duration;
    readonly pingDeathInterval: Duration;
  }): Promise<void> {
    await this.#send({
      type: 'pingIntervals.set',
      pingInterval: durationMs(intervals.pingInterval, 'pingInterval'),
      pingDeathInterval: durationMs(intervals.pingDeathInterval, 'pingDeathInterval'),
    });
  }

  async #send(event: RepresentationEvent): Promise<void> {
    await this.refresh();
    this.#record = await this.#commands.send(this.#record.id, event, this.#work);
  }
}
