import type { AnyActorLogic, AnyActorRef } from 'xstate';
import { getOwn } from '../../model/checks/own-keys.ts';
import type { PollInfo } from '../../model/monitoring/polls.ts';
import type { AgentRecord } from '../../model/records/records.ts';
import { AgentActor, type AgentDeps } from './agent-actor.ts';
import type { AgentRegistry } from './agent-registry.ts';
import type { AgentOwner } from './job-starter.ts';

/** The dependencies of the agents of a dispatcher. */
export interface AgentActorsDeps extends AgentDeps {
  readonly agents: AgentRegistry;
  /** Makes an actor a child of the supervisor. */
  spawn(name: string, logic: AnyActorLogic, input: unknown): AnyActorRef;
  /** Removes a child of the supervisor. */
  dismiss(child: AnyActorRef): void;
}

/** The live agents of one dispatcher, and the connections that it may use for them. */
export class AgentActors implements Iterable<AgentActor> {
  readonly #deps: AgentActorsDeps;
  readonly #owner: AgentOwner;
  readonly #agents = new Map<string, AgentActor>();
  /** The connections that were added for each agent: its size at the last poll. */
  readonly #sizes = new Map<string, number>();
  #budget = 0;

  constructor(deps: AgentActorsDeps, owner: AgentOwner) {
    this.#deps = deps;
    this.#owner = owner;
  }

  [Symbol.iterator](): Iterator<AgentActor> {
    return this.#agents.values();
  }

  /** The agent of these settings: started, or changed to them. */
  ensure(queue: string, record: AgentRecord): AgentActor {
    const present = this.#agents.get(record.id);
    this.spend(record.size - (this.#sizes.get(record.id) ?? 0));
    this.#sizes.set(record.id, record.size);
    if (present !== undefined) {
      present.configure(record);
      return present;
    }
    const { agents, committer, spawn } = this.#deps;
    const agent = new AgentActor(this.#deps, this.#owner, queue, record, spawn);
    this.#agents.set(record.id, agent);
    agents.add(record.id, agent);
    // Jobs may be waiting for their time: the supervisor then looks when the earliest is due.
    committer.offerWork(queue);
    return agent;
  }

  /** Removes agents whose settings a poll has not found. */
  removeVanished(poll: PollInfo): void {
    for (const [id, agent] of this.#agents) {
      const seen = getOwn(poll.queues, agent.queue);
      // A queue that the poll skipped has not lost its agents.
      if (seen === null || (seen !== undefined && Object.hasOwn(seen, agent.name))) continue;
      this.spend(-(this.#sizes.get(id) ?? 0));
      this.#remove(id, agent);
    }
  }

  drain(): void {
    for (const agent of this.#agents.values()) agent.drain();
  }

  /** Ends claims. What their workers do is handed on. */
  handOn(): void {
    for (const agent of this.#agents.values()) agent.handOn();
  }

  /** Ends all threads. Resolves when what ran there is handed back, or does not end. */
  async endThreads(): Promise<void> {
    await Promise.all([...this.#agents.values()].map((agent) => agent.endThreads()));
  }

  /** Removes all agents. What their workers do continues. */
  clear(): void {
    for (const [id, agent] of this.#agents) this.#remove(id, agent);
  }

  #remove(id: string, agent: AgentActor): void {
    this.#agents.delete(id);
    this.#sizes.delete(id);
    void this.#deps.agents.remove(id, agent).then((actor) => this.#deps.dismiss(actor));
  }

  /** Adds to the connections that the dispatcher may use. */
  spend(connections: number): void {
    this.#budget += connections;
    this.#deps.committer.context.store.poolSize += connections;
  }

  /** Gives all connections back. */
  spendNothing(): void {
    this.spend(-this.#budget);
  }
}
