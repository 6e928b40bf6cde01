import { SignalboxError } from '../../errors.ts';
import { checkCount, checkKnown } from '../../model/checks/check-options.ts';
import { machineVersion } from '../../model/jobs/machine-version.ts';
import { durationMs } from '../../time.ts';
import { Tables } from '../rules/tables.ts';
import type { Store } from '../store.ts';
import { MemoryLog } from './memory-log.ts';
import { defaultRetention, noLimit, type Retention } from './retention.ts';
import { TableStore } from './table-store.ts';

/** Options of a memory store. */
export interface MemoryStoreOptions extends Partial<Retention> {
  /** Second part of a job's name. Default `main`. */
  readonly name?: string;
  /** Connection budget. Default 7. */
  readonly poolSize?: number;
  /** Commits that history keeps. Default 100,000. */
  readonly historyMaxLines?: number;
}

/**
 * A store in memory, for tests and simulations: the same engine, the same contract, and nothing on disk. What
 * it holds lives as long as the store object, so a second Signalbox opened on it finds the jobs of the first.
 *
 * @example
 * ```ts
 * import { createSignalbox, memoryStore } from 'signalbox';
 *
 * const box = await createSignalbox({ store: memoryStore(), jobs: [] });
 * await box.stop();
 * ```
 *
 * @throws SignalboxError `INVALID_OPTION`, `INVALID_DURATION`.
 */
export function memoryStore(options: MemoryStoreOptions = {}): Store {
  checkKnown(options, [
    'name',
    'poolSize',
    'historyMaxLines',
    'completedMaxAgeMs',
    'failedMaxAgeMs',
    'completedMaxCount',
    'finishedMaxAgeMs',
    'finishedMaxCount',
  ]);
  const {
    completedMaxAgeMs = defaultRetention.completedMaxAgeMs,
    failedMaxAgeMs = defaultRetention.failedMaxAgeMs,
    completedMaxCount = defaultRetention.completedMaxCount,
    finishedMaxAgeMs = defaultRetention.finishedMaxAgeMs,
    finishedMaxCount = defaultRetention.finishedMaxCount,
  } = options;
  const retention = {
    completedMaxAgeMs: durationMs(completedMaxAgeMs, 'completedMaxAgeMs'),
    failedMaxAgeMs: durationMs(failedMaxAgeMs, 'failedMaxAgeMs'),
    completedMaxCount: checkCount(completedMaxCount, 'completedMaxCount', 0, noLimit),
    finishedMaxAgeMs: durationMs(finishedMaxAgeMs, 'finishedMaxAgeMs'),
    finishedMaxCount: checkCount(finishedMaxCount, 'finishedMaxCount', 0, noLimit),
  };
  const poolSize = checkCount(options.poolSize ?? 7, 'poolSize', 1);
  const tables = new Tables();
  let defer = (): Promise<void> => Promise.resolve();
  const maxLines = checkCount(options.historyMaxLines ?? 100_000, 'historyMaxLines', 0, noLimit);
  const log = new MemoryLog(maxLines, () => defer());
  let seq = 0;
  let epoch = 0;
  let open: TableStore | null = null;
  return {
    name: options.name ?? 'main',
    async open(ports) {
      if (open !== null && !open.isClosed) {
        throw new SignalboxError('STORE_LOCKED', {
          path: 'memory',
          holder: 'another Signalbox',
          isHere: true,
        });
      }
      epoch += 1;
      defer = () => new Promise((resolve) => ports.defer(resolve));
      const store = new TableStore({
        name: options.name ?? 'main',
        epoch,
        directory: null,
        poolSize,
        tables,
        log,
        seq,
        machineVersion,
        ports,
        retention,
      });
      open = store;
      store.follow((lines) => {
        const last = lines.at(-1);
        if (last !== undefined) seq = last.s + last.entries.length - 1;
      });
      return store;
    },
  };
}
