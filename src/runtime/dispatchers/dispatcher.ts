import { type Actor, waitFor } from 'xstate';
import { dispatcherMachine } from '../../../machines/dispatcher.machine.ts';
import { SignalboxError } from '../../errors.ts';
import { checkCount, checkKnown } from '../../model/checks/check-options.ts';
import { checkUuid } from '../../model/checks/names.ts';
import { copyOfInfo, type JobInfo, JobInfos } from '../../model/monitoring/job-infos.ts';
import { type DispatcherHealth, healthOf } from '../../model/monitoring/liveness.ts';
import { type PollRange, pollAt, pollsIn } from '../../model/monitoring/poll-range.ts';
import { type JobName, type PollInfo, Polls } from '../../model/monitoring/polls.ts';
import { type Statistics, statisticsOf } from '../../model/monitoring/statistics.ts';
import { type Duration, durationMs } from '../../time.ts';
import { LiveAgents } from '../agents/agent-actors.ts';
import type { Engine } from '../box/engine.ts';
import type { Signalbox } from '../box/signalbox.ts';
import type { Reactor, ScheduledCall } from '../environment/reactor/reactor.ts';
import { checkBox } from '../jobs/job-like.ts';
import { Polling } from './poller.ts';

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
 * @throws SignalboxError `DISPATCHER_EXISTS`, `INVALID_DURATION`, `INVALID_OPTION`, `BOX_STOPPED`.
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
  readonly #agents: LiveAgents;
  readonly #polling: Polling;
  #activated: number | null = null;
  #pollCall: ScheduledCall | null = null;
  #shutdownTrigger: ScheduledCall | null = null;

  constructor(box: Signalbox, options: DispatcherOptions = {}) {
    checkBox(box);
    checkKnown(options, ['reactor', 'pollInterval', 'uuid', 'jobsSize', 'pollsSize']);
    this.box = box;
    this.#engine = box.engine;
    this.uuid = checkUuid(options.uuid ?? box.uuid);
    this.reactor = options.reactor ?? box.engine.reactor;
    this.pollInterval = durationMs(options.pollInterval ?? 5000, 'pollInterval');
    this.polls = new Polls(checkCount(options.pollsSize ?? 400, 'pollsSize', 1));
    this.jobs = new JobInfos(checkCount(options.jobsSize ?? 200, 'jobsSize', 1));
    this.#agents = new LiveAgents(this.#engine, this);
    this.#polling = new Polling({
      engine: this.#engine,
      uuid: this.uuid,
      polls: this.polls,
      agents: this.#agents,
      mayClaim: () => this.#mayClaim,
    });
    box.addDispatcher(this);
    const logic = dispatcherMachine.provide({
      actions: {
        schedulePollNow: () => this.reactor.callWhenRunning(() => this.#schedule(0)),
        schedulePoll: () => this.#schedule(this.pollInterval),
        cancelPoll: () => this.#pollCall?.cancel(),
        poll: () => void this.#polling.poll().finally(() => this.#actor.send({ type: 'poll.done' })),
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

  /**
   * Starts polling as soon as the reactor runs.
   * @throws SignalboxError `DISPATCHER_STATE` when it is active, `BOX_STOPPED` when its box is not running any more.
   */
  activate(): void {
    this.box.mustRun('activating a dispatcher');
    this.#mustAccept('dispatcher.activate');
    this.#engine.log.events('INFO', () => `attempting to activate dispatcher ${this.uuid}`);
    this.#activated = this.#engine.now();
    this.polls.clear();
    this.jobs.clear();
    this.#agents.spend(1);
    this.#shutdownTrigger = this.reactor.addSystemEventTrigger('before', 'shutdown', () => this.stopped());
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
    this.#agents.drain();
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

  #forget(): void {
    this.#agents.spendNothing();
    this.#polling.forget();
    this.#activated = null;
  }

  async #deactivateQueues(): Promise<void> {
    this.#agents.drain();
    await this.#polling.deactivate();
    this.#agents.clear();
    this.#forget();
  }

  /** A poll that stopping or a crash has overtaken, or one during the grace of `box.stop`, pings and claims nothing. */
  get #mayClaim(): boolean {
    return this.box.state === 'running' && this.#actor.getSnapshot().matches('polling');
  }

  /** Takes note of a claimed job; a claim made by a wake-up belongs to the newest poll. */
  remember(id: string, info: JobInfo, poll: PollInfo | null): void {
    this.jobs.set(id, info);
    this.#polling.note(info, poll);
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
      .map(({ id }) => [id, this.#engine.store.name]);
  }

  /** Counts and extremes of the jobs in a range of polls. */
  getStatistics(range: PollRange & { readonly queue?: string; readonly agent?: string } = {}): Statistics {
    const { queue: _queue, agent: _agent, ...polls } = range;
    return statisticsOf([...this.iterPolls(polls)], this.jobs, this.#engine.now(), range);
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
