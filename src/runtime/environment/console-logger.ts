import {
  checkLogLevel,
  escapeControls,
  type LogFields,
  type Logger,
  type LogLevel,
  logLevels,
} from './logging.ts';

/** The options of a logger that writes lines. */
export interface ConsoleLoggerOptions {
  /** The lowest level that is written. Default CRITICAL. */
  readonly level?: LogLevel;
  /** Gets each line. Default: the `console.error` of the moment of each entry. */
  readonly write?: (line: string) => void;
}

const methods = { DEBUG: 'debug', INFO: 'info', WARNING: 'warn', ERROR: 'error', CRITICAL: 'fatal' } as const;

/**
 * Makes a logger that writes each entry as a line: its stream, its level, its message. An ERROR or CRITICAL entry with an
 * error is followed by the stack of that. A box without a `logger` uses `consoleLogger()`.
 *
 * @example
 * ```ts
 * import { consoleLogger, createSignalbox, memoryStore } from 'signalbox';
 *
 * const lines: string[] = [];
 * const logger = consoleLogger({ level: 'INFO', write: (line) => lines.push(line) });
 * const box = await createSignalbox({ store: memoryStore(), logger, queues: ['mail'] });
 * console.log(lines); // => [ "signalbox.events INFO queue 'mail' added" ]
 * await box.stop();
 * ```
 *
 * @throws SignalboxError `INVALID_OPTION`.
 */
export function consoleLogger(options: ConsoleLoggerOptions = {}): Required<Logger> {
  const { level = 'CRITICAL', write = (line) => console.error(line) } = options;
  checkLogLevel(level, 'level');
  const enabled = new Set<string>(logLevels.slice(logLevels.indexOf(level)).map((each) => methods[each]));
  const writes =
    (each: LogLevel): Logger['info'] =>
    (fields, message) => {
      if (enabled.has(methods[each])) write(lineOf(each, fields, message));
    };
  return {
    debug: writes('DEBUG'),
    info: writes('INFO'),
    warn: writes('WARNING'),
    error: writes('ERROR'),
    fatal: writes('CRITICAL'),
    isLevelEnabled: (method) => enabled.has(method),
  };
}

function lineOf(level: LogLevel, { stream, err }: LogFields, message: string): string {
  const line = `${stream} ${level} ${message}`;
  const showsStack = err !== undefined && (level === 'ERROR' || level === 'CRITICAL');
  return showsStack ? [line, ...stackOf(err)].join('\n') : line;
}

/** Where the runtime calls the code of a job: the frames from here on are its own. */
const caller = ' Executor.#call ';

/** The frames of an error and of its causes, indented: nothing in a stack may look like a line of its own. */
function stackOf({ stack = '', cause }: Error): string[] {
  const all = escapeControls(stack).split('\n');
  const end = all.findIndex((line) => line.includes(caller));
  const frames = all
    .slice(0, end < 0 ? all.length : end)
    .filter((line) => /^\s+at /.test(line) && !line.includes('(node:'));
  if (!(cause instanceof Error)) return frames;
  const title = escapeControls(String(cause)).replaceAll('\n', '\\n');
  return [...frames, `  caused by ${title}`, ...stackOf(cause)];
}
