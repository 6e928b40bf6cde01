import { setOwn } from '../../model/checks/own-keys.ts';
import type { JobInfo } from '../../model/monitoring/job-infos.ts';
import { type AgentPoll, type JobName, PollInfo, type Polls } from '../../model/monitoring/polls.ts';
import type { AgentRecord, JobRecord, RepresentationRecord } from '../../model/records/records.ts';
import { Failure } from '../../model/values/failure.ts';
import type { AgentActors } from '../agents/agent-actors.ts';
import { expireWaiting } from '../callbacks/cancel-job.ts';
import type { RuntimeContext } from '../commits/runtime-context.ts';
import { errorText } from '../environment/logging.ts';
import type { DispatcherDeps } from './dispatcher-host.ts';
import { takeOverOverdue } from './overdue-jobs.ts';
import { activateIn, ping, reapDeadSibling, register, warnOfRefusedSystemJobs } from './registration.ts';

/** The dependencies of a poller. */
export interface PollerDeps {
  readonly deps: DispatcherDeps;
  /** UUID of the dispatcher. */
  readonly uuid: string;
  readonly polls: Polls;
  readonly agents: AgentActors;
  /** False when the dispatcher stopped or crashed during the poll: it claims nothing more. */
  readonly mayClaim: () => boolean;
}

/** Polls the queues for a dispatcher: in each it registers, activates and pings, then its agents claim. */
export class Poller {
  readonly #context: RuntimeContext;
  readonly #deps: DispatcherDeps;
  readonly #own: PollerDeps;
  /** Queues that this process has activated. */
  readonly #queues = new Set<string>();
  /** Queues in which it has tried to activate. */
  readonly #tried = new Set<string>();
  /** Jobs that were claimed in polls without a key yet. */
  #startedSince = new Map<PollInfo, JobInfo[]>();
  /** Queues without an agent for system jobs, where that was logged. */
  readonly #warnedOf = new Set<string>();
  /** What its agents hold, as this poll has found it. */
  #held: JobRecord[] = [];
  #loggedPoll = '';

  constructor(own: PollerDeps) {
    this.#own = own;
    this.#deps = own.deps;
    this.#context = own.deps.work.context;
  }

  /** One poll. Never rejects: what fails is logged, and the rest continues. */
  async poll(): Promise<void> {
    const { agents, polls, mayClaim } = this.#own;
    const poll = new PollInfo();
    this.#startedSince.set(poll, []);
    this.#held = [];
    await this.#guarded('poll', async () => {
      for (const queue of await this.#context.store.list('queue', '')) {
        setOwn(poll.queues, queue.id, null);
        await this.#pollQueue(queue.id, poll);
      }
      if (!mayClaim()) return;
      // Not awaited: after a long absence there may be many ticks, and a poll is also the sign of life.
      void this.#deps.ticker.poll();
      this.#deps.delivery.poll();
      await this.#guarded('look for jobs that are to stop', () => this.#deps.stops.lookAgain(this.#held));
      await this.#guarded('look for jobs that wait too long', () => this.#expireWaiting());
      await this.#guarded('take over jobs that are overdue', () => takeOverOverdue(this.#deps.work));
      agents.removeVanished(poll);
      await this.#guarded('rescue orphaned jobs', () => this.#deps.orphans.look());
      await this.#guarded('count jobs of unknown definitions', () => this.#deps.unknown.look());
    });
    this.#closePrevious();
    polls.add(poll, this.#context.now());
    for (const started of this.#startedSince.get(poll) ?? []) started.pollId = poll.key;
    this.#startedSince = new Map();
    this.#logPoll(poll);
  }

  /** Records to which poll a claimed job belongs; a claim between two polls belongs to the newest. */
  note(info: JobInfo, poll: PollInfo | null): void {
    if (poll === null) return;
    const open = this.#startedSince.get(poll);
    if (open === undefined) info.pollId = poll.key;
    else open.push(info);
  }

  /** Deactivates the dispatcher in every queue that it polled. Returns the jobs that it releases. Never rejects. */
  async deactivate(): Promise<readonly JobRecord[]> {
    const { uuid } = this.#own;
    const released = await this.#guarded('be deactivated', () =>
      this.#deps.representations.deactivateIn(uuid, this.#queues),
    );
    return released ?? [];
  }

  /** Forgets which queues it has activated: the next poll looks again. */
  forget(): void {
    this.#queues.clear();
    this.#tried.clear();
    this.#warnedOf.clear();
  }

  /** One step of a poll: its failure is logged and ends nothing else. Null when it failed. */
  async #guarded<Result>(what: string, step: () => Promise<Result>): Promise<Result | null> {
    try {
      return await step();
    } catch (error) {
      const failure = Failure.from(error);
      const { uuid } = this.#own;
      const message = (): string => `dispatcher ${uuid} could not ${what}: ${errorText(failure)}`;
      this.#context.log.events('CRITICAL', message, { dispatcher: uuid, err: failure.toError() });
      return null;
    }
  }

  async #pollQueue(queue: string, poll: PollInfo): Promise<void> {
    const deps = this.#deps;
    const { uuid, mayClaim } = this.#own;
    const where = `in queue '${queue}'`;
    const representation = await this.#guarded(`register ${where}`, () => register(deps, uuid, queue));
    if (representation === null || !(await this.#isActivated(representation, where))) return;
    await this.#guarded(`ping ${where}`, () => ping(deps, representation));
    // Also when the ping failed: the jobs of other dispatchers must not wait for a problem of this one.
    await this.#guarded(`look after its sibling ${where}`, () => reapDeadSibling(deps, uuid, queue));
    if (!mayClaim()) return;
    const agents: Record<string, AgentPoll> = {};
    setOwn(poll.queues, queue, agents);
    const records = await this.#guarded(`read its agents ${where}`, () =>
      this.#context.store.list('agent', `${queue}/${uuid}/`),
    );
    // Agents that could not be read have not vanished: the queue counts as skipped.
    if (records === null) setOwn(poll.queues, queue, null);
    for (const record of records ?? [])
      if (mayClaim())
        await this.#guarded(`poll its agents ${where}`, () => this.#pollAgent(queue, record, poll, agents));
    await this.#guarded(`look for system jobs ${where}`, () => this.#warn(queue, records ?? []));
  }

  async #warn(queue: string, agents: readonly AgentRecord[]): Promise<void> {
    if (this.#warnedOf.has(queue)) return;
    if (await warnOfRefusedSystemJobs(this.#deps.work, queue, agents)) this.#warnedOf.add(queue);
  }

  async #isActivated(record: RepresentationRecord, where: string): Promise<boolean> {
    const { queue } = record;
    const lost = this.#queues.has(queue) ? lossOf(record, this.#context.store.epoch) : null;
    if (lost !== null) {
      this.#queues.delete(queue);
      this.#deps.abortRuns(record, new Error(lost));
    }
    if (this.#queues.has(queue)) return true;
    const activated = await this.#guarded(`be activated ${where}`, () =>
      activateIn(this.#deps, record, this.#tried),
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
    const { store, log } = this.#context;
    const { uuid, agents } = this.#own;
    const name = record.id.slice(`${queue}/${uuid}/`.length);
    const entry: AgentPoll = {
      size: record.size,
      len: 0,
      error: null,
      newJobs: [],
      claimed: 0,
      activeJobs: [],
    };
    setOwn(entries, name, entry);
    const agent = agents.ensure(queue, record);
    // Before its jobs are read: what it claims meanwhile is in one of the two lists.
    agent.joinPoll(poll, entry);
    try {
      const held = await store.held(queue, uuid, name);
      entry.len = held.length;
      entry.activeJobs = held.map((job): JobName => [job.id, store.name]);
      if (!store.exclusive) this.#deps.waits.lookAgain(held);
      this.#held.push(...held);
    } catch (error) {
      const failure = Failure.from(error);
      entry.error = failure.text('default');
      const fields = { queue, agent: name, dispatcher: uuid, err: failure.toError() };
      log.events('CRITICAL', () => `agent ${name} cannot be read: ${errorText(failure)}`, fields);
      return;
    }
    // The dispatcher may have stopped meanwhile.
    if (this.#own.mayClaim()) await agent.claimDue();
  }

  /** A job that waits for another one has no timer: its deadline is looked at here. */
  async #expireWaiting(): Promise<void> {
    const { callbacks, work } = this.#deps;
    const now = this.#context.store.now();
    for (const { id, state, deadline } of this.#held)
      if (state === 'active.waiting' && deadline !== null && deadline < now)
        await expireWaiting(callbacks, work, id);
  }

  #logPoll(poll: PollInfo): void {
    if (!this.#context.log.isRead('DEBUG')) return;
    const text = JSON.stringify(poll.queues, null, 2);
    if (text === this.#loggedPoll) return;
    this.#loggedPoll = text;
    this.#context.log.trace('DEBUG', () => `poll ${poll.key}:\n${text}`);
  }

  /** Claims between two polls add to the newest poll after it was logged: it is logged once more when the next one closes it. */
  #closePrevious(): void {
    const newest = this.#own.polls.newest();
    if (newest !== undefined) this.#logPoll(newest);
  }
}

/**
 * Why a living dispatcher has lost its place in a queue and has to activate again; null when it has its place, or was
 * declared dead.
 */
function lossOf({ state, epoch }: RepresentationRecord, own: number): string | null {
  if (state === 'registered') return 'the dispatcher was unregistered';
  return state === 'activated' && epoch !== own ? 'another process works under the UUID' : null;
}
