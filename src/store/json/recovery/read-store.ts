import { join, resolve } from 'node:path';
import { SignalboxError } from '../../../errors.ts';
import { checkKnown } from '../../../model/checks/check-options.ts';
import { createPast } from '../../../reading/past.ts';
import { Reel } from '../../../reading/reel.ts';
import type { Line } from '../../entry.ts';
import type { LogReader, StoreFiles } from '../../log.ts';
import type { Past } from '../../reader.ts';
import type { History } from '../journal/history.ts';
import { checkDirectory, listStore } from '../ports/directory.ts';
import { errnoOf, explained } from '../ports/failures.ts';
import { type FilePort, nextTurn, nodeFilePort } from '../ports/file-port.ts';
import { readingFiles } from '../ports/reading-files.ts';
import { listBases, readBase } from '../snapshot/bases.ts';
import { listGenerations } from '../snapshot/generations.ts';
import { historyAtRest } from './history-at-rest.ts';
import { recover } from './recovery.ts';

/** The options of reading a json store. */
export interface ReadOptions {
  /** Second part of a job's name. Default `main`. */
  readonly name?: string;
  /** Called with messages for people: a damaged snapshot that other files replace. Default: not called. */
  readonly report?: (message: string) => void;
  /** File operations, for fault tests. */
  readonly files?: FilePort;
}

/** How often a store is read again because its process has changed the files meanwhile. */
const maxReads = 10;

/**
 * Reads a json store without opening it: for a look at what a process has left, or at what it does now. Takes no lock and changes
 * no byte, so it works on a read-only disk, on a copy, and beside the process that has the store open. The past that it returns
 * is at the newest entry, and moves to every moment that history holds. It does not grow: read the store again for newer entries.
 *
 * It reads synchronously (100,000 jobs take one to two seconds), so call it in a process that has nothing else to do.
 *
 * @throws SignalboxError `STORE_MISSING`, `STORE_NOT_A_STORE`, `STORE_VERSION`, `STORE_PERMISSION`, `STORE_IO`, `INVALID_OPTION`;
 * `STORE_CORRUPT`, with file and byte, when an opening would be refused for damage
 *
 * @example
 * ```ts
 * import { createSignalbox } from 'signalbox';
 * import { jsonStore, readStore } from 'signalbox/json';
 *
 * const box = await createSignalbox({ store: jsonStore('data/letters'), jobs: [], queues: ['mail'] });
 * await box.queue('mail').quotas.create('smtp', { size: 5 });
 * await box.stop();
 * const past = await readStore('data/letters');
 * console.log((await past.get('quota', 'mail/smtp'))?.size); // => 5
 * await past.moveTo(past.from);
 * console.log(await past.get('quota', 'mail/smtp')); // => undefined
 * ```
 */
export async function readStore(dir: string, options: ReadOptions = {}): Promise<Past> {
  checkKnown(options, ['name', 'report', 'files']);
  return (await readAgain(resolve(checkDirectory(dir)), options, null)).past;
}

/** A past of a store that a process is writing, read beside it. */
export interface PastBeside {
  readonly past: Past;
  /** How far the process has synced by now: the past, and every fork of it, can move up to there. */
  grow(files: StoreFiles): void;
}

/**
 * Reads the store of a process at work: up to where it says that it has synced, and no further. What else holds for `readStore`
 * holds for this.
 */
export function readBeside(store: StoreFiles, options: ReadOptions = {}): Promise<PastBeside> {
  return readAgain(resolve(store.dir), options, store);
}

async function readAgain(path: string, options: ReadOptions, told: StoreFiles | null): Promise<PastBeside> {
  const files = readingFiles(options.files ?? nodeFilePort);
  const facts = files.stat(path);
  if (facts === null) throw missing(path);
  if (facts.kind !== 'directory')
    throw new SignalboxError('STORE_NOT_A_STORE', { path, found: 'a file that is not a directory' });
  for (let reads = 1; ; reads += 1) {
    const before = signatureOf(files, path);
    try {
      return await read(path, files, options, told);
    } catch (error) {
      // A process at work replaces snapshots and removes old files: what was missing or cut then is not damage.
      if (reads === maxReads || signatureOf(files, path) === before) throw explained('read', path, error);
    }
  }
}

/** The files of a directory as text that differs when one of them was written, replaced or removed. */
function signatureOf(files: FilePort, dir: string): string {
  try {
    const facts = files.list(dir).map((name) => [name, files.lstat(join(dir, name))] as const);
    return JSON.stringify(facts.map(([name, found]) => [name, found?.inode, found?.size]).sort());
  } catch (error) {
    throw explained('read', dir, error);
  }
}

function missing(path: string): SignalboxError {
  const repair = 'Check the path: it is the directory that jsonStore was given. Nothing was made there.';
  return new SignalboxError('STORE_MISSING', { path, repair });
}

async function read(
  dir: string,
  files: FilePort,
  options: ReadOptions,
  told: StoreFiles | null,
): Promise<PastBeside> {
  const { name = 'main', report = () => {} } = options;
  const listing = listStore(files, dir);
  const reel = new Reel();
  const recovery = await recover(files, dir, listing, { into: reel, revive: reel.tables.revive, report });
  if (recovery.store === null) throw missing(dir);
  let growing = told;
  const { seq } = recovery;
  const ports = { files, defer: nextTurn, report };
  const history = historyAtRest(dir, ports, listing, recovery, () => growing);
  const endedAt = recovery.journals.at(-1)?.header.at ?? 0;
  const past = await createPast(
    {
      name,
      exclusive: true,
      isVolatile: false,
      now: () => endedAt,
      log: logOf(dir, files, history),
      newestSeq: () => growing?.seq ?? seq,
      defer: nextTurn,
    },
    reel,
  );
  const grow = (by: StoreFiles): void => {
    if (by.generation !== growing?.generation) history.generations = generationsNow(dir, files, report);
    growing = by;
  };
  return { past, grow };
}

/** The generations of a directory whose process may drop the oldest ones at any time. */
function generationsNow(
  dir: string,
  files: FilePort,
  report: (message: string) => void,
): History['generations'] {
  for (let lists = 1; ; lists += 1) {
    try {
      return listGenerations(files, dir, listStore(files, dir), report);
    } catch (error) {
      if (lists === maxReads || errnoOf(error) !== 'ENOENT') throw explained('list', dir, error);
    }
  }
}

function logOf(dir: string, files: FilePort, history: History): LogReader {
  const bases = () => listBases(files, dir, history.generations);
  return {
    async find(seq) {
      try {
        return await history.find(seq);
      } catch (error) {
        throw cut(seq, error);
      }
    },
    async *read(seq): AsyncGenerator<Line> {
      try {
        yield* history.read(seq);
      } catch (error) {
        throw cut(seq, error);
      }
    },
    oldestSeq: () => (history.generations[0]?.base ?? 0) + 1,
    async seqAt(instant) {
      try {
        return await history.seqAt(instant);
      } catch (error) {
        throw cut(0, error);
      }
    },
    bases: () => bases().map(({ seq }) => seq),
    async base(seq, revive) {
      const base = bases().find((each) => each.seq === seq);
      if (base === undefined) throw new SignalboxError('HISTORY_CUT', { seq });
      return readBase({ dir, files, defer: nextTurn }, base, revive);
    },
  };
}

/** The error for a journal that the process at work has dropped since the store was read; others stay as they are. */
function cut(seq: number, error: unknown): unknown {
  const isGone = error instanceof SignalboxError && errnoOf(error.cause) === 'ENOENT';
  return isGone ? new SignalboxError('HISTORY_CUT', { seq }, { cause: error }) : error;
}
