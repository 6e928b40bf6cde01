import { type Way, WayError } from '../../explore/explore.ts';
import { type Life, live } from '../../explore/life.ts';
import type { PerturbationName } from '../../explore/perturbations.ts';
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
  'stopped',
  'twice',
];

const leastPollMs = 8000;
const mostPollMs = 4 * 3_600_000;

/** Makes the ways of paths. What was done at a commit of one path is not done again where another begins as that did. */
export class PathWays {
  readonly #world: PathWorld;
  readonly #wanted: readonly PerturbationName[];
  /** The commits of earlier paths, by the steps before them. */
  readonly #known = new Set<string>();

  constructor(world: PathWorld, wanted: readonly PerturbationName[]) {
    this.#world = world;
    this.#wanted = wanted;
  }

  /** The ways of a path: undisturbed, and with each perturbation at each of its commits where that can be done. */
  async of(path: Path): Promise<readonly Way[]> {
    const world = this.#world;
    const name = pathName(path);
    const { refused } = path.at(-1)?.grown ?? { refused: null };
    if (refused != null) return [{ name, run: () => Promise.reject(thrown(name, refused)) }];
    const undisturbed: Way = { name, run: () => lived(world, path, name, []) };
    if (this.#wanted.length === 0) return [undisturbed];
    const { life, begins } = await lifeOf(world, path, []);
    // What fails undisturbed fails in all ways.
    if (life.report.violations.length > 0) return [undisturbed];
    const points = this.#newOf(path, life.points, begins);
    const plans = plansOf(
      points,
      this.#wanted,
      life.canLose,
      ({ number, label }, words) => `${name} · ${words} at commit ${number} (${label})`,
    );
    const disturbed = plans.map(
      ({ name: way, strikes }): Way => ({ name: way, run: () => lived(world, path, way, strikes) }),
    );
    return [undisturbed, ...disturbed];
  }

  #newOf(path: Path, points: readonly Point[], begins: readonly number[]): readonly Point[] {
    return points.filter(({ entry, number }) => {
      const steps = begins.filter((begin) => begin <= entry).length;
      const key = JSON.stringify([number, path.slice(0, steps).map((edge) => [edge.from, edge.name])]);
      const isNew = !this.#known.has(key);
      this.#known.add(key);
      return isNew;
    });
  }
}

/** The steps of a path in words. */
function pathName(path: Path): string {
  const names = path.map(({ name }) => name).filter((name) => name !== '');
  return names.length === 0 ? 'start' : names.join(' → ');
}

function thrown(name: string, cause: Error): Error {
  return new Error(
    `Expected the machine to take or to ignore the last event of "${name}", got an error: ${cause.message}. Let its guards and actions bear the event in every state.`,
    { cause },
  );
}

async function lived(world: PathWorld, path: Path, name: string, strikes: readonly Strike[]): Promise<void> {
  const { report } = (await lifeOf(world, path, strikes)).life;
  if (report.violations.length > 0) throw new WayError(name, report);
}

/** Lives a path once. */
async function lifeOf(
  world: PathWorld,
  path: Path,
  strikes: readonly Strike[],
): Promise<{ readonly life: Life; readonly begins: readonly number[] }> {
  const { lastsMs, pollMs } = pace(path);
  const deathMs = 3 * pollMs + 1000;
  const keepsStory = strikes.every(({ perturbation }) => keepingStory.includes(perturbation));
  let own: PathLife | null = null;
  const life = await live(
    {
      scenario: (run: SimulatedRun) => {
        own = new PathLife(world, path, { keepsStory, patienceMs: 3 * deathMs }, run);
        return own.scenario();
      },
      intervals: { pollInterval: pollMs, pingInterval: pollMs, deathInterval: deathMs },
      makeStore: simulatedJsonStore,
      safetyMs: 2 * lastsMs + 24 * deathMs,
      livenessMs: 24 * deathMs,
      deathMs,
      pollMs,
      onSynced: (entries) => own?.witness.see(entries),
      warn: () => {},
    },
    strikes,
  );
  return { life, begins: (own as unknown as PathLife).begins };
}

/**
 * How long a path lasts, and how far apart its polls are: so close that what is repaired by polls is repaired before the next timer,
 * and few, since a poll costs more than a step.
 */
function pace(path: Path): { readonly lastsMs: number; readonly pollMs: number } {
  const instants = path.map(({ grown }) => grown.tree.now);
  const waits = instants.map((at, place) => at - (instants[place - 1] ?? at)).filter((ms) => ms > 0);
  const lastsMs = waits.reduce((sum, ms) => sum + ms, 0);
  const wanted = waits.length === 0 ? 0 : Math.max(Math.min(...waits) / 8, lastsMs / 300);
  return { lastsMs, pollMs: Math.round(Math.min(mostPollMs, Math.max(leastPollMs, wanted))) };
}
