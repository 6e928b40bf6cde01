import { type Actor, type AnyActorLogic, type AnyActorRef, waitFor } from 'xstate';
import { agentMachine } from '../../../machines/agent.machine.ts';
import type { Json } from '../../../machines/json.ts';
import type { AgentPoll, PollInfo } from '../../model/monitoring/polls.ts';
import type { AgentRecord } from '../../model/records/records.ts';
import { Failure } from '../../model/values/failure.ts';
import type { Engine } from '../box/engine.ts';
import type { Dispatcher } from '../dispatchers/dispatcher.ts';
import { Workers } from '../execution/worker-slots.ts';
import { claimJobs } from './claim-jobs.ts';
import { HandingOut, type OpenPoll } from './job-starter.ts';

type AgentActor = Actor<typeof agentMachine>;

/**
 * How many jobs a claim takes at most for a large agent of a store that is a server, or half of its size: while one claim is
 * made there, what the one before has brought is run and completed here.
 */
const claimOfLarge = 50;

/** A live agent: its machine decides when to claim, this carries it out. */
export class LiveAgent {
  readonly dispatcher: Dispatcher;
  readonly queue: string;
  readonly name: string;
  readonly workers: Workers;
  readonly #handingOut: HandingOut;
  readonly #engine: Engine;
  readonly #actor: AgentActor;
  #record: AgentRecord;
  #poll: OpenPoll | null = null;
  #freeing = false;
  /** What it held when its last claim counted, less what was freed since: near enough to know whether a claim is worth it. */
  #held = 0;
  #freed = 0;
  /** Claims, ever. */
  #begun = 0;
  #ended = 0;
  /** What stands on the agent, as far as this process has written it. */
  #failure: string | null | undefined;

  constructor(
    engine: Engine,
    dispatcher: Dispatcher,
    queue: string,
    record: AgentRecord,
    spawn: (id: string, logic: AnyActorLogic, input: unknown) => unknown,
  ) {
    this.#engine = engine;
    this.dispatcher = dispatcher;
    this.queue = queue;
    this.#record = record;
    this.name = record.id.slice(`${queue}/${dispatcher.uuid}/`.length);
    this.workers = new Workers(engine, () => this.slotFreed());
    this.#handingOut = new HandingOut(engine, this);
    const logic = agentMachine.provide({ actions: { claim: () => void this.#claim() } });
    this.#actor = spawn(`agent:${record.id}`, logic, { size: record.size }) as AgentActor;
  }

  get size(): number {
    return this.#record.size;
  }

  /** Takes over changed settings. */
  configure(record: AgentRecord): void {
    const resized = record.size !== this.#record.size;
    this.#record = record;
    if (resized) this.#actor.send({ type: 'agent.resized', size: record.size });
  }

  /** Its queue may hold something for it. */
  offer(): void {
    this.#actor.send({ type: 'work.available' });
  }

  drain(): void {
    this.#actor.send({ type: 'agent.drain' });
  }

  resume(): void {
    if (this.#isDrained()) this.#actor.send({ type: 'agent.resume' });
  }

  /** Claims nothing more. Resolves when it is at nothing any more, with its actor, which nobody needs then. */
  async ended(): Promise<AnyActorRef> {
    this.drain();
    await this.idle();
    return this.#actor;
  }

  /** Resolves when no claim is under way, and none of its workers is busy with what the last one brought. */
  async idle(): Promise<void> {
    await this.#claimed();
    await this.workers.idle();
  }

  /** Resolves when no claim is under way, or so many have ended: with much to do there may always be one. */
  async #claimed(enough = Number.POSITIVE_INFINITY): Promise<void> {
    await waitFor(
      this.#actor,
      (snapshot) => this.#ended >= enough || (!snapshot.matches('claiming') && !snapshot.matches('closing')),
    );
  }

  #isDrained(): boolean {
    const snapshot = this.#actor.getSnapshot();
    return snapshot.matches('draining') || snapshot.matches('closing');
  }

  /** What it claims from now on belongs to this poll, and into its record. */
  joins(info: PollInfo, entry: AgentPoll): void {
    this.#poll = { info, entry };
  }

  /** Claims as part of the poll that it has joined. */
  async claimDue(): Promise<void> {
    this.resume();
    // One that is under way may have looked before: the next one counts.
    const next = this.#begun + 1;
    this.#actor.send({ type: 'claim.due' });
    await this.#claimed(next);
  }

  /** A job it held is done with: at most one event for all of a tick. The claim that follows counts what is left. */
  slotFreed(): void {
    this.#freed += 1;
    if (this.#freeing) return;
    this.#freeing = true;
    queueMicrotask(() => {
      this.#freeing = false;
      this.#actor.send({ type: 'slots.freed', held: this.#countFreed() });
    });
  }

  #countFreed(): number {
    this.#held = Math.max(0, this.#held - this.#freed);
    this.#freed = 0;
    return this.#held;
  }

  #heldCount(): Promise<number> {
    return this.#engine.store.heldCount(this.queue, this.dispatcher.uuid, this.name);
  }

  async #claim(): Promise<void> {
    this.#begun += 1;
    try {
      this.#held = await this.#claimWhatFits();
      await this.#keepFailure(null);
    } catch (error) {
      const failure = Failure.from(error);
      if (this.#poll !== null) this.#poll.entry.error = failure.text('default');
      this.#engine.log.events(
        'CRITICAL',
        () => `agent ${this.name} could not claim: ${failure.text('brief')}`,
      );
      await this.#keepFailure(failure);
      this.#held = await this.#heldCount().catch(() => 0);
    }
    this.#ended += 1;
    this.#actor.send({ type: 'claim.done', held: this.#countFreed() });
  }

  /** Remembers on the agent why it cannot claim, for every process to see. Written only when it changes. */
  async #keepFailure(failure: Failure | null): Promise<void> {
    const engine = this.#engine;
    const { id } = this.#record;
    if (this.#failure === (failure?.message ?? null)) return;
    this.#failure = undefined;
    try {
      const now = await engine.store.get('agent', id);
      if (now === undefined || now.failure?.message === failure?.message) {
        this.#failure = failure?.message ?? null;
        return;
      }
      const change = { kind: 'agent' as const, id, event: 'agent.failed', from: null, to: null };
      const patch = { failure: (failure?.data ?? null) as Json };
      await engine.commit(
        this.dispatcher.uuid,
        [{ ...change, patch }],
        [{ what: 'rev', kind: 'agent', id, rev: now.rev }],
      ).written;
    } catch (error) {
      // The poll has it, and the next poll tries again.
      engine.log.events('ERROR', () => `agent ${this.name} could not keep its failure: ${String(error)}`);
    }
  }

  /** Gives how many it holds then. Slots that are freed meanwhile are announced by themselves. */
  async #claimWhatFits(): Promise<number> {
    const engine = this.#engine;
    const { id, selection } = this.#record;
    const { queue, name, dispatcher, size } = this;
    const claimant = { id, queue, dispatcher: dispatcher.uuid, name, size, selection };
    const most = engine.store.exclusive ? size : Math.max(claimOfLarge, Math.ceil(size / 2));
    const claim = await claimJobs(engine, claimant, most);
    const held = claim.held ?? this.#held + claim.jobs.length;
    if (claim.jobs.length > 0) await this.#handingOut.handOut(claim, this.#poll);
    if (claim.jobs.length === most && held < size) this.offer();
    return held;
  }
}
