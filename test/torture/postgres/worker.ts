// A process that puts and runs jobs on a postgres store until it is killed or has to stop putting:
// `node … worker.ts URL SCHEMA LEDGER`, with its order and then words on standard input.
import { createInterface } from 'node:readline';
import { Client } from 'pg';
import { createSignalbox, type Signalbox, SignalboxError } from 'signalbox';
import { postgresStore } from 'signalbox/postgres';
import { SeededRandom } from '../../../src/testing/simulate/world/random.ts';
import { ledgerAt, scribe } from '../ledger.ts';
import { errorLogger, jobOf, kindsOf, knownTo, startAgents } from '../workload.ts';
import { heartbeatMs, pollIntervalMs, queryTimeoutMs } from './intervals.ts';
import { jobsOf, type PutKind, plainKinds, putKinds, queues, retryAlways } from './jobs.ts';

/** What a worker has to do in its life. */
export interface WorkerOrder {
  readonly uuid: string;
  readonly seed: number;
  /** Whether it knows every definition: see `knownTo`. */
  readonly isDeployed: boolean;
}

const [connectionString = '', schema = '', ledgerPath = ''] = process.argv.slice(2);
const tell = scribe(1);
const ledger = ledgerAt(ledgerPath);
const logger = errorLogger(
  () => ledger('stale'),
  (message) => ledger(`log ${JSON.stringify(message.slice(0, 400))}`),
);
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
let isPutting = true;

// Loaded before its order comes, so that a process that dies is followed by another at once.
tell('ready');
for await (const line of createInterface({ input: process.stdin })) {
  if (line === 'stop putting') isPutting = false;
  else void live(JSON.parse(line) as WorkerOrder);
}

async function live({ uuid, seed, isDeployed }: WorkerOrder): Promise<void> {
  const random = new SeededRandom(seed);
  const puts = { ...jobsOf(ledger, uuid, schema), kinds: kindsOf(isDeployed, putKinds) };
  const known = knownTo(isDeployed, [...Object.values(puts.put), puts.inner, puts.note]);
  const box = await opened(uuid, known);
  await startAgents(box, { size: 16, pollInterval: pollIntervalMs, queues: ['work'] });
  tell('started');
  // Several at a time: one whose connection falls silent waits for seconds.
  const putting = [1, 2].map(() => putJobs(box, random, puts));
  await Promise.all([...putting, putInTransactions(box, random, puts)]);
}

/** Opens the store, however often that takes. */
async function opened(uuid: string, jobs: Parameters<typeof createSignalbox>[0]['jobs']): Promise<Signalbox> {
  for (;;) {
    try {
      const store = postgresStore({
        connectionString,
        schema,
        heartbeat: heartbeatMs,
        queryTimeout: queryTimeoutMs,
        connectTimeout: queryTimeoutMs,
      });
      const options = { store, uuid, logger, ...(jobs && { jobs }) };
      return await createSignalbox({ ...options, retryPolicies: { retryAlways } });
    } catch (error) {
      if (!isOutside(error)) throw error;
      await pause(20);
    }
  }
}

type Puts = ReturnType<typeof jobsOf> & { readonly kinds: readonly PutKind[] };

/** Puts several at a time, so that commits gather, as long as there is not enough to do. */
async function putJobs(box: Signalbox, random: SeededRandom, puts: Puts): Promise<void> {
  for (let number = 1; isPutting; number += 1) {
    const queue = random.pick(queues);
    if (await isFull(box, queue)) continue;
    const count = random.integer(1, 11);
    await Promise.all(
      Array.from({ length: count }, (_, index) => putOne(box, random, puts, queue, `${number}-${index}`)),
    );
  }
}

async function putOne(
  box: Signalbox,
  random: SeededRandom,
  puts: Puts,
  queue: (typeof queues)[number],
  number: string,
): Promise<void> {
  if (random.integer(0, 3) === 0) return putSingle(box, random, puts);
  const kind = queue === 'plain' ? random.pick(plainKinds) : random.pick(puts.kinds);
  const callbacks = kind === 'chained' || kind === 'handing' || kind === 'fan' ? 1 : 0;
  const job = await jobOf(puts, kind, random.integer(0, 7), callbacks);
  const id = `${newId(random)}-${number}`;
  const cancelAfter = random.integer(0, 800);
  await persistently(id, kind, () => box.queue(queue).put(job, { id }));
  if (kind === 'doomed') void cancelLater(box, id, cancelAfter);
}

/** Puts under one of a few unique names: the job that the answer names is there, also when another process has put it. */
async function putSingle(box: Signalbox, random: SeededRandom, { put }: Puts): Promise<void> {
  const ms = random.integer(0, 2);
  for (;;) {
    try {
      ledger(`ack ${(await box.queue('work').put(put.single(ms))).id}`);
      return;
    } catch (error) {
      if (!isOutside(error)) throw error;
      await pause(20);
    }
  }
}

/** Cancels a job, however often the store does not answer. Its process may run it, or another one, or none. */
async function cancelLater(box: Signalbox, id: string, afterMs: number): Promise<void> {
  await pause(afterMs);
  for (;;) {
    try {
      ledger(`cancel ${id} ${await box.job(id).cancel()}`);
      return;
    } catch (error) {
      if (!isOutside(error)) throw error;
      await pause(20);
    }
  }
}

/** Puts until the store acknowledges it: the outcome of a put that failed is unknown, and the same id is the same job. */
async function persistently(id: string, kind: PutKind, put: (id: string) => Promise<unknown>): Promise<void> {
  ledger(`ask ${id} ${kind}`);
  for (;;) {
    try {
      await put(id);
      ledger(`ack ${id}`);
      return;
    } catch (error) {
      if (!isOutside(error)) throw error;
      await pause(20);
    }
  }
}

/** Puts jobs in transactions of its own, and ends them in every way. A row is written beside each job. */
async function putInTransactions(box: Signalbox, random: SeededRandom, { put, inner }: Puts): Promise<void> {
  for (let number = 1; isPutting; number += 1) {
    if (await isFull(box, 'plain')) continue;
    const client = new Client({ connectionString, query_timeout: queryTimeoutMs });
    client.on('error', () => {});
    const id = `${newId(random)}-in-${number}`;
    const end = random.pick(['COMMIT', 'COMMIT', 'ROLLBACK', 'nothing'] as const);
    ledger(`ask ${id} within`);
    try {
      await client.connect();
      await client.query('BEGIN');
      await client.query(`INSERT INTO ${schema}_effects.bought VALUES ($1)`, [id]);
      await box.queue('plain').put(put.plain(1), { id, client });
      if (random.integer(0, 1) === 0) await box.queue('work').put(inner(0), { id: `${id}-also`, client });
      if (end !== 'nothing') await client.query(end);
      if (end === 'COMMIT') ledger(`ack ${id}`);
    } catch (error) {
      if (!isOutside(error)) throw error;
      await pause(20);
    }
    await client.end().catch(() => {});
  }
}

/** Waits a little when there is enough to do. */
async function isFull(box: Signalbox, queue: (typeof queues)[number]): Promise<boolean> {
  const length = await box
    .queue(queue)
    .length()
    .catch(() => Number.POSITIVE_INFINITY);
  if (length < 25) return false;
  await pause(15);
  return true;
}

function newId(random: SeededRandom): string {
  return `put-${process.pid}-${random.integer(0, 999_999)}`;
}

/** Whether an error comes from what is done to connections and the server: those are expected here. */
function isOutside(error: unknown): boolean {
  if (error instanceof SignalboxError) return ['STORE_DISCONNECTED', 'CONFLICT'].includes(error.code);
  const { code = '', message = '' } = error as { code?: string; message?: string };
  return (
    /^(08|57P|53|25P|40|55P03|57014|E[A-Z]+$)/.test(code) ||
    /connection|terminated|timeout|ended|closed/i.test(message)
  );
}
