import { createInlineSyncPort } from '../../src/store/json/ports/sync-port.ts';
import type { MemoryFiles } from '../store/json/memory-files.ts';
import type { Conduct } from './session.ts';

/** A number from 0 to below 1. */
export type Random = () => number;

/** Random numbers that a seed repeats: mulberry32. */
export function randomFrom(seed: number): Random {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Everything happens at once: syncs end in the call, deferred work runs in the next microtask. */
export function atOnce(files: MemoryFiles): Conduct {
  return {
    syncs: () => createInlineSyncPort(files),
    defer: (run) => queueMicrotask(run),
    until: (promise) => promise,
  };
}

/** Syncs take their time, and what happens next is drawn: so commits, syncs and checkpoints overlap. */
export class InTurns implements Conduct {
  readonly #files: MemoryFiles;
  readonly #random: Random;
  readonly #deferred: (() => void)[] = [];
  readonly #syncing: (() => void)[] = [];

  constructor(files: MemoryFiles, random: Random) {
    this.#files = files;
    this.#random = random;
  }

  readonly syncs = () => ({
    datasync: (fd: number): Promise<void> => {
      const end = this.#files.beginSync(fd);
      return new Promise((resolve) => {
        this.#syncing.push(() => {
          end();
          resolve();
        });
      });
    },
    close: () => {},
  });

  defer(run: () => void): void {
    this.#deferred.push(run);
  }

  /** One thing happens: deferred work runs, or a sync ends. */
  async turn(): Promise<void> {
    const isSync = this.#deferred.length === 0 || (this.#syncing.length > 0 && this.#random() < 0.25);
    (isSync ? this.#syncing : this.#deferred).shift()?.();
    // Everything that follows from it without another turn.
    await new Promise((resolve) => setImmediate(resolve));
  }

  async until<Value>(promise: Promise<Value>): Promise<Value> {
    let isSettled = false;
    const settled = () => {
      isSettled = true;
    };
    promise.then(settled, settled);
    while (!isSettled) await this.turn();
    return promise;
  }
}
