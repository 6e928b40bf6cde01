import { BadStatusError } from '../../errors.ts';
import { isTooLate } from '../../model/jobs/deadline.ts';
import { refusesSystemJobs } from '../../model/jobs/filter.ts';
import { isDead, isPingDue, siblingOf } from '../../model/monitoring/liveness.ts';
import type { AgentRecord, RepresentationRecord } from '../../model/records/records.ts';
import { isSystemJob } from '../../model/records/system-names.ts';
import { retryConflicts } from '../commits/retry.ts';
import type { UnitOfWork } from '../commits/unit-of-work.ts';
import type { OrphanRescue } from './orphan-rescue.ts';
import { logRecovered } from './recovery-log.ts';
import type { RepresentationCommands, RepresentationDeps } from './representation-commands.ts';

/** What a dispatcher needs to keep its place in the queues. */
export interface RegistrationDeps extends Pick<RepresentationDeps, 'abortRuns'> {
  readonly work: UnitOfWork;
  readonly representations: RepresentationCommands;
  readonly orphans: OrphanRescue;
}

/** The representation of a dispatcher in a queue. It is made when it is missing. */
export function register(
  { work, representations }: RegistrationDeps,
  uuid: string,
  queue: string,
): Promise<RepresentationRecord> {
  return retryConflicts(
    5,
    async () =>
      (await work.read('representation', `${queue}/${uuid}`)) ?? representations.register(queue, uuid),
  );
}

/**
 * Activates a dispatcher in a queue for the first time in this process. False when another process seems to use its UUID.
 * `tried`: queues in which an activation was tried before and failed; it may have been committed all the same.
 */
export async function activateIn(
  deps: RegistrationDeps,
  record: RepresentationRecord,
  tried: Set<string>,
): Promise<boolean> {
  const { context } = deps.work;
  const { id, dispatcher: uuid, queue, epoch } = record;
  const isActive = record.activated !== null;
  const isOwn = isActive && tried.has(queue) && epoch === context.store.epoch;
  if (isActive && !isOwn && !(await deactivateIfDead(deps, id))) {
    const what = (): string =>
      `dispatcher ${uuid} is already active in queue '${queue}': is another process using the same UUID?`;
    context.log.events('ERROR', what, { dispatcher: uuid, queue });
    return false;
  }
  tried.add(queue);
  if (!isOwn) await deps.representations.activate(id);
  return true;
}

/** How many jobs at the head of a queue are looked at. What no agent accepts stays there and reaches the head. */
const jobsLookedAt = 100;

/**
 * Logs that a queue needs an agent that accepts system jobs, when it has none and such a job waits or a job is late: before
 * that it would only mislead. `own`: the agents of this dispatcher in the queue. Returns whether it logged.
 */
export async function warnOfRefusedSystemJobs(
  { context: { store, log } }: UnitOfWork,
  queue: string,
  own: readonly AgentRecord[],
): Promise<boolean> {
  const refuse = (agents: readonly AgentRecord[]): boolean =>
    agents.length > 0 && agents.every(({ selection }) => refusesSystemJobs(selection));
  if (!refuse(own) || !refuse(await store.list('agent', `${queue}/`))) return false;
  const now = store.now();
  const waiting = await store.waiting(queue, jobsLookedAt);
  const job = waiting.find((each) => isSystemJob(each.name) || isTooLate(each, now));
  if (job === undefined) return false;
  const what = isSystemJob(job.name) ? `is ${job.name}` : 'is late and cannot expire';
  log.events(
    'ERROR',
    () =>
      `every agent of queue '${queue}' refuses system jobs, and one is needed: job ${job.id} ${what}. Let the filter of one agent accept 'signalbox.*'.`,
    { job: job.id, name: job.name, queue },
  );
  return true;
}

/**
 * Pings when a ping is due. In its own commit, before claiming: a dispatcher that was declared dead is alive again, and
 * claims in the same poll.
 */
export async function ping(deps: RegistrationDeps, known: RepresentationRecord): Promise<void> {
  const { store, log } = deps.work.context;
  const { id, dispatcher, queue } = known;
  // It was read by this poll. Another state than this one may have changed since, by an activation.
  let record = known.state === 'activated' ? known : await deps.representations.read(id);
  if (record.state !== 'activated') {
    log.events(
      'CRITICAL',
      () =>
        `dispatcher ${dispatcher} was deactivated in queue '${queue}' while it lives: is the death interval too short, a commit too long, or a clock wrong? It is reactivated.`,
      { dispatcher, queue },
    );
    // Its jobs were reassigned: nothing that the code does counts any more, so it is aborted.
    deps.abortRuns(record, new Error('the dispatcher was taken for dead'));
    record = await deps.representations.reactivate(id);
  }
  if (isPingDue(record, store.now())) await deps.representations.send(id, { type: 'ping', at: store.now() });
}

/** Deactivates the sibling of a dispatcher when it had no ping for its death interval: its jobs are handed over. */
export async function reapDeadSibling(deps: RegistrationDeps, uuid: string, queue: string): Promise<void> {
  const { store } = deps.work.context;
  const all = await store.list('representation', `${queue}/`);
  const sibling = siblingOf(uuid, all);
  if (sibling === undefined || !isDead(sibling, store.now())) return;
  if (!(await deactivateIfDead(deps, sibling.id))) return;
  // Its process may have run callbacks outside its agents, too.
  if (!store.exclusive) logRecovered(deps.work.context, await deps.orphans.rescueAll());
}

/** Whether a dead dispatcher is deactivated now: here, or by another process that was faster. False when it lives. */
async function deactivateIfDead({ representations }: RegistrationDeps, id: string): Promise<boolean> {
  try {
    return await representations.deactivateIfDead(id);
  } catch (error) {
    if (!(error instanceof BadStatusError)) throw error;
    return true;
  }
}
