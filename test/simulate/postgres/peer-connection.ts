import type { ScheduledCall } from 'signalbox';
import type { SimulatedHost, SimulatedPeer } from 'signalbox/testing';
import type { Rows, SqlConnection } from '../../../src/store/postgres/sql-port.ts';
import type { Session } from './sessions.ts';
import type { Outcome } from './statement.ts';
import { connectionLost, type StatementQueue } from './statement-queue.ts';

/** What `idle_in_transaction_session_timeout` is set to, in simulated time. */
const idleTimeoutMs = 5000;
/** The time-outs of the server are in real time, which means nothing here. */
const withoutTimeouts = ['statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout']
  .map((name) => `; SET LOCAL ${name} = 0`)
  .join('');

/** What a simulated connection is made from. */
export interface PeerConnectionParts {
  readonly host: SimulatedHost;
  readonly peer: SimulatedPeer;
  readonly statements: StatementQueue;
  readonly session: Session;
  /** Chance that the connection breaks at a statement, while things may go wrong. */
  readonly breaks: number;
  /** Called after each statement that was carried out, before its answer is sent. */
  readonly carriedOut: (
    text: string,
    values: readonly unknown[] | undefined,
    outcome: Outcome,
  ) => Promise<void>;
  /** The session was given back. */
  readonly over: () => void;
}

interface Asked {
  readonly text: string;
  readonly values: readonly unknown[] | undefined;
  readonly told: (outcome: Outcome) => void;
}

/** A connection of one process: its statements reach the server, and answers the process, when the seed has it. */
export class PeerConnection implements SqlConnection {
  readonly client = null;
  readonly #parts: PeerConnectionParts;
  readonly #asked: Asked[] = [];
  #isUnderWay = false;
  #isInTransaction = false;
  /** No more statements are sent on it. */
  #isLeft = false;
  #isOver = false;
  #failure: unknown = null;
  #idleTimeout: ScheduledCall | null = null;

  constructor(parts: PeerConnectionParts) {
    this.#parts = parts;
  }

  query(text: string, values?: readonly unknown[]): Promise<Rows> {
    this.#idleTimeout?.cancel();
    return new Promise((resolve, reject) => {
      const told = (outcome: Outcome): void =>
        this.#parts.peer.answer(() => (outcome.ok ? resolve(outcome.rows) : reject(outcome.error)));
      if (this.#failure !== null) return told({ ok: false, error: this.#failure });
      this.#asked.push({ text, values, told });
      this.#next();
    });
  }

  /** Names change nothing of what a statement does. */
  named(_name: string, text: string, values: readonly unknown[]): Promise<Rows> {
    return this.query(text, values);
  }

  /** No program is at work on it. */
  async forget(): Promise<void> {}

  release(): void {
    this.#idleTimeout?.cancel();
    this.#isLeft = true;
    this.#next();
  }

  /** The process is gone. What it has sent arrives; then the server finds the connection closed. */
  kill(): void {
    this.release();
  }

  /** Sends the next statement, or gives the session back when there are no more. */
  #next(): void {
    if (this.#isUnderWay || this.#isOver) return;
    if (this.#asked.length > 0) {
      this.#isUnderWay = true;
      this.#parts.host.send(() => this.#carryOut());
    } else if (this.#isLeft) this.#end();
    else if (this.#isInTransaction)
      this.#idleTimeout = this.#parts.host.callLater(idleTimeoutMs, () => this.#idles());
  }

  /** The server has crashed. */
  crash(): void {
    if (!this.#isOver) this.#breaks(connectionLost());
  }

  #carryOut(): void {
    if (this.#isOver) return;
    const asked = this.#asked.shift() as Asked;
    const { host, statements, session, breaks } = this.#parts;
    const isBroken = host.mayFail && host.random.chance(breaks);
    if (isBroken && host.random.chance(0.5)) {
      this.#asked.unshift(asked);
      this.#breaks(connectionLost());
      return;
    }
    const { text, values } = asked;
    const isBegin = text.startsWith('BEGIN');
    this.#isInTransaction ||= isBegin;
    const real = isBegin ? `${text}${withoutTimeouts}` : text;
    void statements.carryOut(session, { text: real, values }, (outcome) => {
      if (text === 'COMMIT' || text === 'ROLLBACK') this.#isInTransaction = false;
      void statements.alone(async () => {
        await this.#parts.carriedOut(text, values, outcome);
        this.#isUnderWay = false;
        if (isBroken && !this.#isOver) {
          this.#asked.unshift(asked);
          this.#breaks(connectionLost());
          return;
        }
        asked.told(outcome);
        this.#next();
      });
    });
  }

  #idles(): void {
    if (!this.#isUnderWay && !this.#isOver && this.#asked.length === 0)
      this.#breaks(
        Object.assign(new Error('terminating connection due to idle-in-transaction timeout'), {
          code: '25P03',
        }),
      );
  }

  /** The connection is gone, and the transaction with it. */
  #breaks(failure: unknown): void {
    this.#failure = failure;
    for (const { told } of this.#asked.splice(0)) told({ ok: false, error: failure });
    this.#end();
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const { statements, session, over } = this.#parts;
    void statements.giveBack(session).then(over);
  }
}
