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

/** The options of an opening. */
export interface OpeningParts extends PreparingParts {
  readonly name: string;
  readonly ports: StorePorts;
  readonly poolSize: number;
  readonly queryTimeoutMs: number;
  /** Null: no signs of life are given. */
  readonly heartbeatMs: number | null;
  readonly completedDays: number;
  readonly historyDays: number;
  readonly usesGivenClock: boolean;
}

/** Checks the server, brings the schema up to date and begins an epoch. */
export async function openPostgres(parts: OpeningParts): Promise<PostgresStore> {
  const { port, ports, name, poolSize, queryTimeoutMs } = parts;
  const schema = quoted(parts.schema);
  const clock = new DatabaseClock(() => port.elapsed(), parts.usesGivenClock ? () => ports.now() : null);
  const transactions = new Transactions(port, queryTimeoutMs);
  await prepared(parts);
  const partitions = new Partitions({
    ...parts,
    schema,
    schemaName: parts.schema,
    transactions,
    report: (message) => ports.report(message),
  });
  // The days are those of the database: in virtual time everything is in the default partition.
  if (!parts.usesGivenClock) await partitions.begin();
  const epoch = await beginEpoch(transactions, schema, clock);
  const openings = new Openings({
    schema,
    epoch,
    port,
    transactions,
    clock,
    heartbeatMs: parts.heartbeatMs,
  });
  await openings.begin();
  const oldestSeq = await new Journal({ schema, epoch, transactions }).oldestSeq();
  return new PostgresStore({
    name,
    schema,
    schemaName: parts.schema,
    epoch,
    poolSize,
    queryTimeoutMs,
    machineVersion,
    port,
    clock,
    transactions,
    ports,
    oldestSeq,
    openings,
    partitions,
  });
}
