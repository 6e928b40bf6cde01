import { storeError } from '../failures.ts';
import type { SqlConnection, SqlPort } from '../sql-port.ts';
import type { Transactions } from '../transactions.ts';
import type { Answer } from './statement.ts';

/** What outcomes are asked for with. */
export interface OutcomesParts {
  readonly schema: string;
  readonly epoch: number;
  readonly port: SqlPort;
  readonly transactions: Transactions;
  readonly queryTimeoutMs: number;
}

/** How long the outcome is asked for of work that no other process would continue. */
const patienceMs = 600_000;

/** The outcome of a statement whose connection was lost could not be found out in time. */
export class Doubt extends Error {
  /** The error for its callers. */
  readonly error: Error;
  /** What the server says at last; null: it has nothing of it. Rejects with `error` when that stays unknown. */
  readonly later: Promise<Answer | null>;

  constructor(error: Error, later: Promise<Answer | null>) {
    super(error.message);
    this.error = error;
    this.later = later;
    later.catch(() => {});
  }
}

/** Asks the server for the outcome of commits, by their keys. */
export class Outcomes {
  readonly #parts: OutcomesParts;
  #isClosed = false;

  constructor(parts: OutcomesParts) {
    this.#parts = parts;
  }

  /** From here on no outcome is asked for any more: what is not known stays unknown. */
  close(): void {
    this.#isClosed = true;
  }

  /** The answer to a statement whose connection was lost; null: the server has nothing of it. @throws Doubt. */
  async of(call: string, n: number, cause: unknown): Promise<Answer | null> {
    const error = storeError(cause, call, 'unknown');
    const answer = await this.#within(this.#parts.queryTimeoutMs, n, 50);
    if (answer !== undefined) return answer;
    const later = this.#within(patienceMs, n, 1000).then((found) => {
      if (found === undefined) throw error;
      return found;
    });
    throw new Doubt(error, later);
  }

  /** The same, however long it takes. */
  async atLast(call: string, n: number, cause: unknown): Promise<Answer | null> {
    try {
      return await this.of(call, n, cause);
    } catch (error) {
      if (error instanceof Doubt) return error.later;
      throw error;
    }
  }

  async #within(ms: number, n: number, pauseMs: number): Promise<Answer | null | undefined> {
    const { port, transactions, schema, epoch } = this.#parts;
    const end = port.elapsed() + ms;
    while (!this.#isClosed) {
      try {
        const answer = await answered(await port.connect(), schema, epoch, n);
        if (answer !== undefined) return answer;
      } catch {
        // The server is away.
      }
      if (port.elapsed() >= end) return undefined;
      await transactions.pause(pauseMs);
    }
    return undefined;
  }
}

/** What the server has of a commit; undefined: a sending of it is still under way. */
async function answered(
  connection: SqlConnection,
  schema: string,
  epoch: number,
  n: number,
): Promise<Answer | null | undefined> {
  try {
    const [lock] = await connection.query(
      'SELECT pg_try_advisory_xact_lock(($1::bigint << 40) + $2) AS is_over',
      [epoch, n],
    );
    const rows =
      lock?.is_over === true
        ? await connection.query(
            `SELECT min(l.c) OVER () AS c, l.at, l.ids, l.slots::json AS slots, e.lanes, ARRAY(
               SELECT concat('[', to_json(j.id), ',', j.rev, ',', j.seq, ',', j.doc, ']') FROM unnest(l.ids) WITH ORDINALITY u (id, n)
               JOIN ${schema}.job j ON j.id = u.id ORDER BY u.n
             ) AS jobs FROM ${schema}.line l LEFT JOIN ${schema}.lease e ON e.epoch = l.epoch AND e.ids && l.ids
             WHERE l.epoch = $1 AND l.n = $2 ORDER BY l.c DESC LIMIT 1`,
            [epoch, n],
          )
        : null;
    connection.release();
    if (rows === null) return undefined;
    const [row] = rows;
    if (row === undefined) return null;
    const ids = (row.ids ?? []) as string[];
    const lanes = ((row.lanes ?? []) as unknown[]).map(Number);
    const jobs = (row.jobs as string[]).map((text) => JSON.parse(text));
    return {
      c: Number(row.c),
      at: Number(row.at),
      last: -1,
      held: null,
      refusal: null,
      isAny: true,
      ids,
      lanes,
      slots: (row.slots ?? []) as string[][],
      jobs,
    };
  } catch (error) {
    connection.release(error as Error);
    throw error;
  }
}
