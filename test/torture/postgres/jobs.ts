import type { ClientBase } from 'pg';
import { defineJob, local, NeverRetry, RetryCommonForever } from 'signalbox';
import type { Scribe } from '../ledger.ts';

/** Slots of the quota that jobs named `narrow` share. */
export const quotaSize = 2;

/** Queues: one with everything in it, and one whose jobs may be claimed by the short way. */
export const queues = ['work', 'plain'] as const;

/** What workers put: each a definition under its own name, but `fan`, which is a parallel job. */
export const putKinds = [
  'plain',
  'chained',
  'narrow',
  'narrow',
  'once',
  'paid',
  'putting',
  'long',
  'fan',
] as const;

/** What goes into the queue `plain`. */
export const plainKinds = ['plain', 'plain', 'plain', 'plain', 'long'] as const;

/** One of them. */
export type PutKind = (typeof putKinds)[number];

/** Interruptions are what this is about: no job gives up because of them. */
export const whateverComes = { ...RetryCommonForever, name: 'whateverComes' };

/** The jobs of a worker. Each start and each end of their code is a line in the ledger of all processes. */
export function jobsOf(ledger: Scribe, worker: string, schema: string) {
  const noted = async (ms: number): Promise<string> => {
    const record = local.getJob()?.record;
    const { signal } = local;
    const id = record?.id ?? '?';
    const end = (): void => {
      signal.removeEventListener('abort', end);
      ledger(`end ${id} ${record?.name} ${worker} ${record?.claim} ${record?.activeStart} ${Date.now()}`);
    };
    ledger(`start ${id} ${record?.name} ${worker} ${record?.claim} ${record?.activeStart} ${Date.now()}`);
    signal.addEventListener('abort', end);
    if (ms > 0) await new Promise((resolve) => setTimeout(resolve, ms));
    if (!signal.aborted) end();
    return id;
  };
  const retry = whateverComes;
  const inner = defineJob({ name: 'inner', retry, run: noted });
  return {
    put: {
      plain: defineJob({ name: 'plain', retry, run: noted }),
      /** Long enough to be at it when its process is stopped. */
      long: defineJob({ name: 'long', retry, run: (ms: number) => noted(300 + 30 * ms) }),
      chained: defineJob({ name: 'chained', retry, run: noted }),
      narrow: defineJob({ name: 'narrow', retry, quotas: ['narrow'], run: (ms: number) => noted(ms + 15) }),
      once: defineJob({ name: 'once', retry: NeverRetry, run: noted }),
      /** Its effect and its completion are one transaction. */
      paid: defineJob({
        name: 'paid',
        retry,
        run: async (ms: number) => {
          await noted(ms);
          return local.transaction(async (client) => {
            const id = local.getJob()?.id;
            await (client as ClientBase).query(`INSERT INTO ${schema}_effects.effect VALUES ($1)`, [id]);
            return id;
          });
        },
      }),
      /** Puts another job with its result. */
      putting: defineJob({
        name: 'putting',
        retry,
        run: async (ms: number) => {
          await noted(ms);
          await local.getQueue().put(inner(0), { id: `${local.getJob()?.id}-inner` });
        },
      }),
    },
    inner,
    note: defineJob({ name: 'note', retry, run: () => noted(0) }),
  };
}
