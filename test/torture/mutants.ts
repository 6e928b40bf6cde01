import { fileURLToPath } from 'node:url';
import { createMutatedTree, type Mutant } from '../mutants/mutant.ts';
import { campaign } from './campaign.ts';
import type { PutKind } from './jobs.ts';
import { judge } from './json-checker.ts';
import type { KillPoint } from './kill-points.ts';
import type { Way } from './killing.ts';
import type { MutantResult } from './part.ts';
import { violationsOf } from './run-checker.ts';

/** A mutant with the deaths that show what it lacks. */
export interface TortureMutant extends Mutant {
  readonly ways: readonly Way[];
  readonly calls?: readonly KillPoint['call'][];
  readonly kinds?: readonly PutKind[];
}

/** Each lacks one safeguard against a killed process, or one whose lack a checker can see. */
export const mutants: readonly TortureMutant[] = [
  {
    name: 'acknowledge-before-write',
    without: 'the wait of a put for its commit',
    ways: ['call'],
    calls: ['write'],
    edits: [
      {
        file: 'src/store/in-memory/committer.ts',
        find: '    this.#schedule();\n    return this.#batch;',
        replace:
          '    this.#schedule();\n    return { written: Promise.resolve(), synced: Promise.resolve() };',
      },
    ],
  },
  {
    name: 'forgotten-interrupted-jobs',
    without: 'the reassignment of jobs that an earlier process held',
    ways: ['time'],
    edits: [
      {
        file: 'src/runtime/dispatchers/recovery.ts',
        find: "if (record.state !== 'activated' || alive.has(record.epoch)) continue;",
        replace: 'if (record !== null) continue;',
      },
    ],
  },
  {
    name: 'ignored-lock',
    without: 'the refusal of a second process',
    ways: ['time'],
    edits: [
      {
        file: 'src/store/json/ports/lock.ts',
        find: "if (result === 'refused') throw locked(request, fd);",
        replace: '',
      },
    ],
  },
  {
    name: 'second-start',
    without: 'the promise of NeverRetry after an interruption',
    ways: ['time'],
    kinds: ['once'],
    edits: [
      {
        file: 'src/model/jobs/common-retry.ts',
        find: '  commitError: () => false,\n  interrupted: (data) => ({\n    answer: false,',
        replace: '  commitError: () => false,\n  interrupted: (data) => ({\n    answer: true,',
      },
    ],
  },
  {
    name: 'start-before-write',
    without: 'the wait of an at-most-once job for its start to be stored',
    ways: ['call'],
    calls: ['write'],
    kinds: ['once'],
    edits: [
      {
        file: 'src/runtime/agents/job-starter.ts',
        find: 'await this.#deps.committer.commit(this.#agent.owner.uuid, [start], expect).synced;',
        replace:
          'void this.#deps.committer.commit(this.#agent.owner.uuid, [start], expect).synced.catch(() => {});',
      },
    ],
  },
  {
    name: 'open-quotas',
    without: 'the look at a quota before a claim',
    ways: ['time'],
    edits: [
      {
        file: 'src/store/rules/claim-verdict.ts',
        find: 'if (full.length > 0) return',
        replace: 'if (full.length < 0) return',
      },
    ],
  },
  {
    name: 'claims-of-unknown',
    without: 'the look at what a process knows before it claims',
    ways: ['time'],
    kinds: ['renewed', 'plain'],
    edits: [
      {
        file: 'src/runtime/agents/claim-jobs.ts',
        find: 'registry.definition(name) !== undefined || unknown.note(queue, name);',
        replace: 'registry.definition(name) !== undefined || !unknown.note(queue, name);',
      },
    ],
  },
  {
    name: 'forgotten-callbacks',
    without: 'the resuming of callbacks that an earlier process had begun',
    ways: ['time'],
    edits: [
      {
        file: 'src/runtime/builtin-jobs/system-jobs.ts',
        find: 'if (record !== undefined && !isElsewhere(record))',
        replace: 'if (record === null)',
      },
    ],
  },
];

// A busy machine must not look like a mutant that was caught.
const finishMs = 20_000;

const project = fileURLToPath(new URL('../..', import.meta.url));

/** Tortures each mutant until it is caught, at most `rounds` times. */
export async function runMutants(
  seed: number,
  progress: (line: string) => void,
  rounds = 3,
): Promise<readonly MutantResult[]> {
  const results: MutantResult[] = [];
  const control = await firstProblemOf({ ways: ['time', 'call'] }, project, seed);
  if (control !== null) throw new Error(`Expected nothing to be wrong without a mutant, got ${control}`);
  for (const mutant of mutants) {
    let by: string | null = null;
    const tree = createMutatedTree(mutant);
    try {
      for (let round = 0; round < rounds && by === null; round += 1)
        by = await firstProblemOf(mutant, tree.root, seed + round);
    } finally {
      tree.remove();
    }
    progress(`mutant ${mutant.name}: ${by === null ? 'NOT caught' : `caught, ${by}`}`);
    results.push({ name: mutant.name, without: mutant.without, caught: by !== null, by });
  }
  return results;
}

async function firstProblemOf(
  mutant: Pick<TortureMutant, 'ways' | 'calls' | 'kinds'>,
  root: string,
  seed: number,
): Promise<string | null> {
  const { ways, calls, kinds } = mutant;
  const options = { root, kills: 8, seed, ways, finishMs, progress: () => {} };
  const run = await campaign({ ...options, ...(calls && { calls }), ...(kinds && { kinds }) });
  try {
    const early = violationsOf(run, null);
    // A store that two processes wrote at once may be past reading.
    return early[0] ?? violationsOf(run, await judge(run))[0] ?? null;
  } catch (error) {
    return `the store cannot be read: ${String(error).slice(0, 200)}`;
  } finally {
    run.remove();
  }
}
