import { migratePostgres } from '../../store/postgres/index.ts';
import type { Command } from '../command.ts';
import { databaseUrl } from '../database-url.ts';

/** Brings a schema up to date, for deployments whose processes may not change schemas. */
export const migrate: Command = {
  name: 'migrate',
  summary: 'bring the schema of a PostgreSQL store up to date',
  options: [
    { flags: '--to <url>', summary: 'the database, postgres://…', isRequired: true },
    { flags: '--schema <name>', summary: 'its schema (default: signalbox)' },
  ],
  async run({ to = '', schema = 'signalbox' }) {
    const made = await migratePostgres({ connectionString: databaseUrl(to, '--to'), schema });
    const lines = made.map((number) => `Migration ${number} of schema ${schema} was made.`);
    return {
      isGood: true,
      lines: made.length > 0 ? lines : [`Schema ${schema} is up to date.`],
      json: { schema, made },
    };
  },
};
