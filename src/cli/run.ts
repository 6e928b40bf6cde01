import { Command as Commander, CommanderError } from 'commander';
import { SignalboxError } from '../index.ts';
import { type Command, UnreachableError, UsageError } from './command.ts';
import { bulk } from './commands/act/bulk.ts';
import { cancel } from './commands/act/cancel.ts';
import { pause as pauseCommand, resume } from './commands/act/pause.ts';
import { retry } from './commands/act/retry.ts';
import { copyAsTestCommand } from './commands/copy-as-test.ts';
import { coverage } from './commands/coverage.ts';
import { exportCommand } from './commands/export.ts';
import { actor } from './commands/look/actor.ts';
import { actors } from './commands/look/actors.ts';
import { explain } from './commands/look/explain.ts';
import { inspect } from './commands/look/inspect.ts';
import { history, job } from './commands/look/job.ts';
import { jobs } from './commands/look/jobs.ts';
import { schedules } from './commands/look/schedules.ts';
import { queues, status } from './commands/look/status.ts';
import { tail } from './commands/look/tail.ts';
import { machines } from './commands/machines.ts';
import { migrate } from './commands/migrate.ts';
import { promote } from './commands/promote.ts';
import { verify } from './commands/verify.ts';
import { work } from './commands/work.ts';
import { packageVersion, pause, stopped } from './ports.ts';
import { printable, printableJson, withoutSecrets } from './printable.ts';

/** The outputs of a command line. */
export interface Streams {
  out(text: string): void;
  err(text: string): void;
  /** Resolves when what goes on and on is to stop. Default: at a signal to this process. */
  stopped?(): Promise<void>;
  /** Ends this process after a command whose code may keep it. Default: does nothing. */
  end?(code: number): void;
}

const looking: readonly Command[] = [
  ...[inspect, status, queues, schedules, jobs, job, actors, actor, explain, history, tail],
];
const acting: readonly Command[] = [cancel, retry, bulk, pauseCommand, resume];
const moving: readonly Command[] = [migrate, verify, promote, exportCommand];
const commands: readonly Command[] = [
  ...[work, ...looking, ...acting, ...moving, machines, coverage, copyAsTestCommand],
];

/** Codes of errors in the call itself: exit code 2. */
const usageCodes: ReadonlySet<string> = new Set([
  'INVALID_OPTION',
  'INVALID_FILTER',
  'INVALID_NAME',
  'INVALID_DURATION',
]);

const good = 0;
const failed = 1;
const misused = 2;
const unreachable = 3;

/**
 * Runs one command line and returns its exit code: 0 on success, 1 when it failed or found damage, 2 when the
 * call is wrong, 3 when what it asks for cannot be reached. Every text is printed without passwords and without control characters.
 */
export async function runCli(args: readonly string[], streams: Streams): Promise<number> {
  const safe = (text: string): string => withoutSecrets(text, args);
  const say = (line: string): void => streams.out(`${printable(safe(line))}\n`);
  const tell = (line: string): void => streams.err(`${printable(safe(line))}\n`);
  const hand = (json: unknown): void => streams.out(`${printableJson(safely(json, safe))}\n`);
  let code = good;
  const program = new Commander('signalbox')
    .description('Runs jobs, looks at the stores of Signalbox, and after them.')
    .version(packageVersion(), '--version', 'prints the version')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => streams.out(lineByLine(safe(text))),
      writeErr: (text) => streams.err(lineByLine(safe(text))),
    });
  for (const command of commands) {
    add(program, command, async (given, isForMachines) => {
      try {
        const print = (line: string, json: object): void => (isForMachines ? hand(json) : say(line));
        const long = { print, stopped: streams.stopped ?? stopped, pause };
        const { isGood, lines, json } = await command.run(given, tell, long);
        if (isForMachines) {
          if (json !== null) hand(json);
        } else for (const line of lines) say(line);
        code = isGood ? good : failed;
      } catch (error) {
        code = codeOf(error);
        const about = {
          code: error instanceof SignalboxError ? error.code : null,
          message: messageOf(error),
        };
        if (isForMachines) hand({ error: about });
        else tell(about.code === null ? about.message : `${about.code}: ${about.message}`);
      }
      if (command.endsProcess === true) streams.end?.(code);
    });
  }
  try {
    await program.parseAsync([...args], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return good;
    if (args.includes('--json')) hand({ error: { code: null, message: error.message } });
    return misused;
  }
  return code;
}

type Action = (given: Readonly<Record<string, string>>, isForMachines: boolean) => Promise<void>;

function add(program: Commander, { name, summary, options, argument }: Command, action: Action): void {
  const command = program.command(name).description(summary).copyInheritedSettings(program);
  for (const { flags, summary: about, isRequired } of options) {
    if (isRequired === true) command.requiredOption(flags, about);
    else command.option(flags, about);
  }
  command.option('--json', 'one JSON object instead of lines').allowExcessArguments(false);
  const [open, close] = argument?.isOptional === true ? '[]' : '<>';
  if (argument !== undefined) command.argument(`${open}${argument.name}${close}`, argument.summary);
  command.action(async (...called: readonly unknown[]) => {
    const [first, second] = called;
    const options = (argument === undefined ? first : second) as Record<
      string,
      string | boolean | readonly string[]
    >;
    const { json, ...given } = {
      ...Object.fromEntries(Object.entries(options).map(([name, value]) => [name, oneText(value)])),
      ...(argument && first !== undefined && { [argument.name]: first }),
    };
    await action(given as Record<string, string>, json === true);
  });
}

/** Of an option that takes several: no text of a command line has the character between them. */
function oneText(value: string | boolean | readonly string[]): string | boolean {
  return typeof value === 'object' ? value.join('\0') : value;
}

function codeOf(error: unknown): number {
  if (error instanceof UsageError) return misused;
  if (error instanceof UnreachableError) return unreachable;
  return error instanceof SignalboxError && usageCodes.has(error.code) ? misused : failed;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Escapes the texts of commander, which have several lines and repeat the arguments. */
function lineByLine(text: string): string {
  return text.split('\n').map(printable).join('\n');
}

/** Applies `safe` to every text in a value. */
function safely(value: unknown, safe: (text: string) => string): unknown {
  if (typeof value === 'string') return safe(value);
  if (Array.isArray(value)) return value.map((each) => safely(each, safe));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, safely(each, safe)]));
}
