import { matchesPattern, sameJson, valueAt } from '../../model/jobs/filter.ts';
import type { JobRecord } from '../../model/records/records.ts';
import { isSystemName, systemNames } from '../../model/records/system-names.ts';
import { hidesPath, holdsSecretKey } from '../../model/values/redaction.ts';
import { type RedactionRules, rulesOf } from '../../model/values/redaction-rules.ts';
import type { JobPageRequest, StoreReader } from '../../store/reader.ts';
import { isWanted } from '../../store/rules/lists/page.ts';
import { Shown, type ShownJob } from '../shown.ts';
import { type CheckedFilter, invalidFilter } from './jobs-filter.ts';

/** What a search reads. */
export type SearchReader = Pick<StoreReader, 'get' | 'seqAt' | 'jobsPage' | 'annotated'>;

/** A filter that is ready to be asked. */
export interface Search {
  /** The list that is walked, and what of the filter the store looks at. */
  readonly request: Omit<JobPageRequest, 'limit'>;
  /** Whether a job, as it is, is one that is meant. `shown`: what may be shown of it, where more is known than its record says. */
  holds(job: JobRecord, shown?: ShownJob): boolean;
}

type Test = (job: JobRecord, shown: ShownJob | undefined) => boolean;

/** Makes a filter ready. @throws SignalboxError `INVALID_FILTER` for parts of jobs that are not shown. */
export async function searchOf(reader: SearchReader, filter: CheckedFilter): Promise<Search> {
  const { codec, redactions = {} } = (await reader.get('store', 'store')) ?? {};
  mustBeShown(filter, redactions, codec !== undefined);
  const tests = testsOf(filter, redactions);
  for (const test of await testsOfTime(reader, filter)) tests.push(test);
  const { queue, status, ending, job: names, tag } = filter;
  const request = {
    list: tag === undefined ? ('all' as const) : ('tagged' as const),
    matches: (job: JobRecord) => tests.every((test) => test(job, undefined)),
    ...(tag !== undefined && { tag }),
    ...(queue !== undefined && { queue }),
    ...(names !== undefined && { names }),
    ...(status !== undefined && { status }),
    ...(ending !== undefined && { ending }),
  };
  const unmatched = { ...request, limit: 1, matches: () => true };
  return {
    request,
    holds: (job, shown) => isWanted(job, unmatched) && tests.every((test) => test(job, shown)),
  };
}

function testsOf(filter: CheckedFilter, rules: RedactionRules): Test[] {
  const { job: names = [], tag, key, schedule, error, args } = filter;
  const tests: Test[] = [];
  if (!names.some(isSystemName)) tests.push(({ name }) => !isSystemName(name) || joined.includes(name));
  if (tag !== undefined) tests.push(({ tags }) => tags?.includes(tag) ?? false);
  if (key !== undefined) tests.push(hasKey(key));
  if (schedule !== undefined) tests.push(({ origin }) => isOf(schedule, origin?.schedule));
  if (error !== undefined) {
    const all = new Shown(rules);
    tests.push((job, shown) => hasError(error, job, () => shown ?? all.job(job)));
  }
  for (const [path, value] of Object.entries(args ?? {})) {
    const keys = path.split('.');
    // What a definition hides is known only of those that the store has seen.
    tests.push((job) => rulesOf(rules, job.name) !== null && sameJson(valueAt(job.args, keys), value));
  }
  return tests;
}

const joined: readonly string[] = [systemNames.serial, systemNames.parallel];

/** Asks whether a job has a key of a limit; `key` without a slash: any key of that limit, or the quota of that name. */
export function hasKey(key: string): (job: JobRecord) => boolean {
  const isLimit = !key.includes('/');
  return ({ keys, quotaNames }) =>
    (keys?.some((own) => own === key || (isLimit && own.startsWith(`${key}/`))) ?? false) ||
    (isLimit && quotaNames.includes(key));
}

/** Whether the failure of a job, as it may be shown, is one of a pattern. */
function hasError(pattern: string, job: JobRecord, shown: () => ShownJob): boolean {
  const { outcome, lastFailure } = job;
  const failure = outcome === null ? lastFailure?.failure : outcome.ok ? undefined : outcome.failure;
  if (failure === undefined) return false;
  const { name, code, message } = shown().failure(failure);
  return [name, code ?? '', message].some((text) => matchesPattern(pattern, text));
}

/** A job is as old as its first entry. */
async function testsOfTime(reader: SearchReader, { since, until }: CheckedFilter): Promise<Test[]> {
  const tests: Test[] = [];
  if (since !== undefined) {
    const before = await reader.seqAt(since - 1);
    tests.push(({ createdSeq }) => createdSeq > before);
  }
  if (until !== undefined) {
    const last = await reader.seqAt(until - 1);
    tests.push(({ createdSeq }) => createdSeq <= last);
  }
  return tests;
}

/** @throws SignalboxError `INVALID_FILTER`. */
function mustBeShown(
  { job: names, error, args = {} }: CheckedFilter,
  rules: RedactionRules,
  isCoded: boolean,
): void {
  const paths = Object.keys(args);
  if (isCoded && (error !== undefined || paths.length > 0)) {
    const [part, given] = error === undefined ? ['args', args] : ['error', error];
    const repair = 'Give jobs tags for what you look for; tags are not encoded.';
    throw invalidFilter(
      part as string,
      'absent, since the store has a codec and what is encoded cannot be searched',
      given,
      repair,
    );
  }
  for (const path of paths) {
    const keys = path.split('.');
    const hiding = Object.entries(rules).find(
      ([name, hidden]) =>
        (names?.some((pattern) => matchesPattern(pattern, name)) ?? true) && hidesPath(hidden, keys),
    );
    if (hiding !== undefined)
      throw invalidFilter(
        `args.${path}`,
        `a part of the arguments that is shown, and definition "${hiding[0]}" redacts it`,
        args[path],
        'Name definitions that show it with `job`, or give jobs tags for what you look for.',
      );
    if (holdsSecretKey(keys, args[path] ?? null))
      throw invalidFilter(
        `args.${path}`,
        'a part of the arguments that is shown, and keys of such a name never are',
        args[path],
      );
  }
}

/** Whether a schedule is the one of a queue and a name, or of a name. */
function isOf(wanted: string, schedule: string | undefined): boolean {
  return (
    schedule !== undefined &&
    (schedule === wanted || (!wanted.includes('/') && schedule.endsWith(`/${wanted}`)))
  );
}
