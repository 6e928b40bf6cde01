import type { Failure as FailureData } from '../../../machines/job.context.ts';
import { SignalboxError } from '../../errors.ts';
import { checkFlag, checkKnown } from '../../model/checks/check-options.ts';
import { checkName } from '../../model/checks/names.ts';
import { selectionText } from '../../model/jobs/filter.ts';
import { isInForce } from '../../model/jobs/pauses.ts';
import { type CompletionRange, completedWithin } from '../../model/monitoring/agent-history.ts';
import type { AgentRecord, Selection, ThreadSettings } from '../../model/records/records.ts';
import { Failure } from '../../model/values/failure.ts';
import type { Precondition } from '../../store/store.ts';
import { type Instant, instantMs } from '../../time.ts';
import { type Pause, type PauseOptions, pauseFrom, setAgentPause } from '../agents/pausing.ts';
import { ifUnchanged } from '../commits/preconditions.ts';
import { retryConflicts } from '../commits/retry.ts';
import type { UnitOfWork } from '../commits/unit-of-work.ts';
import {
  type AgentSettings,
  agent,
  changesOf,
  checkSettings,
  executorText,
} from '../definitions/agent-settings.ts';
import { Inspectable } from '../environment/inspectable.ts';
import { noModule } from '../threads/job-thread.ts';
import { Job } from './job.ts';
import { servicesOf } from './services.ts';

/**
 * The agents of one representation, by name.
 *
 * @example
 * ```ts
 * import { agent, createSignalbox, memoryStore } from 'signalbox';
 *
 * const box = await createSignalbox({ store: memoryStore() });
 * await box.start({ agent: null });
 * const { agents } = await box.queue().dispatchers.get(box.uuid);
 * await agents.set('mailer', agent({ size: 10, filter: { jobs: ['mail.*'] } }));
 * console.log((await agents.get('mailer'))?.size); // => 10
 * await box.stop();
 * ```
 */
export class Agents {
  readonly #work: UnitOfWork;
  readonly #queue: string;
  readonly #uuid: string;

  constructor(work: UnitOfWork, queue: string, uuid: string) {
    this.#work = work;
    this.#queue = queue;
    this.#uuid = uuid;
  }

  /** Names of the agents, in order. */
  async names(): Promise<readonly string[]> {
    const records = await this.#work.list('agent', this.#id(''));
    return records.map((record) => record.id.slice(this.#id('').length));
  }

  /** Settings and contents of an agent, or null. */
  async get(name: string): Promise<AgentHandle | null> {
    const record = await this.#work.readChecked('agent', this.#id(name));
    return record === undefined
      ? null
      : new AgentHandle(this.#work.handles, this.#queue, this.#uuid, name, record);
  }

  /**
   * Adds an agent, or changes the settings of one; jobs it holds stay with it. A new agent begins with the next poll of its
   * dispatcher. A present one claims with its new settings from then on, in whichever process it lives.
   *
   * `pinned`: code does not change them any more, neither `installAgent` nor `box.start`. Without it they are those of the
   * code again when a process starts next.
   *
   * @example
   * ```ts
   * import { agent, createSignalbox, memoryStore } from 'signalbox';
   *
   * const box = await createSignalbox({ store: memoryStore() });
   * const dispatcher = await box.start({ agent: agent({ size: 4 }) });
   * const { agents } = await box.queue().dispatchers.get(box.uuid);
   * await agents.set('main', agent({ size: 16 }), { pinned: true });
   * await dispatcher.deactivate();
   * await box.start({ agent: agent({ size: 8 }) });
   * console.log((await agents.get('main'))?.size); // => 16
   * await box.stop();
   * ```
   *
   * @throws SignalboxError `INVALID_NAME`, `INVALID_OPTION`.
   */
  async set(
    name: string,
    settings: AgentSettings,
    options: { readonly pinned?: boolean } = {},
  ): Promise<void> {
    checkKnown(options, ['pinned']);
    const pinned = checkFlag(options.pinned ?? false, 'pinned');
    this.#check(name, settings);
    const before = await this.#work.read('agent', this.#id(name));
    await this.#write(name, settings, { pinned, before });
  }

  /**
   * Makes an agent be as the code says: adds it, or changes its settings, unless they are pinned. Null says nothing about
   * the settings: an agent that is there stays as it is. What happened is logged at INFO. `installAgent` and `box.start` do
   * this.
   * @throws SignalboxError `INVALID_NAME`, `INVALID_OPTION`.
   */
  async ensure(name: string, settings: AgentSettings | null = null): Promise<void> {
    const wanted = settings ?? agent();
    this.#check(name, wanted);
    const id = this.#id(name);
    await retryConflicts(5, async () => {
      const record = await this.#work.readChecked('agent', id);
      const changes = record === undefined ? null : settings === null ? '' : changesOf(record, settings);
      const pinned = record?.pinned ?? false;
      if (changes !== '' && !pinned)
        await this.#write(name, wanted, { pinned: false, before: record }, [
          ifUnchanged({ id, rev: record?.rev ?? 0 }, 'agent'),
        ]);
      await this.#work.whenCommitted(async () => this.#log(name, changes, pinned));
    });
  }

  /** `changes`: null for an agent that was added. */
  #log(name: string, changes: string | null, pinned: boolean): void {
    const at = `queue '${this.#queue}'`;
    this.#work.context.log.events('INFO', () => {
      if (changes === null) return `agent '${name}' added to ${at}`;
      if (changes === '') return `agent '${name}' is already in ${at}`;
      return pinned
        ? `agent '${name}' in ${at} is pinned and stays as it is: the code says ${changes}`
        : `agent '${name}' in ${at} changed, as the code says: ${changes}`;
    });
  }

  #check(name: string, settings: AgentSettings): void {
    checkName(name, 'an agent name');
    checkSettings(settings);
    const { registry, uuid, threadModule } = this.#work.context;
    // Of an agent of another process nothing is known: there it says so itself.
    if (settings.thread !== null && threadModule === null && this.#uuid === uuid) throw noModule(name);
    if (settings.filter !== null) registry.addFilter(settings.filter);
    if (settings.chooser !== null) registry.addChooser(settings.chooser);
  }

  async #write(
    name: string,
    { size, selection, thread }: AgentSettings,
    { pinned, before }: { readonly pinned: boolean; readonly before: AgentRecord | undefined },
    expect: readonly Precondition[] = [],
  ): Promise<void> {
    // An agent that never had threads keeps no word about them.
    const threads = thread === null && before?.thread == null ? {} : { thread: thread as never };
    const patch = { size, selection: selection as never, pinned, ...threads };
    const change = { kind: 'agent' as const, id: this.#id(name), event: 'agent.set', from: null, to: null };
    await this.#work.submit([{ ...change, patch }], expect);
    await this.#changed(name);
  }

  /** Lets an agent of this process have its new settings, and look for work with them. */
  #changed(name: string): Promise<void> {
    return agentChanged(this.#work, { queue: this.#queue, dispatcher: this.#uuid, agent: name });
  }

  /**
   * Pauses an agent: what it runs goes on, and it takes nothing but system jobs, in whichever process it lives. The pause is stored;
   * no claim that begins after this call takes anything else. Again: the new pause counts.
   *
   * @example
   * ```ts
   * import { createSignalbox, memoryStore } from 'signalbox';
   *
   * const box = await createSignalbox({ store: memoryStore() });
   * await box.start();
   * const { agents } = await box.queue().dispatchers.get(box.uuid);
   * await agents.pause('main', { until: '1h', reason: 'the printer is being repaired' });
   * console.log((await agents.get('main'))?.paused?.reason); // => the printer is being repaired
   * console.log(await agents.resume('main')); // => true
   * await box.stop();
   * ```
   *
   * @throws SignalboxError `AGENT_NOT_FOUND`, `INVALID_OPTION`, `INVALID_INSTANT`.
   */
  async pause(name: string, options: PauseOptions = {}): Promise<void> {
    await setAgentPause(this.#work, { id: this.#id(name) }, options);
    await this.#changed(name);
  }

  /** Resumes an agent. Returns whether it was paused. @throws SignalboxError `AGENT_NOT_FOUND`. */
  async resume(name: string): Promise<boolean> {
    const wasPaused = await setAgentPause(this.#work, { id: this.#id(name) }, null);
    await this.#changed(name);
    return wasPaused;
  }

  /** Removes an agent that holds nothing. @throws SignalboxError `AGENT_NOT_EMPTY`. */
  async remove(name: string): Promise<void> {
    const change = { kind: 'agent' as const, event: 'agent.removed', from: null, to: null, patch: null };
    const [queue, dispatcher] = [this.#queue, this.#uuid];
    await retryConflicts(5, async () => {
      const held = await this.#work.context.store.held(queue, dispatcher, null);
      const length = held.filter(
        ({ parent }) => parent !== null && 'agent' in parent && parent.agent === name,
      ).length;
      if (length > 0) throw new SignalboxError('AGENT_NOT_EMPTY', { name, length });
      // A claim that is under way must not leave a job with a removed agent.
      const holds = {
        check: 'holds' as const,
        id: `${queue}/${dispatcher}`,
        queue,
        dispatcher,
        count: held.length,
      };
      await this.#work.submit([{ ...change, id: this.#id(name), gone: true }], [holds]);
    });
  }

  #id(name: string): string {
    return `${this.#queue}/${this.#uuid}/${name}`;
  }
}

/** Which completed jobs are asked for, by instant of completion. Both ends belong to it. */
export interface CompletedRange {
  readonly since?: Instant;
  readonly until?: Instant;
}

/** The settings and the jobs of an agent. */
export class AgentHandle extends Inspectable {
  readonly name: string;
  readonly queue: string;
  readonly dispatcher: string;
  readonly size: number;
  readonly selection: Selection;
  /** Whether an operator has set it: the code does not change it. */
  readonly pinned: boolean;
  /** By whom, why and until when it is paused; null: it is not. */
  readonly paused: Pause | null;
  /** Where it calls code. */
  readonly executor: 'inline' | 'thread';
  /** How its threads are; null: it calls code inline. */
  readonly thread: ThreadSettings | null;
  readonly #work: UnitOfWork;
  readonly #failure: FailureData | null;

  constructor(work: UnitOfWork, queue: string, dispatcher: string, name: string, record: AgentRecord) {
    super();
    this.#work = work;
    this.name = name;
    this.queue = queue;
    this.dispatcher = dispatcher;
    this.size = record.size;
    this.selection = record.selection;
    this.pinned = record.pinned;
    this.thread = record.thread ?? null;
    this.executor = executorText(this.thread);
    // One that this commit has just made has only what was set.
    const paused = record.paused ?? null;
    this.paused = paused !== null && isInForce(paused, work.context.store.now()) ? pauseFrom(paused) : null;
    this.#failure = record.failure;
  }

  /** Whether a job alone decides if the agent takes it: always, unless a chooser decides. */
  get isFilterAgent(): boolean {
    return this.selection.kind !== 'chooser';
  }

  /** Why it could not claim, kept until it can again; null while it can. */
  get failure(): Failure | null {
    return this.#failure === null ? null : new Failure(this.#failure);
  }

  /** Its settings as last read, for `JSON.stringify` and `console.log`. Of a filter the arguments' values are not shown. */
  toJSON(): object {
    const { name, queue, dispatcher, size, selection, pinned, paused, executor, failure } = this;
    const shown = { name, queue, dispatcher, size, selection: selectionText(selection), pinned, paused };
    return { ...shown, executor, failure: failure === null ? null : String(failure) };
  }

  /** Jobs it holds, in order of claim. */
  async jobs(): Promise<readonly Job<unknown>[]> {
    const records = await this.#work.context.store.held(this.queue, this.dispatcher, this.name);
    await this.#work.context.store.settled();
    return records.map((record) => Job.of(this.#work.handles, record));
  }

  /** How many jobs it holds: claimed and not yet COMPLETED. */
  async length(): Promise<number> {
    return (await this.jobs()).length;
  }

  /**
   * The job at a place in the order of claim; negative counts from the end.
   * @throws SignalboxError `INDEX_OUT_OF_RANGE`.
   */
  async at(index: number): Promise<Job<unknown>> {
    const jobs = await this.jobs();
    const job = Number.isInteger(index) ? jobs.at(index) : undefined;
    if (job === undefined) throw new SignalboxError('INDEX_OUT_OF_RANGE', { index, length: jobs.length });
    return job;
  }

  /** The place of a job in the order of claim, -1 when it does not hold it. */
  async indexOf(job: Job<unknown>): Promise<number> {
    return (await this.jobs()).findIndex((held) => held.id === job.id);
  }

  /**
   * Jobs it has completed, newest first by completion; of one instant, the one filed later first.
   * @throws SignalboxError `INVALID_INSTANT`.
   */
  async completed(range: CompletedRange = {}): Promise<readonly Job<unknown>[]> {
    const wanted = completionRange(range);
    const { store } = this.#work.context;
    const records = await store.completed(this.queue, this.dispatcher, this.name);
    await store.settled();
    return completedWithin(records, wanted).map((record) => Job.of(this.#work.handles, record));
  }

  /** The newest job completed at or before an instant; without one, the newest. Null when there is none. */
  async newestCompleted(until?: Instant): Promise<Job<unknown> | null> {
    return (await this.completed(until === undefined ? {} : { until }))[0] ?? null;
  }

  /** The oldest job completed at or after an instant; without one, the oldest. Null when there is none. */
  async oldestCompleted(since?: Instant): Promise<Job<unknown> | null> {
    return (await this.completed(since === undefined ? {} : { since })).at(-1) ?? null;
  }
}

/** Lets an agent of this process see at once that its settings have changed. */
export function agentChanged(
  work: UnitOfWork,
  place: { readonly queue: string; readonly dispatcher: string; readonly agent: string },
): Promise<void> {
  return work.whenCommitted(async () => {
    // When the store does not answer, the next claim looks.
    await servicesOf(work.context)
      .agents.at(place)
      ?.lookAgain()
      .catch(() => {});
    work.committer.offerWork(place.queue);
  });
}

function completionRange({ since, until }: CompletedRange): CompletionRange {
  return {
    since: since === undefined ? Number.NEGATIVE_INFINITY : instantMs(since, 'since'),
    until: until === undefined ? Number.POSITIVE_INFINITY : instantMs(until, 'until'),
  };
}
