/** What an option of a command is. */
export interface CommandOption {
  /** As commander takes it: `--to <url>`. */
  readonly flags: string;
  readonly summary: string;
  readonly isRequired?: boolean;
}

/** What came of a command. */
export interface CommandResult {
  /** False: the command did its work, and what it looked at is not as it ought to be. */
  readonly isGood: boolean;
  /** For people. */
  readonly lines: readonly string[];
  /** For machines: one object. */
  readonly json: Readonly<Record<string, unknown>>;
}

/** One command: what it is called, what it is told, and what it does. It knows nothing of processes and terminals. */
export interface Command {
  readonly name: string;
  readonly summary: string;
  readonly options: readonly CommandOption[];
  /** @param tell - says how far long work has come. */
  run(given: Readonly<Record<string, string>>, tell: (line: string) => void): Promise<CommandResult>;
}

/** What was called for is no call that can be made. */
export class UsageError extends Error {}
