import type { Failure } from '../../../machines/job.context.ts';
import { durationText } from '../../time.ts';
import type { Verdict } from '../explanation.ts';
import type { ActorChildState, ActorExplanation, NextActorEvent } from './actor-explanation.ts';
import { eventWords } from './event-words.ts';

/** What is known beside the record of an actor. */
interface Beside {
  /** Whether this process knows its machine; null: it knows nothing by name. */
  readonly isKnown: boolean | null;
  /** Its machine takes any event. */
  readonly isReducer: boolean;
  readonly blockedBy: Failure | null;
  /** Whether any process takes work from the store; null: that does not matter. */
  readonly isAtWork: boolean | null;
}

type Explained = Omit<ActorExplanation, 'verdict'>;

/** What stops an actor, or what comes next. What must be repaired comes before what passes by itself. Pure. */
export function verdictOnActor(actor: Explained, beside: Beside): Verdict {
  const { status } = actor;
  if (status === 'suspended') return ofSuspended(actor);
  if (status !== 'active') return ofEnded(actor);
  return (
    ofLate(actor, beside) ?? ofChildren(actor) ?? ofEvents(actor, beside) ?? ofTimers(actor) ?? ofStuck(actor)
  );
}

function verdict(code: string, text: string, remedy: string): Verdict {
  return { code, text, remedy };
}

function ofSuspended({ failure, machine, version }: Explained): Verdict {
  const why = failureText(failure);
  if (failure?.code === 'UNKNOWN_VERSION')
    return verdict(
      'version',
      `it is suspended: it is of version ${version} of machine '${machine}', which no process here knew`,
      'Give defineMachine a migration of that version, or that machine in `previous`; then resume it: await actor.resume().',
    );
  return verdict(
    'suspended',
    `it is suspended${why}`,
    'Repair the machine and resume it: await actor.resume(). Or go on without what threw: await actor.skip(). Or end it: await actor.stop().',
  );
}

function ofEnded({ status, failure }: Explained): Verdict {
  if (status === 'done') return verdict('done', 'it is done', 'Read its output: await actor.output().');
  if (status === 'stopped')
    return verdict('stopped', 'it was stopped', "Start it anew if it is wanted: { ifExists: 'restart' }.");
  return verdict(
    'failed',
    `it failed${failureText(failure)}`,
    "Repair the cause, and start it anew: { ifExists: 'restart' }.",
  );
}

function failureText(failure: Failure | null): string {
  return failure === null ? '' : `: ${failure.name}: ${failure.message}`;
}

/** Mail that is not taken, or a timer that is due and has not fired. */
function ofLate({ mail, timers, machine }: Explained, beside: Beside): Verdict | null {
  const [timer] = timers;
  const isLate = timer?.inMs === 0;
  if (mail.count === 0 && !isLate) return null;
  const what =
    mail.count === 0
      ? `its timer '${eventWords(timer?.event ?? timer?.id ?? '')}' is due`
      : mail.count === 1
        ? '1 message waits for it'
        : `${mail.count} messages wait for it`;
  const { isAtWork, isKnown, blockedBy } = beside;
  if (isAtWork === false)
    return verdict(
      'delivery',
      `${what}, and no process is at work`,
      `Call box.start() in a process that knows machine '${machine}'.`,
    );
  if (isKnown === false)
    return verdict(
      'machine',
      `${what}, and this process does not know machine '${machine}'`,
      'Give it to a process that is at work: createSignalbox({ machines: [...] }).',
    );
  if (blockedBy !== null)
    return verdict(
      'blocked',
      `${what}, and its step cannot be committed${failureText(blockedBy)}`,
      'Make room for what it puts; it is tried again by itself, with growing waits.',
    );
  return verdict('mail', what, 'Wait until a process that knows its machine takes it, or look at the log.');
}

/** A child that is not over. Its outcome brings the actor on. */
function ofChildren({ children, childCount }: Explained): Verdict | null {
  const open = children.filter(isOpen);
  const [first] = open;
  if (first === undefined) return null;
  const others = open.length + Math.max(0, childCount - children.length) - 1;
  const more = others === 0 ? '' : `, and ${others} more`;
  const { kind, id, name } = first;
  const state =
    kind === 'job' ? jobWords(first) : `${first.state ?? 'gone'}${first.at ? ` in ${first.at}` : ''}`;
  return verdict(
    'child',
    `it waits for child '${name}': ${kind} ${id} is ${state}${more}`,
    kind === 'job'
      ? `Look at that one: box.explain('${id}').`
      : `Look at that one: box.explainActor('${id}').`,
  );
}

function isOpen({ kind, state }: ActorChildState): boolean {
  return kind === 'job'
    ? state !== null && state !== 'completed'
    : state === 'active' || state === 'suspended';
}

function jobWords({ state }: ActorChildState): string {
  return state === null ? 'gone' : (state.split('.')[0] ?? state);
}

function ofEvents({ next, timers }: Explained, { isReducer }: Beside): Verdict | null {
  if (next !== null && next.length === 0 && !isReducer) return null;
  const [timer] = timers;
  const orTimer = timer === undefined ? '' : `, or for its timer in ${untilText(timer.inMs)}`;
  const [open, shut] = [(next ?? []).filter(isTakeable), (next ?? []).filter((each) => !isTakeable(each))];
  if (next !== null && open.length === 0 && shut.length > 0) {
    if (timer !== undefined) return null;
    const refusals = shut.map(({ event, guards }) => `${event} by ${guards.join(', ')}`).join('; ');
    return verdict(
      'guards',
      `guards refuse every event that it may take: ${refusals}`,
      'Look at its context: await actor.snapshot().',
    );
  }
  const names = open.map(({ event }) => event).join(', ');
  return verdict(
    'event',
    `it waits for an event${names === '' ? '' : `: ${names}`}${orTimer}`,
    'Send one: await actor.send({ type: … }).',
  );
}

/** Of hours, the seconds do not matter. */
function untilText(ms: number): string {
  return durationText(ms < 3_600_000 ? ms : Math.round(ms / 60_000) * 60_000);
}

function isTakeable({ isOpen }: NextActorEvent): boolean {
  return isOpen !== false;
}

function ofTimers({ timers }: Explained): Verdict | null {
  const [timer] = timers;
  if (timer === undefined) return null;
  return verdict(
    'timer',
    `it waits for its timer '${eventWords(timer.event ?? timer.id)}', in ${untilText(timer.inMs)}`,
    'Wait longer.',
  );
}

function ofStuck({ state }: Explained): Verdict {
  return verdict(
    'stuck',
    `it waits for nothing: no event leads out of ${state === '' ? 'its state' : `state ${state}`}, and it has no timer and no child`,
    'Give its machine a way out of that state, or end it: await actor.stop().',
  );
}
