import type { Kind, Records } from '../../store/entry.ts';
import type { Engine } from '../box/engine.ts';
import { GatheringUnit, type Unit } from '../commits/unit-of-work.ts';
import { Queue } from './queue.ts';

/**
 * Several calls as one commit: all or nothing. Its jobs, quotas and agents are seen as it leaves them; which jobs wait in a
 * queue is seen as it is committed. With its end it is over; handles that were made in it go on.
 */
export interface Transaction {
  queue(name?: string): Queue;
}

/** A transaction on a unit that someone else commits. */
export function transactionOn(unit: GatheringUnit): Transaction {
  const queues = new TransactionUnit(unit);
  return {
    queue(name = '') {
      unit.mustRun();
      return new Queue(queues, name);
    },
  };
}

/** What queues of a transaction write through. What outlasts it must not be done apart from it, as a handle may. */
class TransactionUnit implements Unit {
  readonly engine: Engine;
  readonly #unit: GatheringUnit;

  constructor(unit: GatheringUnit) {
    this.engine = unit.engine;
    this.#unit = unit;
  }

  get ofHandles(): Unit {
    return this.#unit.ofHandles;
  }

  get #open(): GatheringUnit {
    this.#unit.mustRun();
    return this.#unit;
  }

  async submit(...given: Parameters<Unit['submit']>): Promise<void> {
    return this.#open.submit(...given);
  }

  async get<K extends Kind>(kind: K, id: string): Promise<Records[K] | undefined> {
    return this.#open.get(kind, id);
  }

  async peek<K extends Kind>(kind: K, id: string): Promise<Records[K] | undefined> {
    return this.#open.peek(kind, id);
  }

  async list<K extends Kind>(kind: K, prefix: string): Promise<readonly Records[K][]> {
    return this.#open.list(kind, prefix);
  }

  async hasCallbacks(job: string): Promise<boolean> {
    return this.#open.hasCallbacks(job);
  }

  async whenCommitted(work: () => Promise<void>): Promise<void> {
    return this.#open.whenCommitted(work);
  }
}

/** Runs `work` and commits what it did. What it read must not have changed: else `ConflictError`, and nothing is applied. */
export async function runTransaction<Result>(
  engine: Engine,
  work: (tx: Transaction) => Promise<Result> | Result,
): Promise<Result> {
  const unit = new GatheringUnit(engine, 'tx.queue()');
  let result: Result;
  try {
    result = await work(transactionOn(unit));
  } catch (error) {
    unit.end();
    unit.withdraw();
    throw error;
  }
  const expect = unit.end();
  try {
    if (!unit.isEmpty || expect.length > 0) await engine.commit('client', unit.made, expect).synced;
  } catch (error) {
    unit.withdraw();
    throw error;
  }
  unit.adopt();
  return result;
}
