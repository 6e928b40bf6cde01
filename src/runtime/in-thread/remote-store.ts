import { SignalboxError } from '../../errors.ts';
import type { OpenStore } from '../../store/store.ts';
import { type Question, readMethods } from '../threads/protocol.ts';

/** Asks the main thread. Rejects with the error that the call met there. */
export type Ask = (question: Question) => Promise<unknown>;

/** What a thread knows of the store without asking. */
export interface KnownOfStore {
  readonly name: string;
  readonly epoch: number;
  now(): number;
}

const refused = [
  'claim',
  'transaction',
  'counts',
  'jobsPage',
  'quarantined',
  'orphans',
  'overdue',
  'annotated',
  'referred',
  'due',
  'openings',
  'follow',
  'onHint',
  'history',
  'entries',
  'position',
  'seqAt',
  'oldestSeq',
  'idle',
  'close',
] as const satisfies readonly (keyof OpenStore)[];

/** The store as a thread has it: reads are questions to the main thread, and so is a commit that is made at once. */
export function remoteStore(known: KnownOfStore, ask: Ask): OpenStore {
  const asked = readMethods.map((method) => [method, (...args: readonly unknown[]) => ask({ method, args })]);
  const others = refused.map((method) => [
    method,
    () => {
      throw notInThreads(`store.${method}()`);
    },
  ]);
  return {
    ...known,
    ...Object.fromEntries([...asked, ...others]),
    exclusive: false,
    isVolatile: false,
    directory: null,
    poolSize: 0,
    past: null,
    files: null,
    transaction: null,
    onFailure: () => {},
    commit({ changes, expect, within }) {
      if (within !== undefined) throw notInThreads('a put with `client`');
      const written = ask({ method: 'commit', args: [changes, expect] }).then(() => {});
      // Who waits for one of the two need not wait for the other.
      written.catch(() => {});
      return { written, synced: written };
    },
  } as OpenStore;
}

export function notInThreads(call: string): SignalboxError {
  return new SignalboxError('NOT_IN_THREADS', { call });
}
