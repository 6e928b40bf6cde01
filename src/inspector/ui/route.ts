import type { JobListName } from '../protocol/jobs.ts';

/** What the part of the address behind `#` asks for. */
export type Route =
  | { readonly page: 'overview' }
  | {
      readonly page: 'jobs';
      readonly list: JobListName;
      readonly queue: string | null;
      readonly words: string;
    }
  | { readonly page: 'job'; readonly id: string; readonly at: number | null; readonly tab: string | null }
  | { readonly page: 'none'; readonly path: string };

const lists: readonly JobListName[] = ['waiting', 'held', 'failed', 'ended', 'unplaced', 'quarantined'];

/** Reads an address; anything at all is an answer. */
export function routeOf(hash: string): Route {
  const [path = '', query = ''] = hash.replace(/^#\/?/, '').split('?', 2);
  const asked = new URLSearchParams(query);
  const [page, ...rest] = path.split('/');
  if (path === '' || page === 'overview') return { page: 'overview' };
  if (page !== 'jobs') return { page: 'none', path };
  const id = decoded(rest.join('/'));
  if (id !== '') {
    const at = asked.get('at');
    return {
      page: 'job',
      id,
      at: at !== null && /^\d{1,15}$/.test(at) ? Number(at) : null,
      tab: asked.get('tab'),
    };
  }
  const list = lists.find((name) => name === asked.get('list')) ?? 'waiting';
  return { page: 'jobs', list, queue: asked.get('queue'), words: asked.get('q') ?? '' };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The address of a job. */
export function jobHash(id: string, at: number | null = null, tab: string | null = null): string {
  return `#/jobs/${encodeURIComponent(id)}${queryOf({ at, tab })}`;
}

/** The address of a list of jobs. */
export function jobsHash(list: JobListName, queue: string | null = null, words = ''): string {
  return `#/jobs${queryOf({ list, queue, q: words === '' ? null : words })}`;
}

function queryOf(values: Readonly<Record<string, string | number | null>>): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) if (value !== null) query.set(name, String(value));
  const text = query.toString();
  return text === '' ? '' : `?${text}`;
}
