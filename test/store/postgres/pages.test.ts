import { Pool } from 'pg';
import type { OpenStore } from 'signalbox';
import { postgresStore } from 'signalbox/postgres';
import { afterAll, describe, expect, it } from 'vitest';
import { openByHand } from '../open-by-hand.ts';
import { connected, newSchema, removeSchemas } from './schemas.ts';
import { serverUrl } from './server.ts';

type Change = Parameters<OpenStore['commit']>[0]['changes'][number];
type Statement = readonly [text: string, values: unknown[]];

afterAll(removeSchemas);

/** A store of which every statement is kept, in the order in which they are made. */
async function makeOverheard() {
  const statements: Statement[] = [];
  const pool = new Pool({ connectionString: await serverUrl() });
  pool.on('connect', (client) => {
    const query = client.query.bind(client) as (...args: unknown[]) => unknown;
    client.query = ((...args: readonly [string | { text: string; values: unknown[] }, unknown[]?]) => {
      const [asked, values = []] = args;
      statements.push(typeof asked === 'string' ? [asked, values] : [asked.text, asked.values]);
      return query(...args);
    }) as typeof client.query;
  });
  const store = await openByHand(postgresStore({ pool, schema: newSchema(), clock: 'box' }));
  return { store, pool, statements };
}

type Overheard = Awaited<ReturnType<typeof makeOverheard>>;

/** Jobs that wait, and as many that wait for their time; each has an annotation. */
async function fill({ store }: Overheard, from: number, to: number): Promise<void> {
  const changes: Change[] = [];
  for (let n = from; n < to; n += 1) {
    const name = `work${n % 3}`;
    const now = { name, args: [], beginAfter: 0, parent: { queue: 'q' }, line: 'now' as const };
    const held = { ...now, beginAfter: 1e12 + n, line: 'held' as const };
    for (const [id, patch] of [
      [`a${n}`, now],
      [`b${n}`, held],
    ] as const) {
      changes.push({ kind: 'job', id, event: 'job.put', from: 'new', to: 'pending', patch } as Change);
      changes.push({
        kind: 'annotation',
        id: `${id}/it`,
        event: 'annotation.set',
        from: null,
        to: null,
        patch: { value: n },
      } as Change);
    }
  }
  // Whether a chosen branch is still there is asked for each proxy.
  if (from === 0)
    changes.push({
      kind: 'proxy',
      id: 'p',
      event: 'proxy.made',
      from: null,
      to: null,
      patch: { parent: { job: 'a0' }, chosen: 'a1' },
    } as Change);
  await store.commit({ by: 'client', changes, expect: [] }).synced;
}

/** The number of pages that the server reads for the statements of a read. */
async function pagesOf({ statements }: Overheard, read: () => Promise<unknown>): Promise<number> {
  await read();
  statements.length = 0;
  await read();
  const asked = statements.filter(([text]) => /^\s*(SELECT|WITH)/.test(text) && !text.includes('pg_notify'));
  const admin = await connected();
  let pages = 0;
  for (const [text, values] of asked) {
    const explained = `EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ${text}`;
    // The first time the server reads its catalogs, too.
    for (const isCounted of [false, true]) {
      const { rows } = await admin.query(explained, values);
      const { Plan: plan } = rows[0]['QUERY PLAN'][0];
      if (isCounted) pages += plan['Shared Hit Blocks'] + plan['Shared Read Blocks'];
    }
  }
  await admin.end();
  return pages;
}

const reads: Readonly<Record<string, (store: OpenStore) => Promise<unknown>>> = {
  'what the dead have left': (store) => store.orphans(),
  'the annotations of a job': (store) => store.annotations('a1'),
  'the first job of a queue': (store) => store.waiting('q', 1),
  'the next instant at which a job is due': (store) => store.due(1000),
};

describe('A postgres store', { timeout: 60_000 }, () => {
  it.each(Object.keys(reads))('looks at no more pages for %s when thousands of jobs wait', async (name) => {
    const overheard = await makeOverheard();
    const read = reads[name] as (store: OpenStore) => Promise<unknown>;
    await fill(overheard, 0, 20);
    const few = await pagesOf(overheard, () => read(overheard.store));

    for (let from = 20; from < 2000; from += 200) await fill(overheard, from, from + 200);
    const many = await pagesOf(overheard, () => read(overheard.store));

    // An index of thousands of jobs is deeper by a page or two.
    expect(many).toBeLessThan(few + 40);
    await overheard.store.close();
    await overheard.pool.end();
  });
});
