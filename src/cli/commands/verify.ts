import { SignalboxError } from '../../index.ts';
import { type RecordCounts, verifyStore } from '../../store/json/index.ts';
import { verifyPostgres } from '../../store/postgres/index.ts';
import { type Command, type CommandResult, UsageError } from '../command.ts';
import { databaseUrl, isDatabaseUrl, mustNameStore } from '../database-url.ts';

/** Reads and checks a whole store. Changes nothing. */
export const verify: Command = {
  name: 'verify',
  summary: 'check a store and count what is in it; nothing is changed',
  options: [
    {
      flags: '--from <directory or url>',
      summary: 'the directory of a json store, or the database of a PostgreSQL store',
    },
    { flags: '--to <url>', summary: 'the same for a database' },
    { flags: '--schema <name>', summary: 'its schema in the database (default: signalbox)' },
  ],
  async run({ from, to, schema = 'signalbox' }) {
    const [store, ...others] = [from, to].filter((given) => given !== undefined);
    if (store === undefined || others.length > 0) {
      throw new UsageError(
        'Expected one store to verify, got no store or two. Write --from DIRECTORY or --to URL.',
      );
    }
    mustNameStore(store, to === undefined ? '--from' : '--to');
    if (to === undefined && !isDatabaseUrl(store)) return verifyDirectory(store);
    return verifyDatabase(databaseUrl(store, to === undefined ? '--from' : '--to'), schema);
  },
};

async function verifyDirectory(dir: string): Promise<CommandResult> {
  try {
    const { storeId, seq, clean, counts, good, damage, reports } = await verifyStore(dir);
    const isGood = damage.length === 0;
    const end = clean ? 'closed or copied whole' : 'left open by a crash, which an opening mends';
    return {
      isGood,
      lines: [
        `Store ${storeId ?? 'without an id yet'} in ${dir}, ${end}; newest entry ${seq}.`,
        ...linesOf(counts),
        ...reports,
        ...damage.map((error) => `${error.code}: ${error.message}`),
        isGood ? `All ${good.length} files are as they were written.` : `${damage.length} files are damaged.`,
      ],
      json: {
        ok: isGood,
        store: storeId,
        seq,
        clean,
        counts,
        files: good,
        damage: damage.map(damageOf),
        reports,
      },
    };
  } catch (error) {
    // Damage that would prevent an opening is a finding of this command, not a failure of it.
    if (!(error instanceof SignalboxError) || error.code !== 'STORE_CORRUPT') throw error;
    return {
      isGood: false,
      lines: [`${error.code}: ${error.message}`, 'This store cannot be opened.'],
      json: { ok: false, damage: [damageOf(error)], error: { code: error.code, message: error.message } },
    };
  }
}

function damageOf(error: SignalboxError): Readonly<Record<string, unknown>> {
  const { file = null, byte = null, line = null, what = null } = error.details as Record<string, unknown>;
  return { code: error.code, file, byte, line, what, message: error.message };
}

async function verifyDatabase(connectionString: string, schema: string): Promise<CommandResult> {
  const { migration, newestMigration, seq, counts, damage } = await verifyPostgres({
    connectionString,
    schema,
  });
  const isGood = damage.length === 0;
  const behind = newestMigration - migration;
  return {
    isGood,
    lines: [
      `Schema ${schema} at migration ${migration}; newest entry ${seq}.`,
      ...(behind > 0 ? [`${behind} migrations are still to be made: signalbox migrate.`] : []),
      ...linesOf(counts),
      ...damage,
      isGood ? 'Everything is as it was written.' : `${damage.length} rules are broken.`,
    ],
    json: { ok: isGood, schema, migration, newestMigration, seq, counts, damage },
  };
}

function linesOf({
  jobs,
  quarantined,
  queues,
  quotas,
  annotations,
  ...counts
}: RecordCounts): readonly string[] {
  const byStatus = Object.entries(jobs).map(([status, count]) => `${count} ${status}`);
  return [
    `Jobs: ${byStatus.join(', ')}${quarantined > 0 ? `, ${quarantined} in quarantine` : ''}.`,
    `Queues: ${queues}. Quotas: ${quotas}. Annotations: ${annotations}.`,
    `Actors: ${counts.actors}. Messages: ${counts.messages}.`,
  ];
}
