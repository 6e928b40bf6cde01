import {
  ConflictError,
  decorateStore,
  type OpenStore,
  SignalboxError,
  type Store,
  type StoreDecoration,
} from 'signalbox';

/**
 * Asked before a call reaches its store. Null lets it through, an error refuses it, and a promise holds it up. Commits
 * cannot be held up: they answer at once, with promises.
 */
export type Intercept = (call: string, args: readonly unknown[]) => Error | Promise<unknown> | null;

/** What a store is asked to commit. */
export type Commit = Parameters<OpenStore['commit']>[0];

/** What goes wrong with a store, and what it was asked. May be changed while the store is open. */
export class Faults {
  /** Every commit the store was asked for, refused ones included, without claims: the store makes them itself. */
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

/** The refusal of a commit when another one was faster. */
export function conflict(): ConflictError {
  return new ConflictError({ subject: 'a record', expected: 'at rev 1', actual: 'rev 2' });
}

/** What the code of a job may throw when a connection of its own is lost. No store throws it. */
export function lostConnection(): Error {
  return Object.assign(new Error('connection lost'), { code: 'ECONNRESET' });
}

/** The error of a store that cannot be reached, as the PostgreSQL store throws it. */
export function disconnect(outcome: 'unknown' | 'not committed' = 'not committed'): SignalboxError {
  return new SignalboxError('STORE_DISCONNECTED', { call: 'a call', reason: 'no answer', outcome });
}

/** A real store whose reads, commits and claims a test can refuse or hold up, call by call. */
export function interceptedStore(inner: Store, intercept: Intercept): Store {
  return decorated(inner, (store) => {
    const after = <Value>(call: () => Promise<Value>, name: string, args: readonly unknown[]) => {
      const first = intercept(name, args);
      if (first === null) return call();
      return first instanceof Error ? Promise.reject(first) : first.then(call);
    };
    return {
      read: after,
      claim: (request) => after(() => store.claim(request), 'claim', [request]),
      commit: (commit) => {
        const refusal = intercept('commit', [commit]);
        return refusal instanceof Error ? refusedTicket(refusal) : store.commit(commit);
      },
    };
  });
}

/** A store with some calls replaced, whenever it is opened. */
export function decorated(inner: Store, decoration: (store: OpenStore) => StoreDecoration): Store {
  return {
    name: inner.name,
    async open(ports) {
      const store = await inner.open(ports);
      return decorateStore(store, decoration(store));
    },
  };
}

function refusedTicket(error: Error): ReturnType<OpenStore['commit']> {
  const refused = Promise.reject(error);
  refused.catch(() => {});
  return { written: refused, synced: refused };
}

/** A store that refuses the commits chosen by a test, before the store below has seen them. */
export function faultyStore(store: Store, faults: Faults): Store {
  return interceptedStore(store, (call, [commit]) => {
    if (call === 'claim') return faults.refuseClaim();
    if (call === 'held') return faults.refuseHeld();
    if (call !== 'commit') return null;
    faults.commits.push(commit as Commit);
    return faults.refuse(commit as Commit);
  });
}

/**
 * A store that makes a commit and then answers with an error, as when the connection is lost behind it. `forget` is asked about
 * each commit that was made: null lets the answer pass.
 */
export function forgetfulStore(inner: Store, forget: (commit: Commit) => Error | null): Store {
  return decorated(inner, (store) => ({
    commit(commit) {
      const ticket = store.commit(commit);
      const written = ticket.written.then(() => {
        const error = forget(commit);
        if (error !== null) throw error;
      });
      const synced = written.then(() => ticket.synced);
      synced.catch(() => {});
      return { written, synced };
    },
  }));
}
