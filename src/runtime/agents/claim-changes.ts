import { type RetryPolicy, startsSynced } from '../../model/jobs/retry.ts';
import { afterStep, stepJob, type Transition } from '../../model/jobs/step.ts';
import type { JobRecord } from '../../model/records/records.ts';
import type { Candidate, Change } from '../../store/store.ts';
import { expiryWrapper } from '../jobs/expired-job.ts';

/** The agent that claims, and what its process knows. */
export interface ClaimInput {
  readonly queue: string;
  /** UUID of the dispatcher. */
  readonly dispatcher: string;
  /** Name of the agent. */
  readonly agent: string;
  readonly epoch: number;
  /** UUID of the instance. */
  readonly assigner: string;
  newId(): string;
  /** The policy of a job; undefined when this process does not know its name. */
  policyOf(job: JobRecord): RetryPolicy | undefined;
}

/** The changes of one claim. */
export interface ClaimChanges {
  readonly changes: readonly Change[];
  /** The start, when the job is ACTIVE with its claim. */
  readonly start: Transition | null;
  /** It frees slots of quotas at once: an expired job leaves the queue. */
  readonly freesQuotas: boolean;
}

/**
 * The changes by which an agent claims a candidate: ASSIGNED, and ACTIVE in the same commit unless a second run is forbidden.
 * Instead of an expired job the system job is claimed that fails it. `at`: the store's time. Pure, but for new ids.
 */
export function claimChanges(
  input: ClaimInput,
  { job, quotas, expired }: Candidate,
  at: number,
): ClaimChanges {
  if (!expired) return taken(input, job, quotas, at);
  const { queue, assigner } = input;
  const { changes, wrapper } = expiryWrapper(job, { id: input.newId(), queue, at, assigner });
  const claim = taken(input, wrapper, [], at);
  return { ...claim, changes: [...changes, ...claim.changes], freesQuotas: job.quotas.length > 0 };
}

function taken(
  { queue, dispatcher, agent, epoch, policyOf }: ClaimInput,
  job: JobRecord,
  quotas: readonly string[],
  at: number,
): ClaimChanges {
  const claim = stepJob(job, {
    type: 'job.claim',
    queue,
    dispatcher,
    agent,
    epoch,
    quotas: job.state === 'pending' ? quotas : [],
  });
  // A policy that is unknown in this process may forbid a second run.
  const policy = policyOf(job);
  const startsAtOnce = claim.to === 'assigned' && policy !== undefined && !startsSynced(policy);
  if (!startsAtOnce) return { changes: [claim], start: null, freesQuotas: false };
  const start = stepJob(afterStep(job, claim), { type: 'job.start', at });
  return { changes: [claim, start], start, freesQuotas: false };
}
