import { isDeepStrictEqual } from 'node:util';
import type { Json } from '../../../../index.ts';
import { type ActorRecord, argOf } from '../../oracle/events.ts';
import type { Oracle } from '../../oracle/oracle.ts';
import type { Finding } from './effects.ts';
import { type ActorLine, type Ended, isAlive, isStop, type Step } from './line.ts';

/** What is needed to judge how an actor takes its mail. */
export interface TakingFacts {
  readonly oracle: Oracle;
  /** The actor as it is after the line. */
  readonly now: ActorRecord | undefined;
  /** Whether clocks of processes may differ from the clock of the store. */
  readonly hasPeers: boolean;
}

/** Each message that is taken has moved its actor, or its machine ignores it; each that is dead had to be. */
export function* takingIn(line: ActorLine, actor: string, facts: TakingFacts): Generator<Finding> {
  const steps = line.steps.get(actor) ?? [];
  const ended = (line.ended.get(actor) ?? []).filter(({ message }) => !isStop(message.id));
  const { findings, moved } = explanationOf(steps, ended, facts);
  yield* findings;
  for (const step of steps) {
    const isOutcome = /^xstate\.(done|error)\.actor\./.test(step.entry.event);
    if (isOutcome && !moved.has(step))
      yield [step.entry, 'I29 is the outcome of a child, and no message of its present run said so'];
    if (step.before?.status === 'suspended' && step.made !== null && step.made.by !== 'command')
      yield [step.entry, 'I33 was suspended'];
  }
}

/** Which step each message has made, and what cannot be. */
interface Explanation {
  readonly findings: readonly Finding[];
  readonly moved: ReadonlySet<Step>;
}

/** Messages that are alike cannot be told apart: the first may have moved the actor, or have been ignored before another one did. */
function explanationOf(steps: readonly Step[], ended: readonly Ended[], facts: TakingFacts): Explanation {
  const byFirst = explained(steps, ended, facts, false);
  if (byFirst.findings.length === 0 || facts.hasPeers) return byFirst;
  const byIgnored = explained(steps, ended, facts, true);
  return byIgnored.findings.length === 0 ? byIgnored : byFirst;
}

/**
 * Gives each message the first step that fits; with `ignoresFirst` none when its actor ignores it before that. With peers the messages
 * of a commit come in any order.
 */
function explained(
  steps: readonly Step[],
  ended: readonly Ended[],
  facts: TakingFacts,
  ignoresFirst: boolean,
): Explanation {
  const findings: Finding[] = [];
  const moved = new Set<Step>();
  let next = 0;
  for (const each of ended) {
    const places = [...steps.slice(next).map(({ before }) => before), facts.now];
    if (each.entry.to === 'dead') {
      findings.push(...deadAt(each, places, facts));
      continue;
    }
    const found = steps.findIndex((step, index) => index >= next && !moved.has(step) && isStepOf(step, each));
    const ignored = ignoresFirst ? places.findIndex((actor) => mayIgnore(actor, each, facts)) : -1;
    const step = steps[found];
    if (ignored !== -1 && (step === undefined || next + ignored <= found)) next += ignored;
    else if (step === undefined) findings.push(...ignoredAt(each, places, facts));
    else {
      if (!facts.hasPeers) next = found + 1;
      moved.add(step);
      findings.push(...movedBy(step, each, facts));
    }
  }
  return { findings, moved };
}

/** Two runs of a child may end alike. */
function isStepOf({ entry, made, before }: Step, { message }: Ended): boolean {
  if (message.fields.run != null && !isPresent(before, message.fields)) return false;
  const event = message.fields.event as Json;
  const { type } = (event ?? {}) as { readonly type?: Json };
  return made?.by !== 'timer' && entry.event === type && isDeepStrictEqual(argOf(event), entry.arg);
}

/** What a step that takes a message must be true of. */
function* movedBy(
  { entry, before }: Step,
  { message }: Ended,
  { hasPeers }: TakingFacts,
): Generator<Finding> {
  const { at } = message.fields;
  const due = Math.min(...Object.values(before?.timers ?? {}).map(([dueAt]) => dueAt));
  if (due <= Number(at) && !hasPeers)
    yield [entry, `I28 takes ${message.id} of ${at}, and a timer was due at ${due}`];
}

function isPresent(
  actor: ActorRecord | undefined,
  { run, from }: Readonly<Record<string, unknown>>,
): boolean {
  return Object.values(actor?.children ?? {}).some((child) => child.run === run && child.id === from);
}

/** One that was taken and has moved nothing. */
function* ignoredAt(
  ended: Ended,
  places: readonly (ActorRecord | undefined)[],
  facts: TakingFacts,
): Generator<Finding> {
  if (places.some((actor) => mayIgnore(actor, ended, facts))) return;
  // A machine that is to fail has failed instead.
  if (places.some((actor) => actor?.status === 'failed')) return;
  const { type } = ended.message.fields.event as { readonly type: string };
  yield [ended.entry, `I26 was taken, and ${type} has moved nothing`];
}

/** Whether a message moves nothing there: it was none of the actor's, or its machine ignores it. */
function mayIgnore(
  actor: ActorRecord | undefined,
  { entry, message }: Ended,
  { oracle }: TakingFacts,
): boolean {
  const { event, run = null } = message.fields as { readonly event: Json; readonly run?: number | null };
  if (run !== null && (!isAlive(actor) || !isPresent(actor, message.fields))) return true;
  if (actor?.status !== 'active') return false;
  const { type } = event as { readonly type: string };
  const reaction = oracle.reaction(actor, type, argOf(event), entry.at);
  return reaction === null || reaction === 'ignores';
}

function* deadAt(
  { entry, message }: Ended,
  places: readonly (ActorRecord | undefined)[],
  { oracle }: TakingFacts,
): Generator<Finding> {
  const { event } = message.fields as { readonly event: Json };
  const { type } = event as { readonly type: string };
  const reason = String(entry.patch?.reason);
  const reactions = (): boolean =>
    places.some(
      (actor) =>
        actor?.status === 'active' &&
        ['throws', null].includes(oracle.reaction(actor, type, argOf(event), entry.at)),
    );
  if (reason === 'threw') {
    if (!reactions()) yield [entry, `I33 is dead, and ${type} does not throw`];
  } else if (reason === 'skipped') {
    if (!places.some((actor) => actor?.status === 'suspended'))
      yield [entry, 'I27 is skipped, and its actor goes on'];
  } else if (!places.some((actor) => !isAlive(actor)))
    yield [entry, `I27 is dead (${reason}), and its actor lives`];
}
