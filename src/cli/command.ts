/** An option of a command. */
export interface CommandOption {
  /** In the notation of commander: `--to <url>`; of `--tests <directory...>` the run gets a text that `listIn` reads. */
  readonly flags: string;
  readonly summary: string;
  readonly isRequired?: boolean;
}

/** What an option was given that takes several. */
export function listIn(given: string): readonly string[] {
  return given === '' ? [] : given.split('\0');
}

/** The result of a command. */
export interface CommandResult {
  /** False when the command did its work and found damage. */
  readonly isGood: boolean;
  /** Lines for people. */
  readonly lines: readonly string[];
  /** One object for machines; null: there is nothing else to say. */
  readonly json: Readonly<Record<string, unknown>> | null;
}

/** What a command needs that goes on until a person stops it. */
export interface LongRun {
  /** Prints one thing that happened: a line for people, or one object a line for machines. */
  print(line: string, json: Readonly<Record<string, unknown>>): void;
  /** Resolves when it is to stop. */
  stopped(): Promise<void>;
  pause(ms: number): Promise<void>;
}

/** A command: its name, its options and its work. It does not depend on the process or the terminal. */
export interface Command {
  readonly name: string;
  readonly summary: string;
  readonly options: readonly CommandOption[];
  /** Whether the process ends with it, whatever is still open in it. Default: when nothing is open any more. */
  readonly endsProcess?: boolean;
  /** What follows its name; it is given under its own name. */
  readonly argument?: { readonly name: string; readonly summary: string; readonly isOptional?: boolean };
  /** @param tell - prints the progress of long work. */
  run(
    given: Readonly<Record<string, string>>,
    tell: (line: string) => void,
    long: LongRun,
  ): Promise<CommandResult>;
}

/** The command line itself is wrong: exit code 2. */
export class UsageError extends Error {}

/** What the command asks for cannot be reached: exit code 3. */
export class UnreachableError extends Error {}
