import { basename } from 'node:path';
import { SignalboxError } from '../../../errors.ts';

// The room that is asked for when the size of the write is unknown.
const oneBlock = 4096;

/** Returns the operating system's name of a failure: `ENOSPC`, `EIO` … */
export function errnoOf(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : '';
}

/** Whether a write failed for lack of room: the same write may succeed later. */
export function isFull(error: unknown): boolean {
  return ['ENOSPC', 'EDQUOT', 'EFBIG'].includes(errnoOf(error));
}

/** A position of damage in a file. */
export interface Damage {
  readonly file: string;
  readonly byte: number;
  readonly line: number;
  readonly what: string;
  readonly lastGood: number;
}

/** Makes the error for damage that no crash explains. */
export function corrupt(damage: Damage): SignalboxError<'STORE_CORRUPT'> {
  return new SignalboxError('STORE_CORRUPT', damage);
}

/** Makes the error for a file that newer code wrote. */
export function newerVersion(file: string, found: number): SignalboxError<'STORE_VERSION'> {
  return new SignalboxError('STORE_VERSION', {
    file,
    found: String(found),
    supported: `up to ${formatVersion}`,
  });
}

/** Makes the error for a failed call of the operating system. */
export function ioFailure(
  call: string,
  file: string,
  cause: unknown,
  outcome: 'unknown' | 'not committed',
): SignalboxError<'STORE_IO'> {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new SignalboxError('STORE_IO', { call, file, reason, outcome }, { cause });
}

/**
 * Returns a SignalboxError as it is, and turns an error of the operating system into one that names the call
 * and the file.
 */
export function explained(call: string, file: string, error: unknown): SignalboxError {
  if (error instanceof SignalboxError) return error;
  if (errnoOf(error) === 'ELOOP') {
    return new SignalboxError(
      'STORE_PERMISSION',
      { path: file, found: 'a symbolic link', wanted: 'a regular file' },
      { cause: error },
    );
  }
  if (['EACCES', 'EPERM', 'EROFS'].includes(errnoOf(error))) {
    return new SignalboxError(
      'STORE_PERMISSION',
      { path: file, found: `${errnoOf(error)} at ${call}`, wanted: 'readable and writable by this process' },
      { cause: error },
    );
  }
  if (isFull(error))
    return new SignalboxError('STORE_FULL', { path: file, needed: oneBlock }, { cause: error });
  return ioFailure(call, basename(file), error, 'not committed');
}

/** The version of the journal and snapshot format that this code writes, and the newest it reads. */
export const formatVersion = 1;
