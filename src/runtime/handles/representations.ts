import { newRepresentationContext } from '../../../machines/representation.machine.ts';
import { SignalboxError } from '../../errors.ts';
import { checkUuid } from '../../model/checks/names.ts';
import type { RepresentationRecord } from '../../model/records/records.ts';
import { GatheringUnit, type Unit } from '../commits/unit-of-work.ts';
import { commitHeard, hear, move, Representation } from './representation.ts';

/** The representations of dispatchers in one queue, in order of UUID. */
export class Representations {
  readonly #unit: Unit;
  readonly #queue: string;

  constructor(unit: Unit, queue: string) {
    this.#unit = unit;
    this.#queue = queue;
  }

  /** UUIDs of the dispatchers, in order. */
  async uuids(): Promise<readonly string[]> {
    return (await this.all()).map((representation) => representation.uuid);
  }

  /** All representations, in order of UUID. */
  async all(): Promise<readonly Representation[]> {
    const records = await this.#unit.list('representation', `${this.#queue}/`);
    return records.map((record) => new Representation(this.#unit.ofHandles, record));
  }

  /** Whether a dispatcher is registered in the queue. */
  async has(uuid: string): Promise<boolean> {
    return (await this.#unit.get('representation', `${this.#queue}/${uuid}`)) !== undefined;
  }

  /** @throws SignalboxError `REPRESENTATION_NOT_FOUND`. */
  async get(uuid: string): Promise<Representation> {
    const record = await this.#unit.get('representation', `${this.#queue}/${uuid}`);
    if (record === undefined)
      throw new SignalboxError('REPRESENTATION_NOT_FOUND', { uuid, queue: this.#queue });
    return new Representation(this.#unit.ofHandles, record);
  }

  /**
   * Adds an inactive, never-pinged representation.
   * @throws ConflictError when there is one already; SignalboxError `INVALID_OPTION`.
   */
  async register(uuid: string): Promise<Representation> {
    checkUuid(uuid);
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
    const change = {
      kind: 'representation' as const,
      id,
      event: 'representation.register',
      from: null,
      to: 'registered',
      patch,
    };
    const unit = new GatheringUnit(engine, 'tx.queue()');
    await unit.submit([change], [{ what: 'rev', kind: 'representation', id, rev: 0 }]);
    const about = { name: 'dispatcherRegistered', record } as const;
    await hear(unit, about);
    return commitHeard(unit, about);
  }

  /**
   * Removes a representation that is not activated, with its agents.
   * @throws BadStatusError when it is activated.
   */
  async unregister(uuid: string): Promise<Representation> {
    const { record } = await this.get(uuid);
    const unit = new GatheringUnit(this.#unit.engine, 'tx.queue()');
    const about = await move(unit, record, { type: 'representation.unregister' });
    return commitHeard(unit, about);
  }
}
