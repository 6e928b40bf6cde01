import { SignalboxError } from '../../errors.ts';
import { kindOfError, storeError } from './failures.ts';
import { beginText, type SqlConnection, type SqlPort } from './sql-port.ts';
import type { Done, Proof } from './transactions.ts';
import type { Numbered, Written } from './writing.ts';

/** What transactions of programs are made with. */
export interface ProgramTransactionsParts {
  readonly schema: string;
  readonly port: SqlPort;
  /** How long a statement may take. Milliseconds. */
  readonly limitMs: number;
  send(connection: SqlConnection, numbered: Numbered, end: 'COMMIT'): Promise<void>;
  /** The outcome of a transaction whose connection was lost. */
  statusOf(proof: Proof, isOver: () => boolean): Promise<'committed' | 'aborted' | 'unknown'>;
  /** Called with a transaction whose outcome could not be found out. */
  uncertain(left: Proof): void;
}

const call = 'a transaction';
/** How long the outcome is asked for of work that no other process would continue. */
export const patienceMs = 600_000;

/**
 * A program's own work in a transaction, and what is written after it. Made once: the work may have done more than what
 * the database can take back.
 */
export class ProgramTransactions {
  readonly #parts: ProgramTransactionsParts;
  /** Connections on which programs are at work. */
  readonly #atWork = new Set<SqlConnection>();
  /** What is being committed. */
  readonly #ending = new Set<Promise<unknown>>();
  #isClosed = false;

  constructor(parts: ProgramTransactionsParts) {
    this.#parts = parts;
  }

  async make<Answer>(
    work: (client: unknown) => Promise<Answer>,
    prepare: (connection: SqlConnection, answer: Answer) => Promise<Written>,
  ): Promise<Done<Answer>> {
    const { connection, start } = await this.#begun();
    const answer = await this.#worked(connection, work);
    const ending = this.#ended(connection, answer, async () => {
      // Behind a COMMIT or ROLLBACK of the work each statement would be committed by itself.
      if ((await startOf(connection)) !== start)
        throw new SignalboxError('TRANSACTION_OVER', { call: 'local.transaction' });
      return prepare(connection, answer);
    });
    this.#ending.add(ending);
    try {
      return await ending;
    } finally {
      this.#ending.delete(ending);
    }
  }

  /**
   * Takes the connections of running transactions away: one that never ends must not keep the store from being
   * closed.
   */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const connection of this.#atWork) connection.release(closed());
    this.#atWork.clear();
    await Promise.allSettled([...this.#ending]);
  }

  async #begun(): Promise<{ readonly connection: SqlConnection; readonly start: string }> {
    const { port, limitMs } = this.#parts;
    let connection: SqlConnection | null = null;
    try {
      connection = await port.connect();
      await connection.query(
        `${beginText}; SET LOCAL idle_in_transaction_session_timeout = ${Math.ceil(limitMs)}`,
      );
      const start = await startOf(connection);
      if (this.#isClosed) throw closed();
      return { connection, start };
    } catch (error) {
      await giveBack(connection, error);
      throw storeError(error, call, 'not committed');
    }
  }

  async #worked<Answer>(
    connection: SqlConnection,
    work: (client: unknown) => Promise<Answer>,
  ): Promise<Answer> {
    this.#atWork.add(connection);
    try {
      const answer = await work(connection.client);
      if (this.#atWork.has(connection)) return answer;
    } catch (error) {
      // What the work threw is the program's own, whatever it looks like, unless its connection is lost.
      if (this.#atWork.has(connection))
        throw (await isGivenBack(connection, error, true)) ? error : storeError(error, call, 'not committed');
    } finally {
      this.#atWork.delete(connection);
    }
    throw closed();
  }

  async #ended<Answer>(
    connection: SqlConnection,
    answer: Answer,
    prepare: () => Promise<Written>,
  ): Promise<Done<Answer>> {
    const { schema, port, send, statusOf, uncertain } = this.#parts;
    let numbered: Numbered | null = null;
    try {
      const written = await prepare();
      numbered = await written.number(connection, schema);
      await send(connection, numbered, 'COMMIT');
      // No caller waits for it: the answer is there.
      void isForgotten(connection);
      return { result: answer, numbered };
    } catch (error) {
      await giveBack(connection, error, true);
      if (numbered === null || kindOfError(error) !== 'lost') throw storeError(error, call, 'not committed');
      // As of any result: a job that took it for failed would be called again, and its callbacks never.
      const end = port.elapsed() + patienceMs;
      const status = await statusOf(numbered, () => this.#isClosed || port.elapsed() >= end);
      if (status === 'committed') return { result: answer, numbered };
      if (status === 'unknown') uncertain(numbered);
      throw storeError(error, call, status === 'aborted' ? 'not committed' : 'unknown');
    }
  }
}

/** When the transaction of a connection began: no other one that it was in or will be in began then. */
async function startOf(connection: SqlConnection): Promise<string> {
  const [row] = await connection.query('SELECT extract(epoch FROM transaction_timestamp())::text AS start');
  return String(row?.start);
}

function closed(): SignalboxError {
  return new SignalboxError('STORE_CLOSED', { call });
}

/** A connection on which a statement failed is of use once its transaction is over. `isUsed`: a program was at work on it. */
export async function giveBack(
  connection: SqlConnection | null,
  error: unknown,
  isUsed = false,
): Promise<void> {
  if (connection === null) return;
  if (kindOfError(error) === 'lost') connection.release(asError(error));
  else await isGivenBack(connection, error, isUsed);
}

/** Rolls back, and gives the connection back. False when it was lost. */
async function isGivenBack(connection: SqlConnection, error: unknown, isUsed = false): Promise<boolean> {
  try {
    await connection.query('ROLLBACK');
  } catch {
    connection.release(asError(error));
    return false;
  }
  if (isUsed) return isForgotten(connection);
  connection.release();
  return true;
}

/** Gives a connection back on which a program was at work: the next to use it must not find its role and settings. False when it was lost. */
async function isForgotten(connection: SqlConnection): Promise<boolean> {
  try {
    await connection.forget();
    connection.release();
    return true;
  } catch (error) {
    connection.release(asError(error));
    return false;
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
