import { defineJob, RetryCommonFourTimes, type RetryPolicy } from 'signalbox';
import type { Scribe } from './ledger.ts';
import { notedBy, workloadOf } from './workload.ts';

/** What is put: each a definition under its own name, but `fan`, which is a parallel job. */
export const putKinds = [
  'plain',
  'retrying',
  'chained',
  'narrow',
  'once',
  'renewed',
  'handing',
  'fan',
] as const;

/** One of them. */
export type PutKind = (typeof putKinds)[number];

/** How many callbacks each is given. */
export const callbacksOf: Readonly<Record<PutKind, number>> = {
  plain: 0,
  retrying: 0,
  chained: 2,
  narrow: 0,
  once: 1,
  renewed: 0,
  handing: 1,
  fan: 1,
};

/** Retries as the error's message says: at once, or after a while. Counts interruptions as the default policy does. */
export const retryByMessage: RetryPolicy = {
  ...RetryCommonFourTimes,
  name: 'retryByMessage',
  jobError: (failure) => (failure.message === 'later' ? { after: 15 } : true),
};

/** The jobs of a worker. */
export function jobsOf(ledger: Scribe) {
  const options = { ledger, worker: `${process.pid}`, narrowMs: 8 };
  const { put, inner, note } = workloadOf(options);
  const noted = notedBy(options);
  const tries = new Map<string, number>();
  const retried = async (ms: number): Promise<string> => {
    const id = await noted(ms);
    const count = (tries.get(id) ?? 0) + 1;
    tries.set(id, count);
    if (count < 3) throw new Error(count === 1 ? 'again' : 'later');
    return id;
  };
  const retrying = defineJob({ name: 'retrying', retry: retryByMessage, run: retried });
  return { put: { ...put, retrying }, inner, note };
}
