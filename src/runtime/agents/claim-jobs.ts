import { filterAcceptsLane, filterOfJob } from '../../model/jobs/filter.ts';
import { startsSynced } from '../../model/jobs/retry.ts';
import { afterStep, stepJob, type Transition } from '../../model/jobs/step.ts';
import type { Selection } from '../../model/records/records.ts';
import { Failure } from '../../model/values/failure.ts';
import type { Acceptance, Candidate, Change, Claimed, ClaimRequest } from '../../store/store.ts';
import type { Engine } from '../box/engine.ts';
import { fiveTimes } from '../commits/retry.ts';
import { expiryWrapper } from '../jobs/expired-job.ts';

/** Who claims: an agent of a dispatcher, and which jobs it takes. */
export interface Claimant {
  /** Of the agent's record. */
  readonly id: string;
  readonly queue: string;
  /** UUID of the dispatcher. */
  readonly dispatcher: string;
  readonly name: string;
  /** How many jobs it may hold. */
  readonly size: number;
  readonly selection: Selection;
}

/** What an agent claimed. */
export interface AgentClaim extends Claimed {
  /** The start of each job that is ACTIVE with its claim, by job. */
  readonly starts: ReadonlyMap<string, Transition>;
}

/**
 * Claims up to `limit` jobs for an agent, and no more than it has room for. @throws what its filter or chooser throws, and what the store
 * refuses.
 */
export function claimJobs(engine: Engine, claimant: Claimant, limit: number): Promise<AgentClaim> {
  return fiveTimes(async () => {
    const starts = new Map<string, Transition>();
    let frees = false;
    const claimed = await engine.store.claim({
      queue: claimant.queue,
      limit,
      by: claimant.dispatcher,
      agent: claimant.id,
      size: claimant.size,
      ...(await selected(engine, claimant)),
      take: passingOver(engine, (candidate) => {
        if (!candidate.expired) return take(engine, claimant, candidate, starts);
        frees ||= candidate.job.quotas.length > 0;
        return takeExpired(engine, claimant, candidate, starts);
      }),
    });
    // One that was put back leaves its slots as it leaves the queue: another agent may take what waits for them.
    if (frees) engine.written(claimed.ticket, () => engine.offerWork(claimant.queue));
    return { ...claimed, starts };
  });
}

/**
 * A job that cannot be taken, whatever it is that throws, must not stop the claims of its queue: it is passed over, and
 * the log names it once.
 */
export function passingOver(engine: Engine, take: ClaimRequest['take']): ClaimRequest['take'] {
  return (candidate) => {
    const { id } = candidate.job;
    try {
      const changes = take(candidate);
      engine.passedOver.delete(id);
      return changes;
    } catch (error) {
      if (!engine.passedOver.has(id)) logPassedOver(engine, id, error);
      engine.passedOver.add(id);
      return null;
    }
  };
}

function logPassedOver({ log }: Engine, id: string, error: unknown): void {
  const failure = Failure.from(error);
  const what = (): string => `job ${id} cannot be claimed and is passed over: ${failure.text('brief')}`;
  log.events('CRITICAL', what, { job: id, err: failure.toError() });
}

async function selected(
  { registry, store }: Engine,
  { queue, dispatcher, name, selection }: Claimant,
): Promise<Pick<ClaimRequest, 'accepts' | 'choose'>> {
  const any: Acceptance = { lane: () => true, job: null };
  if (selection.kind === 'data') {
    const { filter } = selection;
    const lane: Acceptance['lane'] = (job, quotas) => filterAcceptsLane(filter, job, quotas);
    const accepts = { lane, job: filterOfJob(filter) };
    return { accepts: filter.args === undefined ? accepts : { ...accepts, args: filter.args }, choose: null };
  }
  if (selection.kind === 'filter') {
    return { accepts: { ...any, job: registry.filter(selection.name).accepts }, choose: null };
  }
  if (selection.kind === 'any') return { accepts: any, choose: null };
  const chooser = registry.chooser(selection.name);
  const held = await store.held(queue, dispatcher, name);
  return { accepts: any, choose: (claimable) => chooser.choose(claimable, held) };
}

/** ASSIGNED and ACTIVE in one line when the job may start at once; a policy that forbids a second run starts later. */
function take(
  engine: Engine,
  { queue, dispatcher, name }: Claimant,
  { job, quotas }: Pick<Candidate, 'job' | 'quotas'>,
  starts: Map<string, Transition>,
): readonly Change[] {
  const claim = stepJob(job, {
    type: 'job.claim',
    queue,
    dispatcher,
    agent: name,
    epoch: engine.store.epoch,
    quotas: job.state === 'pending' ? quotas : [],
  });
  // A policy that nobody knows here may forbid a second run.
  const policy = engine.registry.policyOf(job);
  const startsAtOnce = claim.to === 'assigned' && policy !== undefined && !startsSynced(policy);
  if (!startsAtOnce) return [claim];
  const start = stepJob(afterStep(job, claim), { type: 'job.start', at: engine.now() });
  starts.set(job.id, start);
  return [claim, start];
}

/** A job that is too late leaves the queue, and a system job that fails it is handed out in its place. */
function takeExpired(
  engine: Engine,
  claimant: Claimant,
  { job }: Candidate,
  starts: Map<string, Transition>,
): readonly Change[] {
  const { changes, wrapper } = expiryWrapper(engine, claimant.queue, job);
  return [...changes, ...take(engine, claimant, { job: wrapper, quotas: [] }, starts)];
}
