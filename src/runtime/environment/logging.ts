import { SignalboxError, shown } from '../../errors.ts';

/** Levels of log entries. `WARNING` is `warn` and `CRITICAL` is `fatal` of pino. */
export type LogLevel = 'DEBUG' | 'INFO' | 'WARNING' | 'ERROR' | 'CRITICAL';

/** `signalbox.events` has what is significant, `signalbox.trace` every poll and job. */
export type LogStream = 'signalbox.events' | 'signalbox.trace';

/**
 * The fields of an entry, beside its message: what a log is searched by. Which of them an entry has depends on what it is
 * about. Arguments and results are in no field.
 */
export interface LogFields {
  readonly stream: LogStream;
  /** Id of the job. */
  readonly job?: string;
  /** Name of its definition. */
  readonly name?: string;
  readonly queue?: string;
  /** Name of the agent that holds it. */
  readonly agent?: string;
  /** UUID of the dispatcher. */
  readonly dispatcher?: string;
  /** Number of the attempt; the first is 1. */
  readonly attempt?: number;
  /** How long it took, in milliseconds: the job, the silence of a dispatcher, the block of the event loop. */
  readonly ms?: number;
  /** How the job ended: succeeded, failed, aborted or expired. */
  readonly ending?: string;
  readonly err?: Error;
}

/** The fields of an entry without its stream. */
export type LogDetails = Omit<LogFields, 'stream'>;

type LogMethod = (fields: LogFields, message: string) => void;

/** Where log entries go: a pino logger as it is, or anything with these methods. */
export interface Logger {
  debug: LogMethod;
  info: LogMethod;
  warn: LogMethod;
  error: LogMethod;
  /** Absent: CRITICAL entries go to `error`. */
  fatal?: LogMethod;
  /** Lets Signalbox skip messages that the logger drops. Absent: all are made. */
  isLevelEnabled?(level: string): boolean;
}

const methods = { DEBUG: 'debug', INFO: 'info', WARNING: 'warn', ERROR: 'error', CRITICAL: 'fatal' } as const;

/** Levels by rank, the lowest first. */
export const logLevels: readonly LogLevel[] = ['DEBUG', 'INFO', 'WARNING', 'ERROR', 'CRITICAL'];

/** Whether it is a level: what a store says is only text. */
export function isLogLevel(level: unknown): level is LogLevel {
  return logLevels.some((known) => known === level);
}

/** Refuses what is no level. */
export function checkLogLevel(level: LogLevel | null, option = 'failureLogLevel'): void {
  if (level !== null && !isLogLevel(level)) {
    throw new SignalboxError('INVALID_OPTION', {
      option,
      expected: `one of ${logLevels.join(', ')}`,
      actual: shown(level),
    });
  }
}

/** The two streams on one logger. Messages are functions, so that a message that is dropped costs nothing. */
export class Log {
  readonly #logger: Logger;
  readonly #methods: { readonly [Level in LogLevel]: (typeof methods)[Level] | 'error' };

  constructor(logger: Logger) {
    this.#logger = logger;
    this.#methods = logger.fatal === undefined ? { ...methods, CRITICAL: 'error' } : methods;
  }

  /** Whether the logger takes entries of a level. Callers that log every job ask first: a message is two objects. */
  isRead(level: LogLevel): boolean {
    try {
      return this.#logger.isLevelEnabled?.(this.#methods[level]) !== false;
    } catch {
      // A logger that cannot answer gets everything.
      return true;
    }
  }

  events(level: LogLevel, message: () => string, fields: LogDetails = {}): void {
    this.#write('signalbox.events', level, message, fields);
  }

  trace(level: LogLevel, message: () => string, fields: LogDetails = {}): void {
    this.#write('signalbox.trace', level, message, fields);
  }

  #write(stream: LogStream, level: LogLevel, message: () => string, fields: LogDetails): void {
    if (!this.isRead(level)) return;
    // Logging must change nothing: an error of the logger, also a late one, is dropped.
    try {
      const text = escapeControls(message());
      // Only at DEBUG a message may have more lines than one: polls, results and tracebacks.
      const shown = level === 'DEBUG' ? text : text.replaceAll('\n', '\\n');
      const written: unknown = this.#logger[this.#methods[level]]?.({ stream, ...fields }, shown);
      if (written instanceof Promise) written.catch(() => {});
    } catch {}
  }
}

const longestError = 300;

/** An error as a message of the log shows it: its name, code and message, cut. The field `err` has all of it. */
export function errorText(error: {
  readonly name: string;
  readonly message: string;
  readonly code?: unknown;
}): string {
  const { name, message, code } = error;
  const text = `${name}${typeof code === 'string' ? ` [${code}]` : ''}: ${message}`;
  return text.length <= longestError ? text : `${text.slice(0, longestError).toWellFormed()}…`;
}

/** Job names, arguments and errors are hostile text: nothing in them may move a terminal's cursor or start a line. */
export function escapeControls(text: string): string {
  return text.replaceAll(
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are exactly what is escaped
    /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
