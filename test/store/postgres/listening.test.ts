import { createHash } from 'node:crypto';
import type { Client } from 'pg';
import { afterAll, expect, it } from 'vitest';
import { Following } from '../../../src/store/postgres/journal/following.ts';
import { Journal } from '../../../src/store/postgres/journal/journal.ts';
import { Notifying } from '../../../src/store/postgres/journal/notifying.ts';
import { nodePostgres, type SqlPort } from '../../../src/store/postgres/sql-port.ts';
import { Transactions } from '../../../src/store/postgres/transactions.ts';
import { layDoor } from './door.ts';
import { connected, newSchema, removeSchemas } from './schemas.ts';
import { serverUrl } from './server.ts';

const limits = { connectTimeoutMs: 5000, queryTimeoutMs: 5000, poolSize: 2 };

afterAll(removeSchemas);

/** Timed calls that the test makes by hand. */
class HandClock {
  now = 0;
  #calls: { readonly at: number; readonly call: () => void }[] = [];

  readonly callLater = (delayMs: number, call: () => void): { cancel(): void } => {
    const one = { at: this.now + delayMs, call };
    this.#calls.push(one);
    return {
      cancel: () => {
        this.#calls = this.#calls.filter((other) => other !== one);
      },
    };
  };

  /** How many calls wait for exactly this long. */
  waiting(delayMs: number): number {
    return this.#calls.filter(({ at }) => at === this.now + delayMs).length;
  }

  move(ms: number): void {
    this.now += ms;
    const due = this.#calls.filter(({ at }) => at <= this.now);
    this.#calls = this.#calls.filter(({ at }) => at > this.now);
    for (const { call } of due) call();
  }
}

/** Notifies through a server; listens through another way to it. */
async function notifyingThrough(url: string, listeningUrl: string, schemaName: string, hand: HandClock) {
  const [own, listening] = [
    await nodePostgres({ connectionString: url }, limits),
    await nodePostgres({ connectionString: listeningUrl }, limits),
  ];
  const port: SqlPort = { ...own, listen: listening.listen, callLater: hand.callLater };
  const transactions = new Transactions(port, limits.queryTimeoutMs);
  const journal = new Journal({ schema: schemaName, epoch: 1, transactions });
  const following = new Following({ journal, port, report: () => {} });
  const notifying = new Notifying({
    schemaName,
    epoch: 1,
    port,
    transactions,
    following,
    report: () => {},
    hint: () => {},
  });
  return {
    notifying,
    async close() {
      await notifying.close();
      await following.close();
      await Promise.all([own.end(), listening.end()]);
    },
  };
}

/** The number of connections whose last statement is this. */
async function countOf(admin: Client, statement: string): Promise<number> {
  const { rows } = await admin.query('SELECT count(*)::int AS count FROM pg_stat_activity WHERE query = $1', [
    statement,
  ]);
  return rows[0].count;
}

function listenStatement(schemaName: string): string {
  return `LISTEN "signalbox_${createHash('sha256').update(schemaName).digest('hex').slice(0, 16)}"`;
}

it('A listener tries again once every 5 s while the server is away, and on one connection when it is back', async () => {
  const [url, admin, hand, schema] = [await serverUrl(), await connected(), new HandClock(), newSchema()];
  const listening = (): Promise<number> => countOf(admin, listenStatement(schema));
  const door = await layDoor(url);
  const { notifying, close } = await notifyingThrough(url, door.url, schema, hand);
  const attempts: number[] = [];

  notifying.listen();
  for (let round = 1; round <= 4; round += 1) {
    await expect.poll(() => hand.waiting(5000)).toBeGreaterThan(0);
    attempts.push(door.attempts);
    hand.move(5000);
  }
  await expect.poll(() => hand.waiting(5000)).toBeGreaterThan(0);
  door.isOpen = true;
  for (let round = 1; round <= 3; round += 1) {
    hand.move(5000);
    await expect.poll(listening).toBeGreaterThan(0);
  }

  expect(attempts).toEqual([1, 2, 3, 4]);
  expect([door.attempts, await listening()]).toEqual([6, 1]);
  await close();
  door.close();
  await admin.end();
}, 30_000);

it('A connection on which LISTEN is refused is not kept', async () => {
  const [admin, port] = [
    await connected(),
    await nodePostgres({ connectionString: await serverUrl() }, limits),
  ];
  const lost: Error[] = [];

  const listening = port.listen({ channel: '', heard: () => {}, lost: (error) => lost.push(error) });

  await expect(listening).rejects.toThrow('zero-length');
  await expect.poll(() => countOf(admin, 'LISTEN ""')).toBe(0);
  expect(lost).toEqual([]);
  await Promise.all([port.end(), admin.end()]);
});

it('A store whose last notification is not received waits at most a second for it when it closes', async () => {
  const [door, hand] = [await layDoor(await serverUrl()), new HandClock()];
  const { notifying, close } = await notifyingThrough(door.url, door.url, newSchema(), hand);
  notifying.notify({ queues: new Set(['']), stops: new Set(), machines: new Set() });
  let isClosed = false;

  const closing = notifying.close().then(() => {
    isClosed = true;
  });
  await expect.poll(() => door.attempts).toBeGreaterThan(1);
  hand.move(999);
  await new Promise((resolve) => setImmediate(resolve));
  expect(isClosed).toBe(false);
  hand.move(1);
  await closing;

  const ended = close();
  hand.move(1000);
  await ended;
  door.close();
});

it('A silent connection of a store is checked after 10 s', async () => {
  const port = await nodePostgres({ connectionString: await serverUrl() }, limits);

  expect(port.settings()).toMatchObject({ keepAlive: true, keepAliveInitialDelayMillis: 10_000 });
  await port.end();
});
