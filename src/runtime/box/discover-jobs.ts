import { invalidOption, SignalboxError } from '../../errors.ts';
import { checkKnown } from '../../model/checks/check-options.ts';
import { Failure } from '../../model/values/failure.ts';
import { type ModulePort, nodeModules } from '../environment/ports.ts';
import type { JobDefinition } from '../handles/job.ts';
import { isDefinition } from '../jobs/job-like.ts';

/** Options of `discoverJobs`. */
export interface DiscoverOptions {
  /** Where files are listed and imported. Default: those of Node. */
  readonly modules?: ModulePort;
}

type AnyDefinition = JobDefinition<never, unknown>;

const jobFile = /\.job\.(?:js|mjs|ts)$/;

/**
 * Imports the job files of one folder and returns the definitions that they export, in order of file name: every `*.job.js`,
 * `*.job.mjs` and `*.job.ts`. Nothing else is imported, no folder below it, and never because of a stored name. Node reads
 * TypeScript from version 22.18 on; before that it needs a loader such as tsx.
 *
 * @param folder - the URL of the folder, such as `new URL('./jobs/', import.meta.url)`.
 *
 * @example
 * ```ts
 * import { mkdtempSync, writeFileSync } from 'node:fs';
 * import { discoverJobs } from 'signalbox';
 * import { pathToFileURL } from 'node:url';
 *
 * const folder = mkdtempSync('jobs-');
 * writeFileSync(`${folder}/notes.txt`, 'not a job file');
 * console.log((await discoverJobs(pathToFileURL(folder))).length); // => 0
 * ```
 *
 * @throws SignalboxError `INVALID_OPTION` for a folder that cannot be read, `JOB_FILE` for a file that cannot be imported,
 * `DUPLICATE_DEFINITION` for a name that two files export.
 */
export async function discoverJobs(
  folder: URL,
  options: DiscoverOptions = {},
): Promise<readonly AnyDefinition[]> {
  if (!(folder instanceof URL) || folder.protocol !== 'file:')
    throw invalidOption('folder', "a file URL, such as new URL('./jobs/', import.meta.url)", folder);
  checkKnown(options, ['modules']);
  const { modules = nodeModules } = options;
  const within = new URL(folder.href.endsWith('/') ? folder.href : `${folder.href}/`);
  const found = new Map<string, { readonly definition: AnyDefinition; readonly file: string }>();
  for (const name of (await namesIn(modules, within)).filter((each) => jobFile.test(each)).sort()) {
    const file = new URL(encodeURIComponent(name), within);
    const exports = Object.values(await exportsOf(modules, file));
    // The place for other kinds of export that are found in job files.
    for (const definition of exports.filter(isJobDefinition)) {
      const known = found.get(definition.definition.name);
      if (known?.definition === definition) continue;
      if (known !== undefined) throw duplicate(definition, known.file, modules.path(file));
      found.set(definition.definition.name, { definition, file: modules.path(file) });
    }
  }
  return [...found.values()].map(({ definition }) => definition);
}

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
    const details = { file: modules.path(file), reason: `${name}: ${message}`, repair };
    throw new SignalboxError('JOB_FILE', details, { cause });
  }
}

function duplicate({ definition }: AnyDefinition, first: string, second: string): SignalboxError {
  const { name } = definition;
  return new SignalboxError('DUPLICATE_DEFINITION', { what: 'job', name, files: [first, second] });
}
