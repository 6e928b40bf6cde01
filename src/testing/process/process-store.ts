import { decorateStore, type OpenStore, SignalboxError } from '../../index.ts';

type Ticket = ReturnType<OpenStore['commit']>;

/** Whether a process still lives. */
export interface Life {
  readonly isOver: boolean;
}

/**
 * A store as one process of a test reaches it. Once the process is dead, it is refused what its code asks for, and it gets
 * no answer to what was under way: the store does that, or does not, as with a request that a killed process has sent.
 */
export function processStore(store: OpenStore, life: Life): OpenStore {
  /** Calls the store, unless the process is dead. The answer reaches the living only. */
  const ask = <Value>(what: string, call: () => Promise<Value>): Promise<Value> =>
    life.isOver ? refused(what) : answered(life, call());
  const gated = ({ written, synced, isStaged }: Ticket): Ticket => ({
    ...(isStaged && { isStaged }),
    written: quiet(answered(life, written)),
    synced: quiet(answered(life, synced)),
  });
  const { transaction } = store;
  return decorateStore(store, {
    read: (call, name) => ask(name, call),
    commit: (commit) => (life.isOver ? refusedTicket() : gated(store.commit(commit))),
    claim: async (request) => {
      const claimed = await ask('a claim', () => store.claim(request));
      return {
        ...claimed,
        startable: quiet(answered(life, claimed.startable)),
        ticket: gated(claimed.ticket),
      };
    },
    transaction:
      transaction === null ? null : (work, commit) => ask('a transaction', () => transaction(work, commit)),
    follow: (listener) => store.follow((lines) => !life.isOver && listener(lines)),
    onHint: (listener) => store.onHint((hint) => !life.isOver && listener(hint)),
    onFailure: (listener) => store.onFailure((error) => !life.isOver && listener(error)),
    history: (kind, id) => entriesOf(life, () => store.history(kind, id)),
    entries: (from) => entriesOf(life, () => store.entries(from)),
    // Nothing of a dead process is under way, and the crash closes its store.
    idle: () => (life.isOver ? Promise.resolve() : store.idle()),
    close: () => (life.isOver ? Promise.resolve() : store.close()),
  });
}

function refused(call: string): Promise<never> {
  return Promise.reject(new SignalboxError('STORE_CLOSED', { call }));
}

function refusedTicket(): Ticket {
  return { written: quiet(refused('a commit')), synced: quiet(refused('a commit')) };
}

/** Settles as the promise does, or never when the process is dead by then. */
function answered<Value>(life: Life, promise: Promise<Value>): Promise<Value> {
  return new Promise((resolve, reject) => {
    promise.then(
      (value) => {
        if (!life.isOver) resolve(value);
      },
      (error: unknown) => {
        if (!life.isOver) reject(error);
      },
    );
  });
}

async function* entriesOf<Item>(life: Life, read: () => AsyncIterable<Item>): AsyncGenerator<Item> {
  if (life.isOver) await refused('a read');
  yield* read();
}

/** A caller that does not wait causes no unhandled rejection; one that waits sees it. */
function quiet(promise: Promise<void>): Promise<void> {
  promise.catch(() => {});
  return promise;
}
