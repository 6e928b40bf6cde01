/** The subjects by name: each call measures once. Null: it cannot be measured here. */
type Subjects<Figures extends object> = {
  readonly [Name in keyof Figures]: (() => Promise<Figures[Name]>) | null;
};

/** How many rounds, and for how long at most. */
interface Rounds<Figures extends object> {
  readonly rounds: number;
  readonly budgetMs: number;
  /** Subjects that need only one turn. */
  readonly once?: readonly (keyof Figures)[];
  /** Subjects that get no turn when the time has passed. Every other subject gets at least one. */
  readonly ifTime?: readonly (keyof Figures)[];
}

/** The figures of every round, by name. */
type Taken<Figures extends object> = { readonly [Name in keyof Figures]: Figures[Name][] };

/**
 * Measures all subjects once per round, in turns, so that a slow moment of the machine affects all of them. The order
 * changes from round to round: those that share a process leave garbage to the one after them. Each gets one turn; after that a
 * subject is skipped when its turn would not end within the budget.
 */
export async function takeTurns<Figures extends object>(
  subjects: Subjects<Figures>,
  { rounds, budgetMs, once = [], ifTime = [] }: Rounds<Figures>,
): Promise<Taken<Figures>> {
  const names = Object.keys(subjects) as (keyof Figures & string)[];
  const taken = Object.fromEntries(names.map((name) => [name, []])) as unknown as Taken<Figures>;
  const durations = new Map<string, number>();
  const end = performance.now() + budgetMs;
  for (let round = 1; round <= rounds; round += 1) {
    for (const name of round % 2 === 1 ? names : names.toReversed()) {
      const take = subjects[name];
      const begin = performance.now();
      if (take === null || (round > 1 && once.includes(name))) continue;
      const isBound = round > 1 || ifTime.includes(name);
      if (isBound && begin + (durations.get(name) ?? 0) > end) continue;
      progress(`round ${round} of ${rounds}: ${name}`);
      taken[name].push(await take());
      durations.set(name, performance.now() - begin);
    }
  }
  progress('');
  return taken;
}

/** Shows the progress on standard error, where it is not part of the results. */
export function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${text}`);
  else if (text !== '') process.stderr.write(`${text}\n`);
}
