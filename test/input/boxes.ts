import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  createSignalbox,
  defineJob,
  type JobDefinition,
  memoryStore,
  type Signalbox,
  type SignalboxOptions,
  type Store,
} from 'signalbox';
import { jsonStore } from 'signalbox/json';
import { expect } from 'vitest';
import { SignalboxError } from '../../src/errors.ts';

const boxes: Signalbox[] = [];
const directories: string[] = [];

/** A path that does not exist yet. */
export function newPath(): string {
  const directory = mkdtempSync(join(tmpdir(), 'signalbox-input-'));
  directories.push(directory);
  return join(directory, 'store');
}

/** The stores on which everything is refused in the same way. */
export const stores: Readonly<Record<string, () => Store>> = {
  memory: () => memoryStore(),
  json: () => jsonStore(newPath()),
};

/** Accepts and returns any value. */
export const keep = defineJob({ name: 'keep', run: (...values: unknown[]) => values[0] ?? null });

/** A box with the job `keep` and the queues '' and 'a', which is stopped after the test. */
export async function openBox(
  store: Store,
  jobs: readonly JobDefinition<never, unknown>[] = [],
  options: Partial<SignalboxOptions> = {},
): Promise<Signalbox> {
  const box = await createSignalbox({ store, jobs: [keep, ...jobs], queues: ['', 'a'], ...options });
  boxes.push(box);
  return box;
}

/** For afterEach: stops every box and removes every directory. */
export async function closeBoxes(): Promise<void> {
  for (const box of boxes.splice(0)) await box.stop();
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true });
}

async function written(box: Signalbox): Promise<unknown> {
  let entries = 0;
  for await (const _entry of box.entries()) entries += 1;
  const lengths = await Promise.all(['', 'a'].map((name) => box.queue(name).length()));
  return { entries, lengths };
}

/** The error with which a call is refused: a whole sentence of the catalogue. */
export async function errorOf(attempt: () => unknown): Promise<SignalboxError> {
  let caught: unknown;
  try {
    await attempt();
  } catch (error) {
    caught = error;
  }
  expect(caught).toBeInstanceOf(SignalboxError);
  const error = caught as SignalboxError;
  // The expected value, the actual value, and the repair.
  expect(error.message).toMatch(/^Expected .+?, (got|found) .+?\. \S.+[.)]$/s);
  return error;
}

/** As `errorOf`; also checks that nothing was written, neither to the journal nor to a queue. */
export async function refusal(box: Signalbox, attempt: () => unknown): Promise<SignalboxError> {
  const before = await written(box);
  const error = await errorOf(attempt);
  expect(await written(box)).toEqual(before);
  return error;
}
