import { invalidOption, SignalboxError, shown } from '../../errors.ts';
import { checkCount, checkKnown } from '../../model/checks/check-options.ts';
import { checkFilter, selectionText } from '../../model/jobs/filter.ts';
import type { FilterData, Selection, ThreadSettings } from '../../model/records/records.ts';
import { type Duration, durationMs } from '../../time.ts';
import type { ChooserDefinition, FilterDefinition } from './filters-and-choosers.ts';

/** Options of an agent. A filter and a chooser exclude each other. */
export interface AgentOptions {
  /** How many jobs it may hold. Default 3. */
  readonly size?: number;
  /** Which jobs it takes: data, or a filter made with `defineFilter`. Default: any. */
  readonly filter?: FilterData | FilterDefinition | null;
  /** Picks jobs itself: a chooser made with `defineChooser`. */
  readonly chooser?: ChooserDefinition | null;
  /**
   * Where it calls code: `'inline'` in the thread of the process; `'thread'` in worker threads, one for each job at a time, which can
   * be ended and have a heap of their own. Needs `createSignalbox({ threadModule })`. Default `'inline'`.
   */
  readonly executor?: 'inline' | 'thread';
  /** How its threads are, with `executor: 'thread'`. */
  readonly thread?: ThreadOptions;
}

/** Options of the threads of an agent. */
export interface ThreadOptions {
  /** How much the heap of each may hold, in MiB: beyond it the job fails with `THREAD_OUT_OF_MEMORY`. Default: as Node has it. */
  readonly maxHeapMb?: number;
  /** How long one may be idle before it is ended. Default 30 s. */
  readonly idle?: Duration;
  /** After how many jobs one is replaced by a new one. Default: never for that. */
  readonly maxJobs?: number;
}

/** The settings of an agent, checked. */
export interface AgentSettings {
  readonly size: number;
  readonly selection: Selection;
  readonly filter: FilterDefinition | null;
  readonly chooser: ChooserDefinition | null;
  /** How its threads are, durations in milliseconds; null: it calls code inline. */
  readonly thread: ThreadSettings | null;
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
  checkKnown(options, ['size', 'filter', 'chooser', 'executor', 'thread']);
  const size = options.size ?? 3;
  if (!Number.isInteger(size) || size < 1) throw invalidOption('size', 'a whole number from 1 up', size);
  return { size, ...selected(options), thread: threadSettings(options) };
}

function selected({
  filter = null,
  chooser = null,
}: AgentOptions): Pick<AgentSettings, 'selection' | 'filter' | 'chooser'> {
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
    return { selection: { kind: 'chooser', name: chooser.chooserName }, filter: null, chooser };
  }
  if (filter === null) return { selection: { kind: 'any' }, filter: null, chooser: null };
  if ('filterName' in filter) {
    return { selection: { kind: 'filter', name: filter.filterName }, filter, chooser: null };
  }
  return { selection: { kind: 'data', filter: checkFilter(filter) }, filter: null, chooser: null };
}

const idleMs = 30_000;

function threadSettings({ executor = 'inline', thread }: AgentOptions): ThreadSettings | null {
  if (executor !== 'inline' && executor !== 'thread')
    throw invalidOption('executor', "'inline' or 'thread'", executor);
  if (executor === 'inline') {
    if (thread !== undefined) throw invalidOption('thread', "absent without executor: 'thread'", thread);
    return null;
  }
  checkKnown(thread ?? {}, ['maxHeapMb', 'idle', 'maxJobs']);
  const { maxHeapMb, idle, maxJobs } = thread ?? {};
  return {
    maxHeapMb: maxHeapMb === undefined ? null : checkCount(maxHeapMb, 'thread.maxHeapMb', 1),
    idle: idle === undefined ? idleMs : durationMs(idle, 'thread.idle'),
    maxJobs: maxJobs === undefined ? null : checkCount(maxJobs, 'thread.maxJobs', 1),
  };
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
 * What differs between the stored settings of an agent and those that its code has: `size 8 instead of 4`. Empty when
 * nothing does. Names what a filter compares, and not the values: they are data of the program.
 */
export function changesOf(
  stored: Pick<AgentSettings, 'size' | 'selection'> & Partial<Pick<AgentSettings, 'thread'>>,
  { size, selection, thread }: Pick<AgentSettings, 'size' | 'selection' | 'thread'>,
): string {
  const changes: string[] = [];
  if (size !== stored.size) changes.push(`size ${size} instead of ${stored.size}`);
  if (JSON.stringify(selection) !== JSON.stringify(stored.selection)) {
    const [now, before] = [selectionText(selection), selectionText(stored.selection)];
    changes.push(now === before ? 'other arguments in its filter' : `${now} instead of ${before}`);
  }
  const before = stored.thread ?? null;
  if (JSON.stringify(thread) !== JSON.stringify(before)) {
    const [now, then] = [executorText(thread), executorText(before)];
    changes.push(now === then ? 'other settings of its threads' : `${now} instead of ${then}`);
  }
  return changes.join(', ');
}

/** Where an agent of these settings calls code, as its options have it. */
export function executorText(thread: ThreadSettings | null): 'inline' | 'thread' {
  return thread === null ? 'inline' : 'thread';
}
