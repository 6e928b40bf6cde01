import { invalidOption, SignalboxError } from '../../errors.ts';
import { checkKnown } from '../../model/checks/check-options.ts';
import { Failure } from '../../model/values/failure.ts';
import { type ModulePort, nodeModules } from '../environment/ports.ts';
import type { JobDefinition } from '../handles/job.ts';
import { isScheduleDefinition, type ScheduleDefinition } from '../handles/schedules/schedule.ts';
import { isDefinition } from '../jobs/job-like.ts';

/** Options of `discoverJobs`. */
export interface DiscoverOptions {
  /** Where files are listed and imported. Default: those of Node. */
  readonly modules?: ModulePort;
}

/** What `discoverJobs` found: options of `createSignalbox`. */
export interface Discovered {
  readonly jobs: readonly AnyDefinition[];
  readonly schedules: readonly ScheduleDefinition[];
}

type AnyDefinition = JobDefinition<never, unknown>;

const jobFile = /\.job\.(?:js|mjs|ts)$/;

/**
 * Imports the job files of one folder and returns the definitions and the schedules that they export, in order of file name: every
 * `*.job.js`, `*.job.mjs` and `*.job.ts`. Nothing else is imported, no folder below it, and never because of a stored name. Node
 * reads TypeScript from version 22.18 on; before that it needs a loader such as tsx.
 *
 * @param folder - the URL of the folder, such as `new URL('./jobs/', import.meta.url)`.
 *
 * @example
 * ```ts
 * import { mkdtempSync, writeFileSync } from 'node:fs';
 * import { createSignalbox, discoverJobs, memoryStore } from 'signalbox';
 * import { pathToFileURL } from 'node:url';
 *
 * const folder = mkdtempSync('jobs-');
 * writeFileSync(`${folder}/notes.txt`, 'not a job file');
 * const { jobs, schedules } = await discoverJobs(pathToFileURL(folder));
 * const box = await createSignalbox({ store: memoryStore(), jobs, schedules });
 * console.log(jobs.length); // => 0
 * await box.stop();
 * ```
 *
 * @throws SignalboxError `INVALID_OPTION` for a folder that cannot be read, `JOB_FILE` for a file that cannot be imported,
 * `DUPLICATE_DEFINITION` for a name that two files export.
 */
export async function discoverJobs(folder: URL, options: DiscoverOptions = {}): Promise<Discovered> {
  if (!(folder instanceof URL) || folder.protocol !== 'file:')
    throw invalidOption('folder', "a file URL, such as new URL('./jobs/', import.meta.url)", folder);
  checkKnown(options, ['modules']);
  const { modules = nodeModules } = options;
  const within = new URL(folder.href.endsWith('/') ? folder.href : `${folder.href}/`);
  const jobs: Found<AnyDefinition> = new Map();
  const schedules: Found<ScheduleDefinition> = new Map();
  for (const name of (await namesIn(modules, within)).filter((each) => jobFile.test(each)).sort()) {
    const url = new URL(encodeURIComponent(name), within);
    const file = modules.path(url);
    for (const value of Object.values(await exportsOf(modules, url))) {
      if (isJobDefinition(value)) add(jobs, 'job', value.definition.name, value, file);
      else if (isScheduleDefinition(value))
        add(schedules, 'schedule', `${value.queue}/${value.scheduleName}`, value, file);
    }
  }
  return { jobs: valuesOf(jobs), schedules: valuesOf(schedules) };
}

/** What the files export of one kind, by name. */
type Found<Value> = Map<string, { readonly value: Value; readonly file: string }>;

/** Each name once; a file may export one value under two names. */
function add<Value>(found: Found<Value>, what: string, name: string, value: Value, file: string): void {
  const known = found.get(name);
  if (known === undefined) found.set(name, { value, file });
  else if (known.value !== value)
    throw new SignalboxError('DUPLICATE_DEFINITION', { what, name, files: [known.file, file] });
}

const valuesOf = <Value>(found: Found<Value>): readonly Value[] =>
  [...found.values()].map(({ value }) => value);

function isJobDefinition(value: unknown): value is AnyDefinition {
  return isDefinition(value);
}

async function namesIn(modules: ModulePort, folder: URL): Promise<readonly string[]> {
  try {
    return await modules.list(folder);
  } catch (cause) {
    const { message } = Failure.from(cause);
    const details = {
      option: 'folder',
      expected: 'a folder that can be read',
      actual: `${modules.path(folder)}: ${message}`,
    };
    throw new SignalboxError('INVALID_OPTION', details, { cause });
  }
}

async function exportsOf(modules: ModulePort, file: URL): Promise<Readonly<Record<string, unknown>>> {
  try {
    return await modules.load(file);
  } catch (cause) {
    const { name, message, code } = Failure.from(cause);
    const repair =
      code === 'ERR_UNKNOWN_FILE_EXTENSION'
        ? 'Use Node 22.18 or newer, or a loader: NODE_OPTIONS="--import tsx".'
        : 'Correct the file; nothing was started.';
    const details = { file: modules.path(file), reason: `${name}: ${message}`.replace(/\.$/, ''), repair };
    throw new SignalboxError('JOB_FILE', details, { cause });
  }
}
