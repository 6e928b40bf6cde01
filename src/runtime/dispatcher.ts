import { type Actor, waitFor } from 'xstate';
import { dispatcherMachine } from '../../machines/dispatcher.machine.ts';
import { BadStatusError, SignalboxError, shown } from '../errors.ts';
import { Failure } from '../model/failure.ts';
import { refusesSystemJobs } from '../model/filter.ts';
import { type JobInfo, JobInfos } from '../model/job-infos.ts';
import { type DispatcherHealth, healthOf, isDead, isPingDue, siblingOf } from '../model/liveness.ts';
import { type PollRange, pollAt, pollsIn } from '../model/poll-range.ts';
import { type AgentPoll, type JobName, PollInfo, Polls } from '../model/polls.ts';
import type { AgentRecord } from '../model/records.ts';
import { type Statistics, statisticsOf } from '../model/statistics.ts';
import { type Duration, durationMs } from '../time.ts';
import type { Engine } from './engine.ts';
import { LiveAgent } from './live-agent.ts';
import type { Reactor, ScheduledCall } from './reactor/reactor.ts';
import { deactivateIn, Representation } from './representation.ts';
import { Representations } from './representations.ts';
import { fiveTimes } from './retry-steps.ts';
import type { Signalbox } from './signalbox.ts';

/** What a dispatcher is told. */
export interface DispatcherOptions {
  /** Default: the box's. */
  readonly reactor?: Reactor;
  /** Time between the end of a poll and the next. Default 5 s. */
  readonly pollInterval?: Duration;
  /** Default: the UUID of the instance. */
  readonly uuid?: string;
  /** How many started jobs are remembered. Default 200. */
  readonly jobsSize?: number;
  /** How many polls are remembered. Default 400. */
  readonly pollsSize?: number;
}

/** How a dispatcher does. Durations are milliseconds. */
export interface StatusInfo {
  readonly status: DispatcherHealth;
  readonly pollInterval: number;
  readonly timeSinceLastPoll: number | null;
  readonly uptime: number | null;
  readonly uuid: string;
}

/**
 * The process that takes jobs from the queues and performs them. Typically one per process; several may be made for tests.
 *
 * @example
 * ```ts
 * import { createSignalbox, Dispatcher, memoryStore } from 'signalbox';
 *
 * const box = await createSignalbox({ store: memoryStore(), jobs: [] });
 * const dispatcher = new Dispatcher(box, { pollInterval: '500ms' });
 * console.log(dispatcher.pollInterval, dispatcher.getStatusInfo().status); // => 500 STOPPED
 * await box.stop();
 * ```
 *
 * @throws SignalboxError `DISPATCHER_EXISTS`, `INVALID_DURATION`, `INVALID_OPTION`.
 */
export class Dispatcher {
  readonly box: Signalbox;
  readonly uuid: string;
  readonly reactor: Reactor;
  /** Milliseconds. */
  readonly pollInterval: number;
  readonly polls: Polls;
  readonly jobs: JobInfos;
  readonly #engine: Engine;
  readonly #actor: Actor<typeof dispatcherMachine>;
  readonly #agents = new Map<string, LiveAgent>();
  /** Queues that this process has activated. */
  readonly #queues = new Set<string>();
  #activated: number | null = null;
  #pollCall: ScheduledCall | null = null;
  #shutdownTrigger: ScheduledCall | null = null;
  #budget = 0;
  #loggedPoll = '';
  #startedSince = new Map<PollInfo, JobInfo[]>();

  constructor(box: Signalbox, options: DispatcherOptions = {}) {
    this.box = box;
    this.#engine = box.engine;
    this.uuid = options.uuid ?? box.uuid;
    this.reactor = options.reactor ?? box.engine.reactor;
    this.pollInterval = durationMs(options.pollInterval ?? 5000, 'pollInterval');
    this.polls = new Polls(checkCount(options.pollsSize ?? 400, 'pollsSize'));
    this.jobs = new JobInfos(checkCount(options.jobsSize ?? 200, 'jobsSize'));
    box.addDispatcher(this);
    const logic = dispatcherMachine.provide({
      actions: {
        schedulePollNow: () => this.reactor.callWhenRunning(() => this.#schedule(0)),
        schedulePoll: () => this.#schedule(this.pollInterval),
        cancelPoll: () => this.#pollCall?.cancel(),
        poll: () => void this.#poll().finally(() => this.#actor.send({ type: 'poll.done' })),
        deactivateQueues: () =>
          void this.#deactivateQueues().finally(() => this.#actor.send({ type: 'deactivation.done' })),
      },
    });
    this.#actor = box.spawn(`dispatcher:${this.uuid}`, logic, undefined) as Actor<typeof dispatcherMachine>;
  }

  /** When it was activated; null while it is not. */
  get activated(): Date | null {
    return this.#activated === null ? null : new Date(this.#activated);
  }

  /** Whether its machine accepts the event now. */
  #mustAccept(type: 'dispatcher.activate' | 'dispatcher.deactivate'): void {
    const snapshot = this.#actor.getSnapshot();
    if (snapshot.can({ type })) return;
    throw new SignalboxError('DISPATCHER_STATE', {
      what: `dispatcher ${this.uuid}`,
      state: String(snapshot.value),
      event: type,
    });
  }

  /** Starts polling as soon as the reactor runs. @throws SignalboxError `DISPATCHER_STATE` when it is active. */
  activate(): void {
    this.#mustAccept('dispatcher.activate');
    this.#engine.log.events('INFO', () => `attempting to activate dispatcher ${this.uuid}`);
    this.#activated = this.#engine.now();
    this.polls.clear();
    this.jobs.clear();
    this.#spend(1);
    this.#shutdownTrigger = this.reactor.addSystemEventTrigger('before', 'shutdown', () => this.deactivate());
    this.#actor.send({ type: 'dispatcher.activate' });
  }

  /**
   * Stops polling and hands its jobs on; what runs is not killed.
   * @throws SignalboxError `DISPATCHER_STATE` when it is not active.
   */
  async deactivate(): Promise<void> {
    this.#mustAccept('dispatcher.deactivate');
    this.#shutdownTrigger?.cancel();
    this.#activated = null;
    this.#actor.send({ type: 'dispatcher.deactivate' });
    await waitFor(this.#actor, (snapshot) => snapshot.matches('stopped'));
    this.#engine.log.events('INFO', () => `deactivated dispatcher ${this.uuid}`);
  }

  /** Deactivates it unless somebody has already; resolves when it is stopped. */
  async stopped(): Promise<void> {
    if (this.#actor.getSnapshot().can({ type: 'dispatcher.deactivate' })) await this.deactivate();
    else await waitFor(this.#actor, (snapshot) => snapshot.matches('stopped'));
  }

  /** Stops polling with nothing cleaned, as a crash would. */
  abandon(): void {
    this.#shutdownTrigger?.cancel();
    this.#actor.send({ type: 'dispatcher.abandon' });
    for (const agent of this.#agents.values()) agent.drain();
    this.#forget();
  }

  /**
   * Resolves at the end of the next poll to begin: one that is under way may have looked already.
   * @throws SignalboxError `DISPATCHER_STATE` when it stops first.
   */
  async nextPoll(): Promise<PollInfo> {
    let wasActive = false;
    const hasStopped = (stopped: boolean): boolean => {
      wasActive ||= !stopped;
      return stopped && wasActive;
    };
    await waitFor(this.#actor, (snapshot) => !snapshot.matches('polling'));
    const last = this.polls.newest();
    const next = (): PollInfo | null => {
      const newest = this.polls.newest();
      return newest === undefined || newest === last ? null : newest;
    };
    await waitFor(
      this.#actor,
      (snapshot) =>
        (!snapshot.matches('polling') && next() !== null) || hasStopped(snapshot.matches('stopped')),
    );
    const poll = next();
    if (poll !== null) return poll;
    const what = `dispatcher ${this.uuid}`;
    throw new SignalboxError('DISPATCHER_STATE', { what, state: 'stopped', event: 'poll.due' });
  }

  #schedule(delayMs: number): void {
    const due = (): void => this.#actor.send({ type: 'poll.due' });
    if (delayMs > 0) this.#pollCall = this.reactor.callLater(delayMs, due);
    else this.reactor.callFromThread(due);
  }

  #spend(connections: number): void {
    this.#budget += connections;
    this.#engine.store.poolSize += connections;
  }

  #forget(): void {
    this.#spend(-this.#budget);
    this.#queues.clear();
    this.#activated = null;
  }

  async #deactivateQueues(): Promise<void> {
    for (const agent of this.#agents.values()) agent.drain();
    await this.#guarded('be deactivated', () => deactivateIn(this.#engine, this.uuid, this.#queues));
    for (const key of this.#agents.keys()) this.#engine.agents.delete(key);
    this.#agents.clear();
    this.#forget();
  }

  async #poll(): Promise<void> {
    const poll = new PollInfo();
    this.#startedSince.set(poll, []);
    await this.#guarded('poll', async () => {
      for (const queue of await this.#engine.store.list('queue', '')) {
        poll.queues[queue.id] = null;
        await this.#pollQueue(queue.id, poll);
      }
      if (this.#mayClaim) this.#retireVanished(poll);
    });
    this.#closePrevious();
    this.polls.add(poll, this.#engine.now());
    for (const started of this.#startedSince.get(poll) ?? []) started.pollId = poll.key;
    this.#startedSince = new Map();
    this.#logPoll(poll);
  }

  /** One step of a poll: its failure is logged and ends nothing else. Null when it failed. */
  async #guarded<Result>(what: string, step: () => Promise<Result>): Promise<Result | null> {
    try {
      return await step();
    } catch (error) {
      const failure = Failure.from(error);
      this.#engine.log.events(
        'CRITICAL',
        () => `dispatcher ${this.uuid} could not ${what}: ${failure.text()}`,
      );
      return null;
    }
  }

  async #pollQueue(queue: string, poll: PollInfo): Promise<void> {
    const representations = new Representations(this.#engine.direct, queue);
    const where = `in queue '${queue}'`;
    const representation = await this.#guarded(`register ${where}`, () =>
      fiveTimes(async () =>
        (await representations.has(this.uuid))
          ? representations.get(this.uuid)
          : representations.register(this.uuid),
      ),
    );
    if (representation === null) return;
    if (!this.#queues.has(queue)) {
      const activated = await this.#guarded(`be activated ${where}`, () => this.#activateIn(representation));
      if (activated !== true) return;
      this.#queues.add(queue);
    }
    await this.#guarded(`ping ${where}`, () => this.#ping(representation));
    if (!this.#mayClaim) return;
    const agents: Record<string, AgentPoll> = Object.create(null);
    poll.queues[queue] = agents;
    await this.#guarded(`read its agents ${where}`, async () => {
      for (const record of await this.#engine.store.list('agent', `${queue}/${this.uuid}/`))
        if (this.#mayClaim) await this.#pollAgent(queue, record, poll, agents);
    });
  }

  /** A poll that stopping or a crash has overtaken, or one during the grace of `box.stop`, pings and claims nothing. */
  get #mayClaim(): boolean {
    return this.box.state === 'running' && this.#actor.getSnapshot().matches('polling');
  }

  async #pollAgent(
    queue: string,
    record: AgentRecord,
    poll: PollInfo,
    agents: Record<string, AgentPoll>,
  ): Promise<void> {
    const { store } = this.#engine;
    const name = record.id.slice(`${queue}/${this.uuid}/`.length);
    const entry: AgentPoll = {
      size: record.size,
      len: 0,
      error: null,
      newJobs: [],
      claimed: 0,
      activeJobs: [],
    };
    agents[name] = entry;
    const agent = this.#liveAgent(queue, record);
    try {
      const held = await store.held(queue, this.uuid, name);
      entry.len = held.length;
      entry.activeJobs = held.map((job): JobName => [job.id, store.name]);
    } catch (error) {
      const failure = Failure.from(error);
      entry.error = failure.text('default');
      this.#engine.log.events('CRITICAL', () => `agent ${name} cannot be read: ${failure.text()}`);
      return;
    }
    await agent.claimFor(poll, entry);
  }

  /** First time in this process. False when someone else seems to work under this UUID. */
  async #activateIn(representation: Representation): Promise<boolean> {
    if (representation.activated !== null) {
      if (!isDead(representation.record, this.#engine.store.now())) {
        this.#engine.log.events(
          'ERROR',
          () =>
            `dispatcher ${this.uuid} is already active in queue '${representation.queue}': is another process using the same UUID?`,
        );
        return false;
      }
      await representation.deactivate();
    }
    await representation.activate();
    await this.#warnOfRefusedSystemJobs(representation.queue);
    return true;
  }

  /**
   * Without an agent that accepts system jobs nothing expires and nothing is recovered: said once per
   * activation.
   */
  async #warnOfRefusedSystemJobs(queue: string): Promise<void> {
    const agents = await this.#engine.store.list('agent', `${queue}/`);
    if (agents.length === 0 || !agents.every((record) => refusesSystemJobs(record.selection))) return;
    this.#engine.log.events(
      'ERROR',
      () =>
        `every agent of queue '${queue}' refuses system jobs: interrupted jobs stay active and late ones never expire`,
    );
  }

  /**
   * In its own commit, before claiming: a dispatcher that was taken for dead is alive again and claims in the
   * same poll.
   */
  async #ping(representation: Representation): Promise<void> {
    await representation.refresh();
    if (representation.record.state !== 'activated') {
      this.#engine.log.events(
        'CRITICAL',
        () =>
          `dispatcher ${this.uuid} was deactivated in queue '${representation.queue}' while it lives: is the death interval too short, a commit too long, or a clock wrong? It is reactivated.`,
      );
      await representation.reactivate();
    }
    if (isPingDue(representation.record, this.#engine.store.now())) await representation.ping();
    const all = await this.#engine.store.list('representation', `${representation.queue}/`);
    const sibling = siblingOf(this.uuid, all);
    if (sibling === undefined || !isDead(sibling, this.#engine.store.now())) return;
    try {
      await new Representation(this.#engine.direct, sibling).deactivate();
    } catch (error) {
      // Another dispatcher has just done it.
      if (!(error instanceof BadStatusError)) throw error;
    }
  }

  #liveAgent(queue: string, record: AgentRecord): LiveAgent {
    const present = this.#agents.get(record.id);
    if (present !== undefined) {
      this.#spend(record.size - present.size);
      present.configure(record);
      return present;
    }
    const agent = new LiveAgent(this.#engine, this, queue, record, (id, logic, input) =>
      this.box.spawn(id, logic, input),
    );
    this.#spend(record.size);
    this.#agents.set(record.id, agent);
    this.#engine.agents.set(record.id, agent);
    // Held jobs may be waiting for their time: the supervisor looks when the earliest is due.
    this.#engine.offerWork(queue);
    return agent;
  }

  #retireVanished(poll: PollInfo): void {
    for (const [id, agent] of this.#agents) {
      const seen = poll.queues[agent.queue];
      // A queue that was skipped this time has not lost its agents.
      if (seen === null || seen?.[agent.name] !== undefined) continue;
      agent.drain();
      this.#spend(-agent.size);
      this.#agents.delete(id);
      this.#engine.agents.delete(id);
    }
  }

  /** Takes note of a claimed job; a claim made by a wake-up belongs to the newest poll. */
  remember(id: string, info: JobInfo, poll: PollInfo | null): void {
    this.jobs.set(id, info);
    if (poll === null) return;
    const open = this.#startedSince.get(poll);
    if (open === undefined) info.pollId = poll.key;
    else open.push(info);
  }

  #logPoll(poll: PollInfo): void {
    const text = pollText(poll);
    if (text === this.#loggedPoll) return;
    this.#loggedPoll = text;
    this.#engine.log.trace('DEBUG', () => `poll ${poll.key}:\n${text}`);
  }

  /** Wake-ups add to the newest poll after it was logged: it is logged once more when the next one closes it. */
  #closePrevious(): void {
    const newest = this.polls.newest();
    if (newest !== undefined) this.#logPoll(newest);
  }

  /** The latest poll, or the latest at or before `at`, or strictly before `before`: a key or an instant. */
  getPollInfo(range: Pick<PollRange, 'at' | 'before'> = {}): PollInfo {
    return pollAt(this.polls, range);
  }

  /** Polls of a range, newest first; safe while polls are added and dropped. */
  *iterPolls(range: PollRange = {}): Generator<PollInfo> {
    yield* pollsIn(this.polls, range);
  }

  /** What is remembered of a job. @throws SignalboxError `NO_JOB_RECORD`. */
  getJobInfo(id: string, store: string = this.#engine.store.name): JobInfo {
    const info = store === this.#engine.store.name ? this.jobs.get(id) : undefined;
    if (info === undefined) throw new SignalboxError('NO_JOB_RECORD', { id });
    const entry = this.polls.newest()?.queues[info.queue]?.[info.agent];
    const isListed =
      entry === undefined || [...entry.activeJobs, ...entry.newJobs].some(([listed]) => listed === id);
    const reassigned = info.reassigned || (info.completed === null && !isListed);
    const { result, failed, agent, queue, pollId, quotaNames, call, started, completed, thread } = info;
    return { result, failed, agent, queue, pollId, quotaNames, call, started, completed, thread, reassigned };
  }

  /** Jobs in this process's workers at this very instant, newest first. */
  getActiveJobIds(only: { readonly queue?: string; readonly agent?: string } = {}): JobName[] {
    return [...this.#agents.values()]
      .filter(
        (agent) => (only.queue ?? agent.queue) === agent.queue && (only.agent ?? agent.name) === agent.name,
      )
      .flatMap((agent) => agent.workers.activeJobs())
      .sort((one, other) => other.started - one.started)
      .map(({ id }) => [id, this.#engine.store.name]);
  }

  /** Counts and extremes of the jobs in a range of polls. */
  getStatistics(range: PollRange & { readonly queue?: string; readonly agent?: string } = {}): Statistics {
    return statisticsOf([...this.iterPolls(range)], this.jobs, this.#engine.now(), range);
  }

  /** How the dispatcher does now: STOPPED, STARTING, RUNNING or STUCK, with its times. */
  getStatusInfo(): StatusInfo {
    const now = this.#engine.now();
    const activated = this.#activated;
    const lastPoll = this.polls.newest()?.timestamp.getTime() ?? null;
    const status = healthOf({ activated, lastPoll, pollInterval: this.pollInterval, now });
    return {
      status,
      pollInterval: this.pollInterval,
      timeSinceLastPoll: activated === null ? null : now - (lastPoll ?? activated),
      uptime: activated === null || lastPoll === null ? null : now - activated,
      uuid: this.uuid,
    };
  }
}

function pollText(poll: PollInfo): string {
  return JSON.stringify(poll.queues, null, 2);
}

function checkCount(value: number, option: string): number {
  if (Number.isInteger(value) && value >= 1) return value;
  throw new SignalboxError('INVALID_OPTION', {
    option,
    expected: 'a whole number from 1 up',
    actual: shown(value),
  });
}
