import type { ManyJobs } from '../../../protocol/actions.ts';
import type { JobListName } from '../../../protocol/jobs.ts';

/** What the lists are, of those to whose jobs something can be done. */
const lists: Readonly<Partial<Record<JobListName, ManyJobs['filter']>>> = {
  waiting: { status: ['PENDING'] },
  held: { status: ['ASSIGNED', 'ACTIVE', 'CALLBACKS'] },
  failed: { status: ['COMPLETED'], ending: ['failed', 'aborted', 'expired'] },
};

/** What a word is in the filter of `box.jobs`. */
const words: Readonly<Record<string, (value: string) => ManyJobs['filter']>> = {
  task: (value) => ({ job: value }),
  queue: (value) => ({ queue: value }),
  ending: (value) => ({ ending: value }),
  tag: (value) => ({ tag: value }),
  key: (value) => ({ key: value.split(/\/(.*)/s).slice(0, 2) }),
  error: (value) => ({ error: `*${value}*` }),
};

/** The filter of `box.jobs` that means the same; null: there is none. Pure. */
export function manyOf(page: {
  readonly list: JobListName;
  readonly queue: string | null;
  readonly words: string;
}): ManyJobs['filter'] | null {
  const list = lists[page.list];
  if (list === undefined) return null;
  let filter: ManyJobs['filter'] = page.queue === null ? {} : { queue: page.queue };
  for (const word of page.words.split(/\s+/).filter((each) => each !== '')) {
    const [, name = '', value = ''] = /^(\w+):(.+)$/s.exec(word) ?? [];
    const part = Object.hasOwn(words, name) ? words[name]?.(value) : undefined;
    // A word that is negated, or said twice, has no counterpart.
    if (part === undefined || Object.keys(part).some((key) => Object.hasOwn(filter, key))) return null;
    filter = { ...filter, ...part };
  }
  return { ...list, ...filter };
}
