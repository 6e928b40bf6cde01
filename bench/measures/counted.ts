import { join } from 'node:path';
import type { ContestantModule, Settings } from './contestant.ts';
import { schemaOf } from './postgres-schema.ts';
import { SentStatements } from './sent.ts';
import { Tally } from './tally.ts';

export interface CountedOptions {
  /** The contestant's module, as a file URL. */
  readonly contestant: string;
  readonly settings: Settings;
  readonly jobs: number;
}

/** What a round costs in statements. A round is one claim that took jobs, with the results that it was sent with. */
export interface Counted {
  /** Statements that the driver sends, without hints, signs of life, syncs and reads. */
  readonly statementsPerRound: number;
  /** Commits that the server answers when they are on disk: messages that sync what was written before, and other commits. */
  readonly syncedCommitsPerRound: number;
  /** Statements that only read, which are sent beside the rounds. */
  readonly readsPerRound: number;
  readonly jobsPerRound: number;
}

/** Puts many jobs at once, works them off, and counts what is sent while the second to the last tenth but one completes. */
export async function measure({ contestant, settings, jobs }: CountedOptions): Promise<Counted> {
  const told = { ...settings, dir: join(settings.dir, 'counted') };
  const module: ContestantModule = await import(contestant);
  const { url, name } = schemaOf(told);
  const tally = new Tally();
  let rounds = 0;
  const opened = await module.open(told, {
    started: () => tally.started(),
    completed: () => tally.completed(),
    claimed: () => {
      rounds += 1;
    },
  });
  await opened.putBulk(jobs);
  const statements = await SentStatements.begun(url, name);
  const now = () => ({ ...statements.sent, rounds, jobs: tally.completions });
  await opened.work();
  await tally.whenCompleted(Math.ceil(jobs / 10));
  const before = now();
  await tally.whenCompleted(Math.floor(jobs * 0.9));
  const after = now();
  await tally.whenCompleted(jobs);
  statements.end();
  await opened.close();
  await opened.clear?.();
  const perRound = (key: keyof typeof before) => (after[key] - before[key]) / (after.rounds - before.rounds);
  return {
    statementsPerRound: perRound('statements'),
    syncedCommitsPerRound: perRound('syncs'),
    readsPerRound: perRound('reads'),
    jobsPerRound: perRound('jobs'),
  };
}
