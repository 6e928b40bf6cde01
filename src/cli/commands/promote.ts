import { placeOf } from '../../store/postgres/sql-port.ts';
import { promoteStore } from '../../store/promotion/promote-store.ts';
import type { Promotion } from '../../store/promotion/promoting.ts';
import { type Command, type CommandResult, UsageError } from '../command.ts';
import { databaseUrl, isDatabaseUrl, mustNameStore } from '../database-url.ts';
import { portsFor } from '../ports.ts';

/** Moves a json store to a PostgreSQL schema. */
export const promote: Command = {
  name: 'promote',
  summary: 'move a json store to an empty schema of a database',
  options: [
    { flags: '--from <directory>', summary: 'a json store that no process has open', isRequired: true },
    { flags: '--to <url>', summary: 'the database', isRequired: true },
    { flags: '--schema <name>', summary: 'the schema in the database (default: signalbox)' },
  ],
  async run({ from = '', to = '', schema = 'signalbox' }, tell) {
    mustNameStore(from, '--from');
    mustNameStore(to, '--to');
    if (isDatabaseUrl(from) || !isDatabaseUrl(to))
      throw new UsageError(
        'Expected `--from` to be a directory and `--to` a URL, got others. To copy some jobs to a directory use signalbox export.',
      );
    const connectionString = databaseUrl(to, '--to');
    const promotion = await promoteStore({
      from,
      connectionString,
      schema,
      ports: portsFor(tell),
      reached(step) {
        if (step !== 'copying') tell(`${step} …`);
      },
    });
    return resultOf(promotion, await placeOf(connectionString), schema);
  },
};

function resultOf(
  { id, store, directory, wasDone, compared }: Promotion,
  to: string,
  schema: string,
): CommandResult {
  const place = `schema ${schema} of ${to}`;
  const { records, lines, entries, sha256 } = compared ?? {};
  return {
    isGood: true,
    lines: [
      wasDone
        ? `Store ${store} is in ${place} already. Nothing was changed.`
        : `Store ${store} is now in ${place}; ${directory} is marked and is not opened any more.`,
      ...(compared === null
        ? []
        : [
            `Compared, one by one: ${Object.entries(records ?? {})
              .map(([kind, count]) => `${count} ${kind}`)
              .join(', ')}; ${entries} entries of history in ${lines} lines (SHA-256 ${sha256}).`,
          ]),
      `To keep the UUID of the instance: SIGNALBOX_UUID_FILE=${directory}/instance.uuid`,
    ],
    json: { ok: true, id, store, directory, to, schema, wasDone, records, lines, entries, sha256 },
  };
}
