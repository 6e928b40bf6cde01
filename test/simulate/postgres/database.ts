import type { OpenStore, Store } from 'signalbox';
import type { SimulatedHost, SimulatedPeer } from 'signalbox/testing';
import { lineOf } from '../../../src/store/postgres/commits/entries.ts';
import { entriesOfCommit } from '../../../src/store/postgres/jobs/stored-job.ts';
import { type OpeningParts, openPostgres } from '../../../src/store/postgres/opening/opening.ts';
import type { Listener, Rows, SqlConnection, SqlPort } from '../../../src/store/postgres/sql-port.ts';
import { PeerPort } from './peer-port.ts';
import type { Sessions } from './sessions.ts';
import { StatementQueue } from './statement-queue.ts';

type Lines = Parameters<Parameters<OpenStore['follow']>[0]>[0];

/** Numbers of commits below the newest that may still come: of transactions that were slow. */
const late = 300;
/** Chance that a notification gets lost: it is a hint and no more. */
const losses = 0.1;
const poolSize = 7;

/** How often the server crashes, at most, in how much simulated time, and how long it is away then. */
const crashes = [0, 0, 1, 2];
const crashesWithinMs = 40_000;
const awayMs = 3000;
/** What a position of the log may be behind another at the end of a page, where nothing is between them. */
const pageHead = 40;

let schemas = 0;

/**
 * One schema of a real server as the processes of a simulation share it. Time is simulated: the store is given the clock
 * of the box, and its timers, time-outs and signs of life are made in simulated time. Statements are real, and reach the
 * server one at a time in an order that the seed decides. Connections break by the seed, too.
 */
export class SimulatedDatabase {
  readonly #sessions: Sessions;
  readonly #schema: string;
  readonly #listeners = new Set<Listener>();
  readonly #followers = new Set<(lines: Lines) => void>();
  readonly #ports: PeerPort[] = [];
  /** Numbers of the commits that the audit knows: they are synced. */
  readonly #told = new Set<number>();
  /** Commits that are written, with a position of the log behind them. */
  readonly #written = new Map<number, number>();
  #newest = 0;
  #statements: StatementQueue | null = null;
  /** Connections of the audit that are in use. */
  #ownUsed = 0;
  #report: (message: string) => void = () => {};
  #isCrashing = false;
  #isAway = false;
  /** How often the server alone crashed: what was written and not synced was gone, and its processes lived on. */
  crashes = 0;
  /** What processes were told too early, in words. */
  readonly problems: string[] = [];

  constructor(sessions: Sessions) {
    this.#sessions = sessions;
    schemas += 1;
    this.#schema = `simulated_${process.pid}_${schemas}`;
  }

  /** The store of a run. */
  store(host: SimulatedHost): Store {
    const statements = new StatementQueue(host, this.#sessions);
    this.#statements = statements;
    const breaks = host.random.pick([0, 0.002, 0.01]);
    host.onOpen((peer) => this.#openFor(host, statements, peer, breaks));
    host.onCrash(() => {
      this.#isCrashing = true;
    });
    for (let left = host.random.pick(crashes); left > 0; left -= 1)
      host.callLater(host.random.integer(1, crashesWithinMs), () => this.#crashLater(host, statements));
    return {
      name: 'main',
      open: async (ports) => {
        this.#followers.clear();
        this.#report = ports.report;
        if (this.#isCrashing) {
          // The end of an earlier crash was a call of the host, which has lost it.
          this.#isAway = false;
          await statements.alone(() => this.#crash(statements));
        }
        const store = await openPostgres(this.#parts(this.#own(host, statements), ports, null));
        await statements.alone(async () => {
          // Time-outs of the server are in real time, which means nothing here.
          await this.#sessions.ask(`ALTER FUNCTION ${this.#schema}.commit RESET lock_timeout`);
          await this.#tell();
        });
        store.follow = (listener) => {
          this.#followers.add(listener);
          return () => this.#followers.delete(listener);
        };
        return store;
      },
    };
  }

  /** Everything that a run has left in the server goes. */
  async end(): Promise<void> {
    await this.#statements?.end();
    await this.#sessions.ask(
      `SET client_min_messages = warning; DROP SCHEMA IF EXISTS ${this.#schema} CASCADE`,
    );
  }

  #parts(port: SqlPort, ports: OpeningParts['ports'], heartbeatMs: number | null): OpeningParts {
    return {
      name: 'main',
      schema: this.#schema,
      port,
      ports,
      poolSize,
      queryTimeoutMs: 15_000,
      heartbeatMs,
      completedDays: 7,
      failedDays: 30,
      finishedDays: 7,
      historyDays: 7,
      // The server has passed to the system what it calls synced, and the system does not crash.
      isUnsafe: true,
      usesGivenClock: true,
    };
  }

  async #openFor(
    host: SimulatedHost,
    statements: StatementQueue,
    peer: SimulatedPeer,
    breaks: number,
  ): Promise<OpenStore> {
    const port = new PeerPort({
      host,
      peer,
      statements,
      sessions: this.#sessions,
      poolSize,
      breaks,
      listens: (listener) => {
        this.#listeners.add(listener);
        return () => this.#listeners.delete(listener);
      },
      isUp: () => !this.#isAway,
      carriedOut: async (text, values, outcome) => {
        if (!outcome.ok) return;
        if (commits.test(text)) await this.#tell();
        else if (text.startsWith('SELECT pg_notify(')) this.#notify(host, values ?? []);
      },
    });
    this.#ports.push(port);
    const store = await openPostgres(this.#parts(port, peer.ports, 5000));
    const { follow } = store;
    store.follow = (listener) =>
      follow.call(store, (lines) => {
        for (const { s, by } of lines)
          if (!this.#told.has(commitOf(s)))
            this.problems.push(`I1 ${peer.name} is told of entry ${s} by ${by} before it is synced`);
        listener(lines);
      });
    return store;
  }

  /** The server crashes, unless the audit is at work on it: then a little later. */
  #crashLater(host: SimulatedHost, statements: StatementQueue): void {
    if (!host.mayFail) return;
    void statements.alone(async () => {
      if (this.#ownUsed > 0) {
        host.callLater(100, () => this.#crashLater(host, statements));
        return;
      }
      this.#isAway = true;
      this.crashes += 1;
      host.callLater(host.random.integer(0, awayMs), () => {
        this.#isAway = false;
      });
      await this.#crash(statements);
    });
  }

  /** Takes what was not synced. The numbers of commits that are gone are given again. */
  async #crash(statements: StatementQueue): Promise<void> {
    this.#isCrashing = false;
    this.#report('the server crashes');
    await statements.crash();
    this.#written.clear();
    const name = `${this.#schema}.commits`;
    await this.#sessions.ask(
      `SELECT setval(to_regclass($1), greatest(1, (SELECT max(c) FROM ${this.#schema}.line)))`,
      [name],
    );
    for (const port of this.#ports) port.crash();
    await this.#tell();
  }

  #notify({ random }: SimulatedHost, [channel, payload]: readonly unknown[]): void {
    for (const listener of this.#listeners)
      if (listener.channel === channel && !random.chance(losses)) listener.heard(String(payload));
  }

  /** Gives the audit the new entries of the journal once they are synced, before any process learns that they are. */
  async #tell(): Promise<void> {
    const from = this.#newest - late;
    const rows = await this.#sessions.ask(
      `SELECT c, at, by, mv, entries, claim, ids, q, slots, pg_current_wal_insert_lsn() - '0/0' AS written,
         pg_current_wal_flush_lsn() - '0/0' AS synced FROM ${this.#schema}.line WHERE c > $1 AND c <> ALL ($2) ORDER BY c`,
      [from, [...this.#told].filter((c) => c > from)],
    );
    const lines: Lines[number][] = [];
    for (const row of rows) {
      const c = Number(row.c);
      const written = this.#written.get(c) ?? Number(row.written);
      this.#written.set(c, written);
      if (Number(row.synced) + pageHead < written) continue;
      this.#written.delete(c);
      this.#told.add(c);
      this.#newest = Math.max(this.#newest, c);
      lines.push(lineOf(row));
    }
    if (lines.length > 0) for (const follower of this.#followers) follower(lines);
  }

  /** The connection of the audit itself: it answers at once, and no fault meets it. */
  #own(host: SimulatedHost, statements: StatementQueue): SqlPort {
    const sessions = this.#sessions;
    const connect = async (): Promise<SqlConnection> => {
      const session = await statements.alone(() => {
        this.#ownUsed += 1;
        return sessions.take();
      });
      // What follows a commit writes to the log, too: where it ends is asked for at once.
      const query = (text: string, values?: readonly unknown[]): Promise<Rows> =>
        statements.alone(async () => {
          const rows = await session.query(text, values);
          if (commit.test(text)) await this.#tell();
          return rows;
        });
      return {
        client: null,
        query,
        named: (_name, text, values) => query(text, values),
        forget: async () => {},
        release: () => {
          this.#ownUsed -= 1;
          void statements.giveBack(session);
        },
      };
    };
    return {
      connect,
      listen: async () => ({ close: async () => {} }),
      settings: () => null,
      resize: () => {},
      elapsed: () => 0,
      callLater: (delayMs, call) => host.callLater(delayMs, call),
      pause: (ms) =>
        new Promise((resolve) => {
          host.callLater(ms, resolve);
        }),
      end: async () => {},
    };
  }
}

/** The statement that commits. */
const commit = /^SELECT \S+\.commit\(/;
/** Statements that commit, or that sync what others have committed. */
const commits = /^COMMIT$|\.commit\(|pg_logical_emit_message|\.touch\(/;

function commitOf(seq: number): number {
  return Math.floor(seq / entriesOfCommit);
}
