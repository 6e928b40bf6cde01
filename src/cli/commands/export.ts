import { jsonStore } from '../../store/json/index.ts';
import { placeOf } from '../../store/postgres/sql-port.ts';
import { type Exported, exportStore } from '../../store/promotion/export-store.ts';
import { type Command, type CommandResult, UsageError } from '../command.ts';
import { databaseUrl, isDatabaseUrl, mustNameStore } from '../database-url.ts';
import { portsFor } from '../ports.ts';

/** Copies waiting jobs of a store to a new json store, for debugging. */
export const exportCommand: Command = {
  name: 'export',
  summary: 'copy the first waiting jobs of a queue to a new json store; the source is only read',
  options: [
    {
      flags: '--from <directory or url>',
      summary: 'a json store that no process has open, or a database',
      isRequired: true,
    },
    { flags: '--queue <name>', summary: 'the queue whose first waiting jobs are copied', isRequired: true },
    { flags: '--limit <number>', summary: 'how many, at most', isRequired: true },
    { flags: '--to <directory>', summary: 'a directory that is empty or does not exist', isRequired: true },
    { flags: '--schema <name>', summary: 'the schema in the database (default: signalbox)' },
  ],
  async run({ from = '', to = '', queue = '', limit = '', schema }, tell) {
    mustNameStore(from, '--from');
    mustBeDirectory(to);
    const source = sourceOf(from, schema);
    const exported = await exportStore({
      from: source,
      queue,
      limit: countIn(limit),
      to,
      storeIn: (directory) => jsonStore(directory, keepAll),
      ports: portsFor(tell),
    });
    return resultOf(exported, queue, await nameOf(source));
  },
};

/** The copy drops nothing for its age: what a job refers to may be old. */
const keepAll = {
  completedMaxAge: '36500d',
  failedMaxAge: '36500d',
  completedMaxCount: Number.POSITIVE_INFINITY,
  historyMaxAge: '36500d',
  historyMaxBytes: Number.POSITIVE_INFINITY,
};

type Source = Parameters<typeof exportStore>[0]['from'];

function sourceOf(from: string, schema: string | undefined): Source {
  if (isDatabaseUrl(from))
    return { connectionString: databaseUrl(from, '--from'), schema: schema ?? 'signalbox' };
  if (schema === undefined) return { directory: from };
  throw new UsageError(
    'Expected `--schema` to be given with a database, got it with a directory. Leave it out, or write --from URL.',
  );
}

function mustBeDirectory(to: string): void {
  if (to !== '' && !isDatabaseUrl(to)) return;
  const found = to === '' ? 'an empty text' : 'the URL of a database';
  throw new UsageError(
    `Expected \`--to\` to name a directory, got ${found}. Write --to DIRECTORY; an export is always a json store.`,
  );
}

function countIn(limit: string): number {
  const count = Number(limit);
  if (/^\d+$/.test(limit) && Number.isSafeInteger(count) && count >= 1) return count;
  throw new UsageError(
    `Expected \`--limit\` to be a whole number from 1 up, got ${JSON.stringify(limit)}. Write --limit 100.`,
  );
}

async function nameOf(source: Source): Promise<string> {
  if ('directory' in source) return source.directory;
  return `schema ${source.schema} of ${await placeOf(source.connectionString)}`;
}

function resultOf(
  { directory, jobs, records, unreadable }: Exported,
  queue: string,
  from: string,
): CommandResult {
  const counts = Object.entries(records).map(([kind, count]) => `${count} ${kind}`);
  return {
    isGood: true,
    lines: [
      `Copied ${jobs} waiting jobs of queue "${queue}" from ${from} to ${directory}. The source was only read.`,
      `Records, with what these jobs refer to: ${counts.join(', ')}.`,
      ...(unreadable > 0 ? [`${unreadable} jobs were left out: this version cannot read them.`] : []),
    ],
    json: { ok: true, queue, jobs, records, unreadable, to: directory },
  };
}
