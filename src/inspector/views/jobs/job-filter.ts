import { matchesPattern } from '../../../model/jobs/filter.ts';
import type { JobRecord } from '../../../model/records/records.ts';
import type { Shown } from '../../../reading/shown.ts';
import type { JobPageRequest } from '../../../store/reader.ts';
import { durationMs } from '../../../time.ts';
import { runMsOf } from './job-row.ts';

/** What a page of jobs is limited to. */
type Limits = Pick<JobPageRequest, 'queue' | 'names' | 'matches'>;

/** A filter that was read, and its words that mean nothing. */
export interface JobFilter extends Limits {
  readonly unknown: readonly string[];
}

type Test = (job: JobRecord) => boolean;

/** What a word of a filter asks; null: it cannot be asked so. */
type Word = (value: string, shown: Shown, now: number) => Test | null;

/**
 * Reads a filter such as `task:mail.* -task:mail.test error:ECONNRESET tries:>2 run:>5s`. Every word must hold; `-` turns one
 * round; a word without a colon is looked for in the name, the id and the error. Errors are compared as they may be shown:
 * a secret is not found by guessing it. Pure.
 */
export function jobFilter(text: string, shown: Shown, now: number): JobFilter {
  const names: string[] = [];
  const tests: Test[] = [];
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
      const test = (Object.hasOwn(words, key) ? words[key] : undefined)?.(value, shown, now) ?? null;
      if (test === null) unknown.push(word);
      else tests.push(isNot ? (job) => !test(job) : test);
    }
  }
  return {
    unknown,
    ...(queue === undefined ? {} : { queue }),
    ...(names.length === 0 ? {} : { names }),
    ...(tests.length === 0 ? {} : { matches: (job: JobRecord) => tests.every((test) => test(job)) }),
  };
}

const words: Readonly<Record<string, Word>> = {
  task: (value) => (job) => matchesPattern(value, job.name),
  queue:
    (value) =>
    ({ parent }) =>
      parent !== null && 'queue' in parent && parent.queue === value,
  ending: (value) => (job) => job.ending === value,
  error: (value, shown) => (job) => errorOf(job, shown).includes(value.toLowerCase()),
  tries: (value) => compared(value, Number, (job) => job.attempts),
  run: (value, _shown, now) => compared(value, msOf, (job) => runMsOf(job, now)),
  any: (value, shown) => {
    const text = value.toLowerCase();
    return (job) =>
      job.name.toLowerCase().includes(text) || job.id.includes(value) || errorOf(job, shown).includes(text);
  },
};

function errorOf(job: JobRecord, shown: Shown): string {
  const { outcome } = job.outcome === null || job.outcome.ok ? { outcome: null } : shown.job(job);
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
