import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSignalbox } from 'signalbox';
import { jsonStore } from 'signalbox/json';
import { SeededRandom } from '../../src/testing/simulate/world/random.ts';
import { createMutatedTree, type Mutant } from '../mutants/mutant.ts';
import { createImage, type FileSystem, fileSystems, type LoopImage, whyNoImage } from './loop-image.ts';
import type { Part, PartOptions } from './part.ts';
import { WorkerProcess } from './worker-process.ts';

/** The result of the cuts on one file system. */
interface PowerCuts {
  readonly cuts: number;
  readonly acknowledged: number;
  /** Acknowledged jobs that the disk did not hold. */
  readonly lost: number;
  /** Cuts after which something was lost, or the store did not open. */
  readonly failed: number;
  readonly problems: readonly string[];
}

/** Nothing is ever synced: the disk holds what the kernel happened to write. */
export const withoutSync: Mutant = {
  name: 'no-fsync',
  without: 'every sync of a file and of a directory',
  edits: [
    { file: 'src/store/json/ports/sync-port.ts', find: '    fdatasyncSync(fd);\n', replace: '' },
    { file: 'src/store/json/ports/file-port.ts', find: 'fs.fdatasyncSync(fd)', replace: '{}' },
    { file: 'src/store/json/ports/file-port.ts', find: 'fs.fsyncSync(fd);', replace: '' },
  ],
};

const program = join('test', 'torture', 'power-cut-worker.ts');
const mutantCuts = 3;
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * Cuts the power of processes that write to real file systems: each is stopped, the file below its disk is copied, and
 * the copy is mounted and recovered. What was acknowledged by then must be there.
 */
export async function powerCutPart(options: PartOptions & { readonly cuts: number }): Promise<Part> {
  const { root, cuts, seed, progress } = options;
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-power-'));
  const random = new SeededRandom(seed);
  const missing: Partial<Record<FileSystem, string>> = {};
  const found: Partial<Record<FileSystem, PowerCuts | null>> = {};
  try {
    for (const system of fileSystems) {
      found[system] = null;
      const why = whyNoImage(system, folder);
      if (why === null) found[system] = await cutOften(root, system, cuts, folder, random);
      else missing[system] = why;
      progress(`${system}: ${why === null ? inShort(found[system]) : `no power cuts, ${why}`}`);
    }
    const system = fileSystems.find((each) => found[each] != null);
    const mutant = system === undefined ? null : await cutMutant(system, folder, random);
    progress(mutant === null ? 'no power can be cut here' : `${withoutSync.name}: ${inShort(mutant)}`);
    return {
      figures: {
        powerCuts: system === undefined ? null : found,
        powerCutsMissing: missing,
        powerCutMutant: mutant,
      },
      violations: violationsOf(found, mutant),
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function violationsOf(
  found: Partial<Record<FileSystem, PowerCuts | null>>,
  mutant: PowerCuts | null,
): readonly string[] {
  if (mutant === null) return ['no power can be cut here: see powerCutsMissing'];
  const problems = Object.entries(found).flatMap(([system, cuts]) =>
    (cuts?.problems ?? []).map((problem) => `${system}: ${problem}`),
  );
  return mutant.failed > 0 ? problems : [...problems, `no cut shows that ${withoutSync.name} never syncs`];
}

function inShort(cuts: PowerCuts | null | undefined): string {
  return `${cuts?.cuts} cuts, ${cuts?.acknowledged} acknowledged, ${cuts?.lost} lost, ${cuts?.failed} failed`;
}

async function cutMutant(system: FileSystem, folder: string, random: SeededRandom): Promise<PowerCuts> {
  const tree = createMutatedTree(withoutSync);
  try {
    return await cutOften(tree.root, system, mutantCuts, folder, random);
  } finally {
    tree.remove();
  }
}

async function cutOften(
  root: string,
  system: FileSystem,
  cuts: number,
  folder: string,
  random: SeededRandom,
): Promise<PowerCuts> {
  const problems: string[] = [];
  let [acknowledged, lost] = [0, 0];
  let next = new WorkerProcess({ root, program, args: [] });
  try {
    for (let cut = 1; cut <= cuts; cut += 1) {
      const worker = next;
      next = new WorkerProcess({ root, program, args: [] });
      const image = createImage(system, join(folder, `${system}-${cut}`));
      const copy = await cutImage(
        image,
        worker,
        random.integer(5, 299),
        join(folder, `${system}-${cut}-cut`),
      );
      try {
        const result = await recovered(copy, worker);
        acknowledged += result.acknowledged;
        lost += result.lost;
        if (result.problem !== null) problems.push(`cut ${cut}: ${result.problem}`);
      } finally {
        copy.remove();
      }
    }
  } finally {
    next.signal('SIGKILL');
    await next.ended();
  }
  return { cuts, acknowledged, lost, failed: problems.length, problems };
}

/** Lets a process write for a while, stops it, and keeps what its disk holds in that instant. */
async function cutImage(
  image: LoopImage,
  worker: WorkerProcess,
  ms: number,
  path: string,
): Promise<LoopImage> {
  const place = image.mount();
  try {
    worker.tell(join(place, 'store'));
    await worker.said('opened');
    await pause(ms);
    worker.signal('SIGSTOP');
    await stopped(worker.child.pid as number);
    return image.copied(path);
  } finally {
    worker.signal('SIGKILL');
    await worker.ended();
    image.unmount();
    image.remove();
  }
}

/** Resolves when every thread is stopped: one that is in the kernel ends its call first. */
async function stopped(pid: number): Promise<void> {
  const isStopped = (task: string): boolean => {
    const stat = readFileSync(`/proc/${pid}/task/${task}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).startsWith('T');
  };
  while (!readdirSync(`/proc/${pid}/task`).every(isStopped)) await pause(1);
}

interface Recovered {
  readonly acknowledged: number;
  readonly lost: number;
  readonly problem: string | null;
}

/** Every line that the process wrote before it was stopped counts: it is all on the pipe. */
async function recovered(image: LoopImage, worker: WorkerProcess): Promise<Recovered> {
  const acknowledged = worker.idsOf('ack');
  try {
    const store = join(image.mount(), 'store');
    const held = existsSync(store) ? await jobsIn(store) : new Set<string>();
    image.unmount();
    const lost = acknowledged.filter((id) => !held.has(id));
    const asked = new Set(worker.idsOf('ask'));
    const phantoms = [...held].filter((id) => !asked.has(id));
    return { acknowledged: acknowledged.length, lost: lost.length, problem: problemOf(lost, phantoms) };
  } catch (error) {
    const problem = `the store does not open: ${String(error)}`;
    return { acknowledged: acknowledged.length, lost: acknowledged.length, problem };
  }
}

function problemOf(lost: readonly string[], phantoms: readonly string[]): string | null {
  if (lost.length > 0) return `${lost.length} acknowledged jobs are lost, first ${lost[0]}`;
  return phantoms.length > 0
    ? `${phantoms.length} jobs that no worker asked for, first ${phantoms[0]}`
    : null;
}

async function jobsIn(store: string): Promise<ReadonlySet<string>> {
  const box = await createSignalbox({ store: jsonStore(store), jobs: [] });
  try {
    const jobs = await box.store.list('job', '');
    return new Set(jobs.filter(({ name }) => name === 'note').map(({ id }) => id));
  } finally {
    await box.stop();
  }
}
