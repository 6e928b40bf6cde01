import { invalidOption } from '../../errors.ts';
import { checkCount, checkKnown } from '../../model/checks/check-options.ts';
import { type Duration, durationMs } from '../../time.ts';
import { defaultRetention, noLimit, type Retention } from '../in-memory/retention.ts';
import { defaultSizes, type JsonLogOptions } from './log/open-json-log.ts';
import type { FilePort } from './ports/file-port.ts';
import type { LockPort } from './ports/lock.ts';
import type { SyncPort } from './ports/sync-port.ts';

const dayMs = 24 * 60 * 60 * 1000;

/** The options of a json store. */
export interface JsonStoreOptions {
  /** Second part of a job's name. Default `main`. */
  readonly name?: string;
  /** Whether a new store may be made where there is none. Default true. */
  readonly create?: boolean;
  /** Connection budget. Default 7. */
  readonly poolSize?: number;
  /** How long completed jobs are kept. Default 7 days. */
  readonly completedMaxAge?: Duration;
  /** How long jobs are kept that failed, were aborted or have expired. Default 30 days. */
  readonly failedMaxAge?: Duration;
  /** How many completed jobs are kept, and how many that failed, were aborted or have expired. Default 100,000 each. */
  readonly completedMaxCount?: number;
  /** How long actors are kept that have ended. Default 7 days. */
  readonly finishedMaxAge?: Duration;
  /** How many actors are kept that have ended. Default 100,000. */
  readonly finishedMaxCount?: number;
  /** How long closed journals are kept. Default 7 days. */
  readonly historyMaxAge?: Duration;
  /** How many bytes of closed journals are kept. Default 64 MiB. */
  readonly historyMaxBytes?: number;
  /** Journal bytes below which no checkpoint is made. Default 16 MiB. */
  readonly checkpointMinBytes?: number;
  /**
   * `pidfile-unsafe` for systems without kernel locks: it cannot distinguish two containers. A lock of your own is for
   * fault tests. Default `kernel`.
   */
  readonly lock?: 'kernel' | 'pidfile-unsafe' | LockPort;
  /** File operations, for fault tests. */
  readonly files?: FilePort;
  /** Makes the port that syncs files, for fault tests. Default: a worker thread. */
  readonly syncs?: () => SyncPort;
}

/** The checked options of a json store. */
export interface CheckedOptions {
  readonly name: string;
  readonly poolSize: number;
  readonly retention: Retention;
  readonly ofLog: Pick<
    JsonLogOptions,
    'create' | 'lock' | 'historyMaxAgeMs' | 'historyMaxBytes' | 'checkpointMinBytes'
  >;
}

const known = [
  'name',
  'create',
  'poolSize',
  'completedMaxAge',
  'failedMaxAge',
  'completedMaxCount',
  'finishedMaxAge',
  'finishedMaxCount',
  'historyMaxAge',
  'historyMaxBytes',
  'checkpointMinBytes',
  'lock',
  'files',
  'syncs',
] as const satisfies readonly (keyof JsonStoreOptions)[];

/** Checks options and adds defaults. Touches no file. @throws SignalboxError `INVALID_OPTION`, `INVALID_DURATION`. */
export function checkedOptions(options: JsonStoreOptions): CheckedOptions {
  checkKnown(options, known);
  const {
    name = 'main',
    create = true,
    lock = 'kernel',
    completedMaxAge = defaultRetention.completedMaxAgeMs,
    failedMaxAge = defaultRetention.failedMaxAgeMs,
    completedMaxCount = defaultRetention.completedMaxCount,
    finishedMaxAge = defaultRetention.finishedMaxAgeMs,
    finishedMaxCount = defaultRetention.finishedMaxCount,
    historyMaxAge = 7 * dayMs,
    historyMaxBytes = defaultSizes.historyMaxBytes,
    checkpointMinBytes = defaultSizes.checkpointMinBytes,
  } = options;
  if (typeof create !== 'boolean') throw invalidOption('create', 'true or false', create);
  const isLock = lock === 'kernel' || lock === 'pidfile-unsafe' || typeof lock?.acquire === 'function';
  if (!isLock) throw invalidOption('lock', "'kernel', 'pidfile-unsafe', or a lock of your own", lock);
  return {
    name,
    poolSize: checkCount(options.poolSize ?? 7, 'poolSize', 1),
    retention: {
      completedMaxAgeMs: durationMs(completedMaxAge, 'completedMaxAge'),
      failedMaxAgeMs: durationMs(failedMaxAge, 'failedMaxAge'),
      completedMaxCount: checkCount(completedMaxCount, 'completedMaxCount', 0, noLimit),
      finishedMaxAgeMs: durationMs(finishedMaxAge, 'finishedMaxAge'),
      finishedMaxCount: checkCount(finishedMaxCount, 'finishedMaxCount', 0, noLimit),
    },
    ofLog: {
      create,
      lock,
      historyMaxAgeMs: durationMs(historyMaxAge, 'historyMaxAge'),
      historyMaxBytes: checkCount(historyMaxBytes, 'historyMaxBytes', 0, noLimit),
      checkpointMinBytes: checkCount(checkpointMinBytes, 'checkpointMinBytes', 0, noLimit),
    },
  };
}
