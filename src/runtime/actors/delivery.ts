import { type Actor, createActor } from 'xstate';
import { deliveryMachine } from '../../../machines/delivery.machine.ts';
import { Failure } from '../../model/values/failure.ts';
import { isStoreClosed } from '../commits/retry-rules.ts';
import type { RuntimeContext } from '../commits/runtime-context.ts';
import type { Machines } from '../definitions/machines.ts';
import { errorText } from '../environment/logging.ts';
import type { ActorLines } from './actor-lines.ts';

/** The dependencies of the delivery. */
export interface DeliveryDeps {
  readonly context: RuntimeContext;
  readonly machines: Machines;
  readonly lines: ActorLines;
  /** Asks the store anew when something becomes due. */
  readonly planDue: () => void;
}

/** How many actors one round takes: two that write to each other for ever do not hold up the others. */
const mostActors = 64;

/** Takes mail and due timers to the actors of this process, from the start of the box until it stops. */
export class Delivery {
  readonly #deps: DeliveryDeps;
  readonly #actor: Actor<typeof deliveryMachine>;
  /** Behind this actor the next round goes on. */
  #cursor = '';
  /** What the last round has found. */
  #found = '';
  #isStarted = false;

  constructor(deps: DeliveryDeps) {
    this.#deps = deps;
    this.#actor = createActor(deliveryMachine.provide({ actions: { deliver: () => void this.#deliver() } }));
  }

  /** True from the start of the box until it stops. */
  get isRunning(): boolean {
    const { status, value } = this.#actor.getSnapshot();
    return this.#isStarted && status === 'active' && value !== 'stopped' && value !== 'draining';
  }

  /** From now on it delivers; the mail of an earlier process first. */
  start(): void {
    if (this.#isStarted || this.#deps.machines.size === 0) return;
    this.#isStarted = true;
    this.#actor.start();
    this.look();
  }

  /** As a poll does it: the first one begins the delivery. */
  poll(): void {
    if (this.#isStarted) this.look();
    else this.start();
  }

  /** There may be mail, or a timer is due. */
  look(): void {
    if (this.#isStarted) this.#actor.send({ type: 'mail.available' });
  }

  /** Mail for one actor has come: its line takes it. */
  mailFor(actor: string, machine: string): void {
    if (this.isRunning && this.#deps.machines.get(machine) !== undefined)
      void this.#deps.lines.look(actor, machine);
  }

  /** Begins nothing more. Resolves when all that is under way is over. */
  async stop(): Promise<void> {
    if (this.#isStarted) this.#actor.send({ type: 'delivery.stop' });
    await this.#deps.lines.end();
  }

  async #deliver(): Promise<void> {
    try {
      while (await this.#round());
    } catch (error) {
      if (!isStoreClosed(error)) {
        const failure = Failure.from(error);
        this.#deps.context.log.events(
          'ERROR',
          () => `mail of actors could not be read: ${errorText(failure)}`,
          { err: failure.toError() },
        );
      }
    }
    this.#actor.send({ type: 'delivery.done' });
    this.#deps.planDue();
  }

  /** Returns whether there may be more. */
  async #round(): Promise<boolean> {
    const { context, machines, lines } = this.#deps;
    const { store } = context;
    const names = machines.names();
    const due = await store.dueActors(names, store.now(), mostActors / 2);
    const mailed = await store.mailed(names, this.#cursor, mostActors - due.length);
    this.#cursor = mailed.at(-1) ?? '';
    await Promise.all([...new Set([...due, ...mailed])].map((id) => lines.look(id, machineOf(id))));
    // Those that cannot take their mail try again by themselves, and are not found for ever.
    const found = [...due, ...mailed].join('\n');
    const isNew = found !== '' && found !== this.#found;
    this.#found = isNew ? found : '';
    return this.isRunning && isNew;
  }
}

/** The machine of a root; of a child its record says it. */
function machineOf(id: string): string {
  return id.slice(0, id.indexOf('/'));
}
