import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** One thing to measure, again and again. */
export interface Subject<Figures> {
  readonly name: string;
  take(): Promise<Figures>;
}

/** How often, and for how long at most. */
export interface Rounds {
  readonly rounds: number;
  readonly budgetMs: number;
}

/**
 * Measures all subjects once a round, in turns, so that a slow moment of the machine falls on all of them. Everyone has
 * one turn; after that a subject is passed over when its turn would not end within the budget.
 */
export async function takeTurns<Name extends string, Figures>(
  subjects: readonly (Subject<Figures> & { readonly name: Name })[],
  { rounds, budgetMs }: Rounds,
): Promise<Record<Name, Figures[]>> {
  const begin = performance.now();
  const taken = Object.fromEntries(subjects.map(({ name }) => [name, []])) as unknown as Record<
    Name,
    Figures[]
  >;
  const durations = new Map<Name, number>();
  for (let round = 1; round <= rounds; round += 1) {
    for (const { name, take } of subjects) {
      const started = performance.now();
      const left = budgetMs - (started - begin);
      if (round > 1 && (durations.get(name) ?? 0) > left) continue;
      progress(`round ${round} of ${rounds}: ${name}`);
      taken[name].push(await take());
      durations.set(name, performance.now() - started);
    }
  }
  progress('');
  return taken;
}

/** Runs a measure of this folder in a process of its own. */
export async function inChild<Figures>(
  measure: string,
  options: object,
  flags: readonly string[] = [],
): Promise<Figures> {
  const here = (file: string) => new URL(file, import.meta.url);
  const child = spawn(
    process.execPath,
    [
      ...flags,
      '--import',
      'tsx',
      here('./child.ts').pathname,
      here(`./${measure}.ts`).href,
      JSON.stringify(options),
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  const [code, signal] = await once(child, 'close');
  if (code !== 0) throw new Error(`Expected the measure ${measure} to end well, got ${code ?? signal}.`);
  return JSON.parse(output.trimEnd().split('\n').at(-1) as string);
}

/** The middle of the figures; of an even number of them the mean of the middle two. */
export function median(figures: readonly number[]): number {
  const sorted = [...figures].sort((one, other) => one - other);
  const middle = sorted.length / 2;
  const [low = Number.NaN, high = Number.NaN] = [sorted[Math.ceil(middle) - 1], sorted[Math.floor(middle)]];
  return (low + high) / 2;
}

/** The median of every number in figures of one shape. */
export function medians<Figures extends object>(taken: readonly Figures[]): Figures {
  const keys = Object.keys(taken[0] ?? {}) as (keyof Figures)[];
  return Object.fromEntries(
    keys.map((key) => {
      const values = taken.map((figures) => figures[key]).filter((value) => typeof value === 'number');
      return [key, values.length === 0 ? null : median(values)];
    }),
  ) as Figures;
}

/** Shows what is going on, where nobody takes it for a result. */
export function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${text}`);
  else if (text !== '') process.stderr.write(`${text}\n`);
}
