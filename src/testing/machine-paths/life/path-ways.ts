import type { Way } from '../../explore/explore.ts';
import { type Life, live } from '../../explore/life.ts';
import { type PerturbationName, perturbations } from '../../explore/perturbations.ts';
import type { Point } from '../../explore/points.ts';
import type { Strike } from '../../explore/strike.ts';
import { plansOf } from '../../explore/ways.ts';
import type { SimulatedRun } from '../../simulate/cluster/scenario.ts';
import { simulatedJsonStore } from '../../simulate/world/simulated-json-store.ts';
import type { Path } from '../model/choose.ts';
import { PathLife, type PathWorld } from './path-life.ts';

/** What a life may suffer without that its story becomes another. */
const keepingStory: readonly PerturbationName[] = [
  'lost',
  'kill',
  'unanswered',
  'conflict',
  'disconnect',
  'full',
  'taken',
  'twice',
];

const hour = 3_600_000;

/** The ways of a path: undisturbed, and with each perturbation at each of its commits where that can be done. */
export async function waysOf(
  world: PathWorld,
  path: Path,
  wanted: readonly PerturbationName[],
): Promise<readonly Way[]> {
  const name = pathName(path);
  const { refused } = path.at(-1)?.grown ?? { refused: null };
  if (refused != null) return [{ name, run: () => Promise.reject(thrown(name, refused)) }];
  const undisturbed: Way = { name, run: () => lived(world, path, name, []) };
  if (wanted.length === 0) return [undisturbed];
  const base = await lifeOf(world, path, []);
  // What fails undisturbed fails in all ways.
  if (base.report.violations.length > 0) return [undisturbed];
  const plans = plansOf(base.points, wanted, base.canLose).map(({ strikes }): Way => {
    const way = `${name} · ${strikes.map((strike) => strikeName(base.points, strike)).join(', ')}`;
    return { name: way, run: () => lived(world, path, way, strikes) };
  });
  return [undisturbed, ...plans];
}

/** The steps of a path in words. */
export function pathName(path: Path): string {
  const names = path.map(({ name }) => name).filter((name) => name !== '');
  return names.length === 0 ? 'start' : names.join(' → ');
}

function strikeName(points: readonly Point[], { call, perturbation, job }: Strike): string {
  const point = points.find((each) => each.call === call);
  const of = job === null ? '' : `${point?.jobs.find(({ id }) => id === job)?.name} `;
  return `${of}${perturbations[perturbation]} at commit ${point?.number} (${point?.label})`;
}

function thrown(name: string, cause: Error): Error {
  return new Error(
    `Expected the machine to take or to ignore the last event of "${name}", got an error: ${cause.message}. Let its guards and actions bear the event in every state.`,
    { cause },
  );
}

async function lived(world: PathWorld, path: Path, name: string, strikes: readonly Strike[]): Promise<void> {
  const { violations, trace } = (await lifeOf(world, path, strikes)).report;
  if (violations.length === 0) return;
  const last = trace.slice(-200).join('\n');
  throw new Error(
    `Expected "${name}" to go as its machine gives it, got: ${violations.join('\n')}\n\nWhat happened:\n${last}`,
  );
}

/** Lives a path once. */
function lifeOf(world: PathWorld, path: Path, strikes: readonly Strike[]): Promise<Life> {
  const { lastsMs, pollMs } = pace(path);
  const deathMs = 3 * pollMs + 1000;
  const keepsStory = strikes.every(({ perturbation }) => keepingStory.includes(perturbation));
  let life: PathLife | null = null;
  return live(
    {
      scenario: (run: SimulatedRun) => {
        life = new PathLife(world, path, { keepsStory, patienceMs: 3 * deathMs }, run);
        return life.scenario();
      },
      intervals: { pollInterval: pollMs, pingInterval: pollMs, deathInterval: deathMs },
      makeStore: simulatedJsonStore,
      safetyMs: 2 * lastsMs + 24 * hour,
      livenessMs: 24 * hour,
      deathMs,
      pollMs,
      onSynced: (entries) => life?.witness.see(entries),
      warn: () => {},
    },
    strikes,
  );
}

/**
 * How long a path lasts, and how far apart its polls are: so close that what is repaired by polls is repaired before the next timer,
 * and few, since a poll costs more than a step.
 */
function pace(path: Path): { readonly lastsMs: number; readonly pollMs: number } {
  const instants = path.map(({ grown }) => grown.tree.now);
  const waits = instants.map((at, place) => at - (instants[place - 1] ?? at)).filter((ms) => ms > 0);
  const lastsMs = waits.reduce((sum, ms) => sum + ms, 0);
  const wanted = Math.max(Math.min(...waits, hour) / 10, lastsMs / 300);
  return { lastsMs, pollMs: Math.round(Math.min(hour, Math.max(8000, waits.length === 0 ? 0 : wanted))) };
}
