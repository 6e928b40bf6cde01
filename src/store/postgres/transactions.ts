import { SignalboxError } from '../../errors.ts';
import type { Line } from '../entry.ts';
import type { DatabaseClock } from './clock.ts';
import { codeOf, kindOfError, storeError } from './failures.ts';
import { giveBack, ProgramTransactions, patienceMs } from './program-transactions.ts';
import { beginText, type SqlConnection, type SqlPort } from './sql-port.ts';
import { allDone } from './working-set.ts';
import type { Numbered, Written } from './writing.ts';

/** What a transaction gives: its answer, and what it wrote if it wrote anything. */
export interface Done<Result> {
  readonly result: Result;
  readonly numbered: Numbered | null;
}

/** What the body of a transaction gives. */
export interface Prepared<Result> {
  readonly result: Result;
  readonly written: Written | null;
  /** When the body has written something by itself. */
  readonly proof?: Proof | null;
}

/**
 * What a committed transaction leaves: its number, and lines of the journal. The number alone proves nothing after a
 * crash of the server, which then gives unused numbers of transactions and of lines a second time.
 */
export interface Proof {
  readonly xid: string;
  readonly lines: readonly Line[];
}

/** What is left of a transaction that wrote these lines; null when it wrote nothing. */
export function proofOf(xid: string | null, lines: readonly Line[]): Proof | null {
  return xid === null || lines.length === 0 ? null : { xid, lines };
}

/** What a call does when the server cannot say the outcome of its transaction in time. */
type Patience =
  /** It fails. */
  | 'none'
  /** It asks on, for as long as the server may be away. */
  | 'asks'
  /** It throws a `Doubt`: its caller asks on, beside what else it has to do. */
  | 'leaves';

/** A transaction whose connection was lost behind its commit, and whose outcome the server could not say in time. */
export class Doubt<Result> extends Error {
  readonly proof: Proof;
  /** What it has come to, if it was committed. */
  readonly done: Done<Result>;
  readonly #call: string;

  constructor(call: string, proof: Proof, done: Done<Result>, cause: unknown) {
    super(`the outcome of ${call} is unknown`, { cause });
    this.#call = call;
    this.proof = proof;
    this.done = done;
  }

  /** The error for its callers. */
  as(outcome: 'unknown' | 'not committed'): Error {
    return storeError(this.cause, this.#call, outcome);
  }
}

/** How transactions are made. Milliseconds. */
export interface TransactionLimits {
  /** How long a statement may take, and a transaction that is tried again. */
  readonly queryTimeoutMs: number;
}

/**
 * Transactions that end one way or the other, even if the connection is lost. A transaction that conflicted
 * with another is made again; when a connection is lost after the commit was sent, the server is asked for the
 * outcome.
 */
export class Transactions {
  /** Those in which programs do work of their own. */
  readonly programs: ProgramTransactions;
  readonly #port: SqlPort;
  readonly #schema: string;
  readonly #clock: DatabaseClock;
  readonly #limitMs: number;
  readonly #begin: string;
  #shared: SharedConnection | null = null;
  #uncertain: (left: Proof) => void = () => {};

  constructor(port: SqlPort, schema: string, clock: DatabaseClock, { queryTimeoutMs }: TransactionLimits) {
    this.#port = port;
    this.#schema = schema;
    this.#clock = clock;
    this.#limitMs = queryTimeoutMs;
    this.programs = new ProgramTransactions({
      schema,
      port,
      limitMs: queryTimeoutMs,
      send: (connection, numbered, end) => this.send(connection, numbered, end),
      statusOf: (proof, isOver) => this.#statusOf(proof, isOver),
      uncertain: (left) => this.#uncertain(left),
    });
    // Set in each transaction: behind a pooler a session belongs to no client.
    const timeout = Math.ceil(queryTimeoutMs);
    const set = (name: string, ms: number): string => `set_config('${name}', '${ms}', true)`;
    this.#begin = `${beginText}; SELECT ${set('statement_timeout', timeout)}, ${set('lock_timeout', timeout)},
      ${set('idle_in_transaction_session_timeout', Math.min(timeout, 5000))}, ${clock.question}`;
  }

  /** What a transaction leaves if it was committed, when its outcome could not be found out. */
  onUncertain(listener: (left: Proof) => void): void {
    this.#uncertain = listener;
  }

  /**
   * `body` reads and prepares; it is called again with a new transaction when that helps. Patient is who must hear what became
   * of it, since no other process would continue its work.
   */
  async run<Result>(
    call: string,
    body: (connection: SqlConnection) => Promise<Prepared<Result>>,
    patience: Patience = 'none',
  ): Promise<Done<Result>> {
    const end = this.#port.elapsed() + this.#limitMs;
    for (let tries = 1; ; tries += 1) {
      let connection: SqlConnection | null = null;
      let numbered: Numbered | null = null;
      let result: Result | undefined;
      let proof: Proof | null = null;
      try {
        connection = await this.#port.connect();
        const keepTime = this.#clock.asking();
        const begun = connection.query(this.#begin).then(([row]) => keepTime(row));
        const preparing = body(connection);
        await allDone([begun, preparing]);
        const prepared = await preparing;
        result = prepared.result;
        if (prepared.written?.isEmpty === false) {
          numbered = await prepared.written.number(connection, this.#schema);
          proof = proofOf(numbered.xid, numbered.lines);
          await this.send(connection, numbered, 'COMMIT');
        } else {
          proof = prepared.proof ?? null;
          await connection.query(proof === null ? 'ROLLBACK' : 'COMMIT');
        }
        connection.release();
        return { result, numbered };
      } catch (error) {
        // From here, and not from the beginning: an answer that stays away takes as long as a statement may.
        const limit = this.#port.elapsed() + (patience === 'asks' ? patienceMs : this.#limitMs);
        await giveBack(connection, error);
        const kind = kindOfError(error);
        if (kind === 'lost' && proof !== null) {
          const done = { result: result as Result, numbered };
          const status = await this.#statusOf(proof, () => this.#port.elapsed() >= limit);
          if (status === 'committed') return done;
          const doubt = new Doubt(call, proof, done, error);
          if (status === 'unknown' && patience === 'leaves') throw doubt;
          if (status === 'unknown') throw this.#unknown(doubt);
        }
        if (kind === 'refused' || this.#port.elapsed() >= end) throw storeError(error, call, 'not committed');
        await this.pause(Math.min(1000, 5 * 2 ** tries));
      }
    }
  }

  /**
   * Asks for the outcome of a transaction, until the server knows, its time is over or `isOver` says so. Gives
   * its error if it fails.
   */
  async end<Result>(doubt: Doubt<Result>, isOver: () => boolean): Promise<Error | null> {
    const limit = this.#port.elapsed() + patienceMs;
    const status = await this.#statusOf(doubt.proof, () => isOver() || this.#port.elapsed() >= limit, 1000);
    if (status === 'committed') return null;
    return status === 'aborted' ? doubt.as('not committed') : this.#unknown(doubt);
  }

  /** It may still be found in the journal. */
  #unknown<Result>(doubt: Doubt<Result>): Error {
    this.#uncertain(doubt.proof);
    return doubt.as('unknown');
  }

  /** Sends what is to be written, and the end of the transaction unless the caller ends it. */
  async send(connection: SqlConnection, numbered: Numbered | null, end: 'COMMIT' | null): Promise<void> {
    const sent: Promise<unknown>[] = (numbered?.statements ?? []).map(([text, values]) =>
      connection.query(text, values),
    );
    if (end !== null) sent.push(connection.query(end));
    await allDone(sent);
  }

  /**
   * The outcome of a transaction whose connection was lost; asked for until the server knows or `isOver` says
   * that it is late.
   */
  async #statusOf(
    { xid, lines }: Proof,
    isOver: () => boolean,
    pauseMs = 50,
  ): Promise<'committed' | 'aborted' | 'unknown'> {
    const { s, at, by } = lines[0] as Line;
    for (;;) {
      let connection: SqlConnection | null = null;
      try {
        connection = await this.#port.connect();
        const [row] = await connection.query('SELECT pg_xact_status($1::xid8) AS status', [xid]);
        // Looked for when the status is known: a statement sees what was committed before it began.
        const left =
          row?.status === 'committed'
            ? await connection.query(
                `SELECT FROM ${this.#schema}.line WHERE s = $1 AND by = $2 AND at = $3 AND xid = $4::xid8`,
                [s, by, at, xid],
              )
            : [];
        connection.release();
        if (row?.status === 'aborted') return 'aborted';
        if (row?.status === 'committed') return left.length > 0 ? 'committed' : 'aborted';
      } catch (error) {
        connection?.release(error as Error);
        // A number that the server has not given yet: it has crashed, and the transaction with it.
        if (codeOf(error) === '22023') return 'aborted';
      }
      if (isOver()) return 'unknown';
      await this.pause(pauseMs);
    }
  }

  /**
   * Statements outside any transaction that are answered in the order of calls: they share one connection while any of
   * them is under way. For reads of single records, of which there are many at a time.
   */
  async inOrder<Result>(call: string, body: (connection: SqlConnection) => Promise<Result>): Promise<Result> {
    if (this.#shared === null || this.#shared.isOver) this.#shared = new SharedConnection(this.#port);
    try {
      return await this.#shared.use(body);
    } catch (error) {
      if (error instanceof SignalboxError) throw error;
      return this.read(call, body);
    }
  }

  /** One statement outside any transaction, tried again on another connection when the first was lost. */
  async read<Result>(call: string, body: (connection: SqlConnection) => Promise<Result>): Promise<Result> {
    const end = this.#port.elapsed() + this.#limitMs;
    for (let tries = 1; ; tries += 1) {
      let connection: SqlConnection | null = null;
      try {
        connection = await this.#port.connect();
        const result = await body(connection);
        connection.release();
        return result;
      } catch (error) {
        const kind = kindOfError(error);
        connection?.release(kind === 'lost' ? (error as Error) : undefined);
        if (error instanceof SignalboxError) throw error;
        if (kind === 'refused' || this.#port.elapsed() >= end) throw storeError(error, call, 'not committed');
        await this.pause(Math.min(1000, 5 * 2 ** tries));
      }
    }
  }

  pause(ms: number): Promise<void> {
    return this.#port.pause(ms);
  }
}

/** A connection that several calls use at the same time. When no call uses it any more, it returns to the pool. */
class SharedConnection {
  isOver = false;
  readonly #connecting: Promise<SqlConnection>;
  #users = 0;
  #error: Error | undefined;

  constructor(port: SqlPort) {
    this.#connecting = port.connect();
  }

  async use<Result>(body: (connection: SqlConnection) => Promise<Result>): Promise<Result> {
    this.#users += 1;
    try {
      return await body(await this.#connecting);
    } catch (error) {
      if (kindOfError(error) === 'lost') {
        this.isOver = true;
        this.#error = error as Error;
      }
      throw error;
    } finally {
      this.#users -= 1;
      if (this.#users === 0) {
        this.isOver = true;
        // One that was never made is nowhere to be given back to.
        this.#connecting.then((connection) => connection.release(this.#error)).catch(() => {});
      }
    }
  }
}
