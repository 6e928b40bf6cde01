import type { Json } from '../../../machines/json.ts';
import { SignalboxError, shown } from '../../errors.ts';
import type { FilterData, JobRecord, Selection } from '../records/records.ts';
import { splitSystemName, systemNames } from '../records/system-names.ts';
import { encodeValue } from '../values/values.ts';

/** Whether a pattern matches a name. `*` matches any characters, every other character matches itself. */
export function matchesPattern(pattern: string, name: string): boolean {
  const parts = pattern.split('*');
  const first = parts[0] ?? '';
  const last = parts.at(-1) ?? '';
  if (parts.length === 1) return pattern === name;
  if (!name.startsWith(first) || !name.endsWith(last) || name.length < first.length + last.length)
    return false;
  let at = first.length;
  for (const part of parts.slice(1, -1)) {
    const found = name.indexOf(part, at);
    if (found < 0 || found + part.length > name.length - last.length) return false;
    at = found + part.length;
  }
  return true;
}

/** Returns a copy of a filter, ready to be stored. @throws SignalboxError `INVALID_OPTION` for what is not a filter. */
export function checkFilter(filter: FilterData): FilterData {
  const known = ['jobs', 'notJobs', 'quotas', 'args'];
  for (const [key, value] of Object.entries(filter)) {
    const isList = Array.isArray(value) && value.every((element) => typeof element === 'string');
    const isMapping = key === 'args' && typeof value === 'object' && value !== null && !Array.isArray(value);
    if (!known.includes(key) || !(key === 'args' ? isMapping : isList)) {
      throw new SignalboxError('INVALID_OPTION', {
        option: `filter.${key}`,
        expected: 'jobs, notJobs or quotas with a list of names, or args with a mapping of paths to values',
        actual: shown(value),
      });
    }
  }
  // Copies the lists: a program may still change its own ones, and must not change what is stored.
  const copy = Object.fromEntries(
    Object.entries(filter).map(([key, value]) => [key, Array.isArray(value) ? [...value] : value]),
  ) as FilterData;
  // Encodes the arguments: they are compared with arguments as they are stored.
  return filter.args === undefined
    ? copy
    : { ...copy, args: encodeValue(filter.args, 'filter.args', () => null) as typeof filter.args };
}

/** The parts of a filter that look at the definition and the quotas of a job, and at its arguments. */
export type FilterPart = keyof FilterData;

/** The first part of a filter that refuses a whole lane, by the definition and the quotas of its jobs; null: it accepts it. */
export function partRefusingLane(
  filter: FilterData,
  lane: string,
  quotaNames: readonly string[],
): FilterPart | null {
  // A filter that names a system job means it also when that needs a definition.
  const name = splitSystemName(lane)?.system ?? lane;
  if (filter.jobs !== undefined && !filter.jobs.some((pattern) => matchesPattern(pattern, name)))
    return 'jobs';
  if (filter.notJobs?.some((pattern) => matchesPattern(pattern, name))) return 'notJobs';
  return filter.quotas?.every((quota) => quotaNames.includes(quota)) === false ? 'quotas' : null;
}

/** Whether a filter accepts a whole lane, by the parts that need only the definition and the quotas. */
export function filterAcceptsLane(filter: FilterData, lane: string, quotaNames: readonly string[]): boolean {
  return partRefusingLane(filter, lane, quotaNames) === null;
}

/** Returns the check that a filter makes for each job of an accepted lane; null when the lane decides alone. */
export function filterOfJob(filter: FilterData): ((job: JobRecord) => boolean) | null {
  const wanted = Object.entries(filter.args ?? {}).map(([path, value]) => [path.split('.'), value] as const);
  if (wanted.length === 0) return null;
  return (job) => wanted.every(([path, value]) => sameJson(valueAt(job.args, path), value));
}

/**
 * Whether an agent with this selection certainly refuses a system job. Known without a job for declarative
 * filters only.
 */
export function refusesSystemJobs(selection: Selection): boolean {
  if (selection.kind !== 'data') return false;
  return [systemNames.handleInterrupt, systemNames.resumeCallbacks, systemNames.fail].some(
    (name) => !filterAcceptsLane(selection.filter, name, []),
  );
}

/** The value at a path such as `['0', 'tenant']`. Reads keys and elements only, not the length of a list. */
export function valueAt(root: Json, path: readonly string[]): Json | undefined {
  let at: Json | undefined = root;
  for (const key of path) {
    if (at === null || typeof at !== 'object' || !Object.prototype.propertyIsEnumerable.call(at, key))
      return undefined;
    at = (at as { readonly [key: string]: Json })[key];
  }
  return at;
}

/** Whether two values are the same JSON, with their keys in one order. */
export function sameJson(one: Json | undefined, other: Json): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

/** What an agent accepts, in words: `any job`, `filter 'small'`. Without the values that a filter compares. */
export function selectionText(selection: Selection): string {
  if (selection.kind === 'any') return 'any job';
  if (selection.kind !== 'data') return `${selection.kind} '${selection.name}'`;
  const { args, ...names } = selection.filter;
  const parts = Object.entries({ ...names, ...(args && { args: Object.keys(args) }) });
  return `filter ${parts.map(([key, value]) => `${key}: ${value.join(' ')}`).join(', ')}`;
}
