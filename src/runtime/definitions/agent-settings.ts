import { invalidOption, SignalboxError, shown } from '../../errors.ts';
import { checkKnown } from '../../model/checks/check-options.ts';
import { checkFilter, selectionText } from '../../model/jobs/filter.ts';
import type { FilterData, Selection } from '../../model/records/records.ts';
import type { ChooserDefinition, FilterDefinition } from './filters-and-choosers.ts';

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
 * What differs between the stored settings of an agent and those that its code has: `size 8 instead of 4`. Empty when
 * nothing does. Names what a filter compares, and not the values: they are data of the program.
 */
export function changesOf(
  stored: Pick<AgentSettings, 'size' | 'selection'>,
  { size, selection }: Pick<AgentSettings, 'size' | 'selection'>,
): string {
  const changes: string[] = [];
  if (size !== stored.size) changes.push(`size ${size} instead of ${stored.size}`);
  if (JSON.stringify(selection) !== JSON.stringify(stored.selection)) {
    const [now, before] = [selectionText(selection), selectionText(stored.selection)];
    changes.push(now === before ? 'other arguments in its filter' : `${now} instead of ${before}`);
  }
  return changes.join(', ');
}
