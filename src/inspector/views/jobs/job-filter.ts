import { matchesPattern } from '../../../model/jobs/filter.ts';
import type { JobRecord } from '../../../model/records/records.ts';
import { hasKey } from '../../../reading/search/search.ts';
import type { Shown, ShownJob } from '../../../reading/shown.ts';
import type { JobPageRequest } from '../../../store/reader.ts';
import { durationMs } from '../../../time.ts';
import { runMsOf } from './job-row.ts';

/** What a page of jobs is limited to. */
type Limits = Pick<JobPageRequest, 'queue' | 'names' | 'matches'>;

/** A filter that was read, and its words that mean nothing. */
export interface JobFilter extends Limits {
  readonly unknown: readonly string[];
  /**
   * Whether a job passes, given what may be shown of it with its history in mind: an error may hold a secret of earlier arguments.
   * `matches` lets all jobs through that may pass, and some that do not.
   */
  holds(job: JobRecord, shown: ShownJob): boolean;
}

/** What a word of a filter asks of a job, and of its error as it may be shown. */
type Test = (job: JobRecord, error: () => string) => boolean;

/** What a word of a filter asks; null: it cannot be asked so. */
type Word = (value: string, now: number) => Test | null;

/**
 * Reads a filter such as `task:mail.* -task:mail.test error:ECONNRESET tries:>2 run:>5s`. Every word must hold; `-` turns one
 * round; a word without a colon is looked for in the name, the id and the error. Errors are compared as they may be shown:
 * a secret is not found by guessing it. What an error holds of earlier arguments is known with the history of the job alone: ask
 * `holds` of each job that `matches`. Pure.
 */
export function jobFilter(text: string, shown: Shown, now: number): JobFilter {
  const names: string[] = [];
  const tests: Test[] = [];
  const loose: Test[] = [];
  const unknown: string[] = [];
  let queue: string | undefined;
  for (const word of text.split(/\s+/).filter((found) => found !== '')) {
    const isNot = word.startsWith('-');
    const bare = isNot ? word.slice(1) : word;
    const colon = bare.indexOf(':');
    const key = colon < 0 ? 'any' : bare.slice(0, colon);
    const value = bare.slice(colon + 1);
    if (key === 'queue' && !isNot) queue = value;
    else if (key === 'task' && !isNot) names.push(value);
    else {
      const test = (Object.hasOwn(words, key) ? words[key] : undefined)?.(value, now) ?? null;
      if (test === null) unknown.push(word);
      else {
        const asked: Test = isNot ? (job, error) => !test(job, error) : test;
        tests.push(asked);
        // What an error hides may be what excludes it.
        loose.push(isNot && readsError(key) ? (job, error) => isFailed(job) || asked(job, error) : asked);
      }
    }
  }
  return {
    unknown,
    ...(queue === undefined ? {} : { queue }),
    ...(names.length === 0 ? {} : { names }),
    holds: (job, each) => tests.every((test) => test(job, () => errorOf(job, each))),
    ...(loose.length === 0
      ? {}
      : {
          matches: (job: JobRecord) => loose.every((test) => test(job, () => errorOf(job, shown.job(job)))),
        }),
  };
}

const words: Readonly<Record<string, Word>> = {
  task: (value) => (job) => matchesPattern(value, job.name),
  queue:
    (value) =>
    ({ parent }) =>
      parent !== null && 'queue' in parent && parent.queue === value,
  ending: (value) => (job) => job.ending === value,
  tag: (value) => (job) => job.tags?.includes(value) ?? false,
  key: (value) => hasKey(value),
  error: (value) => (_, error) => error().includes(value.toLowerCase()),
  tries: (value) => compared(value, Number, (job) => job.attempts),
  run: (value, now) => compared(value, msOf, (job) => runMsOf(job, now)),
  any: (value) => {
    const text = value.toLowerCase();
    return (job, error) =>
      job.name.toLowerCase().includes(text) || job.id.includes(value) || error().includes(text);
  },
};

function readsError(key: string): boolean {
  return key === 'error' || key === 'any';
}

function isFailed({ outcome }: JobRecord): boolean {
  return outcome !== null && !outcome.ok;
}

function errorOf(job: JobRecord, shown: ShownJob): string {
  const outcome = isFailed(job) ? shown.outcome : null;
  if (outcome === null || outcome.ok) return '';
  const { name, code, message } = outcome.failure;
  return `${name} ${code ?? ''} ${message}`.toLowerCase();
}

/** `>2`, `<5s`, or `3` for exactly that. */
function compared(
  text: string,
  read: (text: string) => number,
  of: (job: JobRecord) => number | null,
): Test | null {
  const [, sign = '', rest = ''] = /^([<>]?)(.+)$/.exec(text) ?? [];
  const wanted = read(rest);
  if (!Number.isFinite(wanted)) return null;
  return (job) => {
    const is = of(job);
    if (is === null) return false;
    return sign === '>' ? is > wanted : sign === '<' ? is < wanted : is === wanted;
  };
}

function msOf(text: string): number {
  try {
    return durationMs(text, 'run');
  } catch {
    // The page says which words it does not understand.
    return Number.NaN;
  }
}
