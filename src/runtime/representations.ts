import type { RepresentationEvent } from '../../machines/representation.machine.ts';
import { newRepresentationContext } from '../../machines/representation.machine.ts';
import { ConflictError, SignalboxError, shown } from '../errors.ts';
import { checkFilter } from '../model/filter.ts';
import { isDead } from '../model/liveness.ts';
import { checkName } from '../model/names.ts';
import type { AgentRecord, FilterData, RepresentationRecord, Selection } from '../model/records.ts';
import { stepRepresentation, type Transition } from '../model/step.ts';
import { type Duration, durationMs } from '../time.ts';
import { cleaned } from './cleaning.ts';
import type { ChooserDefinition, FilterDefinition } from './definitions.ts';
import type { Engine } from './engine.ts';
import type { DispatcherEventName } from './hooks.ts';
import { Job } from './job.ts';
import { GatheringUnit, type Unit } from './unit.ts';

/** The representations of dispatchers in one queue, in order of UUID. */
export class Representations {
  readonly #unit: Unit;
  readonly #queue: string;

  constructor(unit: Unit, queue: string) {
    this.#unit = unit;
    this.#queue = queue;
  }

  async uuids(): Promise<readonly string[]> {
    return (await this.all()).map((representation) => representation.uuid);
  }

  async all(): Promise<readonly Representation[]> {
    const records = await this.#unit.list('representation', `${this.#queue}/`);
    return records.map((record) => new Representation(this.#unit, record));
  }

  async has(uuid: string): Promise<boolean> {
    return (await this.#unit.get('representation', `${this.#queue}/${uuid}`)) !== undefined;
  }

  /** @throws SignalboxError `REPRESENTATION_NOT_FOUND`. */
  async get(uuid: string): Promise<Representation> {
    const record = await this.#unit.get('representation', `${this.#queue}/${uuid}`);
    if (record === undefined)
      throw new SignalboxError('REPRESENTATION_NOT_FOUND', { uuid, queue: this.#queue });
    return new Representation(this.#unit, record);
  }

  /** Adds an inactive, never-pinged representation. @throws ConflictError when there is one already. */
  async register(uuid: string): Promise<Representation> {
    const { engine } = this.#unit;
    const id = `${this.#queue}/${uuid}`;
    const context = newRepresentationContext({ queue: this.#queue, dispatcher: uuid });
    const patch = {
      queue: context.queue,
      dispatcher: uuid,
      pingInterval: context.pingInterval,
      pingDeathInterval: context.pingDeathInterval,
    };
    const record: RepresentationRecord = { id, v: 1, rev: 0, lastSeq: 0, state: 'registered', ...context };
    return announced(engine, 'dispatcherRegistered', record, async (unit) => {
      const change = {
        kind: 'representation' as const,
        id,
        event: 'representation.register',
        from: null,
        to: 'registered',
        patch,
      };
      await unit.submit([change], [{ what: 'rev', kind: 'representation', id, rev: 0 }]);
    });
  }

  /** Removes a representation that is not activated. @throws BadStatusError when it is. */
  async unregister(uuid: string): Promise<Representation> {
    const { record } = await this.get(uuid);
    const step = stepRepresentation(record, { type: 'representation.unregister' });
    return announced(this.#unit.engine, 'dispatcherUnregistered', record, async (unit) => {
      await unit.submit([{ ...step, patch: null, gone: true }], [believing(record)]);
    });
  }
}

/** A dispatcher's durable record in one queue: any process can read and change it. */
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
    return isDead(this.#record, this.#unit.engine.now());
  }

  async refresh(): Promise<this> {
    const record = await this.#unit.get('representation', this.#record.id);
    if (record === undefined)
      throw new SignalboxError('REPRESENTATION_NOT_FOUND', { uuid: this.uuid, queue: this.queue });
    this.#record = record;
    return this;
  }

  /** Cleans what its agents left behind and activates it. @throws BadStatusError when it is activated. */
  async activate(): Promise<void> {
    const { engine } = this.#unit;
    await this.#move('dispatcherActivated', () => ({
      type: 'representation.activate',
      at: engine.now(),
      epoch: engine.store.epoch,
    }));
  }

  /** Deactivates it and hands its jobs on. @throws BadStatusError when it is not activated. */
  async deactivate(): Promise<void> {
    await this.#move('dispatcherDeactivated', () => ({ type: 'representation.deactivate' }));
    this.#unit.engine.abortRuns(this.#record, new Error('the dispatcher was deactivated'));
  }

  /** A ping found it alive though not activated: activates it and cleans nothing. */
  async reactivate(): Promise<void> {
    const { engine } = this.#unit;
    await this.#move('dispatcherReactivated', () => ({
      type: 'representation.reactivate',
      at: engine.now(),
      epoch: engine.store.epoch,
    }));
  }

  /** Records a sign of life. */
  ping(): Promise<void> {
    return this.#send({ type: 'ping', at: this.#unit.engine.now() });
  }

  /** Says when it was last alive: for tests of false deaths. */
  setActivated(at: Date): Promise<void> {
    return this.#send({ type: 'activated.set', at: at.getTime() });
  }

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
    for (let attempt = 1; ; attempt += 1) {
      await this.refresh();
      try {
        await this.#unit.submit([stepRepresentation(this.#record, event)], [believing(this.#record)]);
        await this.refresh();
        return;
      } catch (error) {
        if (!(error instanceof ConflictError) || attempt >= 5) throw error;
      }
    }
  }

  /** Steps the chart and does in one commit what its effects ask for: cleaning first, hooks last. */
  async #move(name: DispatcherEventName, event: () => RepresentationEvent): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      await this.refresh();
      const step = stepRepresentation(this.#record, event());
      try {
        await announced(this.#unit.engine, announcementOf(step, name), this.#record, async (unit) => {
          if (step.effects.some((effect) => effect.type === 'cleanAgents')) {
            const { made, expect } = await cleaned(unit.engine, this.#record);
            await unit.submit(made, expect);
          }
          await unit.submit([step], [believing(this.#record)]);
        });
        await this.refresh();
        return;
      } catch (error) {
        if (!(error instanceof ConflictError) || attempt >= 5) throw error;
      }
    }
  }
}

const announcements: Readonly<Record<string, DispatcherEventName>> = {
  announceActivation: 'dispatcherActivated',
  announceReactivation: 'dispatcherReactivated',
  announceDeactivation: 'dispatcherDeactivated',
};

/** The event that the chart asks to announce. Without one nobody hears of the step. */
function announcementOf(step: Transition, _expected: DispatcherEventName): DispatcherEventName | null {
  for (const effect of step.effects) {
    const name = announcements[effect.type];
    if (name !== undefined) return name;
  }
  return null;
}

/** Commits what `work` does together with what the hooks of the event do, then tells the listeners. */
async function announced(
  engine: Engine,
  name: DispatcherEventName | null,
  record: RepresentationRecord,
  work: (unit: GatheringUnit) => Promise<void>,
): Promise<Representation> {
  const unit = new GatheringUnit(engine, 'queue()');
  await work(unit);
  if (name !== null) await engine.hooks.before(name, new Representation(unit, record), unit);
  await engine.commit(engine.uuid, unit.made, unit.end()).synced;
  unit.adopt();
  const representation = new Representation(engine.direct, record);
  if (name !== null && name !== 'dispatcherUnregistered') await representation.refresh();
  if (name !== null) engine.hooks.after(name, representation);
  return representation;
}

function believing(record: RepresentationRecord): {
  readonly what: 'rev';
  readonly kind: 'representation';
  readonly id: string;
  readonly rev: number;
} {
  return { what: 'rev', kind: 'representation', id: record.id, rev: record.rev };
}

/** What an agent is told. A filter and a chooser exclude each other. */
export interface AgentOptions {
  /** How many jobs it may hold. Default 3. */
  readonly size?: number;
  /** Which jobs it takes: data, or a filter made with `defineFilter`. Default: any. */
  readonly filter?: FilterData | FilterDefinition | null;
  /** Picks jobs itself: a chooser made with `defineChooser`. */
  readonly chooser?: ChooserDefinition | null;
}

/** The settings of an agent, checked. */
export interface AgentSettings {
  readonly size: number;
  readonly selection: Selection;
  readonly filter: FilterDefinition | null;
  readonly chooser: ChooserDefinition | null;
}

/**
 * The settings of an agent, to be given to a representation.
 *
 * @example
 * ```ts
 * import { agent } from 'signalbox';
 *
 * console.log(agent({ size: 10, filter: { jobs: ['mail.*'] } }).size); // => 10
 * ```
 *
 * @throws SignalboxError `INVALID_OPTION`, `CHOOSER_AND_FILTER`.
 */
export function agent(options: AgentOptions = {}): AgentSettings {
  const size = options.size ?? 3;
  if (!Number.isInteger(size) || size < 1) {
    throw new SignalboxError('INVALID_OPTION', {
      option: 'size',
      expected: 'a whole number from 1 up',
      actual: shown(size),
    });
  }
  const { filter = null, chooser = null } = options;
  if (filter !== null && chooser !== null) throw new SignalboxError('CHOOSER_AND_FILTER', { name: '' });
  if (typeof filter === 'function' || typeof chooser === 'function') {
    throw new SignalboxError('INVALID_OPTION', {
      option: 'filter',
      expected: 'data, or a filter or chooser with a name',
      actual: shown(filter ?? chooser),
      repair: "Agents are stored: name the function with defineFilter('name', accepts).",
    });
  }
  if (chooser !== null) {
    return { size, selection: { kind: 'chooser', name: chooser.chooserName }, filter: null, chooser };
  }
  if (filter === null) return { size, selection: { kind: 'any' }, filter: null, chooser: null };
  if ('filterName' in filter) {
    return { size, selection: { kind: 'filter', name: filter.filterName }, filter, chooser: null };
  }
  return { size, selection: { kind: 'data', filter: checkFilter(filter) }, filter: null, chooser: null };
}

/** The agents of one representation, by name. */
export class Agents {
  readonly #unit: Unit;
  readonly #queue: string;
  readonly #uuid: string;

  constructor(unit: Unit, queue: string, uuid: string) {
    this.#unit = unit;
    this.#queue = queue;
    this.#uuid = uuid;
  }

  async names(): Promise<readonly string[]> {
    const records = await this.#unit.list('agent', this.#id(''));
    return records.map((record) => record.id.slice(this.#id('').length));
  }

  /** Settings and contents of an agent, or null. */
  async get(name: string): Promise<AgentHandle | null> {
    const record = await this.#unit.get('agent', this.#id(name));
    return record === undefined ? null : new AgentHandle(this.#unit, this.#queue, this.#uuid, name, record);
  }

  /** Adds an agent, or changes the settings of one. @throws SignalboxError `INVALID_NAME`. */
  async set(name: string, settings: AgentSettings): Promise<void> {
    checkName(name, 'an agent name');
    const { engine } = this.#unit;
    if (settings.filter !== null) engine.registry.addFilter(settings.filter);
    if (settings.chooser !== null) engine.registry.addChooser(settings.chooser);
    const patch = { size: settings.size, selection: settings.selection as never };
    await this.#unit.submit(
      [{ kind: 'agent', id: this.#id(name), event: 'agent.set', from: null, to: null, patch }],
      [],
    );
    engine.offerWork(this.#queue);
  }

  /** Removes an agent that holds nothing. @throws SignalboxError `AGENT_NOT_EMPTY`. */
  async remove(name: string): Promise<void> {
    const length = await this.#unit.engine.store.heldCount(this.#queue, this.#uuid, name);
    if (length > 0) throw new SignalboxError('AGENT_NOT_EMPTY', { name, length });
    await this.#unit.submit(
      [
        {
          kind: 'agent',
          id: this.#id(name),
          event: 'agent.removed',
          from: null,
          to: null,
          patch: null,
          gone: true,
        },
      ],
      [],
    );
  }

  #id(name: string): string {
    return `${this.#queue}/${this.#uuid}/${name}`;
  }
}

/** What an agent is set to and holds. */
export class AgentHandle {
  readonly name: string;
  readonly queue: string;
  readonly dispatcher: string;
  readonly size: number;
  readonly selection: Selection;
  readonly #unit: Unit;

  constructor(unit: Unit, queue: string, dispatcher: string, name: string, record: AgentRecord) {
    this.#unit = unit;
    this.name = name;
    this.queue = queue;
    this.dispatcher = dispatcher;
    this.size = record.size;
    this.selection = record.selection;
  }

  /** Jobs it holds, in order of claim. */
  async jobs(): Promise<readonly Job<unknown>[]> {
    const records = await this.#unit.engine.store.held(this.queue, this.dispatcher, this.name);
    await this.#unit.engine.store.settled();
    return records.map((record) => Job.of(this.#unit, record));
  }

  async length(): Promise<number> {
    return (await this.jobs()).length;
  }

  /** Jobs it has completed, newest first. */
  async completed(): Promise<readonly Job<unknown>[]> {
    const records = await this.#unit.engine.store.completed(this.queue, this.dispatcher, this.name);
    await this.#unit.engine.store.settled();
    return records.map((record) => Job.of(this.#unit, record));
  }
}
