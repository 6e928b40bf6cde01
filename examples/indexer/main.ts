import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { agent, createSignalbox, type Dispatcher, type Job, type Signalbox, SignalboxError } from 'signalbox';
import { createInspector } from 'signalbox/inspector';
import { jsonStore } from 'signalbox/json';
import { home, type Indexed, indexFile, indexPath, recordWords, writeIndex } from './jobs.ts';
import { Progress } from './progress.ts';
import { followed, newRun, unfinishedRun } from './run.ts';

const storePath = `${home}/store`;
const thisRepository = fileURLToPath(new URL('../..', import.meta.url));

class UsageError extends Error {}

try {
  const { folder, keeps } = given(process.argv.slice(2));
  console.log(`pid ${process.pid}`);
  await main(folder, keeps);
} catch (error) {
  // Shows errors that the user can repair as one sentence. The error of a failed run names the job's id.
  const isPlain = error instanceof UsageError || error instanceof SignalboxError;
  if (!(isPlain || (error instanceof Error && 'jobId' in error))) throw error;
  console.error(error.message);
  process.exitCode = 1;
}

function given(args: readonly string[]): { readonly folder: string; readonly keeps: boolean } {
  const [folder = thisRepository, ...more] = args.filter((arg) => !arg.startsWith('-'));
  const unknown = args.find((arg) => arg.startsWith('-') && arg !== '--' && arg !== '--keep') ?? more[0];
  if (unknown !== undefined)
    throw new UsageError(`Expected at most one folder and --keep, got '${unknown}' as well. Leave it out.`);
  if (folder === '' || statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true)
    throw new UsageError(`Expected a folder, got '${folder}', which is not a folder. Name one that exists.`);
  return { folder: resolve(folder), keeps: args.includes('--keep') };
}

async function main(folder: string, keeps: boolean): Promise<void> {
  // Drops old runs sooner than the default, because their jobs hold the words of every file.
  const store = jsonStore(storePath, { completedMaxCount: 10_000 });
  const box = await createSignalbox({ store, jobs: [indexFile, recordWords, writeIndex] });
  const inspector = await createInspector(box).listen();
  console.log(`Inspector: ${inspector.url}`);
  const signal = new Promise<NodeJS.Signals>((caught) => {
    for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, caught);
  });
  try {
    const isDone = await Promise.race([index(box, folder).then(() => true), signal.then(() => false)]);
    if (isDone && keeps) console.log(`Inspector: ${inspector.url}\nStaying up until Ctrl-C.`);
    if (keeps) await signal;
    if (!isDone) console.log('\nStopping. The run continues at the next start.');
    if (!isDone && !keeps) process.exitCode = 130;
  } finally {
    await inspector.close();
    await box.stop({ grace: '10s' });
  }
}

/**
 * Finishes the run that an earlier process left unfinished, then indexes the folder if that run was of
 * another one.
 */
async function index(box: Signalbox, folder: string): Promise<void> {
  // A job `indexFile` keeps its slot until its words are recorded. So the jobs that record need an agent of
  // their own.
  box.on('dispatcherActivated', async ({ representation }) => {
    await representation.agents.set('readers', agent({ size: 8, filter: { jobs: [indexFile.name] } }));
  });
  const startedAt = performance.now();
  const dispatcher = await box.start({ agent: agent({ filter: { notJobs: [indexFile.name] } }) });
  const unfinished = await unfinishedRun(box);
  if (unfinished !== null) {
    console.log('Continuing the unfinished run.');
    if ((await finish(unfinished, dispatcher, { at: startedAt, jobs: 0 })) === folder) return;
  }
  const began = { at: performance.now(), jobs: dispatcher.getStatistics().started };
  await finish(await newRun(box, folder), dispatcher, began);
}

/** Follows a run to its end and prints a summary. Returns the folder of the run. */
async function finish(
  run: Job<Indexed>,
  dispatcher: Dispatcher,
  began: { readonly at: number; readonly jobs: number },
): Promise<unknown> {
  const { files, words, failed, failures } = await followed(run, new Progress(process.stdout));
  const seconds = (performance.now() - began.at) / 1000;
  const jobs = dispatcher.getStatistics().started - began.jobs;
  const { folder, leftOut } = run.annotations as { folder: string; leftOut: Record<string, number> };
  const rate = `${jobs} jobs in ${seconds.toFixed(1)} s, ${Math.round(jobs / seconds)} jobs/s`;

  console.log(`Indexed ${files} files with ${words} words of ${folder} (${rate}).`);
  for (const [reason, count] of Object.entries(leftOut)) console.log(`Left out: ${count} files (${reason}).`);
  if (failed > 0) console.log(`Failed: ${failed} files, such as\n  ${failures.join('\n  ')}`);
  console.log(`Index: ${resolve(indexPath)}\nStore: ${resolve(storePath)}`);
  if (failed > 0) process.exitCode = 1;
  return folder;
}
