import {
  agent,
  consoleLogger,
  createSignalbox,
  discoverJobs,
  durationMs,
  installAgent,
  type Signalbox,
  type Store,
} from '../../index.ts';
import { createInspector, type Listening } from '../../inspector/index.ts';
import { jsonStore } from '../../store/json/index.ts';
import { postgresStore } from '../../store/postgres/index.ts';
import { type Command, type LongRun, UsageError } from '../command.ts';
import { databaseUrl, isDatabaseUrl, mustNameStore } from '../database-url.ts';
import { environment, folderUrl } from '../ports.ts';

type Given = Readonly<Record<string, string>>;

/** Runs the jobs of a folder: a worker without a program. */
export const work: Command = {
  name: 'work',
  // What the code of jobs has opened is not known here.
  endsProcess: true,
  summary: 'run the jobs that the files of a folder define, until this command is stopped',
  options: [
    {
      flags: '--jobs <folder>',
      summary: 'the folder of the job files: *.job.js, *.job.mjs, *.job.ts',
      isRequired: true,
    },
    {
      flags: '--store <directory or url>',
      summary:
        'a json store or a database, made if missing (default: $SIGNALBOX_STORE, else .signalbox/store)',
    },
    { flags: '--schema <name>', summary: 'the schema in the database (default: signalbox)' },
    { flags: '--queue <name>', summary: 'work on this queue, made if missing (default: on all)' },
    { flags: '--size <number>', summary: 'how many jobs of a queue may run at once (default: 3)' },
    { flags: '--grace <duration>', summary: 'how long jobs may go on at a signal (default: 5s)' },
    { flags: '--inspect', summary: 'serve the inspector on this computer, and print its address' },
  ],
  async run(given, tell, long) {
    const { jobs: folder = '', grace = '5s' } = given;
    const settings = given.size === undefined ? undefined : agent({ size: Number(given.size) });
    durationMs(grace, '--grace');
    const store = storeOf(given);
    const stop = long.stopped();
    const { jobs, schedules } = await discoverJobs(folderUrl(folder));
    if (jobs.length === 0)
      throw new UsageError(`Expected job files such as mail.job.js in ${folder}, found no job in any.`);
    const names = jobs.map(({ definition }) => definition.name).sort();
    const queues = new Set(schedules.map(({ queue }) => queue));
    if (given.queue !== undefined) queues.add(given.queue);
    const box = await createSignalbox({
      store,
      jobs,
      schedules,
      queues: [...queues],
      // There is no program that would log what fails.
      logger: consoleLogger({ level: 'ERROR', write: (lines) => lines.split('\n').forEach(tell) }),
    });
    try {
      const isGood = await worked(box, given, { settings, names, grace, stop }, long);
      return { isGood, lines: [isGood ? 'Stopped.' : 'The store failed: see above.'], json: { isGood } };
    } finally {
      await box.stop();
    }
  },
};

/** Runs until it is stopped. False: the store failed before. */
async function worked(
  box: Signalbox,
  { queue, inspect }: Given,
  how: {
    readonly settings: ReturnType<typeof agent> | undefined;
    readonly names: readonly string[];
    readonly grace: string;
    readonly stop: Promise<void>;
  },
  { print }: LongRun,
): Promise<boolean> {
  const { settings, names, grace, stop } = how;
  if (queue !== undefined)
    installAgent(box, { name: 'main', queues: [queue], ...(settings && { settings }) });
  await box.start(queue !== undefined ? { agent: null } : settings === undefined ? {} : { agent: settings });
  const inspector: Listening | null = inspect === undefined ? null : await createInspector(box).listen();
  print(`Runs ${names.join(', ')}. Stop with Ctrl+C.`, { jobs: names });
  if (inspector !== null) print(`Inspector: ${inspector.url}`, { inspector: inspector.url });
  await Promise.race([stop, box.stopped()]);
  const isGood = box.state === 'running';
  // A page that is open holds its connection until the box has stopped.
  await Promise.all([box.stop({ grace, abort: '2s' }), inspector?.close()]);
  return isGood;
}

function storeOf({ store = environment('SIGNALBOX_STORE') ?? '.signalbox/store', schema }: Given): Store {
  mustNameStore(store, '--store');
  if (isDatabaseUrl(store))
    return postgresStore({
      connectionString: databaseUrl(store, '--store'),
      ...(schema !== undefined && { schema }),
    });
  if (schema === undefined) return jsonStore(store);
  throw new UsageError('Expected `--schema` to be given with a database, got it with a directory.');
}
