import { setTimeout as pause } from 'node:timers/promises';
import type { SimulatedHost } from 'signalbox/testing';
import type { Session, Sessions } from './sessions.ts';
import { type Outcome, Statement } from './statement.ts';

/** The error of a connection that broke. */
export function connectionLost(): Error {
  return Object.assign(new Error('the connection to the database was lost'), { code: 'ECONNRESET' });
}

/** How long the server may take before it is asked whether the statement waits for a lock. Real time. */
const patienceMs = 3;
/** Longer than any statement is meant to wait for a lock: what `lock_timeout` would end in real time. Simulated. */
const lockTimeoutMs = 15_000;

/**
 * Sends statements to the server one at a time: while one is carried out nothing else happens and no time passes, so the
 * seed alone decides in which order transactions meet. One that waits for a lock is left waiting, and continues when the
 * lock is released.
 */
export class StatementQueue {
  readonly #host: SimulatedHost;
  readonly #sessions: Sessions;
  readonly #blocked = new Set<Statement>();
  #last: Promise<unknown> = Promise.resolve();

  constructor(host: SimulatedHost, sessions: Sessions) {
    this.#host = host;
    this.#sessions = sessions;
  }

  /** Hands a statement to the server. `onDone` is called before anything else happens, unless it waits for a lock. */
  async carryOut(
    session: Session,
    query: { readonly text: string; readonly values: readonly unknown[] | undefined },
    onDone: (outcome: Outcome) => void,
  ): Promise<void> {
    await this.alone(async () => {
      let isWaiting: Statement | null = null;
      await this.#thenContinue(async () => {
        const statement = new Statement(session, query, onDone);
        if (!(await this.#isDone(statement))) isWaiting = statement;
      });
      if (isWaiting !== null) this.#waits(isWaiting);
    });
  }

  /** Does something real that takes no simulated time, when what was to be done before is done. */
  async alone<Value>(work: () => Promise<Value>): Promise<Value> {
    const release = this.#host.hold();
    const done = this.#last.then(work);
    this.#last = done.catch(() => {});
    try {
      return await done;
    } finally {
      release();
    }
  }

  /** Gives a session back, and continues the statements that waited for its transaction. */
  async giveBack(session: Session): Promise<void> {
    await this.alone(() => this.#thenContinue(() => this.#sessions.giveBack(session)));
  }

  /** The server crashes. What waits for a lock is refused with the connections. Call it alone. */
  async crash(): Promise<void> {
    const waiting = [...this.#blocked];
    this.#blocked.clear();
    await this.#sessions.crash();
    for (const statement of waiting) {
      await statement.answered;
      statement.onDone({ ok: false, error: connectionLost() });
    }
  }

  /** Ends everything that waits. */
  async end(): Promise<void> {
    await this.alone(async () => {
      for (const statement of [...this.#blocked]) await this.#cancel(statement);
    });
    // What follows from that: connections are given back.
    await this.alone(async () => {});
  }

  #waits(statement: Statement): void {
    this.#blocked.add(statement);
    this.#host.callLater(lockTimeoutMs, () => {
      void this.alone(() => this.#cancel(statement));
    });
  }

  async #cancel(statement: Statement): Promise<void> {
    // It may have got its lock while it waited for its turn.
    if (!this.#blocked.delete(statement)) return;
    await this.#thenContinue(async () => {
      await this.#sessions.cancel(statement.session);
      await statement.answered;
      await this.#isDone(statement);
    });
  }

  /**
   * Does something, then continues the statements that waited for a lock and have it now: one after the other, in the order
   * in which they began to wait. Left to the server, those that waited for one transaction would race for their next locks.
   */
  async #thenContinue(work: () => Promise<unknown>): Promise<void> {
    const waiting = [...this.#blocked];
    const still = new Set(waiting.length > 1 ? waiting : []);
    for (const { session } of still) session.standStill();
    const resume = (statement: Statement): void => {
      if (still.delete(statement)) statement.session.goOn();
    };
    try {
      await work();
      for (const statement of waiting) {
        resume(statement);
        if (await this.#isDone(statement)) this.#blocked.delete(statement);
      }
    } finally {
      for (const statement of [...still]) resume(statement);
    }
  }

  /** True when it is done, false when it waits for a lock. */
  async #isDone(statement: Statement): Promise<boolean> {
    while (statement.outcome === null) {
      await Promise.race([statement.answered, pause(patienceMs)]);
      if (statement.outcome === null && (await this.#sessions.isBlocked(statement.session))) return false;
    }
    statement.onDone(statement.outcome);
    return true;
  }
}
