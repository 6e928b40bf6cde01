import type { Place } from '../../../../machines/job.context.ts';
import type { Kind } from '../../entry.ts';
import type { AtMost } from '../../rules/limits.ts';
import type { Change, Precondition } from '../../store.ts';

/** What commits name: every record that they change or believe in. */
export interface Subjects {
  readonly jobs: ReadonlySet<string>;
  /** Jobs that they make, and believe not to be there. */
  readonly absent: ReadonlySet<string>;
  readonly settings: ReadonlyMap<Exclude<Kind, 'job'>, ReadonlySet<string>>;
  /** Unique names that they take, and believe to be free: whether one is, the statement says that obtains it. */
  readonly free: ReadonlySet<string>;
  /** Jobs whose callbacks have to be known. */
  readonly parents: ReadonlySet<string>;
  /** Jobs that are given a callback, or for which another one waits from here on. */
  readonly given: ReadonlySet<string>;
  /** Dispatchers whose jobs in a queue have to be known. */
  readonly holders: readonly (readonly [queue: string, dispatcher: string])[];
  /** Jobs from which it has to be known who waits for whom. */
  readonly chains: readonly string[];
  /** What has to be counted. */
  readonly counts: ReadonlyMap<string, AtMost>;
}

type Asked = { readonly changes: readonly Change[]; readonly expect: readonly Precondition[] };

/** The subjects of commits. */
export function subjectsOf(commits: Iterable<Asked>): Subjects {
  const jobs = new Set<string>();
  const absent = new Set<string>();
  const settings = new Map<Exclude<Kind, 'job'>, Set<string>>();
  const free = new Set<string>();
  const parents = new Set<string>();
  const given = new Set<string>();
  const holders: (readonly [string, string])[] = [];
  const chains: string[] = [];
  const counts = new Map<string, AtMost>();
  const add = (kind: Kind, id: string): void => {
    if (kind === 'job') jobs.add(id);
    else settings.set(kind, (settings.get(kind) ?? new Set()).add(id));
  };
  const count = (asked: AtMost): void => {
    const key = `${asked.of} ${asked.id}`;
    const known = counts.get(key);
    if (known === undefined || known.most < asked.most) counts.set(key, asked);
  };
  for (const { changes, expect } of commits) {
    for (const change of changes) {
      if (change.kind === 'unique' && expect.some((each) => isFree(each, change.id))) free.add(change.id);
      else if (change.kind === 'job' && isMade(change) && !jobs.has(change.id)) absent.add(change.id);
      else add(change.kind, change.id);
      const parent = change.patch?.parent as Place | undefined | null;
      const { waitingOn } = change.patch ?? {};
      for (const id of [parent != null && 'job' in parent ? parent.job : null, waitingOn]) {
        if (change.kind !== 'job' && change.kind !== 'proxy') continue;
        if (typeof id !== 'string' || id === 'promise') continue;
        given.add(id);
        jobs.add(id);
      }
    }
    for (const precondition of expect) {
      const { id } = precondition;
      if (precondition.check === 'atMost') count(precondition);
      else if (precondition.check === 'noMail') count({ check: 'atMost', of: 'mail', id, most: 0 });
      else if (precondition.check === 'accepts') add('actor', id);
      else if (precondition.check === 'holds') {
        add('representation', id);
        holders.push([precondition.queue, precondition.dispatcher]);
      } else if (precondition.check === 'rev') {
        if (precondition.kind === 'job' && precondition.rev === 0) absent.add(id);
        else if (isFree(precondition, id)) free.add(id);
        else add(precondition.kind, id);
      } else {
        jobs.add(id);
        if (precondition.check === 'noUnstartedCallback') parents.add(id);
        if (precondition.check === 'notAwaitedBy') chains.push(precondition.on);
      }
    }
  }
  for (const id of absent) jobs.delete(id);
  return { jobs, absent, settings, free, parents, given, holders, chains, counts };
}

/** Whether a change is the first of its job: it brings all that the job consists of. */
function isMade({ from, patch }: Change): boolean {
  return (from === null || from === 'new') && patch !== null && 'name' in patch;
}

/** Whether a precondition says of a unique name that there is no record of it. */
function isFree(precondition: Precondition, id: string): boolean {
  if (precondition.check !== 'rev' || precondition.kind !== 'unique') return false;
  return precondition.rev === 0 && precondition.id === id;
}
