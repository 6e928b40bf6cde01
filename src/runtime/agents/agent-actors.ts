import type { PollInfo } from '../../model/monitoring/polls.ts';
import type { AgentRecord } from '../../model/records/records.ts';
import type { Engine } from '../box/engine.ts';
import type { Dispatcher } from '../dispatchers/dispatcher.ts';
import { LiveAgent } from './agent-actor.ts';

/** The agents of a dispatcher that live in this process, and the connections that it may use with them. */
export class LiveAgents implements Iterable<LiveAgent> {
  readonly #engine: Engine;
  readonly #dispatcher: Dispatcher;
  readonly #agents = new Map<string, LiveAgent>();
  #budget = 0;

  constructor(engine: Engine, dispatcher: Dispatcher) {
    this.#engine = engine;
    this.#dispatcher = dispatcher;
  }

  [Symbol.iterator](): Iterator<LiveAgent> {
    return this.#agents.values();
  }

  /** The agent of these settings: brought to life, or changed to them. */
  take(queue: string, record: AgentRecord): LiveAgent {
    const present = this.#agents.get(record.id);
    if (present !== undefined) {
      this.spend(record.size - present.size);
      present.configure(record);
      return present;
    }
    const { box } = this.#dispatcher;
    const agent = new LiveAgent(this.#engine, this.#dispatcher, queue, record, (id, logic, input) =>
      box.spawn(id, logic, input),
    );
    this.spend(record.size);
    this.#agents.set(record.id, agent);
    this.#engine.agents.set(record.id, agent);
    // Held jobs may be waiting for their time: the supervisor looks when the earliest is due.
    this.#engine.offerWork(queue);
    return agent;
  }

  /** Lets agents go whose settings a poll has not found. */
  retireVanished(poll: PollInfo): void {
    for (const [id, agent] of this.#agents) {
      const seen = poll.queues[agent.queue];
      // A queue that was skipped this time has not lost its agents.
      if (seen === null || seen?.[agent.name] !== undefined) continue;
      this.spend(-agent.size);
      this.#forget(id, agent);
    }
  }

  drain(): void {
    for (const agent of this.#agents.values()) agent.drain();
  }

  /** Forgets them all. What their workers are at goes on. */
  clear(): void {
    for (const [id, agent] of this.#agents) this.#forget(id, agent);
  }

  #forget(id: string, agent: LiveAgent): void {
    this.#agents.delete(id);
    this.#engine.agents.delete(id);
    void agent.ended().then((actor) => this.#dispatcher.box.dismiss(actor));
  }

  /** Adds to the connections that the dispatcher may use. */
  spend(connections: number): void {
    this.#budget += connections;
    this.#engine.store.poolSize += connections;
  }

  /** Gives all connections back. */
  spendNothing(): void {
    this.spend(-this.#budget);
  }
}
