import {
  ConflictError,
  type Job,
  type PutOptions,
  type Queue,
  type Signalbox,
  SignalboxError,
} from '../../../index.ts';
import { lostConnection, saysNotCommitted } from '../world/faults.ts';
import type { SeededRandom } from '../world/random.ts';
import { ActorClient, type SimulatedActorClient } from './actor-client.ts';
import { CarefulCalls, isExpected } from './careful-calls.ts';
import type { ClientDeps } from './client-deps.ts';

/** The options of a simulated put. */
export interface SimulatedPutOptions extends Omit<PutOptions, 'id' | 'client'> {
  /** Default `''`. */
  readonly queue?: string;
}

/**
 * A client of a simulation. It uses one of the processes that are up, which may stop, be killed or lose its
 * store at any moment.
 */
export interface SimulatedClient extends SimulatedActorClient {
  /** The box of that process. Its calls fail as they do in production; an error ends only the act. */
  readonly box: Signalbox;
  /** The randomness of this act. A seed cannot be repeated when an act uses any other randomness. */
  readonly random: SeededRandom;
  /** The number of acts that began before. */
  readonly number: number;
  /**
   * Puts a job as a careful program does: under its own id, and again, through any process that is up, until
   * the put is acknowledged. `make` is called for each attempt and must give the same job with the same arguments
   * each time: what is random is drawn before. An acknowledged job must not be lost. A job
   * whose commit was certainly refused may be given up, and must never appear then. Returns the id, of a job that is
   * unique that of the job that has its name; null when the job was given up.
   */
  readonly put: (make: () => Job<unknown>, options?: SimulatedPutOptions) => Promise<string | null>;
  /**
   * Makes a call that may be repeated, such as the cancel of a job, as a careful program does: again, through any process that is
   * up, until it is answered. Returns the value; null when it was given up. @throws what was refused for certain.
   */
  readonly call: <Value>(call: (box: Signalbox) => Promise<Value>) => Promise<Value | null>;
  /** Waits this many milliseconds of simulated time. */
  readonly sleep: (ms: number) => Promise<void>;
}

/** What a put answered: an error, or null and the id of the job that has the name. */
interface Answer {
  readonly refusal: unknown;
  readonly told?: string;
}

const putLimitMs = 30_000;

/** The client of one act. */
export class ClientOf implements SimulatedClient {
  readonly box: Signalbox;
  readonly random: SeededRandom;
  readonly number: number;
  readonly start: SimulatedActorClient['start'];
  readonly send: SimulatedActorClient['send'];
  readonly sendTo: SimulatedActorClient['sendTo'];
  readonly ask: SimulatedActorClient['ask'];
  readonly sleep: SimulatedClient['sleep'];
  readonly #parts: ClientDeps;
  readonly #calls: CarefulCalls;
  #puts = 0;

  constructor(parts: ClientDeps) {
    this.#parts = parts;
    this.box = parts.box;
    this.random = parts.world.random.fork();
    this.number = parts.number;
    this.#calls = new CarefulCalls(parts);
    const { start, send, sendTo, ask } = new ActorClient(parts, this.#calls);
    this.start = start;
    this.send = send;
    this.sendTo = sendTo;
    this.ask = ask;
    this.sleep = (ms) => this.#calls.counted(() => parts.world.sleep(ms));
  }

  // A field, so that an act can take it out of the client by destructuring.
  put: SimulatedClient['put'] = (make, options) => this.#calls.counted(() => this.#put(make, options));

  call: SimulatedClient['call'] = async (call) => {
    type Told = { readonly value: Awaited<ReturnType<typeof call>> } | { readonly refusal: unknown };
    const answer = await this.#calls.make('call', async (box): Promise<Told> => {
      try {
        return { value: await call(box) };
      } catch (error) {
        if (isPassing(error)) throw error;
        return { refusal: error };
      }
    });
    if (answer === null) return null;
    if ('error' in answer) throw answer.error;
    if ('refusal' in answer.value) throw answer.value.refusal;
    return answer.value.value;
  };

  /** Whether the act goes on without the process that it began with. */
  get isCalling(): boolean {
    return this.#calls.underWay > 0;
  }

  async #put(
    make: () => Job<unknown>,
    { queue = '', ...options }: SimulatedPutOptions = {},
  ): Promise<string | null> {
    const { ledger, world, isOver } = this.#parts;
    this.#puts += 1;
    const id = `act${this.number}-${this.#puts}`;
    let isUnknown = false;
    for (let box = this.#parts.nextBox(); ; box = this.#parts.anyBox()) {
      const wasThere = this.#parts.audit().job(id) !== undefined;
      const { refusal, told = id } =
        box === null
          ? { refusal: lostConnection() }
          : await this.#try(box.queue(queue), make, { ...options, id });
      if (wasThere && isAboutTheJob(refusal, id))
        world.violated(`I10 job ${id} is there, and putting it again is refused: ${String(refusal)}`);
      const isForgotten = refusal === null && this.random.chance(this.#parts.forgets);
      if (refusal === null && !isForgotten) {
        ledger.acknowledge(told);
        await this.#check(box as Signalbox, told);
        return told;
      }
      isUnknown ||= box !== null && !saysNotCommitted(refusal);
      if (!isUnknown && this.random.chance(this.#parts.givesUp)) {
        ledger.refuse(id);
        return null;
      }
      if (isOver()) return null;
      const ms = this.random.integer(1, 2000);
      await world.sleep(box === null ? Math.max(ms, this.#parts.patienceMs) : ms);
    }
  }

  /**
   * Returns the error that refused the put; null when it was acknowledged, with the id of the job that it gave. Does not
   * wait for a process without an answer.
   */
  async #try(
    queue: Queue,
    make: () => Job<unknown>,
    options: PutOptions & { readonly id: string },
  ): Promise<Answer> {
    const { id } = options;
    const putting = queue.put(make(), options).then(
      (job): Answer => ({ refusal: null, told: job.id ?? id }),
      (error: unknown): Answer => ({ refusal: error }),
    );
    const late = this.#parts.world.sleep(putLimitMs).then((): Answer => ({ refusal: lostConnection() }));
    const answer = await Promise.race([putting, late]);
    const { refusal: refused, told } = answer;
    const isOther = told !== undefined && told !== id;
    this.#parts.world.note(
      `put ${id}: ${refused === null ? `acknowledged${isOther ? ` as ${told}` : ''}` : String(refused)}`,
    );
    if (isAnotherJob(refused)) throw makesAnother(id, refused);
    if (refused !== null && !isExpected(refused)) throw refused;
    return answer;
  }

  /** Checks that an acknowledged job is on disk, and that every query shows it. */
  async #check(box: Signalbox, id: string): Promise<void> {
    const { audit, world } = this.#parts;
    if (audit().job(id) === undefined) world.violated(`I1 job ${id} was acknowledged before it was synced`);
    const answer = await this.#calls.within(box.job(id).refresh());
    if ('error' in answer && answer.error instanceof SignalboxError && answer.error.code === 'JOB_NOT_FOUND')
      world.violated(`I15 job ${id} was acknowledged and is not found`);
  }
}

/** Whether an error is a conflict about the job itself, not another conflict of the store. */
function isAboutTheJob(error: unknown, id: string): boolean {
  return error instanceof ConflictError && error.details.subject === `job/${id}`;
}

/** Whether an error is over when the store or the process is there again. */
function isPassing(error: unknown): boolean {
  return !(error instanceof SignalboxError) || /^(STORE_|BOX_STOPPED$|CONFLICT$)/.test(error.code);
}

function isAnotherJob(error: unknown): error is SignalboxError<'JOB_EXISTS'> {
  return error instanceof SignalboxError && error.code === 'JOB_EXISTS';
}

function makesAnother(id: string, cause: SignalboxError<'JOB_EXISTS'>): Error {
  return new Error(
    `Expected \`make\` to give the same job with the same arguments at each call, got another one for id "${id}" when the put was repeated. Draw what is random, and read what changes, before \`put\` and not in \`make\`.`,
    { cause },
  );
}
