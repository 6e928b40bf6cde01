import type { Kind, Records } from '../../src/store/entry.ts';
import type { Tables } from '../../src/store/rules/tables.ts';
import type { Change } from '../../src/store/store.ts';
import { digestOf, type Found, type Recovered } from './recovered.ts';

/** The state after one commit, and the operations between which a disk may hold it. */
interface ExpectedState {
  readonly digest: string;
  readonly from: number;
  readonly until: number;
}

/** A commit that may still be refused. */
interface StagedCommit {
  readonly seq: number;
  readonly undo: readonly (readonly [kind: Kind, id: string, before: Records[Kind] | undefined])[];
}

/** Something that holds from a number of operations on. */
interface Promised {
  readonly from: number;
  readonly seq: number;
}

/**
 * What the store has promised by a number of operations: which states may be on a disk, from when on which of
 * them may not be lost, and when it was closed. It makes the states itself, from the same changes.
 */
export class Expectations {
  /** The state after the newest commit. */
  readonly tables: Tables;
  #seq: number;
  readonly #states: Map<number, ExpectedState[]>;
  readonly #acknowledged: Promised[];
  readonly #closed: { readonly from: number; until: number }[];
  readonly #backups: (Promised & { readonly dir: string })[] = [];
  #staged: StagedCommit[] = [];

  private constructor(
    tables: Tables,
    seq: number,
    states: Map<number, ExpectedState[]>,
    acknowledged: Promised[],
    closed: { from: number; until: number }[],
  ) {
    this.tables = tables;
    this.#seq = seq;
    this.#states = states;
    this.#acknowledged = acknowledged;
    this.#closed = closed;
  }

  /** Begins from a state that is on disk for certain. */
  static from({ tables, seq, digest }: Recovered): Expectations {
    const states = new Map([[seq, [{ digest, from: 0, until: Number.POSITIVE_INFINITY }]]]);
    return new Expectations(tables, seq, states, [{ from: 0, seq }], []);
  }

  /** What is promised when the process was killed after `at` operations and the next one read this. */
  afterKill(at: number, { tables, seq }: Recovered): Expectations {
    const states = [...this.#states].filter(([each]) => each <= seq);
    const closed = this.#closed
      .filter(({ from }) => from <= at)
      .map(({ from, until }) => ({ from, until: until > at ? Number.POSITIVE_INFINITY : until }));
    return new Expectations(
      tables,
      seq,
      new Map(states),
      this.#acknowledged.filter(({ from }) => from <= at),
      closed,
    );
  }

  /** Seq of the newest commit. */
  get seq(): number {
    return this.#seq;
  }

  get epoch(): number {
    return this.tables.get('store', 'store')?.epoch ?? 0;
  }

  /** A commit is made. Returns its seq. */
  stage(changes: readonly Change[], at: number): number {
    const undo = changes.map((change, index) => {
      const before = this.tables.apply(change, this.#seq + 1 + index);
      return [change.kind, change.id, before] as const;
    });
    this.#seq += changes.length;
    this.#staged.push({ seq: this.#seq, undo });
    const state = { digest: digestOf(this.tables, this.#seq), from: at, until: Number.POSITIVE_INFINITY };
    this.#states.set(this.#seq, [...(this.#states.get(this.#seq) ?? []), state]);
    return this.#seq;
  }

  /** Everything up to this commit was acknowledged as synced. */
  acknowledge(seq: number, at: number): void {
    this.#staged = this.#staged.filter((each) => each.seq > seq);
    this.#acknowledged.push({ from: at, seq });
  }

  /** This commit, and all after it, were refused. */
  refuse(seq: number, at: number): void {
    for (const staged of this.#staged.filter((each) => each.seq >= seq).toReversed()) {
      for (const [kind, id, before] of staged.undo.toReversed()) this.tables.restore(kind, id, before);
      this.#seq = staged.seq - staged.undo.length;
      const states = this.#states.get(staged.seq) ?? [];
      const last = states.at(-1) as ExpectedState;
      this.#states.set(staged.seq, [...states.slice(0, -1), { ...last, until: at }]);
    }
    this.#staged = this.#staged.filter((each) => each.seq < seq);
  }

  /** The closing of the store was acknowledged. */
  close(at: number): void {
    this.#closed.push({ from: at, until: Number.POSITIVE_INFINITY });
  }

  /** The store is opened again: from here on it need not look closed. */
  reopen(at: number): void {
    const last = this.#closed.at(-1);
    if (last !== undefined) last.until = Math.min(last.until, at);
  }

  /** Seq of the newest commit that was acknowledged by now. */
  get acknowledgedSeq(): number {
    return Math.max(...this.#acknowledged.map(({ seq }) => seq));
  }

  /** A backup was acknowledged; when it was requested, `seq` was acknowledged. */
  backedUp(dir: string, seq: number, at: number): void {
    this.#backups.push({ dir, seq, from: at });
  }

  /** Directories that are promised to hold a backup after `at` operations. */
  backups(at: number): readonly string[] {
    return this.#backups.filter(({ from }) => from <= at).map(({ dir }) => dir);
  }

  /** What is wrong with a backup that was found; a directory of that name is a whole one at any time. */
  backupViolation(dir: string, { seq, digest, clean }: Found): string | null {
    const asked = this.#backups.find((each) => each.dir === dir)?.seq ?? 0;
    if (seq < asked) return `I1: seq ${asked} was acknowledged before the backup, which ends at ${seq}`;
    if (!(this.#states.get(seq) ?? []).some((state) => state.digest === digest))
      return `I3: the state in the backup is not the one after seq ${seq}`;
    return clean ? null : 'the backup opens as after a crash';
  }

  /** What is wrong with a state that was found on a disk after `at` operations; null when nothing is. */
  violation({ seq, digest, clean }: Found, at: number): string | null {
    const lost = this.#acknowledged.findLast((each) => each.from <= at && each.seq > seq);
    if (lost !== undefined) return `I1: seq ${lost.seq} was acknowledged, seq ${seq} is the newest found`;
    const states = this.#states.get(seq) ?? [];
    if (states.length === 0) return `I3: seq ${seq} is not the end of a commit, or of none that was made`;
    const known = states.filter((state) => state.digest === digest);
    if (known.length === 0) return `I3: the state found is not the one after seq ${seq}`;
    if (!known.some((state) => state.from <= at && at < state.until))
      return `I2: seq ${seq} was refused as not committed, or not made yet, and is there`;
    const isClosed = this.#closed.some(({ from, until }) => from <= at && at <= until);
    return isClosed && !clean ? 'the store was closed, and opens as after a crash' : null;
  }
}
