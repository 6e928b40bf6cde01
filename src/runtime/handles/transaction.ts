import type { DurableLogic } from '../../model/durable/machine.ts';
import { BufferedUnit } from '../commits/buffered-unit.ts';
import type { UnitOfWork } from '../commits/unit-of-work.ts';
import { storeNew } from '../jobs/put-jobs.ts';
import { actorId } from './actors/actor-commands.ts';
import { DurableActor } from './actors/durable-actor.ts';
import type { Job, JobDefinition } from './job.ts';
import type { MachineDefinition } from './machines/define-machine.ts';
import { Queue } from './queue.ts';

/**
 * Several calls as one commit: all or nothing. Its jobs, quotas and agents are seen as it leaves them; which jobs wait in a
 * queue is seen as it is committed. Its queues refuse calls once it has ended; jobs that were put in it can still be used.
 */
export interface Transaction {
  queue(name?: string): Queue;
  /** As `box.actor`: what is sent is committed with the transaction, and so is the step of an `ask`. */
  actor<L extends DurableLogic>(machine: MachineDefinition<L>, key: string): DurableActor<L>;
  /** As `box.storeNew`. */
  storeNew<Result>(job: Job<Result> | JobDefinition<readonly [], Result>): Promise<Job<Result>>;
}

/** A transaction on a unit that the caller commits. */
export function transactionOn(unit: BufferedUnit): Transaction {
  return {
    queue(name = '') {
      unit.mustBeOpen();
      return new Queue(unit, name);
    },
    actor<L extends DurableLogic>(machine: MachineDefinition<L>, key: string) {
      unit.mustBeOpen();
      return new DurableActor<L>(unit, actorId(machine.name, key), machine);
    },
    async storeNew<Result>(job: Job<Result> | JobDefinition<readonly [], Result>) {
      return (await storeNew(unit, job)) as Job<Result>;
    },
  };
}

/** Runs `work` and commits what it did. What it read must not have changed: else `ConflictError`, and nothing is applied. */
export async function runTransaction<Result>(
  direct: UnitOfWork,
  work: (tx: Transaction) => Promise<Result> | Result,
): Promise<Result> {
  const unit = new BufferedUnit(direct, 'tx.queue()');
  let result: Result;
  try {
    result = await work(transactionOn(unit));
    const expect = unit.end();
    if (!unit.isEmpty || expect.length > 0)
      await direct.committer.commit('client', unit.changes, expect).synced;
  } catch (error) {
    unit.end();
    unit.rollBack();
    throw error;
  }
  unit.committed();
  return result;
}
