import { rmSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import type { Client } from 'pg';
import { SeededRandom } from '../../../src/testing/simulate/world/random.ts';
import { createLedger, ledgerAt } from '../ledger.ts';
import type { PartOptions } from '../part.ts';
import { CampaignSchema } from './campaign-schema.ts';
import { compiled, compiledProgram } from './compiled.ts';
import { doFaults, type Faults } from './faults.ts';
import { deathIntervalMs } from './intervals.ts';
import { CuttingProxy } from './proxy.ts';
import { connectedTo, type TortureServer } from './torture-server.ts';
import { WorkerPool } from './worker-pool.ts';

/** How processes on a database are tortured. */
export interface CampaignOptions extends PartOptions {
  readonly server: TortureServer;
  /** How long faults are done. */
  readonly seconds: number;
  /** How many processes work at the same time. */
  readonly processes: number;
  /** How long it may take until every job is completed after the last fault. Default `limitMs`. */
  readonly finishMs?: number;
}

/** A campaign that is over: its schema and its ledger stay until `remove`. */
export interface Campaign {
  readonly schema: CampaignSchema;
  readonly ledger: string;
  readonly faults: Faults;
  /** How long it took until everything was over after the last fault; null when it was not in time. */
  readonly terminalWithinMs: number | null;
  readonly crashes: readonly string[];
  /** Crashes, what was written on standard error and jobs that were not over in time, in words. */
  readonly problems: readonly string[];
  remove(): Promise<void>;
}

/** How long a machine with nothing else to do may take, and any machine until one job more is completed. */
export const limitMs = deathIntervalMs + 10_000;

/** Lets processes share a database while faults are done to all of them, then waits until every job is over. */
export async function campaign(options: CampaignOptions): Promise<Campaign> {
  const { server, root, seconds, seed, processes, progress, finishMs = limitMs } = options;
  const { folder, ledger } = createLedger();
  const schema = new CampaignSchema(server.url, `torture_${process.pid}_${seed}`);
  const programs = compiled(root);
  await schema.prepare();
  const proxy = await CuttingProxy.to(server.url);
  const workers = new WorkerPool({
    root: programs.root,
    program: compiledProgram('worker'),
    isCompiled: true,
    args: [proxy.url, schema.schema, ledger],
    size: processes,
    seed,
    ledger: ledgerAt(ledger),
    register: (uuid) => schema.register(uuid),
  });
  try {
    await workers.start();
    progress(`${processes} processes on ${schema.schema}`);
    const random = new SeededRandom(seed);
    const faults = await doFaults({
      server,
      schema: schema.schema,
      workers,
      proxy,
      random,
      seconds,
      progress,
    });
    workers.stopPutting();
    await schema.pauseTicks();
    progress('the faults are over');
    const { terminalWithinMs, left } = await whenOver(schema, finishMs);
    const late = terminalWithinMs === null ? [`${left.length} jobs were not over in time`] : [];
    const crashes = workers.crashes();
    const problems = [...crashes, ...workers.complaints(), ...late, ...left];
    const remove = async (): Promise<void> => {
      rmSync(folder, { recursive: true, force: true });
      await schema.remove();
    };
    return { schema, ledger, faults, terminalWithinMs, crashes, problems, remove };
  } finally {
    await workers.end();
    await schema.close();
    await proxy.close();
    programs.remove();
  }
}

/** How many times as long it may take in all where the machine has other things to do, as long as jobs are completed. */
const longest = 4;

/** How long it takes until every job is completed, and the jobs that are not in time, in words. */
async function whenOver(
  { url, schema }: CampaignSchema,
  finishMs: number,
): Promise<{ readonly terminalWithinMs: number | null; readonly left: readonly string[] }> {
  const client = await connectedTo(url);
  const begin = performance.now();
  let [least, since] = [Number.POSITIVE_INFINITY, 0];
  try {
    for (;;) {
      const { rows } = await client.query(
        `SELECT j.id FROM ${schema}.job j LEFT JOIN ${schema}.done d USING (id) WHERE d.id IS NULL`,
      );
      const passed = performance.now() - begin;
      if (rows.length === 0) return { terminalWithinMs: Math.round(passed), left: [] };
      if (rows.length < least) [least, since] = [rows.length, passed];
      if (passed - since > finishMs || passed > longest * finishMs)
        return { terminalWithinMs: null, left: await standing(client, schema, rows) };
      await pause(50);
    }
  } finally {
    await client.end();
  }
}

/** Where jobs stand, in words. */
async function standing(
  client: Client,
  schema: string,
  rows: readonly { readonly id: string }[],
): Promise<readonly string[]> {
  const found = await client.query(`SELECT * FROM ${schema}.read($1)`, [rows.map(({ id }) => id)]);
  return found.rows.map((row) => JSON.stringify(row));
}
