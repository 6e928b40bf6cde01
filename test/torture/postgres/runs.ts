/** One call of a job's code. Instants are epoch milliseconds. */
export interface Run {
  readonly id: string;
  readonly worker: string;
  /** When the job was claimed for it, by the database's clock. */
  readonly claimedAt: number;
  readonly from: number;
  /** Null when its end is not in the ledger. */
  readonly to: number | null;
}

/**
 * The most runs at one moment. One counts until it says that it ended, its process is killed or its dispatcher is declared
 * dead, whichever is first: nothing that code does after that is the job's any more.
 */
export function mostAtOnce(
  runs: readonly Run[],
  killed: ReadonlyMap<string, number>,
  deaths: ReadonlyMap<string, readonly number[]>,
): { readonly count: number; readonly runs: readonly string[] } {
  const steps: { readonly at: number; readonly by: number; readonly run: Run }[] = [];
  for (const run of runs) {
    const { worker, claimedAt, from } = run;
    const died = (deaths.get(worker) ?? []).filter((at) => at >= claimedAt);
    const never = Number.POSITIVE_INFINITY;
    const to = Math.min(run.to ?? never, killed.get(worker) ?? never, ...died);
    if (to > from) steps.push({ at: from, by: 1, run }, { at: to, by: -1, run });
  }
  // What ends in a millisecond has ended before what begins in it.
  steps.sort((one, other) => one.at - other.at || one.by - other.by);
  const running = new Set<Run>();
  let most: readonly Run[] = [];
  for (const { by, run } of steps) {
    if (by < 0) running.delete(run);
    else running.add(run);
    if (running.size > most.length) most = [...running];
  }
  return { count: most.length, runs: most.map(({ id, worker, from }) => `${id} of ${worker} from ${from}`) };
}
