/*
 * Room: life.
 *
 * Owns: The lives of paths in the real engine, and the comparison of what they commit with the model.
 *
 * Invariant: The code of jobs is never called: what a job gives is what its path says.
 *
 * May import: model.
 */
import { agent, type DurableLogic, type MachineDefinition } from '../../../index.ts';
import { snapshotOf } from '../../../model/durable/thaw.ts';
import type { SimulatedClient } from '../../simulate/cluster/client.ts';
import type { SimulatedJob, SimulatedRun, SimulatedScenario } from '../../simulate/cluster/scenario.ts';
import { JobStandIn } from '../../simulate/oracle/events.ts';
import type { Path } from '../model/choose.ts';
import type { Scripted } from '../model/outcomes.ts';
import type { JobEffect, Moved, Root, Tree, TreeStep } from '../model/tree.ts';
import type { Edge } from '../model/walk.ts';
import type { Move } from './compare.ts';
import { Gates } from './gates.ts';
import { Witness } from './witness.ts';

/** What lives of paths have in common. */
export interface PathWorld {
  readonly definition: MachineDefinition<DurableLogic>;
  readonly root: Root;
  readonly key: string;
  readonly putOutcome: (name: string) => Scripted | undefined;
  readonly invariant: ((now: { readonly snapshot: unknown; readonly jobs: JobsByName }) => void) | null;
  /** Names under which jobs are listed, whether or not there are any. */
  readonly jobNames: readonly string[];
}

export type JobsByName = { readonly [name: string]: readonly SimulatedJob[] };

/** What is expected of a life. */
export interface PathTerms {
  /** What is done to it leaves its story as it is. */
  readonly keepsStory: boolean;
  /** Longer than any repair takes. */
  readonly patienceMs: number;
}

/** A path through the real engine. After each step the actors must be as their machines give them. */
export class PathLife {
  readonly witness: Witness;
  readonly #world: PathWorld;
  readonly #path: Path;
  readonly #terms: PathTerms;
  readonly #run: SimulatedRun;
  readonly #gates: Gates;
  readonly #expected = new Map<string, Move[]>();
  #tree: Tree | null = null;
  /** By step: how many entries the journal had when it began. */
  readonly begins: number[] = [];

  constructor(world: PathWorld, path: Path, terms: PathTerms, run: SimulatedRun) {
    this.#world = world;
    this.#path = path;
    this.#terms = terms;
    this.#run = run;
    this.witness = new Witness(world.root.id);
    this.#gates = new Gates((job) => this.witness.replyOf(job) !== null, world.putOutcome);
  }

  scenario(): SimulatedScenario {
    const { definition } = this.#world;
    const effects = this.#path.flatMap(({ grown }) => grown.jobs);
    return {
      machines: [definition],
      jobs: jobsOf(effects) as NonNullable<SimulatedScenario['jobs']>,
      queues: queuesOf(this.#world, effects),
      // A job that waits for its path to go on holds a slot.
      agent: agent({ size: 1000 }),
      intercept: this.#gates.intercept,
      act: (client) => this.#act(client),
      invariant: () => this.#check(),
    };
  }

  async #act(client: SimulatedClient): Promise<void> {
    const { definition, key } = this.#world;
    try {
      for (const [place, edge] of this.#path.entries()) {
        this.begins.push(this.witness.count);
        await this.#make(client, edge);
        if (edge.grown.refused !== null) break;
        this.#expect(edge.grown.moved);
        this.#tree = edge.grown.tree;
        if (!(await this.#isThere(client, place))) break;
      }
    } finally {
      this.#gates.endAll();
      await client.call((box) => box.actor(definition, key).stop());
    }
  }

  async #make(client: SimulatedClient, { step }: Edge): Promise<void> {
    const { definition, key } = this.#world;
    if (step.kind === 'start') await client.start(definition, key, step.input as never);
    else if (step.kind === 'event') await client.sendTo(step.actor, step.event);
    else if (step.kind === 'time') await client.sleep(Math.max(1, this.witness.nextDue() - this.#run.now()));
    else {
      const { actor, child } = this.#jobOf(step);
      const job = this.witness.actor(actor)?.children?.[child]?.id;
      if (job !== undefined) this.#gates.end(job, step.outcome);
    }
  }

  #jobOf(step: Extract<TreeStep, { readonly kind: 'outcome' }>): { actor: string; child: string } {
    const cut = step.job.lastIndexOf('/');
    return { actor: step.job.slice(0, cut), child: step.job.slice(cut + 1) };
  }

  #expect(moved: readonly Moved[]): void {
    for (const { actor, event, to } of moved) {
      const moves = this.#expected.get(actor) ?? [];
      moves.push({ event, to });
      this.#expected.set(actor, moves);
    }
  }

  /** Waits until what a step has made is on disk. False: the order of what happens has changed, and the path does not go on. */
  async #isThere(client: SimulatedClient, place: number): Promise<boolean> {
    const { patienceMs } = this.#terms;
    const until = this.#run.now() + patienceMs;
    for (let pauseMs = 1; ; pauseMs = Math.min(patienceMs / 64, 2 * pauseMs)) {
      const standing = this.witness.standing(this.#tree as Tree, this.#expected);
      if (standing.is === 'there') return true;
      const isLate = this.#run.now() > until;
      if (standing.is === 'waiting' && !isLate) {
        await client.sleep(pauseMs);
        continue;
      }
      if (this.#terms.keepsStory && !(standing.is === 'elsewhere' && standing.mayBe))
        this.#run.violated(`after ${this.#nameOf(place)}: ${standing.why}`);
      return false;
    }
  }

  #nameOf(place: number): string {
    return place === 0 ? 'the start' : `"${this.#path[place]?.name}"`;
  }

  /** Called after every commit that is synced. */
  #check(): void {
    const { invariant, root, jobNames } = this.#world;
    const record = this.witness.actor(root.id);
    if (invariant === null || record === undefined) return;
    const jobs: Record<string, SimulatedJob[]> = Object.fromEntries(jobNames.map((name) => [name, []]));
    for (const [id, names] of this.witness.jobs) {
      const job = this.#run.job(id);
      if (job === undefined) continue;
      for (const name of names) {
        jobs[name] ??= [];
        jobs[name].push(job);
      }
    }
    const snapshot = snapshotOf(root.machine, record, (job) => new JobStandIn(job));
    invariant({ snapshot, jobs });
  }
}

/** The definitions of all jobs that steps ask for. */
function jobsOf(effects: readonly JobEffect[]): readonly unknown[] {
  const jobs = effects.flatMap((effect) => {
    if (effect.type === 'put') return [effect.job];
    return effect.source.kind === 'job' ? [effect.source.job] : [];
  });
  return [...new Map(jobs.map((job) => [job.definition.name, job])).values()];
}

function queuesOf({ definition, root }: PathWorld, effects: readonly JobEffect[]): readonly string[] {
  const queues = effects.map((effect) => {
    const { options } = effect.type === 'put' ? effect : effect.source;
    const own = effect.machine.name === root.machine.name ? definition.settings.queue : '';
    return (options as { readonly queue?: string }).queue ?? own;
  });
  return [...new Set(['', ...queues])];
}
