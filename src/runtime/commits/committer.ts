/*
 * Room: commits.
 *
 * Owns: The one way to write. A unit of work says where changes go: to the store at once (AutocommitUnit),
 *   into an open transaction of the program (ExternalTransactionUnit), or into a buffer that is committed as
 *   a whole (BufferedUnit). The committer commits and carries out the effects that charts ask for.
 *   RuntimeContext holds the ports that all rooms above work with; retry.ts repeats steps, retry-rules.ts
 *   decides about errors, job-watch.ts follows the journal.
 *
 * Invariant: An effect happens after its commit, never before it. A put is offered once it is synced, so
 *   nothing runs that a power cut could take back. An outcome is announced once it is written. A slot is taken
 *   again by a commit that is written with the one that freed it, or after it.
 *
 * May import: environment, definitions.
 */
import { type AgentPlace, isAgentPlace } from '../../../machines/job.context.ts';
import type { Transition } from '../../model/jobs/step.ts';
import { Failure } from '../../model/values/failure.ts';
import type { Change, Precondition, Ticket } from '../../store/store.ts';
import { errorText } from '../environment/logging.ts';
import { CommitReactions } from './commit-reactions.ts';
import { withReplies } from './letters.ts';
import type { RuntimeContext } from './runtime-context.ts';

/** A change of a commit, with its effects when a chart made it. */
export type StagedChange = Change | Transition;

/** What the effects of charts call. Each is called once the commit that asks for it is durable enough. */
export interface CommitEffects {
  /** A queue may hold work: its agents look. `isLater`: some of it may be due later. */
  workAvailable(queue: string, isLater: boolean): void;
  /** The outcomes of jobs are written: jobs that wait for them get them. */
  outcomesWritten(jobs: readonly string[]): void;
  /** Jobs are to stop: their code is asked to, if it runs here. */
  stopRequested(job: string): void;
  /** A message waits for an actor. */
  mailAvailable(actor: string, machine: string): void;
  /** A job no longer counts for the agent that held it. The claim that follows is written with that, or after it. */
  slotFreed(place: AgentPlace): void;
}

/** What follows commits that are answered together: told once for all of them. */
interface Following {
  readonly group: Ticket['group'];
  /** Jobs whose outcomes are announced once they are written. */
  readonly outcomes: { readonly job: string; readonly ticket: Ticket }[];
  /** Queues that are offered once the commits are synced: whether some of their work is due later. */
  readonly queues: Map<string, boolean>;
}

/**
 * The one way to write. Commits changes and carries out the effects that their charts name.
 */
export class Committer {
  readonly context: RuntimeContext;
  readonly #effects: CommitEffects;
  readonly #reactions = new CommitReactions((error) => {
    const failure = Failure.from(error);
    const what = (): string => `an effect of a commit failed: ${errorText(failure)}`;
    this.context.log.events('CRITICAL', what, { err: failure.toError() });
  });
  // The commits of a tick share their ticket: nearly every call is for the newest.
  #newest: Following | null = null;

  constructor(context: RuntimeContext, effects: CommitEffects) {
    this.context = context;
    this.#effects = effects;
  }

  /**
   * Commits changes and carries out their effects. `within`: a connection of the program with an open transaction, which
   * becomes part of the commit.
   */
  commit(
    by: string,
    changes: readonly StagedChange[],
    expect: readonly Precondition[],
    within?: unknown,
  ): Ticket {
    const all = withReplies(changes, () => this.context.store.now());
    const commit = { by, changes: all as readonly Change[], expect };
    const ticket = this.context.store.commit(within === undefined ? commit : { ...commit, within });
    this.carryOut(changes, ticket);
    return ticket;
  }

  /** Carries out the effects of changes that were committed with this ticket. */
  carryOut(changes: readonly StagedChange[], ticket: Ticket): void {
    for (const change of changes)
      if ('effects' in change) this.#carryOut(change, ticket);
      else if (change.kind === 'message' && change.to === 'waiting')
        this.#deliver(change.patch as never, ticket);
  }

  /** Calls `done` when the commit is written, or `refused` when it is refused. */
  whenWritten(ticket: Ticket, done: () => void, refused?: (error: Error) => void): void {
    this.#reactions.whenOver(ticket, 'written', done, refused);
  }

  /** Calls `done` when the commit is synced, or `refused` when it is refused. */
  whenSynced(ticket: Ticket, done: () => void, refused?: (error: Error) => void): void {
    this.#reactions.whenOver(ticket, 'synced', done, refused);
  }

  /** Calls `done` when the jobs of a claim may start, or `refused` when the claim is refused. */
  whenStartable(startable: Promise<void>, done: () => void, refused?: (error: Error) => void): void {
    this.#reactions.when(startable, done, refused);
  }

  /** Lets the agents of a queue look for work. `isLater`: some of it may be due later, so the store is asked when. */
  offerWork(queue: string, isLater = true): void {
    this.#effects.workAvailable(queue, isLater);
  }

  // The effect `callHandler` is not carried out here: the caller that started the job calls its code.
  #carryOut(transition: Transition, ticket: Ticket): void {
    for (const effect of transition.effects) {
      if (effect.type === 'offerWork') this.#offerPlaced(transition, ticket);
      else if (effect.type === 'stopHandler')
        this.whenSynced(ticket, () => this.#effects.stopRequested(transition.id));
      else if (effect.type === 'announceOutcome') {
        this.#announce(transition.id, ticket);
        const reply = transition.job?.reply ?? null;
        if (reply !== null) this.#deliver(reply, ticket);
      } else if (effect.type === 'offerQuotas' && transition.patch?.quotas !== undefined) {
        this.whenWritten(ticket, () => this.#offerFreedQuotas(transition));
      } else if (effect.type === 'freeSlot') {
        // The claim that follows is written together with what made room for it, or undone with it.
        if (ticket.isStaged === true) this.#freeAgentSlot(transition);
        else this.whenWritten(ticket, () => this.#freeAgentSlot(transition));
      }
    }
  }

  /** A message is delivered once it is synced: what it moves may tell others of it. */
  #deliver({ actor, machine }: { readonly actor: string; readonly machine: string }, ticket: Ticket): void {
    this.whenSynced(ticket, () => this.#effects.mailAvailable(actor, machine));
  }

  #offerPlaced(transition: Transition, ticket: Ticket): void {
    const parent = (transition.patch?.parent ?? transition.job?.parent) as
      | { queue?: string }
      | null
      | undefined;
    const queue = parent?.queue;
    if (queue === undefined) return;
    const { queues } = this.#following(ticket);
    const isLater = isDueLater(transition);
    const before = queues.get(queue);
    if (before !== isLater) queues.set(queue, before === true || isLater);
    if (before !== undefined) return;
    const offer = (): void => {
      this.offerWork(queue, queues.get(queue));
      queues.delete(queue);
    };
    this.whenSynced(ticket, offer, whenOthersMayHold(ticket, offer));
  }

  #announce(job: string, ticket: Ticket): void {
    const { outcomes } = this.#following(ticket);
    outcomes.push({ job, ticket });
    if (outcomes.length > 1) return;
    const announce = (): void => {
      const written = outcomes.splice(0).filter((one) => (one.ticket.refusal?.('written') ?? null) === null);
      if (written.length > 0) this.#effects.outcomesWritten(written.map((one) => one.job));
    };
    this.whenWritten(ticket, announce, whenOthersMayHold(ticket, announce));
  }

  #following(ticket: Ticket): Following {
    const group = ticket.group ?? ticket;
    if (this.#newest?.group !== group) this.#newest = { group, outcomes: [], queues: new Map() };
    return this.#newest;
  }

  #offerFreedQuotas(transition: Transition): void {
    for (const quota of transition.job?.quotas ?? [])
      this.offerWork(quota.slice(0, quota.indexOf('/')), false);
  }

  #freeAgentSlot(transition: Transition): void {
    const parent = transition.job?.parent ?? null;
    if (parent !== null && isAgentPlace(parent)) this.#effects.slotFreed(parent);
  }
}

/** What follows a refused commit: what follows those that are answered with it, if there are any. */
function whenOthersMayHold(ticket: Ticket, react: () => void): (() => void) | undefined {
  return ticket.group === undefined ? undefined : react;
}

/** Whether something is to happen to a job that was placed at an instant: its start, or its end because it is too late. */
function isDueLater({ patch, job }: Transition): boolean {
  const line = patch?.line;
  if (line !== 'now' && line !== 'putBack') return true;
  return (patch?.beginBy ?? job?.beginBy ?? patch?.deadline ?? job?.deadline ?? null) !== null;
}
