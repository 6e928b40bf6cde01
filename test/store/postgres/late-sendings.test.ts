import type { Client } from 'pg';
import type { OpenStore } from 'signalbox';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CuttingProxy, statements } from '../../torture/postgres/proxy.ts';
import { openByHand } from '../open-by-hand.ts';
import { keptEntries } from './lines.ts';
import { connected, newPostgresStore, newSchema, removeSchemas } from './schemas.ts';
import { serverUrl } from './server.ts';

type Change = Parameters<OpenStore['commit']>[0]['changes'][number];

let schema: string;
let proxy: CuttingProxy;
let store: OpenStore;
let admin: Client;

beforeEach(async () => {
  schema = newSchema();
  admin = await connected();
  proxy = await CuttingProxy.to(await serverUrl());
  store = await openByHand(newPostgresStore({ schema, url: proxy.url }));
});
afterEach(async () => {
  await store.close();
  await proxy.close();
  await admin.end();
});
afterAll(removeSchemas);

function put(id: string): Change {
  const place = { parent: { queue: '' }, line: 'now', beginAfter: 0 };
  const event = { event: 'job.put', from: 'new', to: 'pending' } as const;
  return { kind: 'job', id, ...event, patch: { name: 'work', args: [], ...place } };
}

const note: Change = {
  kind: 'annotation',
  id: 'a/b',
  event: 'noted',
  from: null,
  to: null,
  patch: { value: 1 },
};

function commit(change: Change): Promise<void> {
  return store.commit({ by: 'd', changes: [change], expect: [] }).synced;
}

async function claim(): Promise<void> {
  const { jobs } = await store.claim({
    queue: '',
    limit: 10,
    by: 'd',
    agent: null,
    accepts: { lane: () => true, job: null },
    choose: null,
    take: ({ job }) => {
      const parent = { queue: '', dispatcher: 'd', agent: 'main' };
      const patch = { parent, line: 'claimed', epoch: store.epoch, claim: job.claim + 1 };
      return [{ kind: 'job', id: job.id, event: 'job.claim', from: 'pending', to: 'assigned', patch }];
    },
  });
  expect(jobs.map(({ id }) => id)).toEqual(['waiting']);
}

async function countOf(event: string): Promise<number> {
  return (await keptEntries(admin, schema)).filter((entry) => entry.event === event).length;
}

/** How many jobs stand in leases: each once. */
async function heldIds(): Promise<readonly string[]> {
  const { rows } = await admin.query(`SELECT unnest(ids) AS id FROM ${schema}.lease`);
  return rows.map(({ id }) => id);
}

describe.each([
  ['a put', 'job.put', () => commit(put('x'))],
  ['a setting', 'noted', () => commit(note)],
  ['a claim', 'job.claim', claim],
] as const)('A statement whose connection is lost before it begins: %s', (_what, event, run) => {
  it.each(['before it is sent again', 'after that'])('has one effect when it begins %s', async (when) => {
    if (event === 'job.claim') await commit(put('waiting'));
    await store.settled();
    const isCut = proxy.cutAt(statements.commit, 'late');
    // The server was asked, and has nothing of it.
    const question = proxy.holdAnswer('e.epoch = l.epoch');
    const running = run();
    await isCut;
    await question.held;
    if (when === 'before it is sent again') await proxy.deliver();
    question.release();
    await running;
    if (when === 'after that') await proxy.deliver();

    expect(await countOf(event)).toBe(1);
    expect(await heldIds()).toEqual(event === 'job.claim' ? ['waiting'] : []);
    await store.settled();
  });
});
