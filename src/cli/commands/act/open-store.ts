import {
  createSignalbox,
  type Operator,
  type Signalbox,
  SignalboxError,
  type Store,
} from '../../../index.ts';
import { jsonStore } from '../../../store/json/index.ts';
import { onSchema } from '../../../store/postgres/connecting.ts';
import { postgresStore } from '../../../store/postgres/index.ts';
import { atOneMoment, mustBeCurrent } from '../../../store/postgres/opening/migrating.ts';
import { type CommandOption, UnreachableError, UsageError } from '../../command.ts';
import { databaseUrl, isDatabaseUrl, mustNameStore } from '../../database-url.ts';
import { environment, newUuid } from '../../ports.ts';

/** The options of every command that acts. */
export const actingOptions: readonly CommandOption[] = [
  {
    flags: '--store <directory or url>',
    summary:
      'a json store that no process has open, or a database (default: $SIGNALBOX_STORE, else .signalbox/store)',
  },
  { flags: '--schema <name>', summary: 'the schema in the database (default: signalbox)' },
  { flags: '--reason <text>', summary: 'why: it is kept in the history, and code sees it' },
  { flags: '--user <name>', summary: 'who acts, for the audit (default: $USER)' },
];

/** What was given to a command that acts. */
export type Given = Readonly<Record<string, string>>;

/** Opens a store, acts, and closes it. Nothing runs meanwhile, and nothing is dropped for its age. */
export async function acting<Result>(
  given: Given,
  act: (operator: Operator, box: Signalbox) => Promise<Result>,
): Promise<Result> {
  const { reason, user = environment('USER') ?? environment('USERNAME') ?? 'signalbox' } = given;
  const store = await storeOf(given);
  const box = await opened(store, given);
  try {
    return await act(box.operate({ user, ...(reason !== undefined && { reason }) }), box);
  } finally {
    await box.stop();
  }
}

async function opened(store: Store, given: Given): Promise<Signalbox> {
  try {
    // An instance of its own, so that it takes nothing from the program whose store this is.
    return await createSignalbox({ store, jobs: [], uuid: newUuid() });
  } catch (error) {
    if (!(error instanceof SignalboxError) || error.code !== 'STORE_LOCKED') throw error;
    const { holder } = error.details as { readonly holder: string };
    throw new UnreachableError(
      `The store in ${placeOf(given)} is held by ${holder}, and only that process writes to it. Act in its inspector, or in the program: box.operate({ user }).`,
    );
  }
}

const forever = '36500d';

async function storeOf(given: Given): Promise<Store> {
  const place = placeOf(given);
  mustNameStore(place, '--store');
  if (isDatabaseUrl(place)) {
    const [connectionString, schema] = [databaseUrl(place, '--store'), given.schema ?? 'signalbox'];
    // Opening would make a schema that is missing, and change one that older processes use.
    await onSchema({ connectionString, schema }, (port) =>
      atOneMoment(port, schema, 'the command', async (_connection, found) =>
        mustBeCurrent(found, schema, 'the command'),
      ),
    );
    const kept = { completedMaxAge: forever, failedMaxAge: forever, finishedMaxAge: forever };
    return postgresStore({ connectionString, schema, ...kept, historyMaxAge: forever });
  }
  if (given.schema !== undefined)
    throw new UsageError('Expected `--schema` to be given with a database, got it with a directory.');
  return jsonStore(place, {
    create: false,
    completedMaxAge: forever,
    failedMaxAge: forever,
    completedMaxCount: Number.POSITIVE_INFINITY,
    finishedMaxAge: forever,
    finishedMaxCount: Number.POSITIVE_INFINITY,
    historyMaxAge: forever,
    historyMaxBytes: Number.POSITIVE_INFINITY,
  });
}

function placeOf({ store = environment('SIGNALBOX_STORE') ?? '.signalbox/store' }: Given): string {
  return store;
}
