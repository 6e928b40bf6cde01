import { setTimeout as pause } from 'node:timers/promises';
import { Client } from 'pg';
import type { Rows } from '../../../src/store/postgres/sql-port.ts';

/** A connection to the real server. */
export class Session {
  readonly #client: Client;
  /** Resolves when the connection is gone. */
  readonly ended: Promise<void>;
  isEnded = false;
  #pid = 0;
  #last: Promise<unknown> = Promise.resolve();

  constructor(client: Client) {
    this.#client = client;
    this.ended = new Promise((resolve) => {
      client.once('end', () => {
        this.isEnded = true;
        resolve();
      });
    });
  }

  /** Number of its process in the server. */
  get pid(): number {
    return this.#pid;
  }

  async open(): Promise<this> {
    await this.#client.connect();
    const [row] = await this.query('SELECT pg_backend_pid() AS pid');
    this.#pid = Number(row?.pid);
    return this;
  }

  /** Statements are made one after the other, in the order of calls. */
  query(text: string, values?: readonly unknown[]): Promise<Rows> {
    const answer = this.#last.then(() => this.#query(text, values));
    this.#last = answer.catch(() => {});
    return answer;
  }

  async #query(text: string, values?: readonly unknown[]): Promise<Rows> {
    const result = await this.#client.query(text, values as unknown[]);
    return (Array.isArray(result) ? result.at(-1) : result).rows as Rows;
  }

  /** Stops its process in the server, until `goOn`. */
  standStill(): void {
    process.kill(this.#pid, 'SIGSTOP');
  }

  goOn(): void {
    process.kill(this.#pid, 'SIGCONT');
  }

  async close(): Promise<void> {
    await this.#client.end();
  }
}

/** Connections that seed after seed uses: making one takes longer than most statements. */
export class Sessions {
  readonly #url: string;
  readonly #all = new Set<Session>();
  readonly #idle: Session[] = [];
  #monitor: Promise<Session> | null = null;
  /** The process of the server that makes synced what was only written. */
  #writer = 0;

  constructor(url: string) {
    this.#url = url;
  }

  /** A session that is not in use, outside any transaction. */
  async take(): Promise<Session> {
    return this.#idle.pop() ?? this.#made();
  }

  /** Gives it back: a transaction that is open in it ends, as it does when a connection is lost. */
  async giveBack(session: Session): Promise<void> {
    if (session.isEnded) return;
    await session.query('ROLLBACK');
    this.#idle.push(session);
  }

  /** Whether a session waits for a lock. */
  async isBlocked({ pid }: Session): Promise<boolean> {
    const [row] = await this.ask('SELECT cardinality(pg_blocking_pids($1::int)) > 0 AS blocked', [pid]);
    return row?.blocked === true;
  }

  /** Ends the statement that a session is at. */
  async cancel({ pid }: Session): Promise<void> {
    await this.ask('SELECT pg_cancel_backend($1::int)', [pid]);
  }

  /** A statement that no simulated process makes. */
  async ask(text: string, values?: readonly unknown[]): Promise<Rows> {
    this.#monitor ??= this.#made();
    return (await this.#monitor).query(text, values);
  }

  /** From now on nothing but a sync makes synced what was written: when the server would do that by itself is its own matter. */
  async syncNothing(): Promise<void> {
    // Right after a recovery it may not be there yet.
    for (let row: Rows[number] | undefined; row === undefined; ) {
      [row] = await this.ask(`SELECT pid FROM pg_stat_activity WHERE backend_type = 'walwriter'`);
      if (row !== undefined) this.#writer = Number(row.pid);
    }
    process.kill(this.#writer, 'SIGSTOP');
  }

  /** The server crashes, and recovers: what was written and not synced is gone. */
  async crash(): Promise<void> {
    const sessions = [...this.#all];
    // All its processes end with this one.
    process.kill(this.#writer, 'SIGKILL');
    await Promise.all(sessions.map(({ ended }) => ended));
    this.#all.clear();
    this.#idle.length = 0;
    this.#monitor = this.#recovered();
    await this.syncNothing();
  }

  async #recovered(): Promise<Session> {
    for (;;) {
      try {
        return await this.#made();
      } catch {
        await pause(10);
      }
    }
  }

  async close(): Promise<void> {
    process.kill(this.#writer, 'SIGCONT');
    await Promise.all([...this.#all].map((session) => session.close()));
  }

  async #made(): Promise<Session> {
    const client = new Client({ connectionString: this.#url });
    client.on('error', () => {});
    const session = await new Session(client).open();
    this.#all.add(session);
    return session;
  }
}
