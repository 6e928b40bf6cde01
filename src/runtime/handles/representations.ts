import { SignalboxError } from '../../errors.ts';
import type { UnitOfWork } from '../commits/unit-of-work.ts';
import { Representation } from './representation.ts';
import { type HandleServices, servicesOf } from './services.ts';

/** The representations of dispatchers in one queue, in order of UUID. */
export class Representations {
  readonly #work: UnitOfWork;
  readonly #queue: string;

  constructor(work: UnitOfWork, queue: string) {
    this.#work = work;
    this.#queue = queue;
  }

  /** UUIDs of the dispatchers, in order. */
  async uuids(): Promise<readonly string[]> {
    return (await this.all()).map((representation) => representation.uuid);
  }

  /** All representations, in order of UUID. */
  async all(): Promise<readonly Representation[]> {
    const records = await this.#work.list('representation', `${this.#queue}/`);
    return records.map((record) => new Representation(this.#work.handles, record));
  }

  /** Whether a dispatcher is registered in the queue. */
  async has(uuid: string): Promise<boolean> {
    return (await this.#work.readChecked('representation', `${this.#queue}/${uuid}`)) !== undefined;
  }

  /** @throws SignalboxError `REPRESENTATION_NOT_FOUND`. */
  async get(uuid: string): Promise<Representation> {
    const record = await this.#work.readChecked('representation', `${this.#queue}/${uuid}`);
    if (record === undefined)
      throw new SignalboxError('REPRESENTATION_NOT_FOUND', { uuid, queue: this.#queue });
    return new Representation(this.#work.handles, record);
  }

  /**
   * Adds a representation that is not activated and has no ping.
   * @throws ConflictError when there is one already; SignalboxError `INVALID_OPTION`.
   */
  async register(uuid: string): Promise<Representation> {
    const { work, representations } = this.#services;
    return new Representation(work, await representations.register(this.#queue, uuid));
  }

  /**
   * Removes a representation that is not activated, with its agents.
   * @throws BadStatusError when it is activated.
   */
  async unregister(uuid: string): Promise<Representation> {
    const { work, representations } = this.#services;
    const record = await representations.unregister(`${this.#queue}/${uuid}`, this.#work);
    return new Representation(work, record);
  }

  get #services(): HandleServices {
    return servicesOf(this.#work.context);
  }
}
