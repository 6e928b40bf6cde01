import { join } from 'node:path';
import { SignalboxError } from '../../../errors.ts';
import { isObject } from '../journal/line.ts';
import { promotedName, temporaryName } from '../ports/directory.ts';
import { corrupt, errnoOf, explained, formatVersion, newerVersion } from '../ports/failures.ts';
import { type FilePort, readFully, writeFully } from '../ports/file-port.ts';
import { discard } from './snapshot.ts';

/** The mark in the directory of a promoted store: the database that it was promoted to. */
export interface PromotionMark {
  /** Id of the promotion: the database has the same. */
  readonly id: string;
  /** The database, without a password. */
  readonly to: string;
  readonly schema: string;
  /** False until the commit of the database is known: the database may or may not hold the promotion. */
  readonly isDone: boolean;
  /** Epoch milliseconds. */
  readonly at: number;
}

const format = 'signalbox-promotion';

/** Makes the error of an opening of a directory with a mark. */
export function promotedError(path: string, mark: PromotionMark): SignalboxError {
  const { to, schema, isDone } = mark;
  return new SignalboxError('STORE_PROMOTED', { path, to, schema, isDone });
}

/** Reads the mark. @throws SignalboxError `STORE_CORRUPT`, `STORE_VERSION` */
export function readPromotionMark(files: FilePort, dir: string): PromotionMark {
  const found = parsed(readText(files, join(dir, promotedName)));
  if (isObject(found) && Number(found.v) > formatVersion) throw newerVersion(promotedName, Number(found.v));
  if (isObject(found) && found.format === format) {
    const { id, to, schema, done, at } = found;
    if (typeof id === 'string' && typeof to === 'string' && typeof schema === 'string')
      return { id, to, schema, isDone: done === true, at: Number(at) };
  }
  const what = 'text that is not the mark of a promotion';
  throw corrupt({ file: promotedName, byte: 0, line: 1, what, lastGood: 0 });
}

/** Writes the mark, or replaces it. It is on disk when this returns. */
export function writePromotionMark(files: FilePort, dir: string, mark: PromotionMark): void {
  const { id, to, schema, isDone, at } = mark;
  const temporary = join(dir, temporaryName(promotedName, id));
  // A crash may have left a file under the same name.
  discard(files, temporary);
  try {
    const fd = files.open(temporary, 'create');
    try {
      const text = JSON.stringify({ format, v: formatVersion, id, to, schema, done: isDone, at });
      writeFully(files, fd, Buffer.from(`${text}\n`), 0);
      files.datasync(fd);
    } finally {
      files.close(fd);
    }
    files.rename(temporary, join(dir, promotedName));
    files.syncDirectory(dir);
  } catch (error) {
    discard(files, temporary);
    throw explained('write the mark', join(dir, promotedName), error);
  }
}

/** Removes the mark. Only when the database is known not to have committed. */
export function removePromotionMark(files: FilePort, dir: string): void {
  try {
    files.unlink(join(dir, promotedName));
    files.syncDirectory(dir);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw explained('unlink', join(dir, promotedName), error);
  }
}

function readText(files: FilePort, path: string): string {
  const fd = files.open(path, 'read');
  try {
    const bytes = Buffer.alloc(16 * 1024);
    return bytes.toString('utf8', 0, readFully(files, fd, bytes, 0, bytes.length, 0));
  } finally {
    files.close(fd);
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
