import type { Entry } from '../../../store/entry.ts';
import type { Question } from '../../views/views.ts';

/** How an entry concerns a question: not at all, by way of something else, or because it is of what the answer shows. */
export type Touch = 'no' | 'beside' | 'own';

/** What an answer shows, as far as it decides which entries concern it. */
export interface Shows {
  /** Every id in it. */
  readonly ids: ReadonlySet<string>;
  /** Whether it is of a job that is over: then only its own entries matter. */
  readonly isOver: boolean;
}

const pathsOfJobs: ReadonlySet<string> = new Set(['jobs/:id', 'jobs/:id/history', 'explain/:id']);

/** Whether a question is about one job. */
export function isOfJob({ path }: Pick<Question, 'path'>): boolean {
  return pathsOfJobs.has(path);
}

/**
 * Whether an entry can change an answer. That of one job changes by its own entries, its annotations and its callbacks; by all
 * others only as far as they decide whether it may begin. Lists and overviews count everything.
 */
export function touchOf(question: Pick<Question, 'path' | 'id'>, shows: Shows, entry: Entry): Touch {
  if (question.path === 'durable/:id') return touchOfActor(question.id, shows, entry);
  if (!isOfJob(question)) return 'beside';
  const { kind, id, patch } = entry;
  const job = kind === 'annotation' ? id.slice(0, id.indexOf('/')) : id;
  const isShown = (each: unknown): boolean => each === question.id || shows.ids.has(String(each));
  if (isShown(job) || Object.values(patch?.parent ?? {}).some(isShown)) return 'own';
  return shows.isOver || kind === 'annotation' ? 'no' : 'beside';
}

/** That of a durable actor changes by its own entries, its messages, and its children. */
function touchOfActor(actor: string, { ids }: Shows, { kind, id }: Entry): Touch {
  const isOwn = kind === 'message' ? id.startsWith(`${actor}#`) : id === actor || ids.has(id);
  return isOwn ? 'own' : 'no';
}

/** Reads from the answer to a question which entries concern it. */
export function showsOf(question: Pick<Question, 'path'>, data: object): Shows {
  if (question.path === 'durable/:id') {
    const children = Reflect.get(data, 'children') as readonly { readonly target: string }[];
    return { ids: new Set(children.map(({ target }) => target)), isOver: false };
  }
  if (!isOfJob(question)) return { ids: new Set(), isOver: false };
  const ids = new Set<string>();
  collect(Reflect.get(data, 'callbacks'), ids);
  return { ids, isOver: Reflect.get(data, 'state') === 'completed' };
}

function collect(value: unknown, into: Set<string>): void {
  if (typeof value !== 'object' || value === null) return;
  for (const [key, each] of Object.entries(value)) {
    if (key === 'id' && typeof each === 'string') into.add(each);
    else collect(each, into);
  }
}
