import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { ledgerAt } from '../ledger.ts';
import { randomOf } from '../random.ts';
import { compiled, compiledProgram } from './compiled.ts';
import { Crew } from './crew.ts';
import { doFaults, type Faults } from './faults.ts';
import { Ground } from './ground.ts';
import { deathIntervalMs } from './intervals.ts';
import { CuttingProxy } from './proxy.ts';
import { connectedTo, type Site } from './site.ts';

/** What a campaign on a database is told. */
export interface CampaignOptions {
  readonly site: Site;
  /** The root of the sources that the workers run. */
  readonly root: string;
  /** How long faults are done. */
  readonly seconds: number;
  readonly seed: number;
  /** How many processes work at the same time. */
  readonly processes: number;
  /** How long everything may take to come to an end after the last fault. Default `limitMs`. */
  readonly finishMs?: number;
  readonly progress: (line: string) => void;
}

/** A campaign that is over: its schema and its ledger stay until `remove`. */
export interface Campaign {
  readonly ground: Ground;
  readonly ledger: string;
  readonly faults: Faults;
  /** How long it took until everything was over after the last fault; null when it was not in time. */
  readonly terminalWithinMs: number | null;
  /** What was left then, in words. */
  readonly left: readonly string[];
  readonly crashes: readonly string[];
  readonly complaints: readonly string[];
  remove(): Promise<void>;
}

/** How long a machine with nothing else to do may take. */
export const limitMs = deathIntervalMs + 10_000;

/** Lets processes share a database while faults are done to all of them, then waits until every job is over. */
export async function campaign(options: CampaignOptions): Promise<Campaign> {
  const { site, root, seconds, seed, processes, progress, finishMs = limitMs } = options;
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-torture-'));
  const ledger = join(folder, 'ledger');
  writeFileSync(ledger, '', { mode: 0o600 });
  const ground = new Ground(site.url, `torture_${process.pid}_${seed}`);
  const programs = compiled(root);
  await ground.prepare();
  const proxy = await CuttingProxy.to(site.url);
  const crew = new Crew({
    root: programs.root,
    program: compiledProgram('worker'),
    isCompiled: true,
    args: [proxy.url, ground.schema, ledger],
    size: processes,
    seed,
    ledger: ledgerAt(ledger),
    register: (uuid) => ground.register(uuid),
  });
  try {
    await crew.start();
    progress(`${processes} processes on ${ground.schema}`);
    const random = randomOf(seed);
    const faults = await doFaults({ site, schema: ground.schema, crew, proxy, random, seconds, progress });
    crew.rest();
    progress('the faults are over');
    const { terminalWithinMs, left } = await whenOver(site, ground, finishMs);
    const [crashes, complaints] = [crew.crashes(), crew.complaints()];
    const remove = async (): Promise<void> => {
      rmSync(folder, { recursive: true, force: true });
      await ground.remove();
    };
    return { ground, ledger, faults, terminalWithinMs, left, crashes, complaints, remove };
  } finally {
    await crew.end();
    await ground.close();
    await proxy.close();
    programs.remove();
  }
}

async function whenOver(
  { url }: Site,
  { schema }: Ground,
  finishMs: number,
): Promise<Pick<Campaign, 'terminalWithinMs' | 'left'>> {
  const client = await connectedTo(url);
  const begin = performance.now();
  try {
    for (;;) {
      const { rows } = await client.query(
        `SELECT id, name, state, queue, dispatcher, agent, parent_job, parent_system, epoch, claim, waiting_on, begin_after
         FROM ${schema}.job WHERE state <> 'completed'`,
      );
      const passed = performance.now() - begin;
      if (rows.length === 0) return { terminalWithinMs: Math.round(passed), left: [] };
      if (passed > finishMs) return { terminalWithinMs: null, left: rows.map((row) => JSON.stringify(row)) };
      await pause(50);
    }
  } finally {
    await client.end();
  }
}
