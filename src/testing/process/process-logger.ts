import type { Logger } from '../../index.ts';
import type { Life } from './process-store.ts';

/** A logger of one process of a test: no level is enabled for the dead, so that refusals are not logged. */
export function heardWhileAlive(logger: Logger, life: Life): Logger {
  const heard = {} as Logger;
  for (const method of ['debug', 'info', 'warn', 'error', 'fatal'] as const)
    heard[method] = (fields, message) => logger[method](fields, message);
  heard.isLevelEnabled = (level) => !life.isOver && logger.isLevelEnabled?.(level) !== false;
  return heard;
}
