import { jobMachine } from '../../../machines/index.ts';
import { compileChart, type HistoryEntry } from '../../index.ts';
import { argOf } from '../simulate/oracle/events.ts';
import type { Oracle } from '../simulate/oracle/oracle.ts';
import { PureActors } from '../simulate/oracle/pure-actors.ts';
import { type ShownActor, shownActor } from '../simulate/oracle/shown-actor.ts';
import type { CommandEvent } from './command.ts';

const chart = compileChart(jobMachine);
const rows = new Set(chart.edges().map(({ from, event, to }) => `${from} ${event} ${to}`));

/** Before a call: what the model has of its job or actor. */
type Mark = number;

/**
 * What a box is compared with: pure snapshots of its actors, and the states of its jobs by the rows of their chart. The journal says
 * what came next; what it led to is the model's own.
 */
export class Reference {
  /** What differs, one line each. */
  readonly differences: string[] = [];
  readonly #oracle: Oracle;
  readonly #actors: PureActors;
  /** The states of each job, one after the other. */
  readonly #jobs = new Map<string, string[]>();

  constructor(oracle: Oracle) {
    this.#oracle = oracle;
    this.#actors = new PureActors(oracle);
  }

  follow(entry: HistoryEntry): void {
    if (entry.kind === 'actor') this.#differs(this.#actors.follow(entry));
    else if (entry.kind === 'job') this.#followJob(entry);
  }

  #followJob({ id, event, to, gone }: HistoryEntry): void {
    const states = this.#jobs.get(id) ?? ['new'];
    this.#jobs.set(id, states);
    const from = states.at(-1) as string;
    if (gone || to === null) return;
    if (chart.events.includes(event) && !rows.has(`${from} ${event} ${to}`))
      this.#differs(`job ${id} goes from ${from} to ${to} by ${event}, which is no row of its chart`);
    states.push(to);
  }

  markJob(id: string): Mark {
    return Math.max(0, (this.#jobs.get(id)?.length ?? 0) - 1);
  }

  hasActor(id: string): boolean {
    return this.#actors.stepsOf(id).length > 0;
  }

  markActor(id: string): Mark {
    return this.#actors.stepsOf(id).length;
  }

  /** A job was taken out of its queue, or was not, since that cannot be done where it is. */
  pulled(id: string, since: Mark, isTaken: boolean): void {
    const states = this.#statesSince(id, since);
    if (!states.some((state) => chart.accepts(state, 'job.pull') === isTaken))
      this.#differs(`job ${id} was ${isTaken ? '' : 'not '}taken out, and the model has it ${list(states)}`);
  }

  /** `answer`: what `job.cancel` resolved with. */
  cancelled(id: string, since: Mark, answer: string): void {
    const states = this.#statesSince(id, since);
    const mayBe = states.some((state) => {
      if (answer === 'ended') return state === 'callbacks' || state === 'completed';
      const to = answer === 'cancelled' ? 'callbacks' : 'active.cancelling';
      return state === to || rows.has(`${state} job.cancel ${to}`);
    });
    if (!mayBe) this.#differs(`job ${id} is said to be ${answer}, and the model has it ${list(states)}`);
  }

  /** An actor has answered a question with a snapshot. */
  answered(id: string, since: Mark, event: CommandEvent, snapshot: object): void {
    const answer = shownActor(snapshot);
    const after = this.#actors
      .stepsOf(id)
      .slice(since)
      .filter((step) => step.event === event.type);
    const expected = after.map((step) => this.#oracle.snapshot(step.after));
    if (!expected.some((each) => each === null || isSame(each, answer)))
      this.#differs(
        `actor ${id} answers ${event.type} with ${seen(answer)}, and the model has ${seen(expected.at(-1))}`,
      );
  }

  /** An actor has refused a question, or has ignored an event. */
  ignored(id: string, since: Mark, event: CommandEvent, now: number): void {
    const places = this.#actors.stepsOf(id).slice(Math.max(0, since - 1));
    const { type } = event;
    const reactions = places.map(({ after }) =>
      after.status === 'active' ? this.#oracle.reaction(after, type, argOf(event as never), now) : null,
    );
    if (!reactions.some((reaction) => reaction !== 'takes'))
      this.#differs(
        `actor ${id} ignores ${type}, and the model takes it in state ${list(places.map(({ after }) => after.state))}`,
      );
  }

  /** Compares a job with the model when all is over. */
  endedJob(id: string, status: string): void {
    const [state = 'new'] = this.#jobs.get(id)?.slice(-1) ?? [];
    const expected = state.split('.')[0]?.toUpperCase();
    if (status !== expected) this.#differs(`job ${id} is ${status}, and the model has it ${expected}`);
  }

  /** Compares an actor with the model when all is over. */
  endedActor(id: string, snapshot: object): void {
    const last = this.#actors.stepsOf(id).at(-1);
    const expected = last === undefined ? null : this.#oracle.snapshot(last.after);
    const found = shownActor(snapshot);
    if (expected !== null && !isSame(expected, found))
      this.#differs(`actor ${id} is ${seen(found)}, and the model has ${seen(expected)}`);
  }

  actors(): Iterable<string> {
    return this.#actors.ids();
  }

  #statesSince(id: string, since: Mark): readonly string[] {
    return (this.#jobs.get(id) ?? ['new']).slice(since);
  }

  #differs(what: string | null): void {
    if (what !== null) this.differences.push(what);
  }
}

function isSame(one: ShownActor, other: ShownActor): boolean {
  return (['status', 'value', 'context', 'output'] as const).every((key) => one[key] === other[key]);
}

function seen(actor: ShownActor | null | undefined): string {
  if (actor == null) return 'nothing';
  const { status, value, context, output } = actor;
  const parts = [status, value, context, output].filter((part) => part !== 'nothing' && part !== 'active');
  return parts.join(' ');
}

function list(states: readonly string[]): string {
  return [...new Set(states)].join(', then ');
}
