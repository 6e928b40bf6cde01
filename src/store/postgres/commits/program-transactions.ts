import { SignalboxError } from '../../../errors.ts';
import type { Commit } from '../../store.ts';
import { codeOf, kindOfError, storeError } from '../failures.ts';
import type { News } from '../journal/notifying.ts';
import { refusedCode } from '../sql/settings.ts';
import { beginText, borrowed, type SqlConnection, type SqlPort } from '../sql-port.ts';
import type { Draft } from './draft.ts';
import type { Sending } from './sending.ts';
import type { Answer } from './statement.ts';

/** What transactions of programs are made with. */
export interface ProgramTransactionsParts {
  readonly port: SqlPort;
  /** How long a statement may take. Milliseconds. */
  readonly limitMs: number;
  readonly sending: Sending;
  /** Notifies in a transaction that the program ends: it is heard when that commits. */
  notifyWithin(connection: SqlConnection, news: News): Promise<void>;
}

/** What was sent in a transaction of a program. */
interface Sent {
  readonly draft: Draft;
  readonly answer: Answer | null;
  readonly n: number;
}

const call = 'a transaction';
/** How often a commit is judged anew in one transaction, when others are faster. */
const mostTries = 10;

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

  /** Makes a commit in the program's own transaction: it is reported when that is over, by the journal and a notification. */
  async within(commit: Commit): Promise<void> {
    const { sending, notifyWithin } = this.#parts;
    const connection = await borrowed(commit.within);
    // Below 0: the journal reports it, also to this process, which does not hear of its end by itself.
    const { draft, answer } = await this.#send(connection, commit.by, -sending.nextN(), (refusal) => {
      if (refusal !== null) throw refusal;
      return commit;
    });
    if (answer?.c === undefined) return;
    // What it changed is so only when the program has committed.
    if (draft.touchesLeases) sending.own.forget();
    await notifyWithin(connection, draft.news());
  }

  /** The work of a program and the commit that follows from it, in one transaction. */
  async make<Result>(
    work: (client: unknown) => Promise<Result>,
    commit: (result: Result, refusal: Error | null) => Commit,
  ): Promise<Result> {
    const { connection, start } = await this.#begun();
    const result = await this.#worked(connection, work);
    const ending = this.#ended(connection, async () => {
      // Behind a COMMIT or ROLLBACK of the work each statement would be committed by itself.
      if ((await startOf(connection)) !== start)
        throw new SignalboxError('TRANSACTION_OVER', { call: 'local.transaction' });
      const { by } = commit(result, null);
      const n = this.#parts.sending.nextN();
      return { by, ...(await this.#send(connection, by, n, (refusal) => commit(result, refusal))) };
    });
    this.#ending.add(ending);
    try {
      await ending;
      return result;
    } finally {
      this.#ending.delete(ending);
    }
  }

  /** Judges and sends a commit in a transaction. A refusal of the statement must not end that transaction. */
  async #send(
    connection: SqlConnection,
    by: string,
    n: number,
    commit: (refusal: Error | null) => Commit,
  ): Promise<Sent> {
    const { sending } = this.#parts;
    let refusal: Error | null = null;
    for (let tries = 1; ; tries += 1) {
      const { draft, refusals } = await sending.judge(connection, [commit(refusal)], true);
      refusal = refusals[0] ?? null;
      if (refusal !== null) continue;
      if (draft.isEmpty) return { draft, answer: null, n };
      await sending.makeLanes(draft);
      await connection.query('SAVEPOINT signalbox');
      try {
        const answer = await sending.ask(connection, by, n, draft, { isSynced: null });
        await connection.query('RELEASE SAVEPOINT signalbox');
        return { draft, answer, n };
      } catch (error) {
        if (kindOfError(error) === 'lost') throw error;
        await connection.query('ROLLBACK TO SAVEPOINT signalbox');
        const isRefused = codeOf(error) === refusedCode || codeOf(error) === '23505';
        if (!isRefused || tries >= mostTries) throw error;
      }
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

  async #ended(
    connection: SqlConnection,
    send: () => Promise<Sent & { readonly by: string }>,
  ): Promise<void> {
    const { sending } = this.#parts;
    let sent: (Sent & { readonly by: string }) | null = null;
    try {
      sent = await send();
      await connection.query('COMMIT');
      // No caller waits for it: the answer is there.
      void isForgotten(connection);
    } catch (error) {
      await giveBack(connection, error, true);
      if (sent === null || kindOfError(error) !== 'lost') throw storeError(error, call, 'not committed');
      // As of any result: a job that took it for failed would be called again, and its callbacks never.
      const answer = await sending.outcomes.atLast(call, sent.n, error);
      if (answer === null) throw storeError(error, call, 'not committed');
    }
    void sending.carryOut(sent.draft, sent.answer, sent.by, sent.n, { isSynced: true });
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
async function giveBack(connection: SqlConnection | null, error: unknown, isUsed = false): Promise<void> {
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
