import type { SnapshotFrom } from 'xstate';
import type {
  DurableLogic,
  ExternalEvent,
  MachineDefinition,
  Receipt,
  Signalbox,
  StartInput,
} from '../../../index.ts';
import { lostConnection } from '../world/faults.ts';
import type { CarefulCalls } from './careful-calls.ts';
import type { ClientDeps } from './client-deps.ts';

/** What clients of a simulation do with durable actors. */
export interface SimulatedActorClient {
  /**
   * Starts an actor as a careful program does: again, through any process that is up, until the start is acknowledged. One
   * that is there is left as it is. Returns its id; null when that was given up.
   */
  readonly start: <L extends DurableLogic>(
    machine: MachineDefinition<L>,
    key: string,
    ...input: StartInput<L>
  ) => Promise<string | null>;
  /**
   * Sends an event as a careful program does: under an id of its own, and again until it is acknowledged. What is
   * acknowledged must be taken, be dead, or wait; what was certainly refused must never come. Returns the receipt; null when
   * it was refused or given up.
   */
  readonly send: <L extends DurableLogic>(
    machine: MachineDefinition<L>,
    key: string,
    event: ExternalEvent<L>,
  ) => Promise<Receipt | null>;
  /** As `send`, to an actor by its id, such as `order/17/parcel`: a child has no key. */
  readonly sendTo: (id: string, event: { readonly type: string }) => Promise<Receipt | null>;
  /** Asks an actor once, since a question has no id. Returns the snapshot. @throws what `ask` throws in production. */
  readonly ask: <L extends DurableLogic>(
    machine: MachineDefinition<L>,
    key: string,
    event: ExternalEvent<L>,
  ) => Promise<SnapshotFrom<L>>;
}

/** The durable actors of the client of one act. */
export class ActorClient implements SimulatedActorClient {
  readonly #parts: ClientDeps;
  readonly #calls: CarefulCalls;
  #sends = 0;
  /** The message that each actor has acknowledged last. */
  readonly #last = new Map<string, string>();

  constructor(parts: ClientDeps, calls: CarefulCalls) {
    this.#parts = parts;
    this.#calls = calls;
  }

  start: SimulatedActorClient['start'] = async (machine, key, ...input) => {
    const { audit, world } = this.#parts;
    const id = `${machine.name}/${key}`;
    const started = await this.#calls.make(`start ${id}`, (box) =>
      box.actor(machine, key).start(...([input[0], { ifExists: 'return' }] as never)),
    );
    if (started === null || 'error' in started) return null;
    if (!audit().records.has(`actor/${id}`))
      world.violated(`I27 actor ${id} was acknowledged before it was synced`);
    return id;
  };

  send: SimulatedActorClient['send'] = (machine, key, event) =>
    this.sendTo(`${machine.name}/${key}`, event as { readonly type: string });

  sendTo: SimulatedActorClient['sendTo'] = async (actor, event) => {
    const { audit, world, ledger, number } = this.#parts;
    this.#sends += 1;
    const id = `act${number}-${this.#sends}`;
    const message = `${actor}#${id}`;
    const before = this.#last.get(actor) ?? null;
    const sent = (box: Signalbox): Promise<Receipt> => box.actorById(actor).send(event as never, { id });
    const answer = await this.#calls.make(`send ${message}`, sent);
    if (answer === null) return null;
    if (this.#parts.sendsTwice()) await this.#calls.make(`send ${message} again`, sent);
    if ('error' in answer) {
      if (answer.isCertain) ledger.refuseMail(message);
      return null;
    }
    ledger.acknowledgeMail(message, before);
    this.#last.set(actor, message);
    if (audit().actors.mail.endOf(message) === undefined)
      world.violated(`I27 message ${message} was acknowledged before it was synced`);
    return answer.value;
  };

  ask: SimulatedActorClient['ask'] = async (machine, key, event) => {
    const { audit, world, nextBox } = this.#parts;
    const actor = `${machine.name}/${key}`;
    const { type } = event as { readonly type: string };
    const before = audit().actors.takenBy(actor, type);
    const box = nextBox();
    if (box === null) throw lostConnection();
    const answer = await this.#calls.within(box.actor(machine, key).ask(event));
    world.note(`ask ${actor} ${type}: ${'error' in answer ? String(answer.error) : 'answered'}`);
    if ('error' in answer) throw answer.error;
    if (audit().actors.takenBy(actor, type) <= before)
      world.violated(`I27 ${actor} has answered ${type}, and no step that took it is synced`);
    return answer.value;
  };
}
