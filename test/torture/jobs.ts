import { defineJob, local, NeverRetry, RetryCommonFourTimes, type RetryPolicy } from 'signalbox';
import type { Scribe } from './ledger.ts';

/** Slots of the quota that jobs of kind `narrow` share. */
export const quotaSize = 2;

/** What is put: each a definition under its own name, but `fan`, which is a parallel job. */
export const putKinds = ['plain', 'retrying', 'chained', 'narrow', 'once', 'fan'] as const;

/** One of them. */
export type PutKind = (typeof putKinds)[number];

/** How many callbacks each is given. */
export const callbacksOf: Readonly<Record<PutKind, number>> = {
  plain: 0,
  retrying: 0,
  chained: 2,
  narrow: 0,
  once: 1,
  fan: 1,
};

/** Fails as its error says: again at once, or after a while. Interruptions as the default counts them. */
export const asTold: RetryPolicy = {
  ...RetryCommonFourTimes,
  name: 'asTold',
  jobError: (failure) => (failure.message === 'later' ? { after: 15 } : true),
};

/** The jobs of a worker. Each start and each end of their code is a line in the ledger before anything else happens. */
export function jobsOf(ledger: Scribe) {
  const tries = new Map<string, number>();
  const noted = async (ms: number): Promise<string> => {
    const id = local.getJob()?.id ?? '?';
    const { signal } = local;
    let isOver = false;
    const end = (): void => {
      if (!isOver) ledger(`end ${id}`);
      isOver = true;
      signal.removeEventListener('abort', end);
    };
    ledger(`start ${id}`);
    // Who lost the job is no longer at it: what is left of this call counts for nothing.
    signal.addEventListener('abort', end);
    if (ms > 0) await new Promise((resolve) => setTimeout(resolve, ms));
    end();
    return id;
  };
  const retried = async (ms: number): Promise<string> => {
    const id = await noted(ms);
    const count = (tries.get(id) ?? 0) + 1;
    tries.set(id, count);
    if (count < 3) throw new Error(count === 1 ? 'again' : 'later');
    return id;
  };
  return {
    put: {
      plain: defineJob({ name: 'plain', run: noted }),
      retrying: defineJob({ name: 'retrying', retry: asTold, run: retried }),
      chained: defineJob({ name: 'chained', run: noted }),
      // Longer than the others, so that more want in than there are slots.
      narrow: defineJob({ name: 'narrow', quotas: ['narrow'], run: (ms: number) => noted(ms + 8) }),
      once: defineJob({ name: 'once', retry: NeverRetry, run: noted }),
    },
    inner: defineJob({ name: 'inner', run: noted }),
    note: defineJob({ name: 'note', run: () => noted(0) }),
  };
}
