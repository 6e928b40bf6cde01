import { BadStatusError } from '../../errors.ts';
import { refusesSystemJobs } from '../../model/jobs/filter.ts';
import { isDead, isPingDue, siblingOf } from '../../model/monitoring/liveness.ts';
import type { Engine } from '../box/engine.ts';
import { fiveTimes } from '../commits/retry.ts';
import { Representation } from '../handles/representation.ts';
import { Representations } from '../handles/representations.ts';

/** The representation of a dispatcher in a queue, which is made when it is missing. */
export function register(engine: Engine, uuid: string, queue: string): Promise<Representation> {
  const representations = new Representations(engine.direct, queue);
  return fiveTimes(async () =>
    (await representations.has(uuid)) ? representations.get(uuid) : representations.register(uuid),
  );
}

/**
 * Activates a dispatcher in a queue for the first time in this process. False when someone else seems to work under its
 * UUID. `tried`: queues in which it was tried before, and failed; it may have come to be all the same.
 */
export async function activateIn(
  engine: Engine,
  representation: Representation,
  tried: Set<string>,
): Promise<boolean> {
  const { uuid, queue } = representation;
  const isActive = representation.activated !== null;
  const isOwn = isActive && tried.has(queue) && representation.record.epoch === engine.store.epoch;
  if (isActive && !isOwn && !(await isRetired(representation))) {
    engine.log.events(
      'ERROR',
      () =>
        `dispatcher ${uuid} is already active in queue '${queue}': is another process using the same UUID?`,
    );
    return false;
  }
  tried.add(queue);
  if (!isOwn) await representation.activate();
  await warnOfRefusedSystemJobs(engine, queue);
  return true;
}

/** Without an agent that accepts system jobs nothing expires and nothing is recovered: said once per activation. */
async function warnOfRefusedSystemJobs(engine: Engine, queue: string): Promise<void> {
  const agents = await engine.store.list('agent', `${queue}/`);
  if (agents.length === 0 || !agents.every((record) => refusesSystemJobs(record.selection))) return;
  engine.log.events(
    'ERROR',
    () =>
      `every agent of queue '${queue}' refuses system jobs: interrupted jobs stay active and late ones never expire`,
  );
}

/**
 * A sign of life when one is due. In its own commit, before claiming: a dispatcher that was taken for dead is alive again
 * and claims in the same poll.
 */
export async function ping(engine: Engine, representation: Representation): Promise<void> {
  const { uuid, queue } = representation;
  await representation.refresh();
  if (representation.record.state !== 'activated') {
    engine.log.events(
      'CRITICAL',
      () =>
        `dispatcher ${uuid} was deactivated in queue '${queue}' while it lives: is the death interval too short, a commit too long, or a clock wrong? It is reactivated.`,
    );
    // Its jobs are in other hands: nothing that the code does any more counts, so it is told to stop.
    engine.abortRuns(representation.record, new Error('the dispatcher was taken for dead'));
    await representation.reactivate();
  }
  if (isPingDue(representation.record, engine.store.now())) await representation.ping();
}

/** A sibling without a sign of life for its death interval is deactivated: its jobs are handed on. */
export async function lookAfterSibling(engine: Engine, uuid: string, queue: string): Promise<void> {
  const all = await engine.store.list('representation', `${queue}/`);
  const sibling = siblingOf(uuid, all);
  if (sibling === undefined || !isDead(sibling, engine.store.now())) return;
  if (!(await isRetired(new Representation(engine.direct, sibling)))) return;
  // Its process may have been at callbacks outside its agents, too.
  if (!engine.store.exclusive) await engine.orphans.takeUp();
}

/** Whether a dead dispatcher is deactivated now: here, or by somebody who was faster. False when it lives. */
async function isRetired(representation: Representation): Promise<boolean> {
  try {
    return await representation.deactivateIfDead();
  } catch (error) {
    if (!(error instanceof BadStatusError)) throw error;
    return true;
  }
}
