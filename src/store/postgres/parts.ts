import type { DatabaseClock } from './clock.ts';
import type { SqlPort } from './sql-port.ts';
import type { Transactions } from './transactions.ts';

/** What the parts of an open store have in common. */
export interface Parts {
  /** Quoted. */
  readonly schema: string;
  readonly schemaName: string;
  readonly epoch: number;
  readonly port: SqlPort;
  readonly clock: DatabaseClock;
  readonly transactions: Transactions;
  /** How long a statement may take. Milliseconds. */
  readonly queryTimeoutMs: number;
  /** Reports something that an operator must see. */
  report(message: string): void;
}
