import { setTimeout as pause } from 'node:timers/promises';
import type { Client } from 'pg';
import type { Random } from '../random.ts';
import type { Crew } from './crew.ts';
import { deathIntervalMs } from './intervals.ts';
import { type Cut, type CuttingProxy, commitText } from './proxy.ts';
import { connectedTo, type Site } from './site.ts';

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
  /** Rows that somebody else held for a while. */
  locks: number;
}

/** What faults are done with. */
export interface FaultParts {
  readonly site: Site;
  readonly schema: string;
  readonly crew: Crew;
  readonly proxy: CuttingProxy;
  readonly random: Random;
  readonly seconds: number;
  readonly progress: (line: string) => void;
}

/** Where connections are cut: at the ends of transactions most often, and at statements of the store. */
const needles = [
  commitText,
  commitText,
  commitText,
  'step_jobs',
  'claim_jobs',
  'take_seqs',
  'BEGIN',
  'seen_at',
];
const ways: readonly Cut[] = ['before', 'half', 'answer', 'after'];

/** Does faults of every kind at the same time until the seconds are over; then what was stopped goes on. */
export async function doFaults(parts: FaultParts): Promise<Faults> {
  const { site, crew, proxy, random, seconds, progress } = parts;
  const faults: Faults = { kills: 0, pauses: 0, cuts: 0, terminations: 0, crashes: 0, locks: 0 };
  const end = performance.now() + seconds * 1000;
  /** Again and again, with a pause of a chance length in between. */
  const often = async (least: number, limit: number, fault: () => Promise<void>): Promise<void> => {
    for (;;) {
      const ms = random.int(least, limit);
      if (performance.now() + ms > end) return;
      await pause(ms);
      await fault();
    }
  };
  const crashEveryMs = Math.max(6_000, (seconds * 1000) / 4);
  await Promise.all([
    often(500, 1_000, async () => {
      if (await crew.killOne(random)) faults.kills += 1;
    }),
    often(2_000, 3_000, async () => {
      const isOver = await crew.stopOne(random, (uuid) => whenDead(parts, uuid, end));
      if (isOver) faults.pauses += 1;
    }),
    often(50, 250, async () => {
      // One whose message does not come is taken back.
      const cut = proxy.cutAt(random.pick(needles), random.int(0, 16) === 0 ? 'silence' : random.pick(ways));
      await Promise.race([cut, pause(500)]);
      proxy.disarm();
    }),
    often(300, 700, () =>
      onServer(site, async (client) => {
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
      onServer(site, async (client) => {
        await client.query('BEGIN');
        const table = random.pick(['job', 'job', 'quota', 'representation']);
        await client.query(`SELECT FROM ${parts.schema}.${table} ORDER BY random() LIMIT 5 FOR UPDATE`);
        await pause(random.int(20, 300));
        await client.query('ROLLBACK');
        faults.locks += 1;
      }),
    ),
    site.crash === null
      ? null
      : often(crashEveryMs - 1_500, crashEveryMs, async () => {
          await site.crash?.();
          faults.crashes += 1;
          progress(`crash ${faults.crashes} of the server`);
        }),
  ]);
  crew.goOn();
  proxy.disarm();
  faults.cuts = proxy.made;
  return faults;
}

/** Longer than the death interval, and until somebody has declared it dead; others want to be stopped, too. */
async function whenDead({ site, schema }: FaultParts, uuid: string, end: number): Promise<void> {
  let isDead = false;
  for (let waited = 0; waited < 2 * deathIntervalMs || (!isDead && waited < longestStopMs); waited += 200) {
    await pause(200);
    if (performance.now() > end) return;
    await onServer(site, async (client) => {
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
async function onServer(site: Site, work: (client: Client) => Promise<void>): Promise<void> {
  let client: Client | null = null;
  try {
    client = await connectedTo(site.url);
    await work(client);
  } catch {
    // It crashed meanwhile.
  } finally {
    await client?.end().catch(() => {});
  }
}
