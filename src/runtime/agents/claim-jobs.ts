import { unpaused } from '../../model/jobs/pauses.ts';
import type { Transition } from '../../model/jobs/step.ts';
import type { PauseMark, Selection } from '../../model/records/records.ts';
import { Failure } from '../../model/values/failure.ts';
import { acceptanceOf } from '../../reading/agent-conditions.ts';
import type { Claimed, ClaimRequest } from '../../store/store.ts';
import type { Committer } from '../commits/committer.ts';
import { retryConflicts } from '../commits/retry.ts';
import type { RuntimeContext } from '../commits/runtime-context.ts';
import { errorText } from '../environment/logging.ts';
import { type ClaimInput, claimChanges } from './claim-changes.ts';
import type { UnknownDefinitions } from './unknown-definitions.ts';

/** The dependencies of claims. */
export interface ClaimDeps {
  readonly committer: Committer;
  /** Ids of waiting jobs that no claim could take. Each was logged once. */
  readonly skipped: Set<string>;
  /** The definitions that waiting jobs name and this process does not know. */
  readonly unknown: UnknownDefinitions;
  /** Asks the store anew when something becomes due. */
  planDue(): void;
}

/** The agent that claims, and which jobs it takes. */
export interface Claimant {
  /** Id of the agent's record. */
  readonly id: string;
  /** Its place, and what its process knows. */
  readonly input: ClaimInput;
  /** `lastSeq` of that record, as it says the rest. */
  readonly seq: number;
  /** How many jobs it may hold. */
  readonly size: number;
  readonly selection: Selection;
  /** The claim belongs to a poll. */
  readonly isPoll?: boolean;
  readonly paused: PauseMark | null;
}

/** The jobs that an agent claimed. */
export interface AgentClaim extends Claimed {
  /** The start of each job that is ACTIVE with its claim, by job. */
  readonly starts: ReadonlyMap<string, Transition>;
}

/**
 * Claims up to `limit` jobs for an agent, and no more than it has room for. `lookAgain`: the claimant as it is stored now, for
 * a claim that was refused because its settings were changed.
 * @throws what its filter or chooser throws; what the store refuses.
 */
export function claimJobs(
  deps: ClaimDeps,
  known: Claimant,
  limit: number,
  lookAgain: () => Promise<Claimant>,
): Promise<AgentClaim> {
  let isFirst = true;
  return retryConflicts(5, () => {
    if (!isFirst) return lookAgain().then((claimant) => claimOnce(deps, claimant, limit));
    isFirst = false;
    return claimOnce(deps, known, limit);
  });
}

/** Of promises it makes the one of the store alone, unless it has to ask a chooser: an agent claims once for a few jobs. */
async function claimOnce(deps: ClaimDeps, claimant: Claimant, limit: number): Promise<AgentClaim> {
  const { committer } = deps;
  const { store } = committer.context;
  const { input, id, seq, size, selection, isPoll = false } = claimant;
  const { queue, dispatcher } = input;
  const starts = new Map<string, Transition>();
  let frees = false;
  const claimed = await store.claim({
    queue,
    limit,
    by: dispatcher,
    agent: id,
    agentSeq: seq,
    size,
    ...(isPoll && { isPoll }),
    accepts: acceptanceIn(deps, claimant),
    choose: selection.kind === 'chooser' ? await chooserOf(deps, claimant, selection.name) : null,
    take: skipping(deps, (candidate) => {
      const { changes, start, freesQuotas } = claimChanges(input, candidate, store.now());
      if (start !== null) starts.set(start.id, start);
      frees ||= freesQuotas;
      return changes;
    }),
  });
  if (claimed.opensLater === true) deps.planDue();
  // An expired job frees its slots as it leaves the queue: another agent may take what waits for them.
  if (frees) committer.whenWritten(claimed.ticket, () => committer.offerWork(queue));
  return { ...claimed, starts };
}

/** The input of `claimChanges` for an agent. Made once for each agent: a claim must cost nothing beside its jobs. */
export function claimInput(
  { store, ids, uuid, registry }: RuntimeContext,
  place: Pick<ClaimInput, 'queue' | 'dispatcher' | 'agent'>,
  policyOf: ClaimInput['policyOf'] = (job) => registry.policyOf(job),
): ClaimInput {
  return {
    ...place,
    epoch: store.epoch,
    assigner: uuid,
    newId: () => ids.newId(),
    policyOf,
  };
}

/** Skips a job whose taking throws, and logs it once: it must not stop the claims of its queue. */
export function skipping(
  { committer, skipped }: ClaimDeps,
  take: ClaimRequest['take'],
): ClaimRequest['take'] {
  return (candidate) => {
    const { id } = candidate.job;
    try {
      const changes = take(candidate);
      skipped.delete(id);
      return changes;
    } catch (error) {
      if (candidate.isExample === true) return null;
      if (!skipped.has(id)) logSkipped(committer.context, id, error);
      skipped.add(id);
      return null;
    }
  };
}

function logSkipped({ log }: RuntimeContext, id: string, error: unknown): void {
  const failure = Failure.from(error);
  const what = (): string => `job ${id} cannot be claimed and is passed over: ${errorText(failure)}`;
  log.events('CRITICAL', what, { job: id, err: failure.toError() });
}

/**
 * Which jobs an agent takes. Only jobs whose definition this process knows: the others wait for a process that knows them.
 * Asked once for each lane, so a lane of an unknown definition costs a claim one look, however many jobs are in it.
 */
function acceptanceIn(
  { committer, unknown }: ClaimDeps,
  { input: { queue }, selection, paused }: Claimant,
): ClaimRequest['accepts'] {
  const { registry, store } = committer.context;
  const isKnown = (name: string): boolean =>
    registry.definition(name) !== undefined || unknown.note(queue, name);
  const accepts = acceptanceOf(selection, registry, isKnown);
  return paused === null ? accepts : unpaused(accepts, [{ job: null, ...paused }], store.now());
}

/** A chooser knows what its agent holds. */
async function chooserOf(
  { committer }: ClaimDeps,
  { input: { queue, dispatcher, agent } }: Claimant,
  name: string,
): Promise<ClaimRequest['choose']> {
  const { registry, store } = committer.context;
  const chooser = registry.chooser(name);
  const held = await store.held(queue, dispatcher, agent);
  return (claimable) => chooser.choose(claimable, held);
}
