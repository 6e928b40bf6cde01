import { isSystemName } from '../../../model/records/system-names.ts';
import type { HistoryEntry } from '../../../store/entry.ts';
import { afterEntry, type ReplayedRecord } from '../../simulate/audit/replayed-record.ts';
import { type ActorRecord, actorOf } from '../../simulate/oracle/events.ts';
import type { Tree } from '../model/tree.ts';
import { differenceOf, type Move, progressOf } from './compare.ts';

/** A move, and how it came about. */
interface Seen extends Move {
  /** A timer that was due, or the end of a job that its code did not decide: what is done to a life may let them come first. */
  readonly mayComeFirst: boolean;
}

/** How a life stands to what its machine gives. */
export type Standing =
  | { readonly is: 'there' | 'waiting'; readonly why: string }
  | { readonly is: 'elsewhere'; readonly mayBe: boolean; readonly why: string };

/** Sees what a life has committed, and says how that stands to what is expected. */
export class Witness {
  readonly #root: string;
  readonly #records = new Map<string, ReplayedRecord>();
  readonly #seen = new Map<string, Seen[]>();
  /** The jobs of the program, each with its name and with that of the actor logic whose run it is. */
  readonly jobs = new Map<string, readonly string[]>();

  /** How many entries it has seen. */
  count = 0;

  constructor(root: string) {
    this.#root = root;
  }

  see(entries: readonly HistoryEntry[]): void {
    this.count += entries.length;
    for (const entry of entries) this.#see(entry);
  }

  #see(entry: HistoryEntry): void {
    const key = `${entry.kind}/${entry.id}`;
    const before = this.#records.get(key);
    if (entry.kind === 'actor' && this.#isOfTree(entry.id) && !entry.gone)
      this.#movesOf(entry.id).push({
        event: entry.event,
        to: entry.to ?? before?.state ?? '',
        mayComeFirst: this.#mayComeFirst(entry, before),
      });
    const after = afterEntry(entry, before);
    if (after === null) this.#records.delete(key);
    else this.#records.set(key, after);
    if (entry.kind === 'job' && after !== null && !this.jobs.has(entry.id)) this.#know(entry.id, after);
  }

  #know(id: string, { fields }: ReplayedRecord): void {
    const name = String(fields.name);
    if (isSystemName(name)) return;
    const reply = this.replyOf(id);
    const src = reply === null ? undefined : this.actor(reply.actor)?.children?.[reply.child]?.src;
    this.jobs.set(id, [...new Set([name, ...(src === undefined ? [] : [src])])]);
  }

  #mayComeFirst({ event, at }: HistoryEntry, before: ReplayedRecord | undefined): boolean {
    if (before === undefined) return false;
    const { timers, children } = actorOf(before);
    const child = /^xstate\.error\.actor\.(.*)$/.exec(event)?.[1];
    const job = this.#records.get(`job/${children?.[child ?? '']?.id}`);
    if (job !== undefined && job.fields.ending !== 'failed') return true;
    return Object.values(timers ?? {}).some(
      ([dueAt, , sent]) => dueAt <= at && (sent as { readonly type?: unknown }).type === event,
    );
  }

  #isOfTree(id: string): boolean {
    return id === this.#root || id.startsWith(`${this.#root}/`);
  }

  #movesOf(actor: string): Seen[] {
    const known = this.#seen.get(actor);
    if (known !== undefined) return known;
    const moves: Seen[] = [];
    this.#seen.set(actor, moves);
    return moves;
  }

  actor(id: string): ActorRecord | undefined {
    const record = this.#records.get(`actor/${id}`);
    return record === undefined ? undefined : actorOf(record);
  }

  /** The child whose run a job is; null: the job is put, and nothing waits for it. */
  replyOf(job: string): { readonly actor: string; readonly child: string } | null {
    const reply = this.#records.get(`job/${job}`)?.fields.reply;
    return (reply as { readonly actor: string; readonly child: string } | null | undefined) ?? null;
  }

  /** When the next timer of an active actor is due; infinite: none is. */
  nextDue(): number {
    const dues = [...this.#seen.keys()].map((id) => {
      const actor = this.actor(id);
      return actor?.status === 'active'
        ? (actor.dueAt ?? Number.POSITIVE_INFINITY)
        : Number.POSITIVE_INFINITY;
    });
    return Math.min(...dues);
  }

  /** Compares what was committed with a tree, and with what led to it. */
  standing(tree: Tree, expected: ReadonlyMap<string, readonly Move[]>): Standing {
    let waiting: string | null = null;
    for (const id of new Set([...expected.keys(), ...this.#seen.keys()])) {
      const [done, toDo] = [this.#movesOf(id), expected.get(id) ?? []];
      const progress = progressOf(done, toDo);
      if (progress.is === 'elsewhere') {
        const { event, to, mayComeFirst } = done[progress.place] as Seen;
        const due = toDo[progress.place];
        const wanted = due === undefined ? 'nothing more' : `${due.event} → "${due.to}"`;
        const why = `step ${progress.place + 1} of actor ${id}: expected ${wanted}, got ${event} → "${to}"`;
        return { is: 'elsewhere', mayBe: mayComeFirst, why };
      }
      if (progress.is === 'waiting') {
        const due = toDo[done.length];
        waiting ??= `step ${done.length + 1} of actor ${id}: expected ${due?.event} → "${due?.to}", got nothing`;
      }
    }
    if (waiting !== null) return { is: 'waiting', why: waiting };
    for (const [id, { record }] of tree.actors) {
      const difference = differenceOf(this.actor(id) as ActorRecord, record);
      if (difference !== null) return { is: 'elsewhere', mayBe: false, why: `actor ${id}: ${difference}` };
    }
    return { is: 'there', why: '' };
  }
}
