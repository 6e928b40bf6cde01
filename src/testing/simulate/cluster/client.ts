import { ConflictError, type Job, type Signalbox, SignalboxError } from '../../../index.ts';
import type { Audit } from '../audit/audit.ts';
import type { Ledger } from '../audit/ledger.ts';
import { isInjected, lostConnection, saysNotCommitted } from '../world/faults.ts';
import type { SeededRandom } from '../world/random.ts';
import type { World } from '../world/world.ts';

/** Where and how a simulated client puts. */
export interface SimulatedPutOptions {
  /** Default `''`. */
  readonly queue?: string;
}

/**
 * Who does something in a simulation: it talks to one of the processes that are up, which may stop, be killed or lose
 * its store at any moment.
 */
export interface SimulatedClient {
  /** The box of that process. Its calls fail as they do in production; what they throw ends the act, and no more. */
  readonly box: Signalbox;
  /** Randomness of this act: what is drawn from anything else makes a seed unrepeatable. */
  readonly random: SeededRandom;
  /** How many acts began before. */
  readonly number: number;
  /**
   * Puts a job as a careful program does: under an id of its own, and again, through whoever is up, until it is
   * acknowledged. `make` is called for each attempt. From its acknowledgement on the job must not be lost; one whose
   * commit was refused for certain may be given up, and must never appear then. Gives the id, or null when it was given up.
   */
  readonly put: (make: () => Job<unknown>, options?: SimulatedPutOptions) => Promise<string | null>;
}

/** What a client needs from its simulation. */
export interface ClientParts {
  readonly world: World;
  readonly box: Signalbox;
  readonly number: number;
  readonly ledger: Ledger;
  readonly audit: () => Audit;
  /** A box that is up, or null while none is. */
  readonly anyBox: () => Signalbox | null;
  /** Chance that whoever asked does not hear the answer. */
  readonly forgets: number;
  readonly isOver: () => boolean;
}

const putLimitMs = 30_000;

/** The client of one act. */
export class ClientOf implements SimulatedClient {
  readonly box: Signalbox;
  readonly random: SeededRandom;
  readonly number: number;
  readonly #parts: ClientParts;
  #puts = 0;

  constructor(parts: ClientParts) {
    this.#parts = parts;
    this.box = parts.box;
    this.random = parts.world.random.fork();
    this.number = parts.number;
  }

  // A field, so that it may be taken out of the client.
  put: SimulatedClient['put'] = async (make, { queue = '' } = {}) => {
    const { ledger, world, isOver } = this.#parts;
    this.#puts += 1;
    const id = `act${this.number}-${this.#puts}`;
    let isUnknown = false;
    for (let box: Signalbox | null = this.box; ; box = this.#parts.anyBox()) {
      const wasThere = this.#parts.audit().job(id) !== undefined;
      const refusal = box === null ? lostConnection() : await this.#try(box, queue, make, id);
      if (wasThere && isAboutTheJob(refusal, id))
        world.violated(`I10 job ${id} is there, and putting it again is refused: ${String(refusal)}`);
      const isForgotten = refusal === null && this.random.chance(this.#parts.forgets);
      if (refusal === null && !isForgotten) {
        ledger.acknowledge(id);
        await this.#check(box as Signalbox, id);
        return id;
      }
      isUnknown ||= box !== null && !saysNotCommitted(refusal);
      if (!isUnknown && this.random.chance(0.3)) {
        ledger.refuse(id);
        return null;
      }
      if (isOver()) return null;
      await world.sleep(this.random.integer(1, 2000));
    }
  };

  /** What refused it; null when it was acknowledged. Who does not answer is not waited for. */
  async #try(box: Signalbox, queue: string, make: () => Job<unknown>, id: string): Promise<unknown> {
    const putting = box
      .queue(queue)
      .put(make(), { id })
      .then(
        () => null,
        (error: unknown) => error,
      );
    const late = this.#parts.world.sleep(putLimitMs).then(() => lostConnection());
    const refused = await Promise.race([putting, late]);
    this.#parts.world.note(`put ${id}: ${refused === null ? 'acknowledged' : String(refused)}`);
    if (refused !== null && !isExpected(refused)) throw refused;
    return refused;
  }

  /** What was acknowledged is on disk, and every query shows it. */
  async #check(box: Signalbox, id: string): Promise<void> {
    const { audit, world } = this.#parts;
    if (audit().job(id) === undefined) world.violated(`I1 job ${id} was acknowledged before it was synced`);
    try {
      await box.job(id).refresh();
    } catch (error) {
      if (error instanceof SignalboxError && error.code === 'JOB_NOT_FOUND')
        world.violated(`I15 job ${id} was acknowledged and is not found`);
    }
  }
}

/** A conflict about the job itself, and no other that a store may have. */
function isAboutTheJob(error: unknown, id: string): boolean {
  return error instanceof ConflictError && error.details.subject === `job/${id}`;
}

/** What a fault or the state of a job refuses is no surprise; a mistake in a call, and anything else, is. */
export function isExpected(error: unknown): boolean {
  if (error instanceof SignalboxError)
    return !/^(INVALID_|ARGS_|UNKNOWN_|QUEUE_|QUOTA_|JOB_EXISTS)/.test(error.code);
  return isInjected(error);
}
