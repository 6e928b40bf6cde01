import type { Part } from '../main.ts';
import { judge } from './books.ts';
import { type Campaign, campaign, limitMs } from './campaign.ts';
import { deathIntervalMs, pingIntervalMs } from './intervals.ts';
import { hunt } from './mutant-hunt.ts';
import { tortureSite } from './site.ts';
import { violationsOf } from './verdicts.ts';

/** What the torture of the PostgreSQL store is told. */
export interface PostgresOptions {
  readonly root: string;
  readonly seconds: number;
  readonly seed: number;
  readonly progress: (line: string) => void;
}

/** How many processes share the database. */
const processes = 4;

/** Faults of every kind for so many seconds, and what came of them; then the mutants. */
export async function postgresPart({ root, seconds, seed, progress }: PostgresOptions): Promise<Part> {
  const site = await tortureSite();
  let run: Campaign | null = null;
  try {
    run = await campaign({ site, root, seconds, seed, processes, progress });
    const verdict = await judge(run);
    const { problems: _told, ...counts } = verdict;
    progress(
      `the books are closed: ${counts.jobs} jobs, ${counts.staleWritesRejected} stale writes rejected`,
    );
    const { violations: uncaught, ...mutants } = await hunt(site, root, progress);
    return {
      figures: {
        store: 'postgres',
        pingIntervalMs,
        deathIntervalMs,
        ...run.faults,
        withoutCrashes: site.crash === null ? 'the server is not ours to crash' : null,
        ...counts,
        terminalWithinMs: run.terminalWithinMs,
        terminalLimitMs: limitMs,
        processCrashes: run.crashes.length,
        mutants,
      },
      violations: [...violationsOf(run, verdict), ...uncaught],
    };
  } finally {
    await run?.remove();
    site.remove();
  }
}
