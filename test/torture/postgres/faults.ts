import { setTimeout as pause } from 'node:timers/promises';
import type { Client } from 'pg';
import type { SeededRandom } from '../../../src/testing/simulate/world/random.ts';
import { deathIntervalMs } from './intervals.ts';
import { type Cut, type CuttingProxy, commitText, type Needle, statements } from './proxy.ts';
import { connectedTo, type TortureServer } from './torture-server.ts';
import type { WorkerPool } from './worker-pool.ts';

/** What a campaign did to its processes, their connections and their server. */
export interface Faults {
  kills: number;
  pauses: number;
  /** Connections that were cut at a message. */
  cuts: number;
  /** Backends that were terminated. */
  terminations: number;
  /** Crashes of the server. */
  crashes: number;
  /** Rows that another transaction locked for a while. */
  locks: number;
}

/** What faults are done with. */
export interface FaultParts {
  readonly server: TortureServer;
  readonly schema: string;
  readonly workers: WorkerPool;
  readonly proxy: CuttingProxy;
  readonly random: SeededRandom;
  readonly seconds: number;
  readonly progress: (line: string) => void;
}

/** Where connections are cut: at the ends of transactions most often, and at statements of the store. */
const needles: readonly Needle[] = [
  statements.commit,
  statements.commit,
  statements.commit,
  commitText,
  statements.heads,
  statements.sync,
  'BEGIN',
  'seen_at',
];
const ways: readonly Cut[] = ['before', 'half', 'answer', 'after'];

/** Does faults of every kind at the same time until the seconds are over; then what was stopped continues. */
export async function doFaults(parts: FaultParts): Promise<Faults> {
  const { server, workers, proxy, random, seconds, progress } = parts;
  const faults: Faults = { kills: 0, pauses: 0, cuts: 0, terminations: 0, crashes: 0, locks: 0 };
  const end = performance.now() + seconds * 1000;
  /** Again and again, with a pause of a chance length in between. */
  const often = async (least: number, limit: number, fault: () => Promise<void>): Promise<void> => {
    for (;;) {
      const ms = random.integer(least, limit - 1);
      if (performance.now() + ms > end) return;
      await pause(ms);
      await fault();
    }
  };
  const crashEveryMs = Math.max(6_000, (seconds * 1000) / 4);
  await Promise.all([
    often(500, 1_000, async () => {
      if (await workers.killOne(random)) faults.kills += 1;
    }),
    often(2_000, 3_000, async () => {
      const isOver = await workers.stopOne(random, (uuid) => whenDead(parts, uuid, end));
      if (isOver) faults.pauses += 1;
    }),
    often(50, 250, async () => {
      // One whose message does not come is taken back.
      const cut = proxy.cutAt(
        random.pick(needles),
        random.integer(0, 15) === 0 ? 'silence' : random.pick(ways),
      );
      await Promise.race([cut, pause(500)]);
      proxy.disarm();
    }),
    often(300, 700, () =>
      onServer(server, async (client) => {
        const { rowCount } = await client.query(
          `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = current_database() AND application_name = 'signalbox' AND query ILIKE $1
         ORDER BY random() LIMIT 1`,
          [`%${parts.schema}%`],
        );
        faults.terminations += rowCount ?? 0;
      }),
    ),
    often(400, 900, () =>
      onServer(server, async (client) => {
        await client.query('BEGIN');
        const table = random.pick(['lease', 'ready', 'ready', 'room', 'agent', 'representation']);
        await client.query(`SELECT FROM ${parts.schema}.${table} ORDER BY random() LIMIT 5 FOR UPDATE`);
        await pause(random.integer(20, 299));
        await client.query('ROLLBACK');
        faults.locks += 1;
      }),
    ),
    server.crash === null
      ? null
      : often(crashEveryMs - 1_500, crashEveryMs, async () => {
          await server.crash?.();
          faults.crashes += 1;
          progress(`crash ${faults.crashes} of the server`);
        }),
  ]);
  workers.continueAll();
  proxy.disarm();
  faults.cuts = proxy.made;
  return faults;
}

/** Waits longer than the death interval and until another process has declared it dead, but not too long. */
async function whenDead({ server, schema }: FaultParts, uuid: string, end: number): Promise<void> {
  let isDead = false;
  for (let waited = 0; waited < 2 * deathIntervalMs || (!isDead && waited < longestStopMs); waited += 200) {
    await pause(200);
    if (performance.now() > end) return;
    await onServer(server, async (client) => {
      const { rowCount } = await client.query(
        `SELECT FROM ${schema}.representation WHERE id = $1 AND body ->> 'state' = 'deactivated'`,
        [`work/${uuid}`],
      );
      isDead = rowCount === 1;
    });
  }
}

const longestStopMs = 5 * deathIntervalMs;

/** The server may be down at this moment: then there is nothing to do to it. */
async function onServer(server: TortureServer, work: (client: Client) => Promise<void>): Promise<void> {
  let client: Client | null = null;
  try {
    client = await connectedTo(server.url);
    await work(client);
  } catch {
    // It crashed meanwhile.
  } finally {
    await client?.end().catch(() => {});
  }
}
