import type { Json } from '../../../../machines/json.ts';
import { inPresentShape } from '../../../model/records/earlier-shape.ts';
import type { Entry, Kind, Line, Patch } from '../../entry.ts';
import type { Change } from '../../store.ts';
import { claimIn, entriesOfCommit, withSlots } from '../jobs/stored-job.ts';
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
  /** What the event of each carried: one value, or none. */
  readonly args: (readonly Json[])[];
}

/** What an event carried, as the journal keeps it. */
function argsOf(arg: Json | undefined): readonly Json[] {
  return arg === undefined ? nothing : [arg];
}

const nothing: readonly Json[] = [];

/** What it carried, as an entry has it. */
function argOf(args: readonly Json[] | undefined): { readonly arg?: Json } {
  return args === undefined || args.length === 0 ? {} : { arg: args[0] as Json };
}

/** The entries of a commit, in groups. An entry is numbered within its commit, whose own number is known only when it is made. */
export class Entries {
  readonly #groups: Group[] = [];
  /** Of each entry, in the order in which they were added: its group, and its place there. */
  readonly #groupOf: number[] = [];
  readonly #placeOf: number[] = [];
  #starts: readonly number[] = [];

  get count(): number {
    return this.#groupOf.length;
  }

  /**
   * `q`: seq of the entry before of this subject, 0 for the first, or `-1 - n` for the one that was added as number n. `text`: its
   * patch as JSON. `after`: the group of the entry before: those of one subject stay in their order. Gives the group.
   */
  add(
    change: Change,
    q: number,
    text = JSON.stringify(change.patch),
    after = Math.max(0, this.#groups.length - 1),
  ): number {
    let index = this.#groups.length - 1;
    const oldest = Math.max(after, this.#groups.length - mostLooked);
    while (index >= oldest && !isAlike(this.#groups[index] as Group, change)) index -= 1;
    if (index < oldest) index = this.#open(change);
    const group = this.#groups[index] as Group;
    this.#groupOf.push(index);
    this.#placeOf.push(group.ids.length);
    group.ids.push(change.id);
    group.q.push(q);
    group.own.push(change.patch);
    group.texts.push(text);
    group.args.push(argsOf(change.arg));
    return index;
  }

  #open({ kind, event, from, to, gone }: Change): number {
    const own = { ids: [], q: [], own: [], texts: [], args: [] };
    return this.#groups.push({ kind, event, from, to, gone: gone === true, ...own }) - 1;
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
    const start = this.#starts[this.#groupOf[n] as number] as number;
    return numbered(start + (this.#placeOf[n] as number));
  }

  /** The number after the last one. */
  get end(): number {
    return this.count === 0 ? 0 : numbered(this.count - 1) + 1;
  }

  /** The rows of the journal, each with its groups as JSON: what all entries of a group have in common is there once. */
  rows(): readonly { readonly text: string; readonly count: number }[] {
    return this.#pieces().map((pieces) => ({
      text: `[${pieces.map((piece) => this.#text(piece)).join()}]`,
      count: pieces.reduce((sum, { from, to }) => sum + to - from, 0),
    }));
  }

  /** What of each group stands in each row. */
  #pieces(): Piece[][] {
    const rows: Piece[][] = [];
    for (const [index, group] of this.#groups.entries()) {
      const start = this.#starts[index] as number;
      for (let from = 0; from < group.ids.length; ) {
        const row = Math.floor((start + from) / entriesOfRow);
        const to = Math.min(group.ids.length, (row + 1) * entriesOfRow - start);
        const pieces = rows[row] ?? [];
        pieces.push({ group, start, from, to });
        rows[row] = pieces;
        from = to;
      }
    }
    return rows;
  }

  #text({ group, start, from, to }: Piece): string {
    const { kind, event, from: left, to: entered, gone } = group;
    const texts = group.texts.slice(from, to);
    const q = group.q.slice(from, to);
    const head = {
      kind,
      event,
      from: left,
      to: entered,
      ...(gone ? { gone } : {}),
      ids: group.ids.slice(from, to),
    };
    const given = q.map((seq, index) => this.#given(seq, numbered(start + from + index)));
    const before = given.every((seq) => seq === 0) ? '' : `,"q":${JSON.stringify(given)}`;
    const isCommon = texts.every((text) => text === texts[0]);
    const patch = isCommon ? `,"patch":${texts[0]}` : `,"own":[${texts.join()}]`;
    const args = group.args.slice(from, to);
    const carried = args.every(({ length }) => length === 0) ? '' : `,"args":${JSON.stringify(args)}`;
    return `${JSON.stringify(head).slice(0, -1)}${before}${patch}${carried}}`;
  }

  /** How an entry names the one before it: an entry of this commit by the distance to it. */
  #given(q: number, own: number): number {
    return q < 0 ? this.numberOf(-1 - q) - own : q;
  }

  /** The lines of the journal as its readers see them, given the number of their commit. */
  lines(c: number, head: Omit<Line, 's' | 'entries'>): Line[] {
    return this.#pieces().map((pieces, row) => ({
      ...head,
      s: seqIn(c + row, 0),
      entries: pieces.flatMap(({ group: { ids, q, own, texts: _texts, args, ...common }, start, from, to }) =>
        ids.slice(from, to).map((id, index) => {
          const number = numbered(start + from + index);
          const before = this.#given(q[from + index] as number, number);
          return {
            ...common,
            id,
            patch: own[from + index] as Patch | null,
            q: before < 0 ? seqIn(c, number + before) : before,
            ...argOf(args[from + index]),
          };
        }),
      ),
    }));
  }
}

/** How many of the newest groups are looked at for one that fits. */
const mostLooked = 8;

function isAlike(group: Group, { kind, event, from, to, gone }: Change): boolean {
  return (
    group.event === event &&
    group.to === to &&
    group.from === from &&
    group.kind === kind &&
    group.gone === (gone === true)
  );
}

/** Part of a group: from one of its entries to another, of which the first is the one at `start` of all. */
interface Piece {
  readonly group: Group;
  readonly start: number;
  readonly from: number;
  readonly to: number;
}

/** How many entries share a row: who reads one of them parses all. */
const entriesOfRow = 1024;

/** The number of an entry by its place among those of its commit: each row has the number of a commit to itself. */
function numbered(place: number): number {
  return Math.floor(place / entriesOfRow) * entriesOfCommit + (place % entriesOfRow);
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
    entries.map(({ id, q, gone, arg, ...entry }) => ({
      ...entry,
      ...(gone ? { gone } : {}),
      ids: [id],
      q: [q],
      ...(arg === undefined ? {} : { args: [argsOf(arg)] }),
    })),
  );
}

/** A group as it is read. */
interface Kept extends Omit<Entry, 'id' | 'q' | 'patch' | 'gone' | 'arg'> {
  readonly ids: readonly string[];
  readonly q?: readonly number[];
  readonly patch?: Patch | null;
  readonly own?: readonly (Patch | null)[];
  readonly gone?: boolean;
  readonly args?: readonly (readonly Json[])[];
}

/** A row of the journal as a line. */
export function lineOf(row: Rows[number]): Line {
  const c = Number(row.c);
  const entries: Entry[] = [];
  for (const { ids, q, patch, own, gone, args, ...head } of JSON.parse(
    String(row.entries ?? '[]'),
  ) as Kept[]) {
    for (const [index, id] of ids.entries()) {
      const before = q?.[index] ?? 0;
      entries.push({
        ...head,
        id,
        patch: patchIn(head.kind, own === undefined ? patch : own[index]),
        gone: gone === true,
        q: before < 0 ? seqIn(c, entries.length + before) : before,
        ...argOf(args?.[index]),
      });
    }
  }
  const head = { s: firstSeqOf(c), at: Number(row.at), by: String(row.by), mv: String(row.mv) };
  if (row.claim === null || row.claim === undefined) return { ...head, entries };
  const claim = claimIn(row.claim);
  const ids = row.ids as string[];
  const slots = row.slots === null ? [] : (JSON.parse(String(row.slots)) as string[][]);
  return { ...head, entries: claimEntries(head.s, entries, claim, ids, expanded(row.q as unknown[]), slots) };
}

function patchIn(kind: Kind, patch: Patch | null | undefined): Patch | null {
  return patch == null ? null : inPresentShape(kind, patch, true);
}

/** Entries of a line with those of a claim behind them: as many changes of each job as it made. `slots`: the keys that each has entered. */
export function claimEntries(
  s: number,
  before: readonly Entry[],
  claim: readonly Change[],
  ids: readonly string[],
  q: readonly number[],
  slots: readonly (readonly string[])[],
): Entry[] {
  const entries = [...before];
  for (const [index, id] of ids.entries()) {
    for (const [step, { kind, event, from, to, patch }] of withSlots(claim, slots[index]).entries()) {
      const last = step === 0 ? (q[index] ?? 0) : s + entries.length - 1;
      entries.push({ kind, id, event, from, to, patch, gone: false, q: last });
    }
  }
  return entries;
}

/** Seqs as the journal keeps those of claimed jobs: one each, or less than 0 for the first of a run, and how many follow. */
function expanded(q: readonly unknown[]): readonly number[] {
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
