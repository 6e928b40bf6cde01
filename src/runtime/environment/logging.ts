import { SignalboxError, shown } from '../../errors.ts';

/** Levels of log entries. `WARNING` is `warn` and `CRITICAL` is `fatal` of pino. */
export type LogLevel = 'DEBUG' | 'INFO' | 'WARNING' | 'ERROR' | 'CRITICAL';

/** `signalbox.events` has what is significant, `signalbox.trace` every poll and job. */
export type LogStream = 'signalbox.events' | 'signalbox.trace';

/** The fields of an entry, beside its message. */
export interface LogFields {
  readonly stream: LogStream;
  readonly job?: string;
  readonly err?: Error;
}

type LogMethod = (fields: LogFields, message: string) => void;

/** Where log entries go: a pino logger, or anything with its methods. */
export interface Logger {
  debug: LogMethod;
  info: LogMethod;
  warn: LogMethod;
  error: LogMethod;
  fatal: LogMethod;
  /** Lets Signalbox skip messages that the logger drops. Absent: all are made. */
  isLevelEnabled?(level: string): boolean;
}

const methods = { DEBUG: 'debug', INFO: 'info', WARNING: 'warn', ERROR: 'error', CRITICAL: 'fatal' } as const;

/** Levels by rank, for checks of `failureLogLevel`. */
const logLevels: readonly LogLevel[] = ['DEBUG', 'INFO', 'WARNING', 'ERROR', 'CRITICAL'];

/** Whether it is a level: what a store says is only text. */
export function isLogLevel(level: unknown): level is LogLevel {
  return logLevels.some((known) => known === level);
}

/** Refuses what is no level. */
export function checkLogLevel(level: LogLevel | null): void {
  if (level !== null && !isLogLevel(level)) {
    throw new SignalboxError('INVALID_OPTION', {
      option: 'failureLogLevel',
      expected: `one of ${logLevels.join(', ')}`,
      actual: shown(level),
    });
  }
}

/** The default: CRITICAL entries on standard error, nothing else. */
export const criticalToStderr: Logger = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  fatal(fields, message) {
    console.error(`${fields.stream} CRITICAL ${message}`);
  },
  isLevelEnabled: (level) => level === 'fatal',
};

/** The two streams on one logger. Messages are functions, so that a message that is dropped costs nothing. */
export class Log {
  readonly #logger: Logger;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** Whether the logger takes entries of a level. Callers that log every job ask first: a message is two objects. */
  isRead(level: LogLevel): boolean {
    try {
      return this.#logger.isLevelEnabled?.(methods[level]) !== false;
    } catch {
      // A logger that cannot answer gets everything.
      return true;
    }
  }

  events(level: LogLevel, message: () => string, fields: { job?: string; err?: Error } = {}): void {
    this.#write('signalbox.events', level, message, fields);
  }

  trace(level: LogLevel, message: () => string, fields: { job?: string; err?: Error } = {}): void {
    this.#write('signalbox.trace', level, message, fields);
  }

  #write(
    stream: LogStream,
    level: LogLevel,
    message: () => string,
    fields: { job?: string; err?: Error },
  ): void {
    const method = methods[level];
    if (!this.isRead(level)) return;
    // Logging must change nothing: an error of the logger, also a late one, is dropped.
    try {
      const written: unknown = this.#logger[method]({ stream, ...fields }, escapeControls(message()));
      if (written instanceof Promise) written.catch(() => {});
    } catch {}
  }
}

/** Job names, arguments and errors are hostile text: nothing in them may move a terminal's cursor or start a line. */
function escapeControls(text: string): string {
  return text.replaceAll(
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are exactly what is escaped
    /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
