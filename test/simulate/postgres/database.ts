import type { OpenStore, Store } from 'signalbox';
import type { SimulatedHost, SimulatedPeer } from 'signalbox/testing';
import { type OpeningParts, openPostgres } from '../../../src/store/postgres/opening/opening.ts';
import type { Listener, SqlConnection, SqlPort } from '../../../src/store/postgres/sql-port.ts';
import { PeerPort } from './peer-port.ts';
import type { Sessions } from './sessions.ts';
import { StatementQueue } from './statement-queue.ts';

type Lines = Parameters<Parameters<OpenStore['follow']>[0]>[0];

/** Numbers below the newest that may still come: of transactions that were slow. */
const lateSeqs = 2000;
/** Chance that a notification gets lost: it is a hint and no more. */
const losses = 0.1;
const poolSize = 7;

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
  readonly #seen = new Set<number>();
  #newest = 0;
  #statements: StatementQueue | null = null;

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
    return {
      name: 'main',
      open: async (ports) => {
        this.#followers.clear();
        const store = await openPostgres(this.#parts(this.#own(host, statements), ports, null));
        await statements.alone(() => this.#tell());
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
      historyDays: 7,
      // The server does not crash in a simulation, so it need not sync.
      isUnsafe: true,
      usesGivenClock: true,
    };
  }

  #openFor(
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
      carriedOut: async (text, values, outcome) => {
        if (!outcome.ok) return;
        if (text === 'COMMIT') await this.#tell();
        else if (text.startsWith('SELECT pg_notify(')) this.#notify(host, values ?? []);
      },
    });
    return openPostgres(this.#parts(port, peer.ports, 5000));
  }

  #notify({ random }: SimulatedHost, [channel, payload]: readonly unknown[]): void {
    for (const listener of this.#listeners)
      if (listener.channel === channel && !random.chance(losses)) listener.heard(String(payload));
  }

  /** Gives the audit the new entries of the journal, before any process learns that they were committed. */
  async #tell(): Promise<void> {
    const rows = await this.#sessions.ask(
      `SELECT s, at, by, mv, entries FROM ${this.#schema}.line WHERE s > $1 ORDER BY s`,
      [this.#newest - lateSeqs],
    );
    const lines = rows
      .map(
        ({ s, at, entries, ...row }) =>
          ({
            ...row,
            s: Number(s),
            at: Number(at),
            entries: JSON.parse(String(entries)),
          }) as unknown as Lines[number],
      )
      .filter(({ s }) => !this.#seen.has(s));
    if (lines.length === 0) return;
    for (const { s } of lines) {
      this.#seen.add(s);
      this.#newest = Math.max(this.#newest, s);
    }
    for (const follower of this.#followers) follower(lines);
  }

  /** The connection of the audit itself: it answers at once, and no fault meets it. */
  #own(host: SimulatedHost, statements: StatementQueue): SqlPort {
    const sessions = this.#sessions;
    const connect = async (): Promise<SqlConnection> => {
      const session = await statements.alone(() => sessions.take());
      return {
        client: null,
        query: (text, values) => statements.alone(() => session.query(text, values)),
        named: (_name, text, values) => statements.alone(() => session.query(text, values)),
        forget: async () => {},
        release: () => void statements.giveBack(session),
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
