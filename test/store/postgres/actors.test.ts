import type { OpenStore } from 'signalbox';
import { verifyPostgres } from 'signalbox/postgres';
import { afterAll, describe, expect, it } from 'vitest';
import { migrations } from '../../../src/store/postgres/opening/migrations.ts';
import { openByHand } from '../open-by-hand.ts';
import { connected, newPostgresStore, newSchema, removeSchemas } from './schemas.ts';
import { serverUrl } from './server.ts';

afterAll(removeSchemas);

type Commit = Parameters<OpenStore['commit']>[0];
type Change = Commit['changes'][number];
type Patch = NonNullable<Change['patch']>;

function started(id: string, patch: Patch = {}): Change {
  const about = { machine: 'order', status: 'active', ...patch };
  return { kind: 'actor', id, event: 'signalbox.start', from: null, to: 'a', patch: about };
}

function sent(id: string, to = 'waiting', patch: Patch = {}): Change {
  const about = { actor: 'order/1', machine: 'order', event: { type: 'go' }, at: 0, ...patch };
  return { kind: 'message', id: `order/1#${id}`, event: 'message.put', from: null, to, patch: about };
}

function made(store: OpenStore, changes: readonly Change[], expect: Commit['expect'] = []): Promise<void> {
  return store.commit({ by: 'd', changes, expect }).synced;
}

const opened = (schema: string): Promise<OpenStore> =>
  openByHand(newPostgresStore({ schema, clock: 'database', finishedMaxAge: '2d' }), Date.now);

describe('A postgres store', () => {
  it('sends to an actor whose row is locked, within all the limits of its mailbox', async () => {
    const schema = newSchema();
    const store = await opened(schema);
    await made(store, [started('order/1')]);
    const client = await connected();
    await client.query('BEGIN');
    await client.query(`SELECT * FROM ${schema}.actor FOR UPDATE`);

    await made(
      store,
      [sent('one')],
      [
        { check: 'accepts', id: 'order/1' },
        { check: 'atMost', of: 'mail', id: 'order/1', most: 1 },
        { check: 'rev', kind: 'message', id: 'order/1#one', rev: 0 },
      ],
    );

    expect(await store.mailCount('order/1')).toBe(1);
    await client.query('ROLLBACK');
    await client.end();
    await store.close();
  });

  it('refuses what another process has made untrue: an empty mailbox, an actor that accepts, an id that is new', async () => {
    const schema = newSchema();
    const [one, other] = [await opened(schema), await opened(schema)];
    await made(one, [started('order/1')]);
    const isNew = { check: 'rev', kind: 'message', id: 'order/1#one', rev: 0 } as const;

    const both = await Promise.allSettled([
      made(one, [sent('one')], [isNew]),
      made(other, [sent('one')], [isNew]),
    ]);
    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);

    const step = { ...started('order/1', {}), event: 'order.go', from: 'a' } as const;
    await expect(made(other, [step], [{ check: 'noMail', id: 'order/1' }])).rejects.toMatchObject({
      code: 'CONFLICT',
      details: { subject: 'the mail of actor/order/1', actual: '1' },
    });
    await made(other, [{ ...step, patch: { status: 'stopped', finishedAt: Date.now() } }]);
    await expect(made(one, [sent('two')], [{ check: 'accepts', id: 'order/1' }])).rejects.toMatchObject({
      code: 'ACTOR_FINISHED',
    });
    await Promise.all([one.close(), other.close()]);
  });

  it('hints at the machines whose actors others start, or send to, and not at what it does itself', async () => {
    const schema = newSchema();
    const [own, other] = [await opened(schema), await opened(schema)];
    const hinted: string[] = [];
    own.onHint((hint) => hinted.push('machine' in hint ? hint.machine : '-'));

    await made(own, [started('mine/1', { machine: 'mine' })]);
    await made(other, [started('begun/1', { machine: 'begun' })]);
    await made(other, [sent('one', 'waiting', { machine: 'mailed' })]);

    await expect.poll(() => hinted).toEqual(expect.arrayContaining(['begun', 'mailed']));
    expect(hinted).not.toContain('mine');
    await Promise.all([own.close(), other.close()]);
  });

  it('drops actors that ended days ago, but for those whose parents wait, and messages that were over', async () => {
    const schema = newSchema();
    const store = await opened(schema);
    const ago = (days: number): number => Date.now() - days * 24 * 60 * 60 * 1000;
    const over = (id: string, days: number, patch: Patch = {}): Change =>
      started(id, { status: 'done', finishedAt: ago(days), ...patch });
    const children = { kept: { kind: 'actor', src: 's', id: 'order/alive/kept', run: 2 } };
    await made(store, [
      over('order/old', 4),
      over('order/young', 1),
      started('order/alive', { children }),
      over('order/alive/kept', 4, {
        parent: { actor: 'order/alive', machine: 'order', child: 'kept', run: 2 },
      }),
      over('order/alive/earlier', 4, {
        parent: { actor: 'order/alive', machine: 'order', child: 'kept', run: 1 },
      }),
      sent('taken', 'taken', { endedAt: ago(3) }),
      sent('just taken', 'taken', { endedAt: ago(0) }),
      sent('dead', 'dead', { endedAt: ago(3) }),
      sent('long dead', 'dead', { at: ago(50) }),
      sent('waiting', 'waiting', { at: ago(50) }),
    ]);
    await store.close();

    await (await opened(schema)).close();

    const last = await opened(schema);
    const ids = async (kind: 'actor' | 'message') => (await last.list(kind, '')).map(({ id }) => id);
    expect(await ids('actor')).toEqual(['order/alive', 'order/alive/kept', 'order/young']);
    expect(await ids('message')).toEqual(['order/1#dead', 'order/1#just taken', 'order/1#waiting']);
    await last.close();
  });

  it('goes from one actor with mail to the next without reading all of their messages', async () => {
    const schema = newSchema();
    const store = await opened(schema);
    for (const actor of ['order/1', 'order/2', 'order/3'])
      await made(
        store,
        Array.from({ length: 200 }, (_, at) => ({ ...sent('', 'waiting', { actor }), id: `${actor}#${at}` })),
      );

    expect(await store.mailed(['order', 'none'], '', 10)).toEqual(['order/1', 'order/2', 'order/3']);
    expect(await store.mailed(['order'], 'order/1', 1)).toEqual(['order/2']);
    await store.close();
  });

  it('brings a schema of before there were actors up to date, which verify counts none in until then', async () => {
    const [schema, connectionString] = [newSchema(), await serverUrl()];
    const client = await connected();
    await client.query(`CREATE SCHEMA ${schema}`);
    await client.query(
      `CREATE TABLE ${schema}.migration (number integer PRIMARY KEY, made_at timestamptz NOT NULL DEFAULT now())`,
    );
    await client.query(migrations[0]?.replaceAll('{schema}', schema) ?? '');
    await client.query(`INSERT INTO ${schema}.migration (number) VALUES (1)`);
    await client.end();
    const before = await verifyPostgres({ connectionString, schema });
    expect([before.migration, before.counts.actors, before.damage]).toEqual([1, 0, []]);

    const store = await opened(schema);
    await made(store, [started('order/1'), sent('one')], [{ check: 'noMail', id: 'order/1' }]);
    expect([(await store.get('actor', 'order/1'))?.rev, await store.mailCount('order/1')]).toEqual([1, 1]);
    await store.close();

    const after = await verifyPostgres({ connectionString, schema });
    expect([after.migration, after.counts.actors, after.counts.messages]).toEqual([migrations.length, 1, 1]);
  });
});
