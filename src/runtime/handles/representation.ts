import type { RepresentationEvent } from '../../../machines/representation.machine.ts';
import { SignalboxError } from '../../errors.ts';
import { stepRepresentation, type Transition } from '../../model/jobs/step.ts';
import { isDead } from '../../model/monitoring/liveness.ts';
import type { RepresentationRecord } from '../../model/records/records.ts';
import { type Duration, durationMs, type Instant, instantMs } from '../../time.ts';
import type { Engine } from '../box/engine.ts';
import { fiveTimes, fiveTimesButForJobs } from '../commits/retry.ts';
import { GatheringUnit, type Unit } from '../commits/unit-of-work.ts';
import type { DispatcherEventName } from '../dispatchers/lifecycle-hooks.ts';
import { cleaned } from '../dispatchers/release-jobs.ts';
import type { Reactor } from '../environment/reactor/reactor.ts';
import { Agents } from './agents.ts';

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
export class Representation {
  readonly agents: Agents;
  readonly #unit: Unit;
  #record: RepresentationRecord;

  constructor(unit: Unit, record: RepresentationRecord) {
    this.#unit = unit;
    this.#record = record;
    this.agents = new Agents(unit, record.queue, record.dispatcher);
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
    return this.#unit.engine.reactor;
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
    return isDead(this.#record, this.#unit.engine.store.now());
  }

  /** Reads it again. @throws SignalboxError `REPRESENTATION_NOT_FOUND`. */
  async refresh(): Promise<this> {
    const record = await this.#unit.get('representation', this.#record.id);
    if (record === undefined)
      throw new SignalboxError('REPRESENTATION_NOT_FOUND', { uuid: this.uuid, queue: this.queue });
    this.#record = record;
    return this;
  }

  /** Cleans what its agents left behind and activates it. @throws BadStatusError when it is activated. */
  async activate(): Promise<void> {
    const { store } = this.#unit.engine;
    await this.#move(() => ({ type: 'representation.activate', at: store.now(), epoch: store.epoch }));
  }

  /** Deactivates it and hands its jobs on. @throws BadStatusError when it is not activated. */
  async deactivate(): Promise<void> {
    await this.#move(() => ({ type: 'representation.deactivate' }));
    this.#unit.engine.abortRuns(this.#record, new Error('the dispatcher was deactivated'));
  }

  /**
   * Deactivates it as long as it counts as dead: a sign of life that came meanwhile is seen. Says whether it did.
   * @throws BadStatusError when it is not activated.
   */
  async deactivateIfDead(): Promise<boolean> {
    const wasDead = await this.#move(
      () => ({ type: 'representation.deactivate' }),
      () => this.dead,
    );
    if (wasDead) this.#unit.engine.abortRuns(this.#record, new Error('the dispatcher was deactivated'));
    return wasDead;
  }

  /** A ping found it alive though not activated: activates it and cleans nothing. */
  async reactivate(): Promise<void> {
    const { store } = this.#unit.engine;
    await this.#move(() => ({ type: 'representation.reactivate', at: store.now(), epoch: store.epoch }));
  }

  /** Records a sign of life, by the store's clock: the only one that all hosts share. */
  ping(): Promise<void> {
    return this.#send({ type: 'ping', at: this.#unit.engine.store.now() });
  }

  /** Says when it was last alive: for tests of false deaths. @throws SignalboxError `INVALID_INSTANT`. */
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
    await fiveTimes(async () => {
      await this.refresh();
      await this.#unit.submit([stepRepresentation(this.#record, event)], [believing(this.#record)]);
    });
    await this.refresh();
  }

  /** Steps its chart from what is stored now, unless that is not `wanted` any more. Says whether it did. */
  async #move(event: () => RepresentationEvent, isWanted: () => boolean = () => true): Promise<boolean> {
    const moved = await fiveTimesButForJobs(async () => {
      await this.refresh();
      if (!isWanted()) return false;
      const unit = new GatheringUnit(this.#unit.engine, 'tx.queue()');
      await commitHeard(unit, await move(unit, this.#record, event()));
      return true;
    });
    await this.refresh();
    return moved;
  }
}

/** Deactivates a dispatcher in every one of these queues where this process has activated it, in one commit for all of them. */
export async function deactivateIn(engine: Engine, uuid: string, queues: Iterable<string>): Promise<void> {
  const names = [...queues];
  await fiveTimesButForJobs(async () => {
    const unit = new GatheringUnit(engine, 'tx.queue()');
    const moved: Heard[] = [];
    for (const queue of names) {
      const record = await unit.get('representation', `${queue}/${uuid}`);
      if (record?.state !== 'activated' || record.epoch !== engine.store.epoch) continue;
      moved.push(await move(unit, record, { type: 'representation.deactivate' }));
    }
    if (moved.length > 0) await commitHeard(unit, ...moved);
    for (const { record } of moved) engine.abortRuns(record, new Error('the dispatcher was deactivated'));
  });
}

const announcements: Readonly<Record<string, DispatcherEventName>> = {
  announceActivation: 'dispatcherActivated',
  announceReactivation: 'dispatcherReactivated',
  announceDeactivation: 'dispatcherDeactivated',
  announceUnregistration: 'dispatcherUnregistered',
};

/** What hooks and listeners are told of. `name` null: the chart announces nothing. */
interface Heard {
  readonly name: DispatcherEventName | null;
  readonly record: RepresentationRecord;
}

/** Steps the chart and gathers what its effects ask for: cleaning first, hooks last. */
export async function move(
  unit: GatheringUnit,
  record: RepresentationRecord,
  event: RepresentationEvent,
): Promise<Heard> {
  const step = stepRepresentation(record, event);
  if (step.effects.some((effect) => effect.type === 'cleanAgents')) {
    const { made, expect } = await cleaned(unit.engine, record);
    await unit.submit(made, expect);
  }
  const about = { name: announcementOf(step), record };
  if (about.name !== 'dispatcherUnregistered') await unit.submit([step], [believing(record)]);
  else {
    const agents = await unit.list('agent', `${record.id}/`);
    const gone = agents.map(({ id }) => ({ ...agentRemoval, id }));
    await unit.submit([{ ...step, patch: null, gone: true }, ...gone], [believing(record)]);
  }
  await hear(unit, about);
  return about;
}

const agentRemoval = {
  kind: 'agent' as const,
  event: 'agent.removed',
  from: null,
  to: null,
  patch: null,
  gone: true,
};

/** The event that the chart asks to announce. Without one nobody hears of the step. */
function announcementOf(step: Transition): DispatcherEventName | null {
  for (const effect of step.effects) {
    const name = announcements[effect.type];
    if (name !== undefined) return name;
  }
  return null;
}

/** Lets the hooks add to the commit. They see the representation as the commit will leave it. */
export async function hear(unit: GatheringUnit, { name, record }: Heard): Promise<void> {
  if (name === null) return;
  const now = (await unit.peek('representation', record.id)) ?? record;
  await unit.engine.hooks.before(name, new Representation(unit, now), unit);
}

/** Commits what a unit gathered, then tells the listeners. Returns the first representation as it is then. */
export async function commitHeard(unit: GatheringUnit, ...heard: readonly Heard[]): Promise<Representation> {
  const { engine } = unit;
  await engine.commit(engine.uuid, unit.made, unit.end()).synced;
  unit.adopt();
  const representations: Representation[] = [];
  for (const { name, record } of heard) {
    const now = (await engine.direct.get('representation', record.id)) ?? record;
    const representation = new Representation(engine.direct, now);
    representations.push(representation);
    if (name === null) continue;
    engine.hooks.after(name, representation, (error) =>
      engine.log.events('ERROR', () => `a listener of ${name} failed: ${String(error)}`),
    );
  }
  return representations[0] as Representation;
}

function believing(record: RepresentationRecord): {
  readonly what: 'rev';
  readonly kind: 'representation';
  readonly id: string;
  readonly rev: number;
} {
  return { what: 'rev', kind: 'representation', id: record.id, rev: record.rev };
}
