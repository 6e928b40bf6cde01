import type { Writable } from 'node:stream';
import type { ClientConfig, Pool, PoolClient } from 'pg';
import { SignalboxError, shown } from '../../errors.ts';
import { answerOf, codeOf } from './failures.ts';

/** Rows of a statement, with the columns that it names. */
export type Rows = readonly Readonly<Record<string, unknown>>[];

/** A statement sees what was committed before it, whatever a database has for its default: what is read behind a lock counts on it. */
export const beginText = 'BEGIN ISOLATION LEVEL READ COMMITTED';

/** One connection. Statements are made in the order of calls; where the driver can, without waiting in between. */
export interface SqlConnection {
  /** The connection as the driver knows it: what programs use. */
  readonly client: unknown;
  /**
   * Several statements in one text, without values, give the rows of the last. `limitMs`: how long it may take, instead of what the
   * connection allows.
   */
  query(text: string, values?: readonly unknown[], limitMs?: number): Promise<Rows>;
  /** A statement that is made again and again: the server keeps its plan under this name, where it may. */
  named(name: string, text: string, values: readonly unknown[]): Promise<Rows>;
  /** Takes back what a program's own work has set on its session, unless the pool is the program's, too. Outside any transaction. */
  forget(): Promise<void>;
  /** Gives it back. With an error it is closed instead: its state is unknown. */
  release(error?: Error): void;
}

/** A connection that hears notifications. */
export interface Listening {
  close(): Promise<void>;
}

/** What listens. */
export interface Listener {
  readonly channel: string;
  heard(payload: string): void;
  /** The connection was lost: nothing is heard any more. */
  lost(error: Error): void;
}

/** A call that can be taken back. */
export interface Scheduled {
  cancel(): void;
}

/** The database, and the time that its connections live in: everything of PostgreSQL that is not SQL text. */
export interface SqlPort {
  connect(): Promise<SqlConnection>;
  /** On a connection of its own, outside the pool. */
  listen(listener: Listener): Promise<Listening>;
  /** How connections are made, for another thread; null when that cannot be passed to it. */
  settings(): Readonly<Record<string, unknown>> | null;
  /** How many connections the pool may have. Has no effect on a pool that the program brought. */
  resize(max: number): void;
  /** Milliseconds that only grow, independent of the wall clock. */
  elapsed(): number;
  /** Calls in real time, without keeping the process alive. */
  callLater(delayMs: number, call: () => void): Scheduled;
  /** Waits in real time on behalf of a call of the program: the process stays alive for its answer. */
  pause(ms: number): Promise<void>;
  /** Closes all connections, but not those of a pool that the program brought. */
  end(): Promise<void>;
}

/**
 * The place of the database, as a PostgreSQL store gets it. The price of a `pool` of the program: signs of life come from the
 * main thread, which the program may block, and not from a thread with a connection of its own.
 */
export type Database =
  | { readonly connectionString: string; readonly pool?: undefined }
  | { readonly pool: Pool; readonly connectionString?: undefined };

/** How connections are made. Milliseconds. */
export interface ConnectionLimits {
  readonly connectTimeoutMs: number;
  readonly queryTimeoutMs: number;
  readonly poolSize: number;
  /** Statements have names, which the server keeps. */
  readonly isPrepared?: boolean;
}

/** The database through node-postgres. @throws SignalboxError `STORE_DRIVER` when that is not installed. */
export async function nodePostgres(database: Database, limits: ConnectionLimits): Promise<SqlPort> {
  const pg = await driver();
  const settings: ClientConfig = {
    ...(database.pool === undefined
      ? { connectionString: database.connectionString }
      : // What the program told its pool serves a connection of its own, too.
        ((database.pool as unknown as { options: ClientConfig }).options ?? {})),
    connectionTimeoutMillis: limits.connectTimeoutMs,
    query_timeout: limits.queryTimeoutMs,
    keepAlive: true,
    // Without it the system asks after two hours whether the other end of a silent connection is still there.
    keepAliveInitialDelayMillis: 10_000,
    application_name: 'signalbox',
  };
  // An error of an idle connection without a listener would end the process.
  const own =
    database.pool === undefined ? new pg.Pool({ ...settings, max: limits.poolSize, ...pipelined }) : null;
  const pool: Pool = own ?? (database.pool as Pool);
  const unheard = (): void => {};
  let isEnded = false;
  pool.on('error', unheard);
  return {
    async connect() {
      // Also on a pool of the program, which continues; and no call is retried for that.
      if (isEnded) throw new SignalboxError('STORE_CLOSED', { call: 'a call' });
      const client = await (own === null ? connectWithin(pool, limits.connectTimeoutMs) : pool.connect());
      client.on('error', unheard);
      return connection(client, () => client.off('error', unheard), own !== null, limits.isPrepared);
    },
    async listen({ channel, heard, lost }) {
      const client = new pg.Client(settings);
      // Before it listens nothing is lost: a failure is thrown, whatever else the driver reports of it.
      let isListening = false;
      const ended = (error?: Error): void => {
        if (!isListening) return;
        isListening = false;
        lost(error ?? new Error('the connection ended'));
      };
      client.on('error', ended);
      client.on('end', () => ended());
      client.on('notification', ({ payload }) => heard(payload ?? ''));
      try {
        await client.connect();
        (client as unknown as { unref(): void }).unref();
        await client.query(`LISTEN ${pg.escapeIdentifier(channel)}`);
      } catch (error) {
        // Not waited for: the other end may be gone.
        client.end().catch(() => {});
        throw error;
      }
      isListening = true;
      return {
        async close() {
          isListening = false;
          await client.end().catch(() => {});
        },
      };
    },
    settings: () => copyable(settings),
    resize(max) {
      if (own !== null) own.options.max = Math.max(1, max);
    },
    elapsed: () => performance.now(),
    callLater(delayMs, call) {
      const timer = setTimeout(call, delayMs);
      timer.unref();
      return { cancel: () => clearTimeout(timer) };
    },
    pause: (ms) =>
      new Promise((resolve) => {
        setTimeout(resolve, ms);
      }),
    async end() {
      isEnded = true;
      pool.off('error', unheard);
      if (own === null) return;
      own.on('error', unheard);
      await own.end();
    },
  };
}

/**
 * A pool of the program's may have no limit of its own: who holds all its connections while he waits for this store, such as
 * work in a transaction, would wait for ever.
 */
async function connectWithin(pool: Pool, limitMs: number): Promise<PoolClient> {
  let isLate = false;
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      isLate = true;
      reject(new Error('timeout exceeded when trying to connect: all connections of the pool are in use'));
    }, limitMs);
  });
  const connecting = pool.connect();
  connecting.then(
    (client) => isLate && client.release(),
    () => {},
  );
  return Promise.race([connecting, limit]).finally(() => clearTimeout(timer));
}

/**
 * Host, port and database that the driver makes of a URL: what may be shown and written down. Part of it may be in the
 * parameters of the URL, or in the environment.
 */
export async function placeOf(connectionString: string): Promise<string> {
  const { Client } = await driver();
  const { host, port, database } = new Client({ connectionString });
  return `${host}:${port}/${database ?? ''}`;
}

/** Statements are sent without waiting for the answer to the one before: one round trip for several. */
const pipelined = { pipeline: true };

async function driver(): Promise<Pick<typeof import('pg'), 'Pool' | 'Client' | 'escapeIdentifier'>> {
  try {
    const { default: pg } = await import('pg');
    return pg;
  } catch (error) {
    throw new SignalboxError('STORE_DRIVER', { name: 'pg' }, { cause: error });
  }
}

function connection(client: PoolClient, done: () => void, isOwn = false, isPrepared = false): SqlConnection {
  const isPipelined = (client as { readonly pipeline?: boolean }).pipeline === true;
  let last: Promise<unknown> = Promise.resolve();
  const ask = async (text: string, values?: readonly unknown[], how?: object): Promise<Rows> => {
    if (isPipelined) holdBack(client);
    const given = values as unknown[];
    // What watches the connections of a program knows calls with a text.
    const asked =
      how === undefined ? client.query(text, given) : client.query({ text, values: given, ...how });
    const result = await asked.catch((error: unknown) => {
      throw answerOf(error);
    });
    return (Array.isArray(result) ? result.at(-1) : result).rows as Rows;
  };
  /** `how`: what the driver reads beside text and values; its types do not know all of it. */
  const send = (text: string, values?: readonly unknown[], how?: object): Promise<Rows> => {
    if (isPipelined) return ask(text, values, how);
    const sent = last.then(() => ask(text, values, how));
    last = sent.catch(() => {});
    return sent;
  };
  return {
    client,
    query: (text, values, limitMs) =>
      send(text, values, limitMs === undefined ? undefined : { query_timeout: limitMs }),
    named: (name, text, values) => send(text, values, isPrepared ? { name } : undefined),
    async forget() {
      if (isOwn) await ask(forgetText);
    },
    release(error) {
      done();
      client.release(error);
    },
  };
}

/** What DISCARD ALL does, but for named statements: the driver would believe that the server has them. */
const forgetText = `SET SESSION AUTHORIZATION DEFAULT; RESET ALL; CLOSE ALL; UNLISTEN *; SELECT pg_advisory_unlock_all();
  DISCARD PLANS; DISCARD TEMP; DISCARD SEQUENCES`;

/** Statements of one tick leave in one write: each write wakes the server, which costs both sides more than a statement. */
function holdBack(client: PoolClient): void {
  const { stream } = (client as unknown as { readonly connection: { readonly stream: Writable } }).connection;
  if (stream.writableCorked > 0) return;
  stream.cork();
  process.nextTick(() => stream.uncork());
}

/** Settings without what only this thread has; null when the password is one of them. */
function copyable(settings: ClientConfig): Readonly<Record<string, unknown>> | null {
  const plain = Object.entries(settings).filter(([, value]) => typeof value !== 'function');
  if (typeof settings.password === 'function' || settings.stream !== undefined) return null;
  try {
    return structuredClone(Object.fromEntries(plain));
  } catch {
    return null;
  }
}

/** Statements on a connection that the program has: its own, in its own transaction. */
export async function borrowed(client: unknown): Promise<SqlConnection> {
  if (typeof (client as Partial<PoolClient> | null)?.query !== 'function')
    throw notInTransaction(shown(client));
  const lent = { ...connection(client as PoolClient, () => {}), release() {} };
  try {
    // Refused outside a transaction, where each statement would be committed by itself; of a pool each has another connection.
    await lent.query('SAVEPOINT signalbox; RELEASE SAVEPOINT signalbox');
  } catch (error) {
    throw codeOf(error) === '25P01' ? notInTransaction('one without a transaction') : error;
  }
  return lent;
}

function notInTransaction(actual: string): SignalboxError {
  const expected = 'a connection of the package pg, in an open transaction';
  return new SignalboxError('INVALID_OPTION', { option: 'client', expected, actual });
}
