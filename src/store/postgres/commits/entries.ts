import type { Entry, Kind, Line, Patch } from '../../entry.ts';
import { entriesOfCommit } from '../jobs/stored-job.ts';
import type { Change } from '../../store.ts';
import type { Rows } from '../sql-port.ts';

/** Entries that have in common what happened: as the journal keeps them. */
interface Group {
  readonly kind: Kind;
  readonly event: string;
  readonly from: string | null;
  readonly to: string | null;
  readonly gone: boolean;
  readonly ids: string[];
  readonly q: number[];
  readonly own: (Patch | null)[];
  readonly texts: string[];
}

/**
 * The entries of a commit, in groups. An entry is numbered within its commit; a number below 0 names entry `-1 - n` of the same
 * commit, since the number of a commit is known only when it is made.
 */
export class Entries {
  readonly #groups: Group[] = [];
  readonly #newest = new Map<string, number>();
  /** The group that the newest entry of a subject is in. */
  readonly #subjects = new Map<string, number>();
  /** Of each entry, in the order in which they were added: its group and its place there. */
  readonly #places: (readonly [group: number, index: number])[] = [];
  #starts: readonly number[] = [];

  get count(): number {
    return this.#places.length;
  }

  /** `q`: seq of the entry before of this subject, 0 for the first, or `-1 - n` for the one that was added as number n. Gives the patch as JSON. */
  add({ kind, id, event, from, to, patch, gone }: Change, q: number): string {
    const head = `${kind} ${event} ${from} ${to} ${gone === true}`;
    const subject = `${kind}/${id}`;
    let index = this.#newest.get(head) ?? -1;
    // Entries of one subject stay in their order.
    if (index < 0 || index < (this.#subjects.get(subject) ?? 0)) {
      index = this.#groups.length;
      this.#groups.push({ kind, event, from, to, gone: gone === true, ids: [], q: [], own: [], texts: [] });
      this.#newest.set(head, index);
    }
    const group = this.#groups[index] as Group;
    const text = patch === null ? 'null' : JSON.stringify(patch);
    this.#subjects.set(subject, index);
    this.#places.push([index, group.ids.length]);
    group.ids.push(id);
    group.q.push(q);
    group.own.push(patch);
    group.texts.push(text);
    return text;
  }

  /** Call when all are added: from here on each has its number. */
  close(): void {
    const starts: number[] = [];
    let next = 0;
    for (const { ids } of this.#groups) {
      starts.push(next);
      next += ids.length;
    }
    this.#starts = starts;
  }

  /** The number of the entry that was added as number n. */
  numberOf(n: number): number {
    const [group, index] = this.#places[n] as readonly [number, number];
    return (this.#starts[group] as number) + index;
  }

  /** The groups as JSON: what all entries of a group have in common is there once. */
  text(): string {
    const texts = this.#groups.map((group) => {
      const { kind, event, from, to, gone, ids, q, texts: patches } = group;
      const isCommon = patches.every((text) => text === patches[0]);
      const head = { kind, event, from, to, ...(gone ? { gone } : {}), ids };
      const before = q.every((seq) => seq === 0) ? '' : `,"q":${JSON.stringify(q.map((seq) => this.#given(seq)))}`;
      const patch = isCommon ? `,"patch":${patches[0]}` : `,"own":[${patches.join()}]`;
      return `${JSON.stringify(head).slice(0, -1)}${before}${patch}}`;
    });
    return `[${texts.join()}]`;
  }

  #given(q: number): number {
    return q < 0 ? -1 - this.numberOf(-1 - q) : q;
  }

  /** The entries as readers of the journal see them, given the number of their commit. */
  entries(c: number): Entry[] {
    return this.#groups.flatMap(({ ids, q, own, texts: _texts, ...head }) =>
      ids.map((id, index) => {
        const before = this.#given(q[index] as number);
        return { ...head, id, patch: own[index] as Patch | null, q: before < 0 ? seqIn(c, -1 - before) : before };
      }),
    );
  }
}

/** Seq of an entry of a commit. */
export function seqIn(c: number, n: number): number {
  return c * entriesOfCommit + n;
}

/**
 * Lines that came with a promotion keep their own numbers, which are dense: their row has the number `s - promotedShift`, less than
 * 0 and in their order, and before those of all commits.
 */
export const promotedShift = 2 ** 40;

/** Seq of the first entry in a row of the journal. */
export function firstSeqOf(c: number): number {
  return c < 0 ? c + promotedShift : c * entriesOfCommit;
}

/** Entries as a row of the journal keeps them, one by one. */
export function ungrouped(entries: readonly Entry[]): string {
  return JSON.stringify(
    entries.map(({ id, q, gone, ...entry }) => ({ ...entry, ...(gone ? { gone } : {}), ids: [id], q: [q] })),
  );
}

/** A group as it is read. */
interface Kept extends Omit<Entry, 'id' | 'q' | 'patch' | 'gone'> {
  readonly ids: readonly string[];
  readonly q?: readonly number[];
  readonly patch?: Patch | null;
  readonly own?: readonly (Patch | null)[];
  readonly gone?: boolean;
}

/** A row of the journal as a line. */
export function lineOf(row: Rows[number]): Line {
  const c = Number(row.c);
  const entries: Entry[] = [];
  for (const { ids, q, patch, own, gone, ...head } of JSON.parse(String(row.entries ?? '[]')) as Kept[]) {
    for (const [index, id] of ids.entries()) {
      const before = q?.[index] ?? 0;
      entries.push({
        ...head,
        id,
        patch: own === undefined ? (patch ?? null) : (own[index] ?? null),
        gone: gone === true,
        q: before < 0 ? seqIn(c, -1 - before) : before,
      });
    }
  }
  if (row.claim !== null && row.claim !== undefined)
    claimEntries(c, entries, JSON.parse(String(row.claim)) as Change[], row.ids as string[], expanded(row.q as unknown[]));
  return { s: firstSeqOf(c), at: Number(row.at), by: String(row.by), mv: String(row.mv), entries };
}

/** Adds the entries of a claim: as many changes of each job as it made. */
export function claimEntries(
  c: number,
  entries: Entry[],
  claim: readonly Change[],
  ids: readonly string[],
  q: readonly number[],
): void {
  for (const [index, id] of ids.entries()) {
    for (const [step, { kind, event, from, to, patch }] of claim.entries()) {
      const before = step === 0 ? (q[index] ?? 0) : seqIn(c, entries.length - 1);
      entries.push({ kind, id, event, from, to, patch, gone: false, q: before });
    }
  }
}

/** Seqs as the journal keeps those of claimed jobs: one each, or less than 0 for the first of a run, and how many follow. */
export function expanded(q: readonly unknown[]): readonly number[] {
  const seqs: number[] = [];
  for (let index = 0; index < q.length; index += 1) {
    const first = Number(q[index]);
    if (first > 0) seqs.push(first);
    else {
      index += 1;
      for (let n = 0; n < Number(q[index]); n += 1) seqs.push(-first + n);
    }
  }
  return seqs;
}
