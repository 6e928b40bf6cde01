import { ConflictError, type OpenStore, type Store } from 'signalbox';

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

/** An error as a lost connection gives it. */
export function lostConnection(): Error {
  return Object.assign(new Error('connection lost'), { code: 'ECONNRESET' });
}

/** What a store says that cannot be reached. */
export function disconnect(): Error {
  return Object.assign(new Error('the store is away'), { code: 'STORE_DISCONNECTED' });
}

/** A real store behind a line that a test can break or hold up, call by call. */
export function interceptedStore(inner: Store, intercept: Intercept): Store {
  return {
    name: inner.name,
    async open(ports) {
      const store = await inner.open(ports);
      return new Proxy(store, {
        get(target, key) {
          const value: unknown = Reflect.get(target, key, target);
          if (typeof value !== 'function') return value;
          return (...args: unknown[]) => {
            const call = (): unknown => Reflect.apply(value, target, args);
            const first = intercept(String(key), args);
            if (first === null) return call();
            if (!(first instanceof Error)) return first.then(call);
            return key === 'commit' ? refusedTicket(first) : Promise.reject(first);
          };
        },
        set: (target, key, value) => Reflect.set(target, key, value, target),
      });
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

/** A store that makes a commit and then answers with an error, as when the connection is lost behind it. */
export function forgetfulStore(inner: Store, forget: (commit: Commit) => Error | null): Store {
  let open: OpenStore | null = null;
  const opened: Store = {
    name: inner.name,
    async open(ports) {
      open = await inner.open(ports);
      return open;
    },
  };
  return interceptedStore(opened, (call, [commit]) => {
    const error = call === 'commit' ? forget(commit as Commit) : null;
    if (error !== null) open?.commit(commit as Commit);
    return error;
  });
}
