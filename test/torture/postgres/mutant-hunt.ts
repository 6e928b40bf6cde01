import type { Mutant } from '../../mutants/mutant.ts';
import type { MutantResult } from '../part.ts';
import { WorkerProcess } from '../worker-process.ts';
import { type Compiled, compiled, compiledMutant, compiledProgram } from './compiled.ts';
import { mutants } from './mutants.ts';
import { scenarios } from './scenarios.ts';
import { dropSchemas, type TortureServer } from './torture-server.ts';

/** The result of a hunt. */
export interface Hunt {
  readonly results: readonly MutantResult[];
  /** The scenarios that find nothing wrong with the code as it is. */
  readonly held: readonly string[];
  /** What the scenarios find wrong with the code as it is, and scenarios that failed. */
  readonly problems: readonly string[];
}

/** A scenario, on the code as it is or on a mutant. */
interface Play {
  readonly scenario: string;
  readonly mutant: Mutant | null;
}

/** The result of a play. */
interface Played {
  readonly problem: string | null;
  /** Why it could not be played to its end, which says nothing about a mutant. */
  readonly failure: string | null;
}

const limitMs = 90_000;
/** Plays at the same time: they wait more than they work. */
const abreast = 3;
/** The scenarios that crash the server: they are played alone. */
const crashing: readonly string[] = ['numberGivenAgain', 'writtenIsLost'];

/** Plays each scenario on the code as it is, where nothing may be wrong, and on the mutants that it has to catch. */
export async function hunt(
  server: TortureServer,
  root: string,
  progress: (line: string) => void,
): Promise<Hunt> {
  const base = compiled(root);
  const all: readonly Play[] = [
    ...Object.keys(scenarios).map((scenario) => ({ scenario, mutant: null })),
    ...mutants.map((mutant) => ({ scenario: mutant.scenario, mutant })),
  ].filter(({ scenario }) => server.crash !== null || !crashing.includes(scenario));
  const results: MutantResult[] = [];
  const problems: string[] = [];
  const held: string[] = [];
  const play = async (one: Play, number: number): Promise<void> => {
    const { problem, failure } = await played(server, base, one, number);
    const { scenario, mutant } = one;
    if (failure !== null)
      problems.push(`scenario ${scenario} on ${mutant?.name ?? 'the code as it is'}: ${failure}`);
    if (mutant === null) {
      if (problem !== null) problems.push(`scenario ${scenario}: ${problem}`);
      else if (failure === null) held.push(scenario);
      return;
    }
    results.push({ name: mutant.name, without: mutant.without, caught: problem !== null, by: problem });
    progress(`mutant ${mutant.name}: ${problem ?? failure ?? 'NOT caught'}`);
  };
  const numbered = [...all.entries()];
  const left = numbered.filter(([, { scenario }]) => !crashing.includes(scenario));
  const next = async (): Promise<void> => {
    for (let one = left.shift(); one !== undefined; one = left.shift()) await play(one[1], one[0]);
  };
  try {
    await Promise.all(Array.from({ length: abreast }, next));
    for (const [number, one] of numbered) if (crashing.includes(one.scenario)) await play(one, number);
  } finally {
    base.remove();
  }
  return { results, held: held.sort(), problems };
}

async function played(
  server: TortureServer,
  base: Compiled,
  { scenario, mutant }: Play,
  number: number,
): Promise<Played> {
  const code = mutant === null ? base : compiledMutant(mutant);
  const schema = `torture_${process.pid}_scenario_${number}`;
  const args = [scenario, server.url, schema];
  const worker = new WorkerProcess({
    root: code.root,
    program: compiledProgram('scenario-worker'),
    args,
    isCompiled: true,
  });
  try {
    // What it found, or that it failed.
    const end = worker.said('f', limitMs);
    for (let round = 1; ; round += 1) {
      const said = await Promise.race([worker.said(`crash ${round}`), end]);
      if (said?.startsWith('crash') !== true) break;
      await server.crash?.();
      worker.tell('crashed');
    }
    const said = (await end) ?? `it said nothing: ${worker.complaints.slice(0, 300)}`;
    if (!said.startsWith('found ')) return { problem: null, failure: said };
    return { problem: JSON.parse(said.slice('found '.length)) as string | null, failure: null };
  } finally {
    worker.signal('SIGKILL');
    await worker.ended();
    if (code !== base) code.remove();
    await dropSchemas(server.url, [schema]);
  }
}
