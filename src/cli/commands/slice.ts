import { jsonStore } from '../../store/json/index.ts';
import { checkSchema, connectionFor } from '../../store/postgres/connecting.ts';
import { postgresStore } from '../../store/postgres/index.ts';
import { placeOf } from '../../store/postgres/sql-port.ts';
import { mustBeThere } from '../../store/postgres/verifying.ts';
import { moveSlice, mustHaveQueue } from '../../store/promotion/slicing.ts';
import { type CommandResult, UsageError } from '../command.ts';
import { databaseUrl } from '../database-url.ts';
import { portsFor } from '../ports.ts';

/** How many jobs are moved in one commit of each side. */
const atOnce = 500;

/**
 * What a program lets go of is its own matter: a command that knows nothing of its settings drops nothing, neither
 * what is done nor history.
 */
const forever = { completedMaxAge: '36500d', historyMaxAge: '36500d' };
const everything = {
  ...forever,
  completedMaxCount: Number.POSITIVE_INFINITY,
  historyMaxBytes: Number.POSITIVE_INFINITY,
};

/** Moves the first waiting jobs of a queue from a database to a json store. */
export async function slice(
  given: Readonly<Record<string, string>>,
  tell: (line: string) => void,
): Promise<CommandResult> {
  const { from = '', to = '', schema = 'signalbox', queue, slice: name = '1' } = given;
  const connectionString = databaseUrl(from, '--from');
  const limit = Number(given.limit);
  if (queue === undefined || !Number.isSafeInteger(limit) || limit < 1)
    throw new UsageError(
      'Expected `--queue NAME` and `--limit N`, a whole number from 1 up, when jobs are to leave a database.',
    );
  if (!/^[\w.-]{1,64}$/.test(name))
    throw new UsageError('Expected `--slice` to be 1 to 64 letters, digits, _, . or -.');
  const ports = portsFor(tell);
  const place = await placeOf(connectionString);
  // Opening makes what is missing: neither schema nor directory is made for a name that is not there.
  await mustHaveSchema(connectionString, schema);
  const source = await postgresStore({ connectionString, schema, ...forever }).open(ports);
  try {
    await mustHaveQueue(source, queue);
    const target = await jsonStore(to, everything).open(ports);
    try {
      const moved = await moveSlice({
        from: source,
        to: target,
        queue,
        source: `schema ${schema} of ${place}`,
        limit,
        name,
        atOnce,
        newId: () => ports.newId(),
        reached: () => {},
      });
      return resultOf(moved, { queue, name, to });
    } finally {
      await target.close();
    }
  } finally {
    await source.close();
  }
}

async function mustHaveSchema(connectionString: string, schema: string): Promise<void> {
  checkSchema(schema);
  const port = await connectionFor({ connectionString });
  try {
    await mustBeThere(port, schema);
  } finally {
    await port.end();
  }
}

function resultOf(
  { id, moved, tied, wasDone }: Awaited<ReturnType<typeof moveSlice>>,
  { queue, name, to }: { readonly queue: string; readonly name: string; readonly to: string },
): CommandResult {
  const first = wasDone
    ? `Slice ${name} of queue "${queue}" was moved before: ${moved} jobs are in ${to}. Nothing was changed; another slice needs another --slice NAME.`
    : `${moved} jobs of queue "${queue}" are in ${to} now.`;
  const stayed = `${tied} that were in turn stay: they name other jobs, or others wait for them.`;
  return {
    isGood: true,
    lines: [first, ...(tied > 0 ? [stayed] : [])],
    json: { ok: true, id, queue, slice: name, moved, tied, wasDone, directory: to },
  };
}
