import { hash } from 'node:crypto';
import { SignalboxError } from '../../errors.ts';
import { kindOfError, storeError } from './failures.ts';
import type { Rows, SqlConnection, SqlPort } from './sql-port.ts';

/** Waits for all; throws the error of the first that failed. No rejection is left unhandled. */
export async function allDone(promises: readonly Promise<unknown>[]): Promise<void> {
  for (const result of await Promise.allSettled(promises)) {
    if (result.status === 'rejected') throw result.reason;
  }
}

/** Statements outside any transaction, made again when a connection was lost. */
export class Transactions {
  readonly #port: SqlPort;
  readonly #limitMs: number;
  #shared: SharedConnection | null = null;

  /** `limitMs`: how long a statement may take, and how long it is tried again. */
  constructor(port: SqlPort, limitMs: number) {
    this.#port = port;
    this.#limitMs = limitMs;
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

  /** Likewise, for one text. */
  query(text: string, values: readonly unknown[] = [], call = 'a read'): Promise<Rows> {
    return this.read(call, (connection) => connection.query(text, values));
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

/** The name of a statement on the tables of a schema: connections may be shared with stores of other schemas. */
export function nameOf(schema: string, what: string): string {
  return `signalbox_${what}_${hash('sha256', schema, 'hex').slice(0, 16)}`;
}

/** Work on a connection of its own, which is closed when that fails. */
export async function onConnection<Result>(
  port: SqlPort,
  call: string,
  work: (connection: SqlConnection) => Promise<Result>,
): Promise<Result> {
  let connection: SqlConnection | null = null;
  try {
    connection = await port.connect();
    const result = await work(connection);
    connection.release();
    return result;
  } catch (error) {
    connection?.release(error as Error);
    throw storeError(error, call, 'not committed');
  }
}

/** Work in a transaction. `begin`: how it begins. */
export async function inTransaction<Result>(
  connection: SqlConnection,
  begin: string,
  work: () => Promise<Result>,
): Promise<Result> {
  try {
    await connection.query(begin);
    const result = await work();
    await connection.query('COMMIT');
    return result;
  } catch (error) {
    await connection.query('ROLLBACK').catch(() => {});
    throw error;
  }
}
