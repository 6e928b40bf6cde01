import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { percentile } from './statistics.ts';

export interface FdatasyncOptions {
  readonly dir: string;
  readonly samples: number;
  /** Pause before each sync, as between jobs that arrive one by one. */
  readonly pauseMs: number;
}

/** The time that the disk needs to store 512 more bytes. */
export interface Fdatasync {
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Appends to a file and syncs it, repeatedly. */
export async function measure({ dir, samples, pauseMs }: FdatasyncOptions): Promise<Fdatasync> {
  const file = openSync(join(dir, 'appended'), 'w');
  const bytes = Buffer.alloc(512, 'x');
  const times: number[] = [];
  for (let sample = 0; sample < samples; sample += 1) {
    if (pauseMs > 0) await delay(pauseMs);
    const begin = performance.now();
    writeSync(file, bytes, 0, bytes.length, sample * bytes.length);
    fdatasyncSync(file);
    times.push(performance.now() - begin);
  }
  closeSync(file);
  return { p50Ms: percentile(times, 50), p99Ms: percentile(times, 99) };
}

export const facts = {
  versions: `node ${process.version}`,
  settings: '512 bytes appended and synced, again and again',
  fsync: 'each',
};
