import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Job, parallel, randomIds, type Signalbox, SignalboxError } from 'signalbox';
import { home, type Indexed, indexFile, indexQuota, writeIndex } from './jobs.ts';
import type { Progress } from './progress.ts';
import { textFilesIn } from './text-files.ts';

/** Holds the id of the newest run's main job. It is written before the put, so the job may not exist. */
const runPath = join(home, 'run.json');

/** Returns the run that an earlier process left unfinished, or null. */
export async function unfinishedRun(box: Signalbox): Promise<Job<Indexed> | null> {
  const text = await readFile(runPath, 'utf8').catch(() => null);
  if (text === null) return null;
  const run = box.job<Indexed>(JSON.parse(text).job);
  try {
    await run.refresh();
  } catch (error) {
    if (error instanceof SignalboxError && error.code === 'JOB_NOT_FOUND') return null;
    throw error;
  }
  return run.outcome === null ? run : null;
}

/** Puts a run: one job for each text file in the folder, and one that writes the index from their results. */
export async function newRun(box: Signalbox, folder: string): Promise<Job<Indexed>> {
  const queue = box.queue();
  const { paths, leftOut } = await textFilesIn(folder);
  if (!(await queue.quotas.names()).includes(indexQuota)) await queue.quotas.create(indexQuota, { size: 1 });

  const id = randomIds.newId();
  const itself = box.job(id);
  const run = parallel<Indexed>(
    paths.map((path) => indexFile(itself, folder, path)),
    { postprocess: writeIndex.partial(itself) },
  );
  run.with({ id, annotations: { folder, leftOut, files: paths.length, recorded: 0 } });
  await forgetEarlierRuns();
  await writeFile(`${runPath}.new`, JSON.stringify({ job: id }), { flush: true });
  await rename(`${runPath}.new`, runPath);
  return queue.put(run);
}

async function forgetEarlierRuns(): Promise<void> {
  for (const name of await readdir(home)) {
    if (name.startsWith('words-')) await rm(join(home, name));
  }
}

/** Resolves with the result of the run. Until then, shows the progress each time an annotation changes. */
export async function followed(run: Job<Indexed>, progress: Progress): Promise<Indexed> {
  const look = async (): Promise<void> => {
    await run.refresh();
    progress.show(Number(run.annotations.recorded), Number(run.annotations.files));
  };
  await look();
  const subscription = run.actorRef().subscribe(() => look().catch(() => {}));
  try {
    const indexed = await run.result();
    await look();
    return indexed;
  } finally {
    subscription.unsubscribe();
    progress.end();
  }
}
