import { machineVersion } from '../../../model/jobs/machine-version.ts';
import type { StorePorts } from '../../store.ts';
import { DatabaseClock } from '../clock.ts';
import { Journal } from '../journal/journal.ts';
import { PostgresStore } from '../postgres-store.ts';
import { Transactions } from '../transactions.ts';
import { quoted } from './migrating.ts';
import { Openings } from './openings.ts';
import { Partitions } from './partitions.ts';
import { beginEpoch, type PreparingParts, prepared } from './preparing.ts';

export interface OpeningParts extends PreparingParts {
  readonly name: string;
  readonly ports: StorePorts;
  readonly poolSize: number;
  readonly queryTimeoutMs: number;
  /** Null: no signs of life are given. */
  readonly heartbeatMs: number | null;
  readonly completedDays: number;
  readonly failedDays: number;
  readonly finishedDays: number;
  readonly historyDays: number;
  readonly usesGivenClock: boolean;
}

/** Checks the server, brings the schema up to date and begins an epoch. */
export async function openPostgres(options: OpeningParts): Promise<PostgresStore> {
  const { port, ports, queryTimeoutMs, usesGivenClock } = options;
  const clock = new DatabaseClock(() => port.elapsed(), usesGivenClock ? () => ports.now() : null);
  const transactions = new Transactions(port, queryTimeoutMs);
  const report = (message: string): void => ports.report(message);
  const [schema, schemaName] = [quoted(options.schema), options.schema];
  const parts = { ...options, schema, schemaName, clock, transactions, machineVersion, report };
  await prepared(options);
  const partitions = new Partitions(parts);
  // The days are those of the database: in virtual time everything is in the default partition.
  if (!usesGivenClock) await partitions.begin();
  const opened = { ...parts, partitions, epoch: await beginEpoch(parts) };
  const openings = new Openings(opened);
  await openings.begin();
  return new PostgresStore({ ...opened, openings, oldestSeq: await new Journal(opened).oldestSeq() });
}
