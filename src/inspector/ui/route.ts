import type { JobListName } from '../protocol/jobs.ts';

/** What the part of the address behind `#` asks for, and the entry of the moment that it is asked of; null: now. */
export type Route = Place & { readonly at: number | null };

type Place =
  | { readonly page: 'overview' }
  | {
      readonly page: 'jobs';
      readonly list: JobListName;
      readonly queue: string | null;
      readonly words: string;
    }
  | { readonly page: 'job'; readonly id: string; readonly tab: string | null }
  | PlaceOfPage
  | { readonly page: 'none'; readonly path: string };

/** A place on a page that is loaded when it is first opened. */
interface PlaceOfPage {
  readonly page: (typeof others)[number];
  /** What is chosen; null: nothing. */
  readonly id: string | null;
  /** What else the page keeps in its address. */
  readonly query: Query;
}

/** What such a page is given. */
export type PageRoute = PlaceOfPage & { readonly at: number | null };

type Query = Readonly<Record<string, string | undefined>>;

const lists: readonly JobListName[] = ['waiting', 'held', 'failed', 'ended', 'unplaced', 'quarantined'];
const others = ['durable', 'actors', 'queues', 'schedules', 'timeline', 'machines'] as const;

/** Reads an address; anything at all is an answer. */
export function routeOf(hash: string): Route {
  const { path, query } = partsOf(hash);
  return { ...placeOf(path, Object.fromEntries(query)), at: momentOf(query) };
}

function placeOf(path: string, query: Query): Place {
  const [page, ...rest] = path.split('/');
  if (path === '' || page === 'overview') return { page: 'overview' };
  const id = decoded(rest.join('/'));
  const other = others.find((name) => name === page);
  if (other !== undefined) return { page: other, id: rest.length === 0 ? null : id, query };
  if (page !== 'jobs') return { page: 'none', path };
  if (id !== '') return { page: 'job', id, tab: query.tab ?? null };
  const list = lists.find((name) => name === query.list) ?? 'waiting';
  return { page: 'jobs', list, queue: query.queue ?? null, words: query.q ?? '' };
}

/**
 * The address that is meant by one that was gone to from another: the moment stays, so that a link leads to the same moment. An
 * address with `at=now` leads back to the present.
 */
export function addressFrom(before: string, hash: string): string {
  const { path, query } = partsOf(hash);
  const asked = query.get('at');
  if (asked === 'now') query.delete('at');
  const kept = asked === null ? momentOf(partsOf(before).query) : null;
  if (kept !== null) query.set('at', String(kept));
  return asked !== 'now' && kept === null ? hash : hashOf(path, Object.fromEntries(query));
}

function partsOf(hash: string): { readonly path: string; readonly query: URLSearchParams } {
  const [path = '', query = ''] = hash.replace(/^#\/?/, '').split('?', 2);
  return { path, query: new URLSearchParams(query) };
}

function momentOf(query: URLSearchParams): number | null {
  const at = query.get('at');
  return at !== null && /^\d{1,15}$/.test(at) ? Number(at) : null;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The address of a job. Without `at` it stays at the moment of the page. */
export function jobHash(id: string, at?: number | 'now', tab: string | null = null): string {
  return hashOf(`jobs/${encodeURIComponent(id)}`, { at, tab });
}

/** The address of a list of jobs. */
export function jobsHash(list: JobListName, queue: string | null = null, words = ''): string {
  return hashOf('jobs', { list, queue, q: words === '' ? null : words });
}

/** The address of a page, and of what is chosen there. */
export function pageHash(page: (typeof others)[number], id: string | null = null, query: Query = {}): string {
  return hashOf(id === null ? page : `${page}/${encodeURIComponent(id)}`, query);
}

/** The same place at another moment. */
export function momentHash(hash: string, at: number | 'now'): string {
  const { path, query } = partsOf(hash);
  return hashOf(path, { ...Object.fromEntries(query), at });
}

function hashOf(path: string, values: Readonly<Record<string, string | number | null | undefined>>): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(values))
    if (value !== null && value !== undefined) query.set(name, String(value));
  const text = query.toString();
  return text === '' ? `#/${path}` : `#/${path}?${text}`;
}
