import type { Failure as FailureData } from '../../../machines/job.context.ts';
import { invalidOption, SignalboxError, shown } from '../../errors.ts';
import { checkKnown } from '../../model/checks/check-options.ts';
import { checkName } from '../../model/checks/names.ts';
import { checkFilter } from '../../model/jobs/filter.ts';
import { type CompletionRange, completedWithin } from '../../model/monitoring/agent-history.ts';
import type { AgentRecord, FilterData, Selection } from '../../model/records/records.ts';
import { Failure } from '../../model/values/failure.ts';
import { type Instant, instantMs } from '../../time.ts';
import { retryConflicts } from '../commits/retry.ts';
import type { UnitOfWork } from '../commits/unit-of-work.ts';
import type { ChooserDefinition, FilterDefinition } from '../definitions/filters-and-choosers.ts';
import { Job } from './job.ts';
import { servicesOf } from './services.ts';

/** Options of an agent. A filter and a chooser exclude each other. */
export interface AgentOptions {
  /** How many jobs it may hold. Default 3. */
  readonly size?: number;
  /** Which jobs it takes: data, or a filter made with `defineFilter`. Default: any. */
  readonly filter?: FilterData | FilterDefinition | null;
  /** Picks jobs itself: a chooser made with `defineChooser`. */
  readonly chooser?: ChooserDefinition | null;
}

/** The settings of an agent, checked. */
export interface AgentSettings {
  readonly size: number;
  readonly selection: Selection;
  readonly filter: FilterDefinition | null;
  readonly chooser: ChooserDefinition | null;
}

/**
 * The settings of an agent, to be given to a representation.
 *
 * @example
 * ```ts
 * import { agent } from 'signalbox';
 *
 * console.log(agent({ size: 10, filter: { jobs: ['mail.*'] } }).size); // => 10
 * ```
 *
 * @throws SignalboxError `INVALID_OPTION`, `CHOOSER_AND_FILTER`.
 */
export function agent(options: AgentOptions = {}): AgentSettings {
  checkKnown(options, ['size', 'filter', 'chooser']);
  const size = options.size ?? 3;
  if (!Number.isInteger(size) || size < 1) {
    throw new SignalboxError('INVALID_OPTION', {
      option: 'size',
      expected: 'a whole number from 1 up',
      actual: shown(size),
    });
  }
  const { filter = null, chooser = null } = options;
  if (filter !== null && chooser !== null) throw new SignalboxError('CHOOSER_AND_FILTER', { name: '' });
  if (!isFilter(filter) || !isChooser(chooser)) {
    throw new SignalboxError('INVALID_OPTION', {
      option: chooser === null ? 'filter' : 'chooser',
      expected: 'data, or a filter or chooser with a name',
      actual: shown(filter ?? chooser),
      repair:
        "Agents are stored: name a function with defineFilter('name', accepts) or defineChooser('name', choose).",
    });
  }
  if (chooser !== null) {
    return { size, selection: { kind: 'chooser', name: chooser.chooserName }, filter: null, chooser };
  }
  if (filter === null) return { size, selection: { kind: 'any' }, filter: null, chooser: null };
  if ('filterName' in filter) {
    return { size, selection: { kind: 'filter', name: filter.filterName }, filter, chooser: null };
  }
  return { size, selection: { kind: 'data', filter: checkFilter(filter) }, filter: null, chooser: null };
}

/** Refuses settings that `agent` has not made. @throws SignalboxError `INVALID_OPTION`. */
export function checkSettings(settings: AgentSettings, option = 'settings'): void {
  if (settings?.selection?.kind !== undefined) return;
  throw invalidOption(option, 'what agent({ size, filter, chooser }) returns', settings);
}

function isFilter(filter: unknown): boolean {
  return filter === null || (typeof filter === 'object' && !Array.isArray(filter));
}

function isChooser(chooser: unknown): boolean {
  return chooser === null || (typeof chooser === 'object' && chooser !== null && 'chooserName' in chooser);
}

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
   * @throws SignalboxError `INVALID_NAME`, `INVALID_OPTION`.
   */
  async set(name: string, settings: AgentSettings): Promise<void> {
    checkName(name, 'an agent name');
    checkSettings(settings);
    const { registry } = this.#work.context;
    if (settings.filter !== null) registry.addFilter(settings.filter);
    if (settings.chooser !== null) registry.addChooser(settings.chooser);
    const patch = { size: settings.size, selection: settings.selection as never };
    await this.#work.submit(
      [{ kind: 'agent', id: this.#id(name), event: 'agent.set', from: null, to: null, patch }],
      [],
    );
    const place = { queue: this.#queue, dispatcher: this.#uuid, agent: name };
    await this.#work.whenCommitted(async () => {
      const live = servicesOf(this.#work.context).agents.at(place);
      // When the store does not answer, the next claim looks.
      await live?.lookAgain().catch(() => {});
      this.#work.committer.offerWork(this.#queue);
    });
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
export class AgentHandle {
  readonly name: string;
  readonly queue: string;
  readonly dispatcher: string;
  readonly size: number;
  readonly selection: Selection;
  readonly #work: UnitOfWork;
  readonly #failure: FailureData | null;

  constructor(work: UnitOfWork, queue: string, dispatcher: string, name: string, record: AgentRecord) {
    this.#work = work;
    this.name = name;
    this.queue = queue;
    this.dispatcher = dispatcher;
    this.size = record.size;
    this.selection = record.selection;
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

function completionRange({ since, until }: CompletedRange): CompletionRange {
  return {
    since: since === undefined ? Number.NEGATIVE_INFINITY : instantMs(since, 'since'),
    until: until === undefined ? Number.POSITIVE_INFINITY : instantMs(until, 'until'),
  };
}
