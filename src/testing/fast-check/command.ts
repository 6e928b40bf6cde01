import type { Duration } from '../../index.ts';

/** One command of a story. */
export type BoxCommand =
  /** Puts a job as a careful program does: under an id of its own, and again until that is acknowledged. `after`: to begin later. */
  | { readonly do: 'put'; readonly job: string; readonly args: readonly unknown[]; readonly after?: Duration }
  /** Sends an event to an actor, likewise. An actor that is not there is started before. */
  | { readonly do: 'send'; readonly actor: string; readonly event: CommandEvent }
  /** Asks an actor, once. */
  | { readonly do: 'ask'; readonly actor: string; readonly event: CommandEvent }
  /** Lets time pass. */
  | { readonly do: 'advance'; readonly by: Duration }
  /** Takes a job out of its queue, or cancels it: 1 is the one that was put last, 2 the one before. */
  | { readonly do: 'pull' | 'cancel'; readonly job: number }
  /** Kills the process, or cuts the power: when the next commit with an event is written, such as `job.finish`; null: now. */
  | { readonly do: 'kill' | 'power cut'; readonly at: string | null }
  /** Lets the next commit with an event be made, and its process not learn that. */
  | { readonly do: 'lose an answer'; readonly at: string }
  /** Lets the next call of the code of a job throw. */
  | { readonly do: 'fail the next call' };

/** An event of a command. */
export interface CommandEvent {
  readonly type: string;
  readonly [key: string]: unknown;
}

/** A command as one line. */
export function lineOf(command: BoxCommand): string {
  switch (command.do) {
    case 'put':
      return `put ${command.job}(${command.args.map(shown).join(', ')})${command.after === undefined ? '' : ` to begin after ${time(command.after)}`}`;
    case 'send':
      return `send ${command.actor} ${eventText(command.event)}`;
    case 'ask':
      return `ask ${command.actor} ${eventText(command.event)}`;
    case 'advance':
      return `advance ${time(command.by)}`;
    case 'pull':
    case 'cancel':
      return `${command.do} the ${command.job === 1 ? 'last job' : `${ordinal(command.job)} last job`}`;
    case 'kill':
    case 'power cut':
    case 'lose an answer':
      return command.at === null ? command.do : `${command.do} at the next ${command.at}`;
    case 'fail the next call':
      return command.do;
  }
}

function time(duration: Duration): string {
  return typeof duration === 'number' ? `${duration} ms` : duration;
}

const ordinals = ['', 'first', 'second', 'third'];

function ordinal(number: number): string {
  return ordinals[number] ?? `${number}th`;
}

function eventText({ type, ...rest }: CommandEvent): string {
  return Object.keys(rest).length === 0 ? type : `${type} ${shown(rest)}`;
}

function shown(value: unknown): string {
  return JSON.stringify(value) ?? String(value);
}
