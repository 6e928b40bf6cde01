import type { Entry, HistoryEntry, Kind, Line } from '../entry.ts';
import type { Rows } from './sql-port.ts';
import type { Transactions } from './transactions.ts';

/** What the journal is read with. */
export interface JournalParts {
  readonly schema: string;
  readonly transactions: Transactions;
}

/** The place of a line, with the line if it is one that the reader does not know. */
export interface FoundLine {
  readonly s: number;
  /** How many entries it has. */
  readonly n: number;
  readonly line: Line | null;
}

/** How many entries share a row, at most. */
export const entriesOfRow = 24;
/** How long a row may be before the server compresses it, which takes longer than to write it. Bytes, with its head. */
export const plainRowBytes = 8160;
/** How many lines are read at a time. */
const pageLines = 500;
/** How long a reader waits for a transaction that took numbers before those it has seen. */
const gapLimitMs = 1000;

/**
 * JSON texts as the server reads an array of them. What the driver makes of a list takes ten times as long for texts full of
 * quotes; a text that is JSON already holds nothing that needs more than JSON's own escapes.
 */
export function arrayOfJson(texts: readonly (string | null)[]): string {
  return `{${texts.map((text) => (text === null ? 'NULL' : JSON.stringify(text))).join()}}`;
}

/** The journal: one row a commit, several when it is long. */
export class Journal {
  readonly #parts: JournalParts;
  readonly #lines: string;

  constructor(parts: JournalParts) {
    this.#parts = parts;
    this.#lines = `${parts.schema}.line`;
  }

  /** Entries of one subject, newest first: each names the seq of the one before it. Ends where history was cut. */
  async *history(kind: Kind, id: string, lastSeq: number): AsyncGenerator<HistoryEntry> {
    for (let seq = lastSeq; seq > 0; ) {
      const rows = await this.#query(
        `WITH RECURSIVE chain AS (
           SELECT 1 AS step, l.s, l.at, l.by, l.mv, l.entries::json -> ($1 - l.s)::int AS entry, $1::bigint AS seq
           FROM (SELECT * FROM ${this.#lines} WHERE s <= $1 ORDER BY s DESC LIMIT 1) l WHERE $1 < l.s + l.n
           UNION ALL
           SELECT c.step + 1, l.s, l.at, l.by, l.mv, l.entries::json -> ((c.entry ->> 'q')::bigint - l.s)::int,
             (c.entry ->> 'q')::bigint
           FROM chain c CROSS JOIN LATERAL
             (SELECT * FROM ${this.#lines} WHERE s <= (c.entry ->> 'q')::bigint ORDER BY s DESC LIMIT 1) l
           WHERE c.step < $2 AND (c.entry ->> 'q')::bigint > 0 AND (c.entry ->> 'q')::bigint < l.s + l.n
         )
         SELECT seq, s, at, by, mv, entry FROM chain ORDER BY step`,
        [seq, pageLines],
      );
      seq = 0;
      for (const row of rows) {
        const entry = row.entry as Entry;
        if (entry.kind !== kind || entry.id !== id) return;
        const { at, by, mv } = row;
        yield {
          ...entry,
          seq: Number(row.seq),
          commit: Number(row.s),
          at: Number(at),
          by: String(by),
          mv: String(mv),
        };
        seq = rows.length === pageLines ? entry.q : 0;
      }
    }
  }

  /**
   * Lines from the one that holds `from` on, in order of number. Numbers are given before a transaction commits, so a
   * missing one may still come: it is waited for until every transaction is over that was open when it was missed.
   */
  async *lines(from: number): AsyncGenerator<Line> {
    let next = Math.max(from, await this.oldestSeq());
    /** Numbers below this one that are missing will stay so. */
    let settled = 0;
    for (;;) {
      let page = await this.page(next);
      if (page.length === 0) return;
      if (hasGap(page, next, settled)) {
        const end = endOf(page.at(-1) as Line);
        if (await this.#isSettled()) {
          settled = end;
          page = await this.page(next);
        }
      }
      const before = next;
      for (const line of page) {
        if (line.s > next && next >= settled) break;
        next = endOf(line);
        yield line;
      }
      if (next === before) return;
    }
  }

  /** Lines from the one that holds a number on. */
  async page(from: number): Promise<Line[]> {
    const rows = await this.#query(
      `SELECT s, at, by, mv, entries FROM ${this.#lines}
       WHERE ${this.#onFrom('$1')} ORDER BY s LIMIT $2`,
      [from, pageLines],
    );
    return rows.map(lineOf);
  }

  /** The newest line, or null. Looks back from the newest number, since those of refused commits have no line. */
  async newest(): Promise<Line | null> {
    const { seq } = await this.now();
    for (let back = 32; ; back *= 8) {
      let newest: Line | null = null;
      const from = Math.max(1, seq - back);
      for (let page = await this.page(from); page.length > 0; page = await this.page(endOf(newest)))
        newest = page.at(-1) as Line;
      if (newest !== null || from === 1) return newest;
    }
  }

  /**
   * The places of lines from a number on, and the lines themselves but for those of an opening, of which only some are
   * wanted. `isFull`: there may be more.
   */
  async pageBut(
    epoch: number,
    wanted: readonly number[],
    from: number,
  ): Promise<{ readonly lines: readonly FoundLine[]; readonly isFull: boolean }> {
    const lines = await this.#but(epoch, wanted, `${this.#onFrom('$3')} ORDER BY s LIMIT ${pageLines}`, [
      from,
    ]);
    return { lines, isFull: lines.length === pageLines };
  }

  /** The same of lines whose numbers lie in some ranges, the end of each not among them: one statement, however many. */
  betweenBut(
    epoch: number,
    wanted: readonly number[],
    ranges: readonly { readonly from: number; readonly to: number }[],
  ): Promise<readonly FoundLine[]> {
    const among = `SELECT l.s FROM unnest($3::bigint[], $4::bigint[]) AS range (first, next)
      JOIN ${this.#lines} l ON l.s >= range.first AND l.s < range.next`;
    return this.#but(epoch, wanted, `s IN (${among}) ORDER BY s`, [
      ranges.map(({ from }) => from),
      ranges.map(({ to }) => to),
    ]);
  }

  async #but(
    epoch: number,
    wanted: readonly number[],
    condition: string,
    values: readonly unknown[],
  ): Promise<readonly FoundLine[]> {
    const isWanted = `(right(by, length($1)) <> $1 OR s = ANY($2::bigint[]))`;
    const rows = await this.#query(
      `SELECT s, n, at, by, mv, CASE WHEN ${isWanted} THEN entries END AS entries FROM ${this.#lines} WHERE ${condition}`,
      [`#${epoch}`, wanted, ...values],
    );
    return rows.map((row) => ({
      s: Number(row.s),
      n: Number(row.n),
      line: row.entries === null ? null : lineOf(row),
    }));
  }

  /** From the line that holds a number on. */
  #onFrom(number: string): string {
    return `s >= coalesce((SELECT s FROM ${this.#lines} WHERE s <= ${number} ORDER BY s DESC LIMIT 1), 0) AND s + n > ${number}`;
  }

  /** The newest entry that is not later than an instant, by halving: instants are nearly in the order of numbers. */
  async seqAt(instant: number): Promise<number> {
    const newest = await this.newest();
    let found = (await this.oldestSeq()) - 1;
    let low = found;
    for (let high = newest === null ? low : endOf(newest) - 1; low < high; ) {
      const middle = Math.ceil((low + high) / 2);
      const [row] = await this.#query(
        `SELECT s, s + n - 1 AS newest, at FROM ${this.#lines} WHERE s <= $1 ORDER BY s DESC LIMIT 1`,
        [middle],
      );
      if (row !== undefined && Number(row.at) > instant) high = Number(row.s) - 1;
      else {
        // Numbers of refused commits have no line, so what is found may end below the middle.
        found = Math.max(found, Number(row?.newest ?? 0));
        low = Math.max(middle, found);
      }
    }
    return found;
  }

  /** Number of the oldest entry that is kept. */
  async oldestSeq(): Promise<number> {
    const [row] = await this.#query(`SELECT min(s) AS s FROM ${this.#lines}`, []);
    return row?.s == null ? 1 : Number(row.s);
  }

  /**
   * Number of the newest entry that was given out, and a snapshot: a transaction that it does not see may still
   * commit some up to there.
   */
  async now(): Promise<{ readonly seq: number; readonly open: string }> {
    const [row] = await this.#query(
      `SELECT CASE WHEN is_called THEN last_value ELSE 0 END AS seq, pg_current_snapshot()::text AS open
       FROM ${this.#parts.schema}.seq`,
      [],
    );
    return { seq: Number(row?.seq ?? 0), open: String(row?.open) };
  }

  /** The lines below a number of transactions that were not over at a moment, as `now` gave it. */
  lateBut(epoch: number, wanted: readonly number[], open: string, to: number): Promise<readonly FoundLine[]> {
    const isLate = `xid >= pg_snapshot_xmin($3::pg_snapshot) AND NOT pg_visible_in_snapshot(xid, $3::pg_snapshot)`;
    return this.#but(epoch, wanted, `${isLate} AND s < $4 ORDER BY s`, [open, to]);
  }

  /** A transaction that began after all that are open now. */
  async openTransaction(): Promise<bigint> {
    const [row] = await this.#query('SELECT pg_current_xact_id()::text AS xid', []);
    return BigInt(String(row?.xid));
  }

  /** The oldest transaction that is open, or the next one: all that began before it are over. */
  async oldestOpen(): Promise<bigint> {
    const [row] = await this.#query('SELECT pg_snapshot_xmin(pg_current_snapshot())::text AS xid', []);
    return BigInt(String(row?.xid));
  }

  /** Of these transactions, those that are over. */
  async over(xids: readonly string[]): Promise<ReadonlySet<string>> {
    const rows = await this.#query(
      `SELECT xid FROM unnest($1::text[]) AS x (xid)
       WHERE pg_visible_in_snapshot(x.xid::xid8, pg_current_snapshot())`,
      [xids],
    );
    return new Set(rows.map((row) => String(row.xid)));
  }

  /** Waits until every transaction that is open now is over. False when that takes too long. */
  async #isSettled(): Promise<boolean> {
    const xid = await this.openTransaction();
    for (let waited = 0; waited <= gapLimitMs; waited += 10) {
      if ((await this.oldestOpen()) > xid) return true;
      await this.#parts.transactions.pause(10);
    }
    return false;
  }

  #query(text: string, values: readonly unknown[]): Promise<Rows> {
    return this.#parts.transactions.read('a read of the journal', (connection) =>
      connection.query(text, values),
    );
  }
}

function lineOf(row: Rows[number]): Line {
  return {
    s: Number(row.s),
    at: Number(row.at),
    by: String(row.by),
    mv: String(row.mv),
    entries: JSON.parse(String(row.entries)) as Entry[],
  };
}

/** The number after the last entry of a line. */
export function endOf(line: Line): number {
  return line.s + line.entries.length;
}

function hasGap(page: readonly Line[], from: number, settled: number): boolean {
  let next = from;
  for (const line of page) {
    if (line.s > next && next >= settled) return true;
    next = endOf(line);
  }
  return false;
}
