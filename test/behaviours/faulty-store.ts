import { ConflictError, type OpenStore, type Store } from 'signalbox';

/** What a store is asked to commit. */
export type Commit = Parameters<OpenStore['commit']>[0];

/** What goes wrong with a store, and what it was asked. May be changed while the store is open. */
export class Faults {
  /** Every commit the store was asked for, refused ones included. Claims are none: the store makes them itself. */
  readonly commits: Commit[] = [];
  /** Asked for each commit: an error refuses it, null lets it pass. */
  refuse: (commit: Commit) => Error | null = () => null;
  /** Asked for each claim: an error refuses it, null lets it pass. */
  refuseClaim: () => Error | null = () => null;
  /** Asked for each look at what an agent holds: an error refuses it, null lets it pass. */
  refuseHeld: () => Error | null = () => null;

  /** Refuses the next commits that hold an event, with one error each. */
  refuseNext(event: string, ...errors: readonly Error[]): void {
    const left = [...errors];
    this.refuse = (commit) => (has(commit, event) ? (left.shift() ?? null) : null);
  }
}

/** Whether a commit holds an event, of a certain job or of any. */
export function has(commit: Commit, event: string, id?: string | null): boolean {
  return commit.changes.some((change) => change.event === event && (id == null || change.id === id));
}

/** What the store says when somebody else was faster. */
export function conflict(): ConflictError {
  return new ConflictError({ subject: 'a record', expected: 'at rev 1', actual: 'rev 2' });
}

/** What a store says that cannot be reached. */
export function disconnect(): Error {
  return Object.assign(new Error('the store is away'), { code: 'STORE_DISCONNECTED' });
}

/** A store that refuses the commits it is told to refuse, before the store below has seen them. */
export function faultyStore(store: Store, faults: Faults): Store {
  return {
    name: store.name,
    open: async (ports) => faultyOpenStore(await store.open(ports), faults),
  };
}

function faultyOpenStore(open: OpenStore, faults: Faults): OpenStore {
  const commit: OpenStore['commit'] = (commit) => {
    faults.commits.push(commit);
    const error = faults.refuse(commit);
    if (error === null) return open.commit(commit);
    const refused = Promise.reject(error);
    refused.catch(() => {});
    return { written: refused, synced: refused };
  };
  return new Proxy(open, {
    get(target, key) {
      if (key === 'commit') return commit;
      const refused = key === 'claim' ? faults.refuseClaim() : key === 'held' ? faults.refuseHeld() : null;
      if (refused !== null) return () => Promise.reject(refused);
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
    set: (target, key, value) => Reflect.set(target, key, value, target),
  });
}
