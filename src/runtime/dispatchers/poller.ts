import type { JobInfo } from '../../model/monitoring/job-infos.ts';
import { type AgentPoll, type JobName, PollInfo, type Polls } from '../../model/monitoring/polls.ts';
import type { AgentRecord, RepresentationRecord } from '../../model/records/records.ts';
import { Failure } from '../../model/values/failure.ts';
import type { LiveAgents } from '../agents/agent-actors.ts';
import type { Engine } from '../box/engine.ts';
import { deactivateIn, type Representation } from '../handles/representation.ts';
import { activateIn, lookAfterSibling, ping, register } from './registration.ts';

/** What a dispatcher polls with. */
export interface PollingParts {
  readonly engine: Engine;
  /** UUID of the dispatcher. */
  readonly uuid: string;
  readonly polls: Polls;
  readonly agents: LiveAgents;
  /** False for a poll that stopping or a crash has overtaken: it claims nothing more. */
  readonly mayClaim: () => boolean;
}

/** The rounds of a dispatcher through the queues: registered, activated and pinged in each, then its agents claim. */
export class Polling {
  readonly #engine: Engine;
  readonly #parts: PollingParts;
  /** Queues that this process has activated. */
  readonly #queues = new Set<string>();
  /** Queues in which it has tried to. */
  readonly #tried = new Set<string>();
  /** What was claimed in polls that have no key yet. */
  #startedSince = new Map<PollInfo, JobInfo[]>();
  #loggedPoll = '';

  constructor(parts: PollingParts) {
    this.#parts = parts;
    this.#engine = parts.engine;
  }

  /** One round. Never rejects: what fails is logged, and the rest goes on. */
  async poll(): Promise<void> {
    const { agents, polls, mayClaim } = this.#parts;
    const poll = new PollInfo();
    this.#startedSince.set(poll, []);
    await this.#guarded('poll', async () => {
      for (const queue of await this.#engine.store.list('queue', '')) {
        poll.queues[queue.id] = null;
        await this.#pollQueue(queue.id, poll);
      }
      if (!mayClaim()) return;
      agents.retireVanished(poll);
      await this.#guarded('take up what was left', () => this.#engine.orphans.look());
    });
    this.#closePrevious();
    polls.add(poll, this.#engine.now());
    for (const started of this.#startedSince.get(poll) ?? []) started.pollId = poll.key;
    this.#startedSince = new Map();
    this.#logPoll(poll);
  }

  /** Notes to which poll a claimed job belongs; a claim made by a wake-up belongs to the newest. */
  note(info: JobInfo, poll: PollInfo | null): void {
    if (poll === null) return;
    const open = this.#startedSince.get(poll);
    if (open === undefined) info.pollId = poll.key;
    else open.push(info);
  }

  /** Deactivates the dispatcher in every queue that it polled. Never rejects. */
  async deactivate(): Promise<void> {
    const { uuid } = this.#parts;
    await this.#guarded('be deactivated', () => deactivateIn(this.#engine, uuid, this.#queues));
  }

  /** Forgets what it has activated: the next poll looks again. */
  forget(): void {
    this.#queues.clear();
    this.#tried.clear();
  }

  /** One step of a poll: its failure is logged and ends nothing else. Null when it failed. */
  async #guarded<Result>(what: string, step: () => Promise<Result>): Promise<Result | null> {
    try {
      return await step();
    } catch (error) {
      const failure = Failure.from(error);
      const message = (): string => `dispatcher ${this.#parts.uuid} could not ${what}: ${failure.text()}`;
      this.#engine.log.events('CRITICAL', message);
      return null;
    }
  }

  async #pollQueue(queue: string, poll: PollInfo): Promise<void> {
    const engine = this.#engine;
    const { uuid, mayClaim } = this.#parts;
    const where = `in queue '${queue}'`;
    const representation = await this.#guarded(`register ${where}`, () => register(engine, uuid, queue));
    if (representation === null || !(await this.#isActivated(representation, where))) return;
    await this.#guarded(`ping ${where}`, () => ping(engine, representation));
    // Whatever became of the ping: other dispatchers' jobs must not wait for what ails this one.
    await this.#guarded(`look after its sibling ${where}`, () => lookAfterSibling(engine, uuid, queue));
    if (!mayClaim()) return;
    const agents: Record<string, AgentPoll> = Object.create(null);
    poll.queues[queue] = agents;
    const records = await this.#guarded(`read its agents ${where}`, () =>
      engine.store.list('agent', `${queue}/${uuid}/`),
    );
    // Agents that could not be read have not gone: the queue counts as skipped.
    if (records === null) poll.queues[queue] = null;
    for (const record of records ?? [])
      if (mayClaim())
        await this.#guarded(`poll its agents ${where}`, () => this.#pollAgent(queue, record, poll, agents));
  }

  async #isActivated(representation: Representation, where: string): Promise<boolean> {
    const { queue, record } = representation;
    const lost = this.#queues.has(queue) ? lossOf(record, this.#engine.store.epoch) : null;
    if (lost !== null) {
      this.#queues.delete(queue);
      this.#engine.abortRuns(record, new Error(lost));
    }
    if (this.#queues.has(queue)) return true;
    const activated = await this.#guarded(`be activated ${where}`, () =>
      activateIn(this.#engine, representation, this.#tried),
    );
    if (activated !== true) return false;
    this.#queues.add(queue);
    return true;
  }

  async #pollAgent(
    queue: string,
    record: AgentRecord,
    poll: PollInfo,
    entries: Record<string, AgentPoll>,
  ): Promise<void> {
    const { store, log, awaited } = this.#engine;
    const { uuid, agents } = this.#parts;
    const name = record.id.slice(`${queue}/${uuid}/`.length);
    const entry: AgentPoll = {
      size: record.size,
      len: 0,
      error: null,
      newJobs: [],
      claimed: 0,
      activeJobs: [],
    };
    entries[name] = entry;
    const agent = agents.take(queue, record);
    // Before it is asked what it holds: what it claims meanwhile is in one of the two lists.
    agent.joins(poll, entry);
    try {
      const held = await store.held(queue, uuid, name);
      entry.len = held.length;
      entry.activeJobs = held.map((job): JobName => [job.id, store.name]);
      if (!store.exclusive) awaited.lookAgain(held);
    } catch (error) {
      const failure = Failure.from(error);
      entry.error = failure.text('default');
      log.events('CRITICAL', () => `agent ${name} cannot be read: ${failure.text()}`);
      return;
    }
    // Stopping may have overtaken it while it read.
    if (this.#parts.mayClaim()) await agent.claimDue();
  }

  #logPoll(poll: PollInfo): void {
    const text = JSON.stringify(poll.queues, null, 2);
    if (text === this.#loggedPoll) return;
    this.#loggedPoll = text;
    this.#engine.log.trace('DEBUG', () => `poll ${poll.key}:\n${text}`);
  }

  /** Wake-ups add to the newest poll after it was logged: it is logged once more when the next one closes it. */
  #closePrevious(): void {
    const newest = this.#parts.polls.newest();
    if (newest !== undefined) this.#logPoll(newest);
  }
}

/** How a dispatcher that lives has lost its place in a queue, and begins there anew; null when it has it, or was taken for dead. */
function lossOf({ state, epoch }: RepresentationRecord, own: number): string | null {
  if (state === 'registered') return 'the dispatcher was unregistered';
  return state === 'activated' && epoch !== own ? 'another process works under the UUID' : null;
}
