import { pbkdf2, randomUUID } from 'node:crypto';
import { cpSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { OpenStore } from 'signalbox';
import { type FilePort, jsonStore, type SyncPort } from 'signalbox/json';

/** A figure and its requirement. */
interface Cost {
  readonly figure: number;
  readonly demand: string;
  /** Null where there is no requirement. */
  readonly meets: boolean | null;
}

type Change = Parameters<OpenStore['commit']>[0]['changes'][number];

const patchBytes = 300;
const mebibyte = 1024 * 1024;
// No measurement takes longer, so slow disks and full snapshots occur in it as well.
const spanMs = 1_000;

/**
 * Measures the costs of the json store, each with its requirement. Requirements for the disk are relative to
 * its own time.
 */
export async function run({ quick }: { json: boolean; quick: boolean }): Promise<Record<string, unknown>> {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-cost-'));
  try {
    const jobs = quick ? 30_000 : 300_000;
    const bench = await Bench.loaded(folder);
    const disk = await bench.disk();
    return {
      jobs,
      fdatasyncP50Ms: disk.p50,
      fdatasyncP99Ms: disk.p99,
      ...(await bench.commits(disk)),
      ...(await bench.largeStore(jobs)),
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Disk {
  readonly p50: number;
  readonly p99: number;
}

class Bench {
  readonly #folder: string;
  readonly #files: FilePort;
  readonly #syncs: () => SyncPort;
  #syncCount = 0;
  #snapshots = 0;
  /** False prevents checkpoints: the store finds no space on the disk. */
  #hasRoom = true;

  private constructor(folder: string, files: FilePort, syncs: () => SyncPort) {
    this.#folder = folder;
    this.#files = {
      ...files,
      freeBytes: (path) => (this.#hasRoom ? files.freeBytes(path) : -1),
      rename: (from, to) => {
        files.rename(from, to);
        if (to.endsWith('/snapshot.json')) this.#snapshots += 1;
      },
    };
    this.#syncs = () => {
      const real = syncs();
      const datasync = (fd: number): Promise<void> => {
        this.#syncCount += 1;
        return real.datasync(fd);
      };
      return { datasync, close: () => real.close() };
    };
  }

  /** The production ports are not exported by the package, so this names their built files. */
  static async loaded(folder: string): Promise<Bench> {
    const built = (path: string) => import(new URL(`../dist/src/store/json/${path}`, import.meta.url).href);
    const { nodeFilePort } = (await built('file-port.js')) as { nodeFilePort: FilePort };
    const { createWorkerSyncPort } = (await built('sync-port.js')) as {
      createWorkerSyncPort: () => SyncPort;
    };
    return new Bench(folder, nodeFilePort, createWorkerSyncPort);
  }

  /** Measures a write of the size of one commit and its fdatasync, from a worker thread as in the store. */
  async disk(): Promise<Disk> {
    const files = this.#files;
    const fd = files.open(join(this.#folder, 'disk'), 'create');
    const port = this.#syncs();
    const bytes = Buffer.alloc(patchBytes + 100, 'x');
    let at = 0;
    const times = await timesOf(async () => {
      files.write(fd, bytes, 0, bytes.length, at);
      at += bytes.length;
      await port.datasync(fd);
    });
    port.close();
    files.close(fd);
    return { p50: percentile(times, 0.5), p99: percentile(times, 0.99) };
  }

  async commits(disk: Disk): Promise<Record<string, Cost>> {
    const dir = join(this.#folder, 'commits');
    // The syncs of a checkpoint must not count as syncs of commits.
    this.#hasRoom = false;
    const store = await this.#open(dir);
    let number = 0;
    const commit = (): Promise<void> => {
      number += 1;
      return put(store, [noteOf(number)]);
    };
    await timesOf(commit, 200);
    const syncsBefore = this.#syncCount;
    const alone = await timesOf(commit);
    const syncs = (this.#syncCount - syncsBefore) / alone.length;
    const many = await perSecond(commit, 256);
    const some = await timesOfMany(commit, 16);
    const saturated = await underLoad(() => timesOf(commit));
    const over = await this.#overBytes(store, dir, 200);
    await store.close();
    const idle = percentile(alone, 0.5);
    const ratio = percentile(saturated, 0.5) / idle;
    const perS = 1_000 / idle;
    const wanted = 500 / disk.p50;
    const limit = 5 * disk.p99 + 5;
    const p99 = percentile(some, 0.99);
    return {
      syncsPerBatch: cost(syncs, 'exactly 1', syncs === 1),
      journalOverBytes: cost(over, 'at most 100 over the change', over <= 100),
      commitsPerS1: cost(perS, `at least ${wanted.toFixed(0)}, 0.5 / fdatasync p50`, perS >= wanted),
      commitsPerS256: cost(many, 'at least 10,000', many >= 10_000),
      commitP99Ms16: cost(p99, `at most ${limit.toFixed(1)}, 5 x fdatasync p99 + 5`, p99 <= limit),
      poolSaturatedRatio: cost(ratio, 'at most 3 x the p50 of an idle pool', ratio <= 3),
    };
  }

  async largeStore(jobs: number): Promise<Record<string, Cost>> {
    const dir = join(this.#folder, 'large');
    this.#hasRoom = false;
    const emptyBytes = usedBytes();
    const store = await this.#open(dir);
    for (let at = 0; at < jobs; at += 1_000)
      await put(
        store,
        Array.from({ length: 1_000 }, (_, index) => jobOf(at + index)),
      );
    const over = await this.#overBytes(store, dir, 200);
    const stateBytes = usedBytes() - emptyBytes;
    const crashed = join(this.#folder, 'crashed');
    cpSync(dir, crashed, { recursive: true });

    const quietMs = await delayOf(() => timesOf(() => put(store, [noteOf(900_000)])));
    this.#hasRoom = true;
    const checkpoint = await this.#checkpoint(store, emptyBytes);
    await store.close();
    const recovery = await this.#opening(crashed);
    const opening = await this.#opening(dir);
    const limit = 1.2 * stateBytes + 16 * mebibyte;
    const snapshotMb = statSync(join(dir, 'snapshot.json')).size / 1e6;
    const allowedS = Math.max(1, (5 * snapshotMb) / 100);
    return {
      journalOverBytesLarge: cost(over, 'as in a small store', over <= 100),
      snapshotMb: measured(snapshotMb),
      eventLoopDelayQuietMs: measured(quietMs, 'the same commits without a checkpoint'),
      eventLoopDelayMaxMs: cost(checkpoint.delayMs, 'at most 50', checkpoint.delayMs <= 50),
      checkpointPeakMb: cost(
        checkpoint.peakBytes / 1e6,
        `at most ${(limit / 1e6).toFixed(0)}, 1.2 x state + 16 MiB`,
        checkpoint.peakBytes <= limit,
      ),
      stateMb: measured(stateBytes / 1e6),
      recoveredPerS: cost(jobs / recovery.s, 'at least 50,000 records', jobs / recovery.s >= 50_000),
      recoveredPerCpuS: measured(jobs / recovery.cpuS, 'as above with the machine to itself'),
      snapshotOpenS: cost(opening.s, `at most ${allowedS.toFixed(1)}, 5 for 100 MB`, opening.s <= allowedS),
      snapshotOpenCpuS: measured(opening.cpuS, 'as above with the machine to itself'),
    };
  }

  /** Commits continue during the checkpoint, as in production. */
  async #checkpoint(store: OpenStore, emptyBytes: number): Promise<{ delayMs: number; peakBytes: number }> {
    const made = this.#snapshots;
    let number = 0;
    let peakBytes = 0;
    const delayMs = await delayOf(async () => {
      while (this.#snapshots === made) {
        number += 1;
        await put(store, [noteOf(1_000_000 + number)]);
        const { heapUsed, external } = process.memoryUsage();
        peakBytes = Math.max(peakBytes, heapUsed + external - emptyBytes);
      }
    });
    return { delayMs, peakBytes };
  }

  async #opening(dir: string): Promise<{ readonly s: number; readonly cpuS: number }> {
    const begin = performance.now();
    const before = process.cpuUsage();
    const store = await this.#open(dir);
    const s = (performance.now() - begin) / 1_000;
    const { user, system } = process.cpuUsage(before);
    await store.close();
    return { s, cpuS: (user + system) / 1e6 };
  }

  /** Returns the bytes of the newest journal per commit, without the bytes of the change. */
  async #overBytes(store: OpenStore, dir: string, commits: number): Promise<number> {
    const size = (): number => {
      const newest = this.#files
        .list(dir)
        .filter((name) => name.startsWith('journal-'))
        .sort()
        .at(-1);
      return statSync(join(dir, newest as string)).size;
    };
    const before = size();
    let changeBytes = 0;
    for (let number = 1; number <= commits; number += 1) {
      const change = noteOf(2_000_000 + number);
      changeBytes += entryBytes(change);
      await put(store, [change]);
    }
    return (size() - before - changeBytes) / commits;
  }

  #open(dir: string): Promise<OpenStore> {
    const options = { files: this.#files, syncs: this.#syncs, checkpointMinBytes: mebibyte };
    return jsonStore(dir, options).open({
      now: () => Date.now(),
      defer: (task) => void setImmediate(task),
      newId: () => randomUUID(),
      report: () => {},
    });
  }
}

function cost(figure: number, demand: string, meets: boolean): Cost {
  return { figure: Number(figure.toPrecision(4)), demand, meets };
}

function measured(figure: number, what = ''): Cost {
  return { ...cost(figure, what, true), meets: null };
}

function put(store: OpenStore, changes: readonly Change[]): Promise<void> {
  return store.commit({ by: 'client', changes, expect: [] }).synced;
}

function noteOf(number: number): Change {
  const patch = { value: 'x'.repeat(patchBytes) };
  return { kind: 'annotation', id: `job/${number}`, event: 'annotation.set', from: null, to: null, patch };
}

function jobOf(number: number): Change {
  const patch = {
    name: 'note',
    args: ['x'.repeat(150), number],
    parent: { queue: '' },
    line: 'now',
    beginAfter: 1_700_000_000_000 + number,
  };
  const id = `job-${String(number).padStart(16, '0')}`;
  return { kind: 'job', id, event: 'job.put', from: null, to: 'pending', patch };
}

/** Returns the size of the entry that a change becomes in a line of the journal. */
function entryBytes({ kind, id, event, patch }: Change): number {
  return JSON.stringify({ on: `${kind}/${id}`, ev: event, q: 0, patch }).length;
}

async function timesOf(task: () => Promise<void>, least = 50): Promise<number[]> {
  const times: number[] = [];
  for (const end = performance.now() + spanMs; performance.now() < end || times.length < least; ) {
    const begin = performance.now();
    await task();
    times.push(performance.now() - begin);
  }
  return times;
}

async function timesOfMany(task: () => Promise<void>, callers: number): Promise<number[]> {
  const times = await Promise.all(Array.from({ length: callers }, () => timesOf(task)));
  return times.flat();
}

async function perSecond(task: () => Promise<void>, callers: number): Promise<number> {
  const begin = performance.now();
  const times = await timesOfMany(task, callers);
  return (times.length * 1_000) / (performance.now() - begin);
}

/** Keeps all four threads of libuv's pool busy, with as many tasks waiting. */
async function underLoad<Result>(task: () => Promise<Result>): Promise<Result> {
  let isOver = false;
  const hash = (): void => {
    if (!isOver) pbkdf2('password', 'salt', 50_000, 64, 'sha512', hash);
  };
  for (let count = 0; count < 8; count += 1) hash();
  try {
    return await task();
  } finally {
    isOver = true;
  }
}

function percentile(times: readonly number[], share: number): number {
  const sorted = [...times].sort((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/** Returns the longest delay of the event loop during the task, in milliseconds. */
async function delayOf(task: () => Promise<unknown>): Promise<number> {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  await task();
  delay.disable();
  return delay.max / 1e6;
}

/** Returns the memory in use after a garbage collection. */
function usedBytes(): number {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
