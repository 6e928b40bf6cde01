import { figuresOf, type Part, type PartOptions, partOfMutants } from '../part.ts';
import { violationsOf } from '../run-checker.ts';
import { type Campaign, campaign, limitMs } from './campaign.ts';
import { deathIntervalMs, pingIntervalMs } from './intervals.ts';
import { hunt } from './mutant-hunt.ts';
import { judge } from './postgres-checker.ts';
import { tortureServer } from './torture-server.ts';

/** How many processes share the database. */
const processes = 4;

/** Faults of every kind for so many seconds, and what they did; then the mutants. */
export async function postgresPart(options: PartOptions & { readonly seconds: number }): Promise<Part> {
  const { root, progress } = options;
  const server = await tortureServer();
  let run: Campaign | null = null;
  try {
    run = await campaign({ ...options, server, processes });
    const verdict = await judge(run);
    const { jobs, staleWritesRejected } = verdict.totals;
    progress(`the ledger is checked: ${jobs} jobs, ${staleWritesRejected} stale writes rejected`);
    const { results, held, problems } = await hunt(server, root, progress);
    const mutants = partOfMutants(results);
    return {
      figures: {
        store: 'postgres',
        pingIntervalMs,
        deathIntervalMs,
        ...run.faults,
        withoutCrashes: server.crash === null ? 'the server is not ours to crash' : null,
        ...figuresOf(verdict),
        terminalWithinMs: run.terminalWithinMs,
        terminalLimitMs: limitMs,
        processCrashes: run.crashes.length,
        // The scenario demands that all seven slots were taken at once.
        quotaReached: held.includes('quotaOfSeven'),
        scenarios: held,
        ...mutants.figures,
      },
      violations: [...violationsOf(run, verdict), ...problems, ...mutants.violations],
    };
  } finally {
    await run?.remove();
    server.remove();
  }
}
