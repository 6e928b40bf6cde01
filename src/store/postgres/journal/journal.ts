import type { HistoryEntry, Kind, Line } from '../../entry.ts';
import type { Position } from '../../reader.ts';
import { firstSeqOf, lineOf, promotedShift } from '../commits/entries.ts';
import { codeOf } from '../failures.ts';
import { entriesOfCommit } from '../jobs/stored-job.ts';
import type { Parts } from '../parts.ts';
import type { Rows } from '../sql-port.ts';
import { beforeGap, isFull, largest, lastOf, type Size, smallest, upTo } from './pages.ts';
import { RecentLines } from './recent-lines.ts';

/** What the journal is read with; `epoch`: of the opening that reads. */
export type JournalParts = Pick<Parts, 'schema' | 'epoch' | 'transactions'>;

interface News {
  readonly lines: readonly Line[];
  /** What is seen with them. */
  readonly seen: string;
  readonly isMore: boolean;
}

/** How many lines of the history of one subject are read at a time. */
const historyLines = 100;
/** Among how many lines the newest is looked for: instants are nearly in the order of numbers, and gaps are young. */
const nearLines = 64;
/** How long a reader waits for a transaction that took a number before those it has seen. */
const gapLimitMs = 1000;

const ofLine = 'c, at, by, mv, entries, claim, ids, q, slots, xid::text AS xid';
const oldestOpen = 'pg_snapshot_xmin(pg_current_snapshot())::text';

/**
 * The journal: one row a commit. What it tells is synced: a reader flushes the log before it tells of what may not be there yet,
 * so that nobody has heard of what a crash takes, and no number that comes again was seen before.
 */
export class Journal {
  readonly #parts: JournalParts;
  readonly #lines: string;
  #flush = `pg_logical_emit_message(true, 'signalbox', '')`;
  /** Lines of transactions before this one are on disk. */
  #syncedBelow = 0n;
  /** The sync that is under way, and the one that follows it. */
  #syncing: Promise<void> = Promise.resolve();
  #nextSync: Promise<void> | null = null;
  readonly #recent = new RecentLines();

  constructor(parts: JournalParts) {
    this.#parts = parts;
    this.#lines = `${parts.schema}.line`;
  }

  /** Entries of one subject, newest first: each names the seq of the one before it. Ends where history was cut. */
  async *history(kind: Kind, id: string, from: number): AsyncGenerator<HistoryEntry> {
    let oldest: number | null = null;
    for (let seq = from, before = 0; seq > 0 && seq !== before; ) {
      before = seq;
      const known = this.#recent.find(seq);
      // What was cut meanwhile is not told any more.
      if (known !== undefined) oldest ??= await this.oldestSeq();
      if (known !== undefined && known.s < (oldest ?? 0)) return;
      const lines = known === undefined ? this.#linesAt(seq, kind, id) : [known];
      for await (const { s, at, by, mv, entries } of lines) {
        while (seq >= s && seq < s + entries.length) {
          const entry = entries[seq - s];
          if (entry?.kind !== kind || entry.id !== id) return;
          yield { ...entry, seq, commit: s, at, by, mv };
          seq = entry.q;
        }
      }
    }
  }

  async *#linesAt(seq: number, kind: Kind, id: string): AsyncGenerator<Line> {
    for (const row of await this.#chain(seq, kind, id)) {
      const line = lineOf(row);
      this.#recent.add(line, String(row.entries).length);
      yield line;
    }
  }

  /**
   * The line of a commit and those before it that tell of a subject, each named by the one after it. They end sooner where the
   * entries before are those of a run that was claimed: only who expands it knows which one it is.
   */
  async #chain(seq: number, kind: Kind, id: string): Promise<Rows> {
    const line = `SELECT l.*, coalesce(
        CASE WHEN $2 = 'job' AND 0 < ALL (l.q) THEN l.q[array_position(l.ids, $3)] END,
        (SELECT b.q FROM json_array_elements(l.entries::json) g
         CROSS JOIN json_array_elements_text(g -> 'ids') WITH ORDINALITY AS i (id, n)
         CROSS JOIN LATERAL (SELECT (g -> 'q' ->> (i.n - 1)::int)::bigint) AS b (q)
         WHERE g ->> 'kind' = $2 AND i.id = $3 AND b.q > 0 LIMIT 1)
      ) AS before FROM ${this.#lines} l WHERE l.c = ${this.#parts.schema}.commit_of`;
    return await this.#synced(
      `WITH RECURSIVE chain AS (
         SELECT 1 AS step, l.* FROM (${line}($1)) l
         UNION ALL
         SELECT chain.step + 1, l.* FROM chain CROSS JOIN LATERAL (${line}(chain.before)) l WHERE chain.step < ${historyLines}
       )
       SELECT ${ofLine} FROM chain ORDER BY step`,
      [seq, kind, id],
    );
  }

  /**
   * Lines from the one that holds `from` on, in order of number. Numbers are given before a transaction commits, so a
   * missing one may still come: it is waited for until every transaction is over that was open when it was missed.
   */
  async *lines(from: number): AsyncGenerator<Line> {
    for await (const row of this.#belowGaps(await this.#startOf(from), ofLine, smallest)) yield lineOf(row);
  }

  /** Number of the row that has an entry, or would have it; of the oldest, if that is before. */
  async #startOf(seq: number): Promise<number> {
    const [row] = await this.#query(
      `SELECT (SELECT min(c) FROM ${this.#lines}) AS oldest,
         (SELECT max(c) FROM ${this.#lines} WHERE c < 0 AND c <= $1::bigint - ${promotedShift}) AS promoted,
         (SELECT c + count FROM ${this.#lines} WHERE c < 0 ORDER BY c DESC LIMIT 1) > $1::bigint - ${promotedShift} AS is_promoted`,
      [seq],
    );
    if (row?.oldest == null || firstSeqOf(Number(row.oldest)) >= seq) return Number(row?.oldest ?? 0);
    return row.is_promoted === true ? Number(row.promoted) : Math.floor(seq / entriesOfCommit);
  }

  async *#belowGaps(from: number, columns: string, first: Size): AsyncGenerator<Rows[number]> {
    let size = first;
    // Numbers below `settled` that are missing will stay so.
    for (let next = from, settled = 0; ; ) {
      let page = await this.#page(next, columns, size);
      let count = beforeGap(page, next, settled);
      const hasGap = count < page.length;
      const isSettled = !hasGap || (await this.#isSettled());
      if (hasGap && isSettled) {
        settled = Number(page.at(-1)?.c) + 1;
        page = await this.#page(next, columns, size);
        count = beforeGap(page, next, settled);
      }
      yield* page.slice(0, count);
      if (count === 0 || !isSettled) return;
      next = Number(page[count - 1]?.c) + 1;
      size = largest;
    }
  }

  #page(from: number, columns: string, { lines, entries }: Size): Promise<Rows> {
    return this.#synced(
      `SELECT ${columns} FROM (
         SELECT *, sum(count) OVER (ORDER BY c) - count AS before FROM (
           SELECT * FROM ${this.#lines} WHERE c >= $1 ORDER BY c LIMIT ${lines}
         ) AS l
       ) AS l WHERE before < ${entries} ORDER BY c`,
      [from],
    );
  }

  /** The newest entry, below those that may still come; null: there is none. */
  async position(): Promise<Position | null> {
    const [first] = await this.#query(
      `SELECT min(c) AS c FROM (SELECT c FROM ${this.#lines} ORDER BY c DESC LIMIT ${nearLines}) l`,
    );
    let newest: Position | null = null;
    for await (const row of this.#belowGaps(Number(first?.c ?? 0), 'c, at, count, xid::text AS xid', largest))
      newest = { seq: lastOf(row), at: Number(row.at) };
    return newest;
  }

  /** The newest entry that is not later than an instant; the one before the oldest, if all are later. */
  async seqAt(instant: number): Promise<number> {
    const [row] = await this.#synced(
      `SELECT * FROM (
         SELECT c, count, xid::text AS xid FROM ${this.#lines} WHERE at <= $1 ORDER BY at DESC, c DESC LIMIT ${nearLines}
       ) l ORDER BY c DESC LIMIT 1`,
      [instant],
    );
    return row === undefined ? (await this.oldestSeq()) - 1 : lastOf(row);
  }

  /** Number of the oldest entry that is kept. */
  async oldestSeq(): Promise<number> {
    const [row] = await this.#query(`SELECT min(c) AS c FROM ${this.#lines}`);
    return row?.c == null ? 1 : firstSeqOf(Number(row.c));
  }

  /** A snapshot: what it does not see is news. */
  async now(): Promise<string> {
    const [row] = await this.#query('SELECT pg_current_snapshot()::text AS seen');
    await this.sync();
    return String(row?.seen);
  }

  /**
   * Lines of transactions that a snapshot does not see, in order of number: each once, also when its transaction was open for
   * long. Not those of this opening, which tells of them by itself; but of what it commits in transactions of programs (there
   * `n` is below 0) it knows the end from here.
   */
  async news(seen: string): Promise<News> {
    const rows = await this.#query(
      `SELECT ${ofLine}, count, l.epoch <> $1 OR l.n < 0 AS is_told, is_new, pg_current_snapshot()::text AS now FROM (
         SELECT *, sum(count) OVER (ORDER BY xid RANGE UNBOUNDED PRECEDING EXCLUDE GROUP) AS before FROM (
           SELECT *, true AS is_new FROM ${this.#lines} WHERE xid >= pg_snapshot_xmax($2::pg_snapshot)
           ORDER BY xid FETCH FIRST ${largest.lines} ROWS WITH TIES
         ) AS l
         UNION ALL
         SELECT l.*, false, 0 FROM pg_snapshot_xip($2::pg_snapshot) AS x (xid)
         CROSS JOIN LATERAL (SELECT * FROM ${this.#lines} WHERE xid = x.xid OFFSET 0) AS l
       ) AS l WHERE before IS NULL OR before < ${largest.entries} ORDER BY c`,
      [this.#parts.epoch, seen],
    );
    // What the snapshot sees must not be gone after a crash, when numbers of transactions come again.
    if (rows.length > 0) await this.sync();
    const fresh = rows.filter((row) => row.is_new === true);
    const [isMore, now] = [isFull(fresh), String(rows[0]?.now ?? seen)];
    const told = rows.filter((row) => row.is_told === true);
    return { lines: told.map(lineOf), seen: isMore ? upTo(now, fresh) : now, isMore };
  }

  /** Waits until every transaction that is open now is over. False when that takes too long. */
  async #isSettled(): Promise<boolean> {
    const [own] = await this.#query('SELECT pg_current_xact_id()::text AS xid');
    for (let waited = 0; waited <= gapLimitMs; waited += 10) {
      const [row] = await this.#query(`SELECT ${oldestOpen} AS open`);
      if (BigInt(String(row?.open)) > BigInt(String(own?.xid))) return true;
      await this.#parts.transactions.pause(10);
    }
    return false;
  }

  #query(text: string, values: readonly unknown[] = []): Promise<Rows> {
    return this.#parts.transactions.query(text, values, 'a read of the journal');
  }

  /** Lines that are synced once they are there. */
  async #synced(text: string, values: readonly unknown[]): Promise<Rows> {
    const rows = await this.#query(text, values);
    if (rows.some(({ xid }) => BigInt(String(xid)) >= this.#syncedBelow)) await this.sync();
    return rows;
  }

  /** Resolves when all that any process has committed by now is on disk. One sync at a time serves all calls that came meanwhile. */
  sync(): Promise<void> {
    this.#nextSync ??= this.#syncing
      .catch(() => {})
      .then(() => {
        this.#nextSync = null;
        this.#syncing = this.#sync();
        return this.#syncing;
      });
    return this.#nextSync;
  }

  /** A message of the log, or a write of a role that may not send one: its commit flushes the log as far as it goes. */
  async #sync(): Promise<void> {
    const { schema, epoch, transactions } = this.#parts;
    const [row] = await transactions.read('a sync', async (connection) => {
      const flush = () => connection.query(`SELECT ${oldestOpen} AS open, ${this.#flush}`);
      try {
        return await flush();
      } catch (error) {
        if (codeOf(error) !== '42501') throw error;
        this.#flush = `${schema}.touch(${epoch})`;
        return await flush();
      }
    });
    const open = BigInt(String(row?.open));
    if (open > this.#syncedBelow) this.#syncedBelow = open;
  }
}
