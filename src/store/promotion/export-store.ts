import { basename, dirname, join, resolve } from 'node:path';
import { SignalboxError } from '../../errors.ts';
import type { Kind } from '../entry.ts';
import { syncAncestors } from '../json/ports/directory.ts';
import { explained } from '../json/ports/failures.ts';
import { nodeFilePort as files } from '../json/ports/file-port.ts';
import { removeUnfinished } from '../json/recovery/backup.ts';
import type { Store, StorePorts } from '../store.ts';
import { inBatches } from './batches.ts';
import { type ExportSelection, exportChanges } from './export-changes.ts';
import { ExportCollector, type ExportSource } from './export-selection.ts';
import { readDatabase, readDirectory } from './export-source.ts';

/** Which jobs are copied, from where and to where. */
export interface ExportOptions {
  readonly from:
    | { readonly directory: string }
    | { readonly connectionString: string; readonly schema: string };
  readonly queue: string;
  /** The first so many waiting jobs, in the order in which they are offered. */
  readonly limit: number;
  /** A directory that is empty or does not exist. */
  readonly to: string;
  /** The json store in a directory that does not exist yet. It must drop nothing for its age. */
  readonly storeIn: (directory: string) => Store;
  readonly ports: StorePorts;
}

/** What an export wrote. */
export interface Exported {
  /** Absolute path of the new directory. */
  readonly directory: string;
  /** Waiting jobs of the queue, at most the limit. */
  readonly jobs: number;
  /** Records in the copy, those that the jobs refer to included. */
  readonly records: Readonly<
    Record<Extract<Kind, 'queue' | 'quota' | 'job' | 'proxy' | 'annotation'>, number>
  >;
  /** Jobs that are referred to and were left out: this version cannot read them. */
  readonly unreadable: number;
}

/**
 * Copies the first waiting jobs of a queue, and everything that they refer to, to a new json store with an
 * identity of its own. Only reads the source. The source is read completely before the copy is written, under
 * a temporary name: a directory of the wanted name is a whole copy.
 *
 * @throws SignalboxError `QUEUE_NOT_FOUND`; `INVALID_OPTION` when the target is not empty; and what the two
 * stores fail with.
 */
export async function exportStore(options: ExportOptions): Promise<Exported> {
  const { from, queue, limit, ports } = options;
  const directory = resolve(options.to);
  mustBeFree(directory);
  const select = async (source: ExportSource): Promise<ExportSelection> => {
    await mustHaveQueue(source, queue);
    return new ExportCollector(source).select(queue, limit);
  };
  const selection = await ('directory' in from
    ? readDirectory(from.directory, ports, select)
    : readDatabase(from.connectionString, from.schema, select));
  await write(selection, directory, options);
  const { waiting, queues, quotas, jobs, proxies, annotations, unreadable } = selection;
  const records = {
    queue: queues.length,
    quota: quotas.length,
    job: jobs.length,
    proxy: proxies.length,
    annotation: annotations.length,
  };
  return { directory, jobs: waiting, records, unreadable };
}

async function write(
  selection: ExportSelection,
  directory: string,
  { storeIn, ports }: ExportOptions,
): Promise<void> {
  const temporary = join(dirname(directory), `${basename(directory)}.${ports.newId()}.tmp`);
  try {
    const store = await storeIn(temporary).open(ports);
    try {
      for await (const changes of inBatches(exportChanges(selection)))
        await store.commit({ by: 'export', changes, expect: [] }).synced;
    } finally {
      await store.close();
    }
    // Renaming over an empty directory is not possible everywhere.
    if (files.lstat(directory) !== null) files.removeDirectory(directory);
    files.rename(temporary, directory);
    syncAncestors(files, directory, ports.report);
  } catch (error) {
    if (files.lstat(temporary) !== null) removeUnfinished(files, temporary);
    throw explained('export', directory, error);
  }
}

function mustBeFree(directory: string): void {
  const facts = files.lstat(directory);
  if (facts === null) return;
  const names = facts.kind === 'directory' ? files.list(directory) : null;
  if (names?.length === 0) return;
  throw new SignalboxError('INVALID_OPTION', {
    option: 'to',
    expected: 'a directory that is empty or does not exist',
    actual:
      names === null
        ? `${directory}, which is not a directory`
        : `${directory} with ${names.length} files in it`,
    repair: 'Name another directory; nothing was written.',
  });
}

async function mustHaveQueue(source: ExportSource, name: string): Promise<void> {
  const known = (await source.list('queue', '')).map(({ id }) => id);
  if (!known.includes(name)) throw new SignalboxError('QUEUE_NOT_FOUND', { name, known });
}
