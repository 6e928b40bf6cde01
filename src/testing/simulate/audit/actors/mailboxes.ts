import type { HistoryEntry } from '../../../../index.ts';
import type { ReplayedRecord } from '../replayed-record.ts';
import type { Finding } from './effects.ts';
import { type ActorLine, isStop } from './line.ts';

interface Waiting {
  readonly seq: number;
  readonly at: number;
  readonly from: string | null;
}

/** The mail that waits, by actor: each message is there once, and taken in order. */
export class Mailboxes {
  readonly #hasPeers: boolean;
  readonly #waiting = new Map<string, Map<string, Waiting>>();
  /** Ids of messages that were there, with the seq at which they were taken; null: they wait. */
  readonly #known = new Map<string, number | null>();

  /** `hasPeers`: the entries of one commit come in any order. */
  constructor(hasPeers: boolean) {
    this.#hasPeers = hasPeers;
  }

  /** Messages that an operator skipped. */
  readonly skipped = new Set<string>();

  /** The messages that wait for an actor. */
  of(actor: string): ReadonlyMap<string, Waiting> {
    return this.#waiting.get(actor) ?? new Map();
  }

  actors(): Iterable<string> {
    return this.#waiting.keys();
  }

  /** When a message was over, as a seq; null: it waits; undefined: it was never there. */
  endOf(message: string): number | null | undefined {
    return this.#known.get(message);
  }

  /** What is wrong with an entry of a message, given the record before it. */
  *follow(entry: HistoryEntry, before: ReplayedRecord | undefined): Generator<string> {
    const { id, event, to, seq, at, commit } = entry;
    if (event === 'evicted') {
      if (before?.state === 'waiting') yield 'I27 is dropped, and waits';
      this.#known.delete(id);
      return;
    }
    const actor = String(entry.patch?.actor ?? before?.fields.actor);
    if (to === 'waiting') {
      // A child may be told to stop again before it has stopped.
      if (this.#known.has(id) && !isStop(id)) yield 'I26 is there a second time';
      const from = (entry.patch?.from ?? null) as string | null;
      const box = this.#waiting.get(actor) ?? new Map<string, Waiting>();
      this.#waiting.set(actor, box.set(id, { seq, at, from }));
      this.#known.set(id, null);
      return;
    }
    if (entry.patch?.reason === 'skipped') this.skipped.add(id);
    const isNote = before === undefined && event === 'message.taken';
    if (before === undefined ? !isNote || this.#known.has(id) : before.state !== 'waiting')
      yield `I26 is over a second time, and was ${before?.state}`;
    const box = this.#waiting.get(actor);
    box?.delete(id);
    if (box?.size === 0) this.#waiting.delete(actor);
    this.#known.set(id, this.#hasPeers ? commit : seq);
  }

  /** No message of a line overtakes one that waits: with peers, one of the same sender. */
  *overtakenBy(line: ActorLine): Generator<Finding> {
    const hasPeers = this.#hasPeers;
    for (const [actor, ended] of line.ended)
      for (const [at, { entry, message }] of ended.entries()) {
        if (isStop(message.id) || entry.patch?.reason === 'skipped') continue;
        const from = message.fields.from ?? null;
        const isBefore = (seq: number, other: string | null): boolean =>
          seq < message.lastSeq && (!hasPeers || (from !== null && other === from));
        for (const [id, waiting] of this.of(actor))
          if (!isStop(id) && isBefore(waiting.seq, waiting.from)) yield [entry, `I26 overtakes ${id}`];
        for (const later of hasPeers ? [] : ended.slice(at + 1)) {
          const { id, lastSeq, fields } = later.message;
          if (!isStop(id) && isBefore(lastSeq, (fields.from ?? null) as string | null))
            yield [entry, `I26 overtakes ${id}`];
        }
      }
  }
}
