import type { AnyActorRef } from 'xstate';
import type { AgentPlace } from '../../../machines/job.context.ts';
import type { RepresentationRecord } from '../../model/records/records.ts';
import type { Run } from '../execution/run.ts';
import type { AgentActor } from './agent-actor.ts';

/** The live agents of this process, of all of its dispatchers. */
export class AgentRegistry implements Iterable<AgentActor> {
  /** By id of the agent's record: `<queue>/<uuid>/<name>`. */
  readonly #agents = new Map<string, AgentActor>();
  /** Removed agents, as long as they run something: it is aborted when it is reassigned, like everything else. */
  readonly #leaving = new Set<AgentActor>();
  /** The agent that was found last: jobs that end together are of one agent. */
  #newest: AgentActor | null = null;

  get size(): number {
    return this.#agents.size;
  }

  [Symbol.iterator](): Iterator<AgentActor> {
    return this.#agents.values();
  }

  add(id: string, agent: AgentActor): void {
    this.#agents.set(id, agent);
    this.#newest = null;
  }

  /** Removes an agent. Resolves when nothing of it runs any more. */
  async remove(id: string, agent: AgentActor): Promise<AnyActorRef> {
    this.#agents.delete(id);
    this.#newest = null;
    this.#leaving.add(agent);
    const actor = await agent.ended();
    this.#leaving.delete(agent);
    return actor;
  }

  /** The agent at a place, if it lives in this process. */
  at({ queue, dispatcher, agent }: AgentPlace): AgentActor | undefined {
    const newest = this.#newest;
    if (newest?.name === agent && newest.queue === queue && newest.owner.uuid === dispatcher) return newest;
    this.#newest = this.#agents.get(`${queue}/${dispatcher}/${agent}`) ?? null;
    return this.#newest ?? undefined;
  }

  /** Lets the agents of a queue look for work, or all of them. */
  offer(queue?: string): void {
    for (const agent of this.#agents.values())
      if (queue === undefined || agent.queue === queue) agent.offer();
  }

  /** What runs. */
  *runs(): Generator<Run> {
    for (const set of [this.#agents.values(), this.#leaving])
      for (const agent of set) yield* agent.workers.runs;
  }

  /** The definitions of what runs. */
  *running(): Generator<string> {
    for (const set of [this.#agents.values(), this.#leaving])
      for (const agent of set) yield* agent.workers.names();
  }

  /** Aborts what runs for a representation: its jobs were reassigned. */
  abortRuns(
    { queue, dispatcher }: Pick<RepresentationRecord, 'queue' | 'dispatcher'>,
    reason: unknown,
  ): void {
    for (const agent of [...this.#agents.values(), ...this.#leaving])
      if (agent.queue === queue && agent.owner.uuid === dispatcher) agent.workers.abort(reason);
  }
}
