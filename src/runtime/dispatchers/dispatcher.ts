/*
 * Room: dispatchers.
 *
 * Owns: The presence of a process in the queues: registration, polls, pings, the release of the jobs of
 *   dispatchers that stop or are dead, and the rescue of jobs that no agent holds.
 *
 * Invariant: A dispatcher claims only in queues in which it is activated, and what it holds is released in
 *   the commit that deactivates it.
 *
 * May import: environment, commits, jobs, execution, stops, callbacks, threads, agents, schedules,
 *   actors.
 */
import { type Actor, waitFor } from 'xstate';
import { dispatcherMachine } from '../../../machines/dispatcher.machine.ts';
import { SignalboxError } from '../../errors.ts';
import { checkCount, checkKnown } from '../../model/checks/check-options.ts';
import { checkUuid } from '../../model/checks/names.ts';
import { getOwn } from '../../model/checks/own-keys.ts';
import { copyOfInfo, type JobInfo, JobInfos } from '../../model/monitoring/job-infos.ts';
import { type DispatcherHealth, healthOf } from '../../model/monitoring/liveness.ts';
import { type PollRange, pollAt, pollsIn } from '../../model/monitoring/poll-range.ts';
import { type JobName, type PollInfo, Polls } from '../../model/monitoring/polls.ts';
import { type Statistics, statisticsOf } from '../../model/monitoring/statistics.ts';
import type { JobRecord } from '../../model/records/records.ts';
import { type Duration, durationMs } from '../../time.ts';
import { AgentActors } from '../agents/agent-actors.ts';
import type { AgentOwner } from '../agents/job-starter.ts';
import type { UnknownJobs } from '../agents/unknown-definitions.ts';
import type { RuntimeContext } from '../commits/runtime-context.ts';
import { Inspectable } from '../environment/inspectable.ts';
import type { Reactor, ScheduledCall } from '../environment/reactor/reactor.ts';
import type { ThreadCounts } from '../threads/threads.ts';
import { checkBox, type DispatcherHost, hostOf } from './dispatcher-host.ts';
import { Poller } from './poller.ts';
import { logActivating, logDeactivated } from './recovery-log.ts';

/** Options of a dispatcher. */
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

/** The health of a dispatcher and its times. Durations are milliseconds. */
export interface StatusInfo {
  readonly status: DispatcherHealth;
  readonly pollInterval: number;
  readonly timeSinceLastPoll: number | null;
  readonly uptime: number | null;
  readonly uuid: string;
  /** Jobs that wait for a process that knows their definition, at the last poll. */
  readonly unknownJobs: readonly UnknownJobs[];
  /** How many places of its agents are taken by code that did not stop when it was asked to. */
  readonly abandoned: number;
  /** The threads of its agents with `executor: 'thread'`. */
  readonly threads: readonly ThreadCounts[];
}

/**
 * Takes jobs from the queues for this process: polls, pings, and lets its agents claim. Programs know it as `Dispatcher`,
 * whose box is a `Signalbox`.
 */
export class DispatcherOf<Box extends object> extends Inspectable implements AgentOwner {
  readonly box: Box;
  readonly uuid: string;
  readonly reactor: Reactor;
  /** Milliseconds. */
  readonly pollInterval: number;
  readonly polls: Polls;
  readonly jobs: JobInfos;
  readonly #host: DispatcherHost;
  readonly #context: RuntimeContext;
  readonly #actor: Actor<typeof dispatcherMachine>;
  readonly #agents: AgentActors;
  readonly #poller: Poller;
  #activated: number | null = null;
  #pollCall: ScheduledCall | null = null;
  #shutdownTrigger: ScheduledCall | null = null;
  /** The jobs that its last deactivation has released. */
  #handedOn: readonly JobRecord[] = [];

  constructor(box: Box, options: DispatcherOptions = {}) {
    super();
    checkBox(box);
    checkKnown(options, ['reactor', 'pollInterval', 'uuid', 'jobsSize', 'pollsSize']);
    const host = hostOf(box);
    const { context } = host.deps.work;
    this.box = box;
    this.#host = host;
    this.#context = context;
    this.uuid = checkUuid(options.uuid ?? context.uuid);
    this.reactor = options.reactor ?? context.reactor;
    this.pollInterval = durationMs(options.pollInterval ?? 5000, 'pollInterval');
    this.polls = new Polls(checkCount(options.pollsSize ?? 400, 'pollsSize', 1));
    this.jobs = new JobInfos(checkCount(options.jobsSize ?? 200, 'jobsSize', 1));
    const actors = { spawn: host.spawn.bind(host), dismiss: host.dismiss.bind(host) };
    this.#agents = new AgentActors({ ...host.deps, ...actors }, this);
    this.#poller = new Poller({
      deps: host.deps,
      uuid: this.uuid,
      polls: this.polls,
      agents: this.#agents,
      mayClaim: () => this.#mayClaim,
    });
    host.add(this.uuid, this);
    const logic = dispatcherMachine.provide({
      actions: {
        schedulePollNow: () => this.reactor.callWhenRunning(() => this.#schedule(0)),
        schedulePoll: () => this.#schedule(this.pollInterval),
        cancelPoll: () => this.#pollCall?.cancel(),
        poll: () => void this.#poller.poll().finally(() => this.#actor.send({ type: 'poll.done' })),
        deactivateQueues: () =>
          void this.#deactivateQueues().finally(() => this.#actor.send({ type: 'deactivation.done' })),
      },
    });
    this.#actor = host.spawn(`dispatcher:${this.uuid}`, logic, undefined) as Actor<typeof dispatcherMachine>;
  }

  /** How it does now, for `JSON.stringify` and `console.log`. `polls`, `activeJobs`: how many are remembered, and run. */
  toJSON(): object {
    const { uuid, activated, pollInterval } = this;
    const { status } = this.getStatusInfo();
    const activeJobs = this.getActiveJobIds().length;
    return { uuid, status, activated, pollInterval, polls: this.polls.length, activeJobs };
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

  /**
   * Starts polling as soon as the reactor runs.
   * @throws SignalboxError `DISPATCHER_STATE` when it is active, `BOX_STOPPED` when its box is not running any more.
   */
  activate(): void {
    this.#host.mustRun('activating a dispatcher');
    this.#mustAccept('dispatcher.activate');
    logActivating(this.#context, this.uuid);
    this.#activated = this.#context.now();
    this.polls.clear();
    this.jobs.clear();
    this.#agents.spend(1);
    this.#shutdownTrigger = this.reactor.addSystemEventTrigger('before', 'shutdown', () => this.stopped());
    this.#actor.send({ type: 'dispatcher.activate' });
  }

  /**
   * Stops polling and releases its jobs; what runs in its thread is not killed, worker threads are ended.
   * @throws SignalboxError `DISPATCHER_STATE` when it is not active.
   */
  async deactivate(): Promise<void> {
    this.#mustAccept('dispatcher.deactivate');
    this.#shutdownTrigger?.cancel();
    this.#activated = null;
    this.#actor.send({ type: 'dispatcher.deactivate' });
    await waitFor(this.#actor, (snapshot) => snapshot.matches('stopped'));
    logDeactivated(this.#context, this.uuid, this.#handedOn);
  }

  /** Deactivates it, unless it is being deactivated already. Resolves when it is stopped. */
  async stopped(): Promise<void> {
    if (this.#actor.getSnapshot().can({ type: 'dispatcher.deactivate' })) await this.deactivate();
    else await waitFor(this.#actor, (snapshot) => snapshot.matches('stopped'));
  }

  /** Stops polling and releases nothing, as a crash would. */
  abandon(): void {
    this.#shutdownTrigger?.cancel();
    this.#actor.send({ type: 'dispatcher.abandon' });
    this.#agents.drain();
    this.#forget();
  }

  /**
   * Resolves at the end of the next poll that begins: a poll that is under way may have looked already.
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

  #forget(): void {
    this.#agents.spendNothing();
    this.#poller.forget();
    this.#activated = null;
  }

  async #deactivateQueues(): Promise<void> {
    this.#agents.handOn();
    // No other process may call a job while a thread of this one still can.
    await this.#agents.endThreads();
    this.#handedOn = await this.#poller.deactivate();
    this.#agents.clear();
    this.#forget();
  }

  /** False for a poll during which the dispatcher stopped, and during the grace of `box.stop`: it pings and claims nothing. */
  get #mayClaim(): boolean {
    return this.#host.state === 'running' && this.#actor.getSnapshot().matches('polling');
  }

  /** Remembers a claimed job; a claim between two polls belongs to the newest poll. */
  remember(id: string, info: JobInfo, poll: PollInfo | null): void {
    this.jobs.set(id, info);
    this.#poller.note(info, poll);
  }

  /** The latest poll, or the latest at or before `at`, or strictly before `before`: a key or an instant. */
  getPollInfo(range: Pick<PollRange, 'at' | 'before'> = {}): PollInfo {
    return pollAt(this.polls, range);
  }

  /** Polls of a range, newest first; safe while polls are added and dropped. */
  *iterPolls(range: PollRange = {}): Generator<PollInfo> {
    yield* pollsIn(this.polls, range);
  }

  /** Returns the record of a started job. @throws SignalboxError `NO_JOB_RECORD`. */
  getJobInfo(id: string, store: string = this.#context.store.name): JobInfo {
    const info = store === this.#context.store.name ? this.jobs.get(id) : undefined;
    if (info === undefined) throw new SignalboxError('NO_JOB_RECORD', { id });
    const entry = getOwn(getOwn(this.polls.newest()?.queues ?? {}, info.queue) ?? {}, info.agent);
    // It may have been claimed in a poll that is still under way, or the last one could not see what its agent holds.
    const isUnknown =
      entry === undefined || info.pollId === null || (entry.error !== null && entry.activeJobs.length === 0);
    const isListed = isUnknown || [...entry.activeJobs, ...entry.newJobs].some(([listed]) => listed === id);
    const reassigned = info.reassigned || (info.completed === null && !isListed);
    return copyOfInfo(info, reassigned);
  }

  /** Jobs in this process's workers at this very instant, newest first. */
  getActiveJobIds(only: { readonly queue?: string; readonly agent?: string } = {}): JobName[] {
    checkKnown(only, ['queue', 'agent']);
    return [...this.#agents]
      .filter(
        (agent) => (only.queue ?? agent.queue) === agent.queue && (only.agent ?? agent.name) === agent.name,
      )
      .flatMap((agent) => agent.workers.activeJobs())
      .sort((one, other) => other.started - one.started)
      .map(({ id }) => [id, this.#context.store.name]);
  }

  /** Counts and extremes of the jobs in a range of polls. */
  getStatistics(range: PollRange & { readonly queue?: string; readonly agent?: string } = {}): Statistics {
    const { queue: _queue, agent: _agent, ...polls } = range;
    return statisticsOf([...this.iterPolls(polls)], this.jobs, this.#context.now(), range);
  }

  /** How the dispatcher does now: STOPPED, STARTING, RUNNING or STUCK, with its times. */
  getStatusInfo(): StatusInfo {
    const now = this.#context.now();
    const activated = this.#activated;
    const lastPoll = this.polls.newest()?.timestamp.getTime() ?? null;
    const status = healthOf({ activated, lastPoll, pollInterval: this.pollInterval, now });
    return {
      status,
      pollInterval: this.pollInterval,
      timeSinceLastPoll: activated === null ? null : now - (lastPoll ?? activated),
      uptime: activated === null || lastPoll === null ? null : now - activated,
      uuid: this.uuid,
      unknownJobs: this.#host.deps.unknown.jobs,
      abandoned: [...this.#agents].reduce((count, { workers }) => count + workers.abandonedCount, 0),
      threads: [...this.#agents].flatMap(({ threads }) => threads?.counts ?? []),
    };
  }
}
