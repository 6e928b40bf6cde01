import type { HistoryEntry } from '../../../../index.ts';
import { actorOf, givenValue } from '../../oracle/events.ts';
import type { Oracle } from '../../oracle/oracle.ts';
import type { ReplayedRecord } from '../replayed-record.ts';
import { effectsIn, type Finding } from './effects.ts';
import { ActorLine, isAlive, outcomeId, type Reply } from './line.ts';
import { Mailboxes } from './mailboxes.ts';
import { takingIn } from './taking.ts';

type Records = ReadonlyMap<string, ReplayedRecord>;

/** What an audit of actors goes by. */
export interface ActorAuditDeps {
  readonly records: Records;
  readonly oracle: Oracle;
  readonly hasPeers: boolean;
}

/** Longer than the longest pause of a line that tries again. */
const longestRetryMs = 60_000;
/** Polls happen at their time, and what they find takes a moment. */
const slackMs = 1000;

/**
 * Checks what durable actors promise, by what their machines give:
 *
 * - I26 a message is taken once, in the order of the commits of its sender
 * - I27 acknowledged mail is taken, refused, dead, or waits
 * - I28 no timer is early, and none is later than a poll once nothing fails
 * - I29 an outcome reaches its run only, and once
 * - I30 each step is what the machine gives: state, context, and all that it asks for
 * - I31 an actor is changed by its steps and by commands alone
 * - I32 children of actors that have ended, and children that were left, rest
 * - I33 a step that threw, and a suspended actor, leave nothing
 */
export class ActorAudit {
  readonly mail: Mailboxes;
  readonly #deps: ActorAuditDeps;
  #line: ActorLine | null = null;
  /** What parents gave to the children that they start, by child. */
  readonly #inputs = new Map<string, unknown[]>();
  readonly #outcomes = new Set<string>();
  readonly #runs = new Set<string>();
  readonly #taken = new Map<string, number>();
  #calm: { readonly since: number; readonly pollMs: number } | null = null;
  readonly #late = new Set<string>();
  /** When each actor was changed last. */
  readonly #changedAt = new Map<string, number>();
  #lookedAt = 0;

  constructor(deps: ActorAuditDeps) {
    this.#deps = deps;
    this.mail = new Mailboxes(deps.hasPeers);
  }

  /** From now on nothing fails. */
  beCalm(since: number, pollMs: number): void {
    this.#calm = { since, pollMs };
  }

  /** How many events of a type an actor has taken. */
  takenBy(actor: string, event: string): number {
    return this.#taken.get(`${actor} ${event}`) ?? 0;
  }

  /** Whether something waits to be taken, or becomes due before an instant. */
  isAtWork(until: number): boolean {
    for (const record of this.#actors()) {
      const { status } = record.fields;
      if (status !== 'suspended' && this.mail.of(record.id).size > 0) return true;
      const dueAt = status !== 'active' ? null : (record.fields.dueAt as number | null | undefined);
      if (dueAt != null && dueAt < until) return true;
    }
    return false;
  }

  /** To be called before an entry changes its record: what is wrong with the line before it. */
  *begin(entry: HistoryEntry): Generator<Finding> {
    if (this.#line !== null && this.#line.commit !== entry.commit) yield* this.end();
    this.#line ??= new ActorLine(entry.commit);
  }

  /** What is wrong with an entry, given the record before and after it. */
  *follow(
    entry: HistoryEntry,
    before: ReplayedRecord | undefined,
    after: ReplayedRecord | null,
  ): Generator<Finding> {
    const line = this.#line as ActorLine;
    if (entry.kind === 'job') yield* this.#job(line, entry, before, after);
    else if (entry.kind === 'message') {
      for (const what of this.mail.follow(entry, before)) yield [entry, what];
      yield* this.#message(line, entry, before);
    } else if (entry.kind === 'actor') yield* this.#actor(line, entry, before, after);
  }

  *#job(
    line: ActorLine,
    entry: HistoryEntry,
    before: ReplayedRecord | undefined,
    after: ReplayedRecord | null,
  ): Generator<Finding> {
    const reply = after?.fields.reply as Reply | null | undefined;
    if (before === undefined && after !== null) {
      line.jobs.push({ entry, isExplained: false });
      if (reply != null && this.#isRunAgain(reply))
        yield [entry, `I29 is run ${reply.run} of a child, again`];
    }
    if (entry.patch?.outcome != null && reply != null) line.outcomes.push({ entry, reply });
  }

  /** Each run of a child has a number of its own, also when its actor begins anew. */
  #isRunAgain(reply: Reply): boolean {
    const run = outcomeId(reply);
    const isAgain = this.#runs.has(run);
    this.#runs.add(run);
    return isAgain;
  }

  *#message(line: ActorLine, entry: HistoryEntry, before: ReplayedRecord | undefined): Generator<Finding> {
    if (entry.event === 'message.put') {
      line.letters.push({ entry, isExplained: false });
      const isOutcome = entry.patch?.run != null && !entry.id.endsWith('#~stop');
      if (isOutcome && this.#outcomes.has(entry.id)) yield [entry, 'I29 is a second outcome of one run'];
      if (isOutcome) this.#outcomes.add(entry.id);
    } else if (before?.state === 'waiting') {
      const actor = String(before.fields.actor);
      const ended = line.ended.get(actor) ?? [];
      line.ended.set(actor, ended);
      ended.push({ entry, message: before });
    }
  }

  *#actor(
    line: ActorLine,
    entry: HistoryEntry,
    before: ReplayedRecord | undefined,
    after: ReplayedRecord | null,
  ): Generator<Finding> {
    this.#changedAt.set(entry.id, entry.at);
    if (entry.event === 'evicted') return;
    const taken = `${entry.id} ${entry.event}`;
    this.#taken.set(taken, (this.#taken.get(taken) ?? 0) + 1);
    const was = before === undefined ? undefined : actorOf(before);
    const is = after === null ? undefined : actorOf(after);
    const isChild = entry.event === 'signalbox.start' && is?.parent != null;
    const input = isChild ? this.#inputs.get(entry.id)?.shift() : givenValue(entry.arg);
    if (isChild && this.#isRunAgain(is?.parent as Reply)) yield [entry, 'I29 is a run of a child, again'];
    const verdict = this.#deps.oracle.judge(was, entry, input);
    const made = verdict !== null && 'made' in verdict ? verdict.made : null;
    if (verdict !== null && 'wrong' in verdict)
      yield [entry, `${entry.event.startsWith('signalbox.') ? 'I31' : 'I30'} ${verdict.wrong}`];
    if (made?.dueAt != null && made.dueAt > entry.at)
      yield [entry, `I28 is a timer, and ${made.dueAt - entry.at} ms early`];
    if (made?.now != null && made.now > entry.at + slackMs && !this.#deps.hasPeers)
      yield [entry, `I28 arms a timer as of ${made.now - entry.at} ms later`];
    for (const effect of made?.effects ?? [])
      if (effect.type === 'startActor')
        this.#inputs.set(effect.id, [...(this.#inputs.get(effect.id) ?? []), effect.input]);
    const steps = line.steps.get(entry.id) ?? [];
    line.steps.set(entry.id, steps);
    steps.push({ entry, made, before: was, after: is });
  }

  /** What is wrong with the line that was followed last. */
  *end(): Generator<Finding> {
    const line = this.#line;
    if (line === null) return;
    this.#line = null;
    const { records, oracle, hasPeers } = this.#deps;
    yield* effectsIn(line, records);
    for (const actor of line.actors) {
      const record = records.get(`actor/${actor}`);
      yield* takingIn(line, actor, { oracle, hasPeers, now: record && actorOf(record) });
    }
    yield* this.mail.overtakenBy(line);
  }

  /** Once nothing fails: timers that are due for longer than a poll. */
  *late(now: number): Generator<string> {
    if (this.#calm === null || now < this.#lookedAt + slackMs) return;
    this.#lookedAt = now;
    const { since, pollMs } = this.#calm;
    // A line that could not make its step before waits for its next try.
    const allowed = pollMs + slackMs;
    for (const { id, fields } of this.#actors()) {
      const dueAt = fields.status === 'active' ? (fields.dueAt as number | null | undefined) : null;
      if (dueAt == null || dueAt + allowed >= now) continue;
      const lateMs = now - Math.max(dueAt, since + longestRetryMs, this.#changedAt.get(id) ?? 0);
      if (lateMs <= allowed || this.#late.has(`${id} ${dueAt}`)) continue;
      this.#late.add(`${id} ${dueAt}`);
      yield `I28 actor ${id} has a timer that is due for ${now - dueAt} ms`;
    }
  }

  /** What is wrong when all is over. */
  *rest(): Generator<string> {
    for (const { id, fields } of this.#actors()) {
      const waiting = [...this.mail.of(id).keys()];
      if (fields.status !== 'suspended' && waiting.length > 0)
        yield `I27 actor ${id} is ${fields.status}, and ${waiting} wait for it`;
      const { parent } = fields as { readonly parent?: Reply | null };
      if (isAlive(fields as never) && parent != null && this.#childOf(parent) !== id)
        yield `I32 actor ${id} lives, and ${parent.actor} does not wait for it`;
      yield* this.#lost(id, fields);
    }
    for (const actor of this.mail.actors())
      if (!this.#deps.records.has(`actor/${actor}`)) yield `I27 mail waits for ${actor}, which is not there`;
  }

  /** The children of an actor whose outcomes never came. */
  *#lost(id: string, fields: ReplayedRecord['fields']): Generator<string> {
    if (fields.status !== 'active') return;
    for (const [name, child] of Object.entries((fields.children ?? {}) as Children)) {
      const record = this.#deps.records.get(`${child.kind}/${child.id}`);
      const isOver =
        child.kind === 'job'
          ? record === undefined || record.fields.outcome != null
          : record === undefined || !isAlive(record.fields as never);
      const letter = outcomeId({ actor: id, child: name, run: child.run });
      if (isOver && !this.mail.of(id).has(letter) && !this.mail.skipped.has(letter))
        yield `I29 actor ${id} never learns how ${name} ended`;
    }
  }

  /** The id that a parent has for a child in its present run. */
  #childOf({ actor, child, run }: Reply): string | null {
    const parent = this.#deps.records.get(`actor/${actor}`);
    const children = (parent?.fields.children ?? {}) as Children;
    return isAlive(parent?.fields as never) && children[child]?.run === run ? children[child].id : null;
  }

  *#actors(): Generator<ReplayedRecord> {
    for (const record of this.#deps.records.values()) if (record.kind === 'actor') yield record;
  }
}

interface Children {
  readonly [name: string]: { readonly kind: 'job' | 'actor'; readonly id: string; readonly run: number };
}
