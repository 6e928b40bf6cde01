import { randomUUID } from 'node:crypto';
import { Client } from 'pg';
import { agent, createSignalbox, defineJob, type Store } from 'signalbox';
import { postgresStore } from 'signalbox/postgres';
import { type Many, times } from './many.ts';
import { schemaOf } from './postgres-schema.ts';
import type { PostgresServer } from './postgres-server.ts';
import { median } from './statistics.ts';

export interface ManyOnPostgresOptions {
  readonly dir: string;
  readonly postgres: PostgresServer;
  /** So many wait, and so many are completed. */
  readonly jobs: number;
}

/** So many jobs are put and completed by the store. The others are copies of their rows. */
const sample = 1_000;
const definitions = 20;
/** One of so many fails. */
const failing = 100;
const lists = ['waiting', 'ended', 'failed'] as const;

/** Fills a schema with jobs that wait and jobs that are over, then counts them and reads pages of them. */
export async function measure({ dir, postgres, jobs }: ManyOnPostgresOptions): Promise<Many> {
  const schema = schemaOf({ dir, postgres, size: 50 });
  const store = postgresStore({ connectionString: schema.url, schema: schema.name });
  await complete(store);
  const box = await putWaiting(store);
  await copyRows(schema.url, schema.name, Math.round(jobs / sample) - 1);
  await schema.tidyUp();

  const counts = await times(() => box.store.counts());
  const pages: number[] = [];
  for (const list of lists) {
    const taken = await times(async () => {
      const first = await box.store.jobsPage({ list, limit: 200 });
      if (first.next !== null) await box.store.jobsPage({ list, limit: 200, after: first.next });
    });
    pages.push(median(taken) / 2);
  }
  await box.stop();
  await schema.clear();
  return { countsMs: median(counts), pageMs: Math.max(...pages) };
}

async function complete(store: Store): Promise<void> {
  const work = defineJob({
    name: 'work',
    retry: { maxAttempts: 1 },
    run: ({ n }: { readonly n: number }) => {
      if (n % failing === 0) throw new Error(`Job ${n} fails.`);
      return n;
    },
  });
  const box = await createSignalbox({ store, jobs: [work], queues: ['work'], uuid: randomUUID() });
  const put = await box.queue('work').putAll(Array.from({ length: sample }, (_, n) => work({ n })));
  await box.start({ agent: agent({ size: 50 }) });
  await Promise.allSettled(put.map((job) => job.result()));
  await box.stop();
}

async function putWaiting(store: Store) {
  const names = Array.from({ length: definitions }, (_, n) => `wait-${n}`);
  const jobs = names.map((name) => defineJob({ name, run: (_: { readonly n: number }) => null }));
  const box = await createSignalbox({ store, jobs, queues: ['waiting'], uuid: randomUUID() });
  const each = sample / definitions;
  await box
    .queue('waiting')
    .putAll(jobs.flatMap((wait) => Array.from({ length: each }, (_, n) => wait({ n }))));
  return box;
}

/**
 * Writes the rows of all jobs again, as later commits would have: with ids of the same day and with numbers of entries behind
 * those that are there. To put and complete a million jobs takes minutes; what is read is the same.
 */
async function copyRows(url: string, schema: string, times: number): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  const id = (of: string) => `left(${of}, 8) || lpad(k::text, 5, '0') || right(${of}, 8)`;
  const { rows } = await client.query(`SELECT 4096 * (last_value + 1) AS step FROM ${schema}.commits`);
  const later = `${rows[0].step} * k::bigint`;
  await client.query(`
    INSERT INTO ${schema}.done (id, seq, lane, ending, patch)
    SELECT ${id('d.id')}, d.seq + ${later}, d.lane, d.ending, d.patch
    FROM generate_series(1, ${times}) k CROSS JOIN (SELECT * FROM ${schema}.done ORDER BY seq) d ORDER BY 2`);
  await client.query(`
    INSERT INTO ${schema}.ready (lane, line, turn, at, ids, q)
    SELECT r.lane, r.line, r.turn + 2 * ${later}, r.at, ARRAY(SELECT ${id('u.id')} FROM unnest(r.ids) WITH ORDINALITY u (id, n) ORDER BY u.n),
      CASE WHEN r.q IS NOT NULL THEN ARRAY(SELECT q + ${later} FROM unnest(r.q) WITH ORDINALITY u (q, n) ORDER BY u.n) END
    FROM generate_series(1, ${times}) k CROSS JOIN ${schema}.ready r`);
  await client.query(`
    INSERT INTO ${schema}.job (id, seq, lane, turn, doc)
    SELECT ${id('j.id')}, j.seq + ${later}, j.lane, j.turn + 2 * ${later}, j.doc
    FROM generate_series(1, ${times}) k CROSS JOIN ${schema}.job j`);
  await client.query(
    `SELECT setval('${schema}.commits', (${later.replace('k::bigint', String(times + 1))}) / 4096)`,
  );
  await client.end();
}
