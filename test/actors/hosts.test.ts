import { createSignalbox, type Signalbox } from 'signalbox';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { connected, newPostgresStore, newSchema, removeSchemas } from '../store/postgres/schemas.ts';
import { ada, charge, length, mail, order } from './machines.ts';

const boxes: Signalbox[] = [];
afterEach(async () => {
  for (const box of boxes.splice(0)) await box.stop();
});
afterAll(() => removeSchemas(), 60_000);

/** A host on the database of a schema. */
async function host(schema: string, uuid: string, machines: readonly (typeof order | typeof length)[]) {
  const store = newPostgresStore({ schema, clock: 'database' });
  const box = await createSignalbox({ store, uuid, jobs: [charge, mail], machines });
  boxes.push(box);
  return box;
}

describe('Several hosts on one database', () => {
  it('step one actor in turn, and lose nothing', async () => {
    const schema = newSchema();
    const [one, other] = [await host(schema, 'one', [length]), await host(schema, 'other', [length])];
    await one.actor(length, 'root').start();

    await Promise.all(
      Array.from({ length: 200 }, (_, n) =>
        (n % 2 === 0 ? one : other).actor(length, 'root').send({ type: 'change', by: 1 }),
      ),
    );

    // What met too many conflicts went to the mailbox; who asks takes it first.
    const { context } = await other.actor(length, 'root').ask({ type: 'change', by: 0 });
    expect(context).toBe(200);
    const events: string[] = [];
    for await (const { event } of one.actor(length, 'root').history()) events.push(event);
    expect(events.filter((event) => event === 'change')).toHaveLength(201);
  });

  it('one that does not know a machine sends, and one that does takes the message', async () => {
    const schema = newSchema();
    const [knows, knowsNot] = [await host(schema, 'knows', [order, length]), await host(schema, 'not', [])];
    await knows.start();
    await knowsNot.start();
    const actor = await knows.actor(order, '17').start(ada);

    const receipt = await knowsNot.actor(order, '17').send({ type: 'order.approve', by: 'Grace' });

    expect(receipt.taken).toBeNull();
    const there = await knowsNot
      .actor(order, '17')
      .waitFor((now) => now.matches('shipping'), { timeout: '20s' });
    expect(there.context.receipt).toBe('receipt of 17');
    expect((await actor.snapshot()).value).toBe('shipping');
  });

  it('a message is sent when the transaction of the program commits, and never was when it is rolled back', async () => {
    const box = await host(newSchema(), 'one', [length]);
    const actor = await box.actor(length, 'root').start();
    const client = await connected();

    await client.query('BEGIN');
    const receipt = await actor.send({ type: 'change', by: 4 }, { client });
    expect(await box.store.mailCount('length/root')).toBe(0);
    await client.query('COMMIT');
    await client.query('BEGIN');
    await actor.send({ type: 'change', by: 100 }, { client });
    await client.query('ROLLBACK');
    await client.end();

    expect(receipt.taken).toBeNull();
    expect((await actor.ask({ type: 'change', by: 1 })).context).toBe(5);
  });

  it('each deliver mail and timers of many actors, each message once', async () => {
    const schema = newSchema();
    const [one, other] = [await host(schema, 'one', [length]), await host(schema, 'other', [length])];
    const keys = Array.from({ length: 20 }, (_, n) => `k${n}`);
    for (const key of keys) await one.actor(length, key).start();
    for (const key of keys) await one.actor(length, key).suspend('until both are there');
    for (let n = 0; n < 5; n += 1)
      await Promise.all(keys.map((key) => one.actor(length, key).send({ type: 'change', by: 1 })));
    await one.start();
    await other.start();

    await Promise.all(keys.map((key, n) => (n % 2 === 0 ? one : other).actor(length, key).resume()));

    for (const key of keys)
      await one.actor(length, key).waitFor(({ context }) => context === 5, { timeout: '20s' });
    for (const key of keys) expect(await one.store.mailCount(`length/${key}`)).toBe(0);
  });
});
