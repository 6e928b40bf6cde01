import { isAgentPlace } from '../../../machines/job.context.ts';
import type { JobEvent } from '../../../machines/job.events.ts';
import type { Json } from '../../../machines/json.ts';
import { ConflictError, SignalboxError } from '../../errors.ts';
import type { Limits } from '../../model/checks/limits.ts';
import { checkPolicyOrName, type RetryPolicy } from '../../model/jobs/retry.ts';
import { afterStep, stepJob, type Transition } from '../../model/jobs/step.ts';
import type { JobRecord, RepresentationRecord } from '../../model/records/records.ts';
import { Failure } from '../../model/values/failure.ts';
import { decodeValue } from '../../model/values/values.ts';
import type { Change, Expectation, OpenStore, Ticket } from '../../store/store.ts';
import type { LiveAgent } from '../agents/agent-actor.ts';
import { Callbacks } from '../callbacks/callback-runner.ts';
import { TicketReactions } from '../commits/commit-reactions.ts';
import { Watch } from '../commits/job-watch.ts';
import { DirectUnit, type Made, type Unit } from '../commits/unit-of-work.ts';
import type { Registry } from '../definitions/registry.ts';
import type { Hooks } from '../dispatchers/lifecycle-hooks.ts';
import { Orphans } from '../dispatchers/orphan-rescue.ts';
import type { Log } from '../environment/logging.ts';
import type { IdSource } from '../environment/ports.ts';
import type { Reactor } from '../environment/reactor/reactor.ts';
import { Pauses } from '../environment/sleeps.ts';
import { Finishing } from '../execution/completer.ts';
import { currentRun } from '../execution/current-run.ts';
import { Executor } from '../execution/executor.ts';
import { AwaitedOutcomes } from '../execution/outcome-waits.ts';
import { Retrying } from '../execution/retrier.ts';
import { Policies } from '../execution/retry-policies.ts';
import { Job } from '../handles/job.ts';

/** What an engine is made from. */
export interface EngineParts {
  readonly store: OpenStore;
  readonly registry: Registry;
  readonly reactor: Reactor;
  readonly now: () => number;
  readonly ids: IdSource;
  readonly log: Log;
  /** UUID of this instance. */
  readonly uuid: string;
  readonly hooks: Hooks;
  readonly limits: Limits;
  /** Tells the supervisor that a queue may hold work; at most once per tick and queue. */
  readonly offerWork: (queue: string) => void;
}

/**
 * What all parts of the runtime share: the store, the names, the clock, and the one way to commit. Effects that a
 * chart names are carried out here, each once its commit is as durable as the effect needs.
 */
export class Engine {
  readonly store: OpenStore;
  readonly registry: Registry;
  readonly reactor: Reactor;
  readonly ids: IdSource;
  readonly log: Log;
  readonly uuid: string;
  readonly hooks: Hooks;
  /** What values and jobs may be at most. */
  readonly limits: Limits;
  readonly watch: Watch;
  readonly direct: Unit;
  readonly finishing: Finishing;
  readonly retrying: Retrying;
  readonly awaited: AwaitedOutcomes;
  readonly callbacks: Callbacks;
  readonly orphans: Orphans;
  readonly policies: Policies;
  readonly executor: Executor;
  readonly now: () => number;
  /** Live agents by `<queue>/<uuid>/<name>`. */
  readonly agents = new Map<string, LiveAgent>();
  /** Ids of waiting jobs that no claim could take. Each was logged. */
  readonly passedOver = new Set<string>();
  readonly #pauses: Pauses;
  readonly #reactions = new TicketReactions((error) =>
    this.log.events('CRITICAL', () => `what follows a commit broke: ${Failure.from(error).text()}`),
  );
  /** Tells the supervisor that a queue may hold work. */
  readonly offerWork: (queue: string) => void;

  constructor(parts: EngineParts) {
    this.store = parts.store;
    this.registry = parts.registry;
    this.reactor = parts.reactor;
    this.now = parts.now;
    this.ids = parts.ids;
    this.log = parts.log;
    this.uuid = parts.uuid;
    this.hooks = parts.hooks;
    this.limits = parts.limits;
    this.offerWork = parts.offerWork;
    this.watch = new Watch(parts.store, parts.reactor);
    this.#pauses = new Pauses(parts.reactor);
    this.direct = new DirectUnit(this);
    this.executor = new Executor(this);
    this.finishing = new Finishing(this);
    this.retrying = new Retrying(this);
    this.awaited = new AwaitedOutcomes(this);
    this.callbacks = new Callbacks(this);
    this.orphans = new Orphans(this);
    this.policies = new Policies(this);
  }

  /** Commits changes, in a transaction of the program when there is one, and carries out the effects that their charts name. */
  commit(by: string, made: readonly Made[], expect: readonly Expectation[], within?: unknown): Ticket {
    const commit = { by, changes: made as readonly Change[], expect };
    const ticket = this.store.commit(within === undefined ? commit : { ...commit, within });
    this.performAll(made, ticket);
    return ticket;
  }

  /** Carries out the effects of what a commit makes. */
  performAll(made: readonly Made[], ticket: Ticket): void {
    for (const change of made) if ('effects' in change) this.perform(change, ticket);
  }

  /** Carries out the effects of one transition. `callHandler` belongs to whoever started the job: see `callsHandler`. */
  perform(transition: Transition, ticket: Ticket): void {
    for (const effect of transition.effects) {
      if (effect.type === 'offerWork') this.#offerPlaced(transition, ticket);
      else if (effect.type === 'announceOutcome') {
        this.written(ticket, () => this.awaited.announce(transition.id));
      } else if (effect.type === 'offerQuotas' && transition.patch?.quotas !== undefined) {
        this.written(ticket, () => this.#offerFreed(transition));
      } else if (effect.type === 'freeSlot') {
        this.written(ticket, () => this.#freeSlot(transition));
      }
    }
  }

  /** Runs `done` when the commit is written. */
  written(ticket: Ticket, done: () => void, refused?: (error: Error) => void): void {
    this.#reactions.when(ticket.written, done, refused);
  }

  /** Runs `done` when the commit is synced. */
  synced(ticket: Ticket, done: () => void, refused?: (error: Error) => void): void {
    this.#reactions.when(ticket.synced, done, refused);
  }

  /** Runs `done` when a claim's jobs may start. */
  startable(promise: Promise<void>, done: () => void, refused?: (error: Error) => void): void {
    this.#reactions.when(promise, done, refused);
  }

  // A put is offered when it is synced: nothing runs that a power cut could take back.
  #offerPlaced(transition: Transition, ticket: Ticket): void {
    const parent = (transition.patch?.parent ?? transition.job?.parent) as
      | { queue?: string }
      | null
      | undefined;
    const queue = parent?.queue;
    if (queue !== undefined) this.synced(ticket, () => this.offerWork(queue));
  }

  #offerFreed(transition: Transition): void {
    for (const quota of transition.job?.quotas ?? []) this.offerWork(quota.slice(0, quota.indexOf('/')));
  }

  #freeSlot(transition: Transition): void {
    const parent = transition.job?.parent ?? null;
    if (parent !== null && isAgentPlace(parent)) {
      this.agents.get(`${parent.queue}/${parent.dispatcher}/${parent.agent}`)?.slotFreed();
    }
  }

  /** One event for one stored job, from outside any run: read, step, commit, believing in what was read. */
  async change(
    unit: Unit,
    id: string,
    event: JobEvent,
    together: readonly Change[] = [],
  ): Promise<JobRecord> {
    for (let attempt = 1; ; attempt += 1) {
      const record = await unit.get('job', id);
      if (record === undefined) throw new SignalboxError('JOB_NOT_FOUND', { id });
      const transition = stepJob(record, event);
      try {
        await unit.submit([...together, transition], [{ what: 'rev', kind: 'job', id, rev: record.rev }]);
        return (await unit.peek('job', id)) ?? afterStep(record, transition);
      } catch (error) {
        if (!(error instanceof ConflictError) || attempt >= 5) throw error;
      }
    }
  }

  /** The change that sets an annotation. */
  annotation(job: string, name: string, value: Json): Change {
    return {
      kind: 'annotation',
      id: `${job}/${name}`,
      event: 'annotation.set',
      from: null,
      to: null,
      patch: { value },
    };
  }

  /** What a commit that annotates a job believes in. */
  believingAnnotation(job: string): readonly Expectation[] {
    return [
      { what: 'exists', id: job },
      { what: 'atMost', of: 'annotations', id: job, most: this.limits.annotations },
    ];
  }

  /** What a job is annotated with, as stored, by name. */
  async annotationsOf(job: string): Promise<Record<string, Json>> {
    const annotations = await this.store.annotations(job);
    return Object.fromEntries(
      annotations.map((annotation) => [annotation.id.slice(job.length + 1), annotation.value]),
    );
  }

  handle<Result>(unit: Unit, record: JobRecord): Job<Result> {
    return Job.of<Result>(unit, record);
  }

  /** A stored value as programs see it; jobs in it are handles that `refresh()` fills. */
  decode(value: Json): unknown {
    return decodeValue(value, (id) => Job.reference(this.direct, id));
  }

  /** The name of a policy for storing; a policy given as an object is registered under its name. */
  policyName(policy: RetryPolicy | string | null): string | null {
    if (policy === null) return null;
    const given = checkPolicyOrName(policy);
    if (typeof given === 'string') return given;
    this.registry.addPolicy(given);
    return given.name;
  }

  /** @throws SignalboxError `QUEUE_NOT_FOUND`. */
  async mustHaveQueue(unit: Unit, name: string): Promise<void> {
    if ((await unit.peek('queue', name)) !== undefined) return;
    const known = (await unit.list('queue', '')).map((queue) => queue.id);
    throw new SignalboxError('QUEUE_NOT_FOUND', { name, known });
  }

  /** @throws SignalboxError `QUOTA_NOT_FOUND`, naming the first unknown one. */
  async mustHaveQuotas(queue: string, names: readonly string[], unit: Unit = this.direct): Promise<void> {
    for (const name of names) {
      if ((await unit.peek('quota', `${queue}/${name}`)) !== undefined) continue;
      const known = (await this.store.list('quota', `${queue}/`)).map((quota) =>
        quota.id.slice(queue.length + 1),
      );
      throw new SignalboxError('QUOTA_NOT_FOUND', { name, queue, known });
    }
  }

  /** Waiting, inside a run, for a job that the run itself puts would wait for ever. */
  refuseOwnChild(id: string): void {
    const run = currentRun.getStore();
    const isOwn = run?.unit.made.some((change) => change.kind === 'job' && change.id === id) ?? false;
    if (isOwn) throw new SignalboxError('AWAITED_OWN_CHILD', { id });
  }

  /** Resolves after this time. @throws SignalboxError `BOX_STOPPED` when the box is stopped meanwhile. */
  sleep(ms: number): Promise<void> {
    return this.#pauses.take(ms);
  }

  /** The store is closed: whoever waits for it, or to try it again, learns that. */
  end(): void {
    this.#pauses.end();
    this.watch.lookAgain();
  }

  /** Aborts what runs for a representation: its jobs are in other hands now. */
  abortRuns(record: RepresentationRecord, reason: unknown): void {
    for (const agent of this.agents.values()) {
      if (agent.queue === record.queue && agent.dispatcher.uuid === record.dispatcher)
        agent.workers.abort(reason);
    }
  }
}
