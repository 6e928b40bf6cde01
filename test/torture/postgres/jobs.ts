import { setTimeout } from 'node:timers/promises';
import type { ClientBase } from 'pg';
import { defineJob, local, RetryCommonForever } from 'signalbox';
import type { Scribe } from '../ledger.ts';
import { notedBy, workloadOf } from '../workload.ts';

/** Queues: one with every kind of job, and one whose jobs may take the fast claim. */
export const queues = ['work', 'plain'] as const;

/** What workers put: each a definition under its own name, but `fan`, which is a parallel job. */
export const putKinds = [
  'plain',
  'chained',
  'narrow',
  'narrow',
  'once',
  'keyed',
  'keyed',
  'rated',
  'paid',
  'putting',
  'renewed',
  'handing',
  'long',
  'doomed',
  'fan',
] as const;

/** What goes into the queue `plain`. */
export const plainKinds = ['plain', 'plain', 'plain', 'plain', 'long'] as const;

/** One of them. */
export type PutKind = (typeof putKinds)[number];

/** No job gives up because of interruptions: they are what is tested. */
export const retryAlways = { ...RetryCommonForever, name: 'retryAlways' };

/** The jobs of a worker. */
export function jobsOf(ledger: Scribe, worker: string, schema: string) {
  const retry = retryAlways;
  const options = { ledger, worker, retry, narrowMs: 15 };
  const { put, inner, note } = workloadOf(options);
  const noted = notedBy(options);
  return {
    put: {
      ...put,
      /** Long enough to be running when its process is stopped. */
      long: defineJob({ name: 'long', retry, run: (ms: number) => noted(300 + 30 * ms) }),
      /** Its worker cancels it, at any moment of its life. It stops when it is asked to. */
      doomed: defineJob({
        name: 'doomed',
        retry,
        grace: '1s',
        run: async (ms: number) => {
          const { signal } = local;
          await noted(ms);
          await setTimeout(1500, undefined, { signal });
          return 'not cancelled in time';
        },
      }),
      /** With keys of two limits: two at once of each room, three of each house. */
      keyed: defineJob({
        name: 'keyed',
        retry,
        concurrency: [
          { name: 'room', limit: 2, key: (ms) => String(ms) },
          { name: 'house', limit: 3, key: (ms) => String(ms % 2) },
        ],
        run: (ms: number) => noted(ms + 5),
      }),
      /** So many begin in a second, of each of two keys. */
      rated: defineJob({
        name: 'rated',
        retry,
        rateLimit: { name: 'pace', limit: 20, per: '1s', burst: 4, key: (ms) => String(ms % 2) },
        run: noted,
      }),
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
      /** One that waits has the unique name of its key. */
      single: defineJob({ name: 'single', retry, run: noted, unique: { until: 'started' } }),
      /** Its schedule puts one a second. */
      ticked: defineJob({ name: 'ticked', retry, run: () => noted(1) }),
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
    note,
  };
}
