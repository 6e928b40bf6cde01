import { join, resolve } from 'node:path';
import { checkOptions, invalid } from '../check-options.ts';
import { coverageFiles } from './ports.ts';
import { record } from './recorder.ts';

/** The options of `collectCoverage`. */
export interface CoverageOptions {
  /** The folder of the files. It is made when it is not there. Empty it before a run: every file in it counts. */
  readonly dir: string;
}

/** What tests of this process take of charts. */
export interface CoverageCollection {
  /** The file that this process writes; no other one has its name. */
  readonly file: string;
  /** Writes what was recorded so far. Nothing is written while there is nothing. */
  write(): void;
}

/**
 * Records which ways of charts the tests of this process take: from now on each test box, each simulation and each story of `replay` counts what its
 * journal says of jobs, of dispatchers in queues, of schedules, and of the machines of the program. `npx signalbox coverage`
 * compares the files with a store of production, and so does the page Machines of the inspector.
 *
 * Each process writes one file, when it ends, if the folder is still there, and at each `write()`. Test runners that kill their workers, as Vitest does, need the
 * call: write `afterAll(() => coverage.write())` in a setup file. A second call with the same folder gives the same collection.
 *
 * A file is JSON: `{ "format": "signalbox-coverage", "v": 1, "rows": [[machine, version, from, event, to, count]], "machines": […] }`,
 * where `machines` are the charts of the program as data. It has names of states and events, and no values.
 *
 * @example
 * ```ts
 * import { mkdtemp, readFile } from 'node:fs/promises';
 * import { tmpdir } from 'node:os';
 * import { join, resolve } from 'node:path';
 * import { defineJob } from 'signalbox';
 * import { collectCoverage, createTestBox } from 'signalbox/testing';
 *
 * const coverage = collectCoverage({ dir: await mkdtemp(join(tmpdir(), 'charts-')) });
 * const bake = defineJob({ name: 'bake', run: () => 'bread' });
 * const { box, tearDown } = await createTestBox({ jobs: [bake] });
 * await (await box.queue().put(bake())).result();
 * await tearDown();
 * coverage.write();
 * const { rows } = JSON.parse(await readFile(coverage.file, 'utf8'));
 * console.log(rows.find(([, , , event]: string[]) => event === 'job.put')?.slice(2)); // => [ 'new', 'job.put', 'pending', 1 ]
 * ```
 *
 * @throws SignalboxError `INVALID_OPTION` for a folder that cannot be made, and for a second folder.
 */
export function collectCoverage(options: CoverageOptions): CoverageCollection {
  checkOptions(options, ['dir']);
  const { dir: given } = options;
  if (typeof given !== 'string' || given === '') throw invalid('dir', 'the path of a folder', String(given));
  // A test may go to another folder before its process ends.
  const dir = resolve(given);
  if (collected !== null) {
    if (collected.dir === dir) return collected.collection;
    throw invalid('dir', `${collected.dir}: a process collects into one folder`, dir);
  }
  try {
    coverageFiles.makeFolder(dir);
  } catch (error) {
    throw invalid('dir', `a folder that can be made (${(error as Error).message})`, dir);
  }
  const file = join(dir, coverageFiles.newName());
  const recording = record();
  const write = (): void => {
    const text = recording.text();
    if (text !== null) coverageFiles.write(file, text);
  };
  // A run that removes its folder wants no file in it: that must not fail the run as it ends.
  coverageFiles.atExit(() => {
    if (coverageFiles.isThere(dir)) write();
  });
  collected = { dir, collection: { file, write } };
  return collected.collection;
}

let collected: { readonly dir: string; readonly collection: CoverageCollection } | null = null;
