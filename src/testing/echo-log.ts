import { consoleLogger, type Logger, type LogLevel } from '../index.ts';
import { checkOptions } from './check-options.ts';

/** The options of an echo of the log. */
export interface LogEchoOptions {
  /** The lowest level that is echoed. Default CRITICAL. */
  readonly level?: LogLevel;
  /** Default: the `console.log` of the moment of each entry, which a test runner may replace. */
  readonly write?: (line: string) => void;
  /** Another logger. It gets entries of every level, also after the end of the echo. */
  readonly logger?: Logger;
}

/** A logger whose echo can be ended. */
export interface LogEcho extends Required<Logger> {
  /** Ends the echo. */
  stop(): void;
}

const methods = ['debug', 'info', 'warn', 'error', 'fatal'] as const;

/**
 * Makes a logger that shows entries from a level up, as `consoleLogger` does. In a test, only the log shows a callback that is
 * retried without end.
 *
 * @example
 * ```ts
 * import { createSignalbox, memoryStore } from 'signalbox';
 * import { echoLog } from 'signalbox/testing';
 *
 * const lines: string[] = [];
 * const logger = echoLog({ level: 'INFO', write: (line) => lines.push(line) });
 * const box = await createSignalbox({ store: memoryStore(), logger, queues: ['mail'] });
 * console.log(lines); // => [ "signalbox.events INFO queue 'mail' added" ]
 * await box.stop();
 * ```
 */
export function echoLog(options: LogEchoOptions = {}): LogEcho {
  checkOptions(options, ['level', 'write', 'logger']);
  const { level = 'CRITICAL', write = (line) => console.log(line), logger } = options;
  let isOn = true;
  const lines = consoleLogger({
    level,
    write: (line) => {
      if (isOn) write(line);
    },
  });
  const other = (method: (typeof methods)[number]): (typeof methods)[number] =>
    method === 'fatal' && logger?.fatal === undefined ? 'error' : method;
  const echo = {} as LogEcho;
  for (const method of methods) {
    echo[method] = (fields, message) => {
      lines[method](fields, message);
      logger?.[other(method)]?.(fields, message);
    };
  }
  echo.isLevelEnabled = (method) =>
    (isOn && lines.isLevelEnabled(method)) ||
    (logger !== undefined && logger.isLevelEnabled?.(other(method as 'fatal')) !== false);
  echo.stop = () => {
    isOn = false;
  };
  return echo;
}
