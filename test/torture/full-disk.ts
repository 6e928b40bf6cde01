import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSignalbox } from 'signalbox';
import { jsonStore } from 'signalbox/json';
import type { Part, PartOptions } from './part.ts';
import { WorkerProcess } from './worker-process.ts';

/** What a disk is made of: a file system in memory, or a limit on the size of a file. */
export type DiskKind = 'tmpfs' | 'file size';

/** The result of one full disk. */
export interface FullDisk {
  readonly kind: DiskKind;
  readonly bytes: number;
  readonly acknowledged: number;
  readonly refused: number;
  /** From the making of room to the first put that was acknowledged. */
  readonly resumedMs: number | null;
  readonly problems: readonly string[];
}

/** The sizes of the disks, in bytes. */
export const diskSizes = [60_000, 100_000, 140_000] as const;

const finishMs = 30_000;
const program = join('test', 'torture', 'full-disk-worker.ts');

/** Why no file system can be mounted here, or null when one can. */
export function whyNoTmpfs(): string | null {
  if (spawnSync('unshare', ['--version']).error !== undefined)
    return 'unshare is not on the PATH (Debian: apt-get install util-linux)';
  const { status, stderr } = spawnSync('unshare', [...ownMounts(), 'mount', '-t', 'tmpfs', 'none', tmpdir()]);
  return status === 0 ? null : `no mount of one's own: ${String(stderr).trim()}`;
}

/** Why no process can be given a limit here, or null when one can. */
function whyNoFileSize(): string | null {
  const probe = spawnSync('prlimit', ['--fsize=1000000:unlimited', 'true']);
  if (probe.error !== undefined) return 'prlimit is not on the PATH (Debian: apt-get install util-linux)';
  return probe.status === 0 ? null : `prlimit: ${String(probe.stderr).trim()}`;
}

// Another user becomes root in a name space, where that is allowed.
function ownMounts(): readonly string[] {
  return process.getuid?.() === 0 ? ['--mount'] : ['--mount', '--map-root-user'];
}

/** Fills disks of each kind and size, makes room again, and checks what is there. */
export async function fullDiskPart({ root, progress }: Omit<PartOptions, 'seed'>): Promise<Part> {
  const found: FullDisk[] = [];
  const missing: Record<string, string> = {};
  for (const [kind, why] of [
    ['tmpfs', whyNoTmpfs()],
    ['file size', whyNoFileSize()],
  ] as const) {
    if (why !== null) {
      missing[kind] = why;
      progress(`no full disks of kind ${kind}: ${why}`);
      continue;
    }
    for (const bytes of diskSizes) {
      found.push(await fillDisk(root, kind, bytes));
      progress(`full disk: ${JSON.stringify(found.at(-1))}`);
    }
  }
  const problems = found.flatMap(({ kind, bytes, problems }) =>
    problems.map((problem) => `${kind} of ${bytes} bytes: ${problem}`),
  );
  return {
    figures: { fullDisk: found.length === 0 ? null : found, fullDiskMissing: missing },
    violations: found.length === 0 ? ['no disk can be filled here: see fullDiskMissing'] : problems,
  };
}

/** Lets one process fill a disk of this size and continue when there is room again. */
export async function fillDisk(root: string, kind: DiskKind, bytes: number): Promise<FullDisk> {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-full-'));
  const disk = join(folder, 'disk');
  const ledger = join(folder, 'ledger');
  mkdirSync(disk, { mode: 0o700 });
  const args = [disk, ledger, kind === 'tmpfs' ? 'remount' : 'limit'];
  const worker = new WorkerProcess({ root, program, args, under: wrapperOf(kind, disk, bytes) });
  try {
    const finished = await worker.said('finished', finishMs);
    worker.signal('SIGKILL');
    await worker.ended();
    return await judged({ kind, bytes, worker, ledger, isFinished: finished !== null });
  } finally {
    worker.signal('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The command under which the worker runs. */
function wrapperOf(kind: DiskKind, disk: string, bytes: number): readonly string[] {
  if (kind === 'file size') return ['prlimit', `--fsize=${bytes}:unlimited`];
  const mount = 'mount -t tmpfs -o "size=$0,mode=700" none "$1" && shift && exec "$@"';
  return ['unshare', ...ownMounts(), 'sh', '-c', mount, String(bytes), disk];
}

interface Filled {
  readonly kind: DiskKind;
  readonly bytes: number;
  readonly worker: WorkerProcess;
  readonly ledger: string;
  readonly isFinished: boolean;
}

async function judged({ kind, bytes, worker, ledger, isFinished }: Filled): Promise<FullDisk> {
  const { lines, complaints } = worker;
  const [acknowledged, refused] = [worker.idsOf('ack'), worker.idsOf('refused')];
  const resumed = lines.find((line) => line.startsWith('resumed '));
  // What a full disk keeps from being written is reported as fatal.
  const problems = lines.filter((line) => line.startsWith('fatal ') && !line.includes('a full disk'));
  if (complaints !== '') problems.push(complaints.trim());
  if (!isFinished)
    problems.push(`it did not finish in ${finishMs} ms; it said last: ${lines.slice(-3).join(', ')}`);
  else problems.push(...(await compared(`${ledger}-store`, ledger, acknowledged, refused)));
  const resumedMs = resumed === undefined ? null : Number(resumed.split(' ')[1]);
  const counts = { acknowledged: acknowledged.length, refused: refused.length };
  return { kind, bytes, ...counts, resumedMs, problems };
}

/** Nothing acknowledged is lost, nothing refused is there, and no code ran for a job that was refused. */
async function compared(
  store: string,
  ledger: string,
  acknowledged: readonly string[],
  refused: readonly string[],
): Promise<readonly string[]> {
  chmodSync(store, 0o700);
  const box = await createSignalbox({ store: jsonStore(store), jobs: [] });
  const states = new Map((await box.store.list('job', '')).map(({ id, state }) => [id, state]));
  await box.stop();
  const started = readFileSync(ledger, 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('start '))
    .map((line) => line.slice('start '.length));
  const twice = started.filter((id, index) => started.indexOf(id) !== index);
  return [
    ...acknowledged
      .filter((id) => states.get(id) !== 'completed')
      .map((id) => `${id} is ${states.get(id) ?? 'lost'}`),
    ...refused.filter((id) => states.has(id)).map((id) => `${id} was refused and is there`),
    ...refused.filter((id) => started.includes(id)).map((id) => `${id} was refused and ran`),
    ...twice.map((id) => `${id} ran twice for a full disk`),
  ];
}
