import type { Logger, LogLevel } from '../index.ts';
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
export interface LogEcho extends Logger {
  /** Ends the echo. */
  stop(): void;
}

const levels = [
  ['DEBUG', 'debug'],
  ['INFO', 'info'],
  ['WARNING', 'warn'],
  ['ERROR', 'error'],
  ['CRITICAL', 'fatal'],
] as const;

/**
 * Makes a logger that shows entries from a level up, one line each. In a test, only the log shows a callback that is
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
  const lowest = levels.findIndex(([name]) => name === level);
  let isOn = true;
  const echo = {} as LogEcho;
  for (const [rank, [name, method]] of levels.entries()) {
    echo[method] = (fields, message) => {
      if (isOn && rank >= lowest) write(`${fields.stream} ${name} ${message}`);
      logger?.[method](fields, message);
    };
  }
  echo.isLevelEnabled = (method) => {
    const rank = levels.findIndex(([, each]) => each === method);
    return (isOn && rank >= lowest) || (logger !== undefined && logger.isLevelEnabled?.(method) !== false);
  };
  echo.stop = () => {
    isOn = false;
  };
  return echo;
}
