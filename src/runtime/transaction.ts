import type { Engine } from './engine.ts';
import { Queue } from './queue.ts';
import { GatheringUnit } from './unit.ts';

/** Several calls as one commit: all or nothing. Its queues and jobs see their own changes. */
export interface Transaction {
  queue(name?: string): Queue;
}

/** A transaction on a unit that someone else commits. */
export function transactionOn(unit: GatheringUnit): Transaction {
  return { queue: (name = '') => new Queue(unit, name) };
}

/** Runs `work` and commits what it did. What it read must not have changed: else `ConflictError`, and nothing is applied. */
export async function runTransaction<Result>(
  engine: Engine,
  work: (tx: Transaction) => Promise<Result> | Result,
): Promise<Result> {
  const unit = new GatheringUnit(engine, 'queue()');
  let result: Result;
  try {
    result = await work(transactionOn(unit));
  } catch (error) {
    unit.end();
    throw error;
  }
  const expect = unit.end();
  if (!unit.isEmpty || expect.length > 0) await engine.commit('client', unit.made, expect).synced;
  unit.adopt();
  return result;
}
