import { SignalboxError, shown } from '../../errors.ts';
import type { PreparedMachine } from '../../model/durable/machine.ts';
import type { StandardSchemaV1 } from './standard-schema.ts';

/** What the runtime needs of what `defineMachine` returns. */
export interface MachineLike {
  readonly name: string;
  readonly prepared: PreparedMachine;
  readonly settings: MachineSettings;
}

/** Schemas of what programs give. */
export interface MachineSchemas {
  readonly input?: StandardSchemaV1;
  readonly events?: { readonly [type: string]: StandardSchemaV1 };
  readonly context?: StandardSchemaV1;
}

/** How the actors of a machine are treated. */
export interface MachineSettings {
  /** What a step does to its actor when it throws and no caller waits for it. */
  readonly onError: 'suspend' | 'fail';
  /** How long finished actors are kept, in milliseconds; null: as the store says. */
  readonly keepFinished: number | null;
  /** The queue of the jobs that they put. */
  readonly queue: string;
  /** What comes from outside has to pass these. */
  readonly schemas: MachineSchemas;
}

/** The machines that a process knows by name, those of children among them. */
export class Machines {
  readonly #known = new Map<string, MachineLike>();

  /** @throws SignalboxError `DUPLICATE_DEFINITION`, `INVALID_OPTION`. */
  add(machine: MachineLike): void {
    if (typeof machine !== 'object' || machine === null || machine.prepared === undefined)
      throw new SignalboxError('INVALID_OPTION', {
        option: 'machines',
        expected: 'machines that were made with defineMachine',
        actual: shown(machine),
      });
    const present = this.#known.get(machine.name);
    if (present !== undefined && present.prepared.given !== machine.prepared.given)
      throw new SignalboxError('DUPLICATE_DEFINITION', { what: 'machine', name: machine.name });
    // A child that is registered by itself as well has the settings of its own definition.
    if (present === undefined || present.settings === childSettings) this.#known.set(machine.name, machine);
    if (present !== undefined) return;
    for (const child of machine.prepared.children)
      if (this.#known.get(child.name)?.prepared.given !== child.given)
        this.add({ name: child.name, prepared: child, settings: childSettings });
  }

  get(name: string): MachineLike | undefined {
    return this.#known.get(name);
  }

  /** @throws SignalboxError `UNKNOWN_MACHINE`. */
  mustKnow(name: string): MachineLike {
    const machine = this.#known.get(name);
    if (machine === undefined) throw new SignalboxError('UNKNOWN_MACHINE', { name, known: this.names() });
    return machine;
  }

  names(): readonly string[] {
    return [...this.#known.keys()];
  }

  get size(): number {
    return this.#known.size;
  }
}

const childSettings: MachineSettings = { onError: 'suspend', keepFinished: null, queue: '', schemas: {} };
