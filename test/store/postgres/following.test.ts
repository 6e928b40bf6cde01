import { NodeReactor, type OpenStore, randomIds } from 'signalbox';
import { afterAll, expect, it } from 'vitest';
import { DatabaseClock } from '../../../src/store/postgres/clock.ts';
import { Following } from '../../../src/store/postgres/following.ts';
import { Journal } from '../../../src/store/postgres/journal.ts';
import { nodePostgres, type SqlPort } from '../../../src/store/postgres/sql-port.ts';
import { Transactions } from '../../../src/store/postgres/transactions.ts';
import { connected, newPostgresStore, newSchema, removeSchemas } from './schemas.ts';
import { serverUrl } from './server.ts';

afterAll(removeSchemas);

it('Who could not begin to follow begins later, and is not told of all that was ever committed', async () => {
  const schema = newSchema();
  const store = await opened(schema);
  await store.commit({ by: 'client', changes: [queue('before')], expect: [] }).synced;
  const port = await nodePostgres(
    { connectionString: await serverUrl() },
    { connectTimeoutMs: 1000, queryTimeoutMs: 1000, poolSize: 2 },
  );
  const admin = await connected();
  await admin.query(`ALTER SEQUENCE ${schema}.seq RENAME TO away`);
  const following = followingOf(schema, port);
  const told: string[] = [];
  following.follow((lines) => told.push(...lines.flatMap(({ entries }) => entries.map(({ id }) => id))));
  const refused = await following.begun().then(
    () => null,
    (error: unknown) => error,
  );
  await admin.query(`ALTER SEQUENCE ${schema}.away RENAME TO seq`);

  await following.begun();
  await store.commit({ by: 'client', changes: [queue('after')], expect: [] }).synced;
  await following.caughtUp();

  expect([refused instanceof Error, told]).toEqual([true, ['after']]);
  await Promise.all([following.close(), store.close(), admin.end()]);
  await port.end();
});

async function opened(schema: string): Promise<OpenStore> {
  const reactor = new NodeReactor();
  return newPostgresStore({ schema }).open({
    now: () => 1000,
    defer: (run) => reactor.callFromThread(run),
    newId: () => randomIds.newUuid(),
    report: () => {},
  });
}

/** Of another process than the store. */
function followingOf(schema: string, port: SqlPort): Following {
  const clock = new DatabaseClock(
    () => port.elapsed(),
    () => 1000,
  );
  const transactions = new Transactions(port, schema, clock, { queryTimeoutMs: 1000 });
  const journal = new Journal({ schema, transactions });
  return new Following({ journal, epoch: 1_000_000, port, report: () => {} });
}

function queue(id: string) {
  return { kind: 'queue', id, event: 'queue.create', from: null, to: null, patch: { createdAt: 1 } } as const;
}
