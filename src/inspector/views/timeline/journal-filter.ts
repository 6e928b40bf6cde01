import { matchesPattern } from '../../../model/jobs/filter.ts';
import type { HistoryEntry } from '../../../store/entry.ts';
import type { Subjects } from './subjects.ts';
import type { Wanted } from './walk.ts';

/** A filter that was read, and its words that mean nothing. */
export interface JournalFilter {
  readonly wants: (entry: HistoryEntry) => Wanted | Promise<Wanted>;
  readonly unknown: readonly string[];
}

type Test = (entry: HistoryEntry) => boolean;

/** What a word asks of an entry itself. */
const words: Readonly<Record<string, (value: string) => Test>> = {
  kind: (value) => (entry) => entry.kind === value,
  event: (value) => (entry) => matchesPattern(value, entry.event) || entry.event.endsWith(`.${value}`),
  id: (value) => (entry) => entry.id.startsWith(value),
  by: (value) => (entry) => entry.by.startsWith(value),
  to: (value) => (entry) => entry.to === value && entry.from !== value,
  ending: (value) => (entry) => entry.patch?.ending === value,
  any: (value) => {
    const text = value.toLowerCase();
    return ({ event, kind, id, by }) =>
      id.includes(value) || `${kind}/${event} ${by}`.toLowerCase().includes(text);
  },
};

/**
 * Reads a filter such as `event:job.put by:client -kind:annotation task:mail.* queue:mail`. Every word must hold, `-` turns one
 * round; a word without a colon is looked for in the event, the id and the author. No value of a job is compared. Pure, but for
 * what `task:` and `queue:` ask of the jobs.
 */
export function journalFilter(text: string, subjects: Subjects): JournalFilter {
  const tests: Test[] = [];
  const asked: ((entry: HistoryEntry) => Promise<boolean>)[] = [];
  const unknown: string[] = [];
  for (const word of text.split(/\s+/).filter((found) => found !== '')) {
    const isNot = word.startsWith('-');
    const bare = isNot ? word.slice(1) : word;
    const colon = bare.indexOf(':');
    const key = colon < 0 ? 'any' : bare.slice(0, colon);
    const value = bare.slice(colon + 1);
    const ofJob = jobWord(key, value, subjects);
    const test = Object.hasOwn(words, key) ? words[key]?.(value) : undefined;
    if (ofJob !== null) asked.push(async (entry) => (await ofJob(entry)) !== isNot);
    else if (test !== undefined) tests.push((entry) => test(entry) !== isNot);
    else unknown.push(word);
  }
  return {
    unknown,
    wants: (entry) => {
      if (!tests.every((test) => test(entry))) return false;
      return asked.length === 0 ? true : allHold(asked, entry, subjects);
    },
  };
}

async function allHold(
  asked: readonly ((entry: HistoryEntry) => Promise<boolean>)[],
  entry: HistoryEntry,
  subjects: Subjects,
): Promise<Wanted> {
  if (subjects.isExhausted) return null;
  for (const test of asked) if (!(await test(entry))) return false;
  return true;
}

/** What a word asks of the job of an entry; null: it asks nothing of it. */
function jobWord(
  key: string,
  value: string,
  subjects: Subjects,
): ((entry: HistoryEntry) => Promise<boolean>) | null {
  if (key === 'task')
    return async (entry) => {
      const { name } = await subjects.of(entry);
      return name !== null && matchesPattern(value, name);
    };
  if (key !== 'queue') return null;
  return async (entry) => {
    if (entry.kind === 'queue') return entry.id === value;
    if (['quota', 'schedule', 'agent', 'representation'].includes(entry.kind))
      return entry.id.startsWith(`${value}/`);
    return (await subjects.queue(await subjects.of(entry))) === value;
  };
}
