import { SignalboxError } from '../../../errors.ts';
import { codeOf, kindOfError } from '../failures.ts';
import type { SqlPort } from '../sql-port.ts';
import { nameOf, type Transactions } from '../transactions.ts';

/** What syncs are made with. */
export interface SyncingParts {
  readonly schema: string;
  readonly epoch: number;
  readonly port: SqlPort;
  readonly transactions: Transactions;
  /** Something that was written is gone: what this process believes may be wrong. */
  forget(): void;
}

/** A commit that is written: its number, and its key. */
export interface Unsynced {
  readonly c: number;
  readonly n: number;
}

/** What was written was taken by a crash of the server. */
export class LostCommit extends SignalboxError {
  constructor() {
    const reason = 'a crash of the server took it';
    super('STORE_DISCONNECTED', { call: 'a commit', reason, outcome: 'not committed' });
  }
}

interface Pending extends Unsynced {
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** How long it waits for a server that is away, at most. Milliseconds. */
const longestPauseMs = 1000;

/**
 * Makes what was written synced: a message of the log whose commit flushes the log as far as it goes, one at a time for all that
 * gathered meanwhile. The same statement says which of them are still there: a crash takes what was written and not synced.
 */
export class Syncing {
  readonly #parts: SyncingParts;
  #pending: Pending[] = [];
  /** Syncs that were asked for and are not over. */
  readonly #open = new Set<Promise<void>>();
  #isRunning = false;
  #flush = `pg_logical_emit_message(true, 'signalbox', '')`;

  constructor(parts: SyncingParts) {
    this.#parts = parts;
  }

  /** Resolves when the commit is on disk. @throws LostCommit. */
  sync(written: Unsynced): Promise<void> {
    const synced = new Promise<void>((resolve, reject) => {
      this.#pending.push({ ...written, resolve, reject });
    });
    this.#open.add(synced);
    const over = (): boolean => this.#open.delete(synced);
    synced.then(over, over);
    if (!this.#isRunning) void this.#run();
    return synced;
  }

  /** Resolves when all that was written by now is synced, or gone. What is written meanwhile is not waited for. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#open);
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    for (let failures = 0; this.#pending.length > 0; ) {
      const pending = this.#pending;
      this.#pending = [];
      try {
        const there = await this.#send(pending);
        failures = 0;
        for (const { c, resolve, reject } of pending) {
          if (there.has(c)) resolve();
          else {
            this.#parts.forget();
            reject(new LostCommit());
          }
        }
      } catch (error) {
        this.#pending = [...pending, ...this.#pending];
        failures += 1;
        if (error instanceof SignalboxError && error.code === 'STORE_CLOSED') this.#giveUp(error);
        else await this.#parts.transactions.pause(Math.min(longestPauseMs, 5 * 2 ** failures));
      }
    }
    this.#isRunning = false;
  }

  #giveUp(error: Error): void {
    for (const { reject } of this.#pending.splice(0)) reject(error);
  }

  async #send(pending: readonly Unsynced[]): Promise<ReadonlySet<number>> {
    const { port, schema, epoch } = this.#parts;
    const connection = await port.connect();
    try {
      const rows = await connection.named(
        nameOf(schema, 'sync'),
        `SELECT ${this.#flush}, ${schema}.there($1, $2, $3) AS there`,
        [epoch, pending.map(({ c }) => c), pending.map(({ n }) => n)],
      );
      connection.release();
      const there = (rows[0]?.there ?? []) as readonly unknown[];
      return new Set(there.map(Number));
    } catch (error) {
      connection.release(kindOfError(error) === 'lost' ? (error as Error) : undefined);
      // A role that may not write messages of the log writes its opening.
      if (codeOf(error) === '42501') this.#flush = `${schema}.touch(${epoch})`;
      throw error;
    }
  }
}
