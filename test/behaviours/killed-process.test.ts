import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type Job, SignalboxError } from 'signalbox';
import { jsonStore } from 'signalbox/json';
import { afterEach, describe, expect, it } from 'vitest';
import { answers, hang, hangOnce, note } from './hanging-jobs.ts';
import { makeNodeBox, newDirectory } from './stores.ts';

const children = new Set<ChildProcess>();

afterEach(() => {
  for (const child of children) child.kill('SIGKILL');
  children.clear();
  answers.ends = false;
  answers.noted = [];
});

/** A process that works on the store; resolves once its jobs are ACTIVE. */
async function hangingWorker(directory: string): Promise<{ child: ChildProcess; ids: string[] }> {
  const program = join(import.meta.dirname, 'hanging-worker.ts');
  const child = spawn(
    process.execPath,
    ['--conditions', 'signalbox-source', '--import', 'tsx', program, directory],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  children.add(child);
  for await (const line of createInterface({ input: child.stdout as NodeJS.ReadableStream })) {
    if (line.startsWith('active ')) return { child, ids: line.split(' ').slice(1) };
  }
  throw new Error('the worker ended before its jobs were active');
}

async function killed(child: ChildProcess): Promise<void> {
  child.kill('SIGKILL');
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
}

describe('a process that is killed, json store', () => {
  it('[C-13] leaves jobs that the next process interrupts at once, with no death interval to wait for', async () => {
    const directory = join(newDirectory(), 'store');
    const { child, ids } = await hangingWorker(directory);
    await killed(child);
    answers.ends = true;

    const { box } = await makeNodeBox({ store: jsonStore(directory), jobs: [hang, hangOnce, note] });
    await box.start();
    const [first, second] = ids.map((id) => box.job(id)) as [Job<string>, Job<string>];

    expect(await first.result()).toBe('first done');
    await expect(second.result()).rejects.toMatchObject({ name: 'AbortedError' });
    await first.waitFor('COMPLETED');
    await second.waitFor('COMPLETED');
    expect([...answers.noted].sort()).toEqual([expect.stringContaining('AbortedError'), 'first done']);
    expect((await first.refresh()).record).toMatchObject({ attempts: 2, retryData: { interruptions: 1 } });
    expect((await second.refresh()).record).toMatchObject({ attempts: 1, ending: 'aborted' });
  });

  it('leaves jobs whose recovery is one entry at INFO, however many they are', async () => {
    const directory = join(newDirectory(), 'store');
    const { child, ids } = await hangingWorker(directory);
    await killed(child);
    answers.ends = true;

    const testBox = await makeNodeBox({ store: jsonStore(directory), jobs: [hang, hangOnce, note] });
    await testBox.box.start();
    for (const id of ids) await testBox.box.job(id).waitFor('COMPLETED');

    const [recovered, ...others] = testBox
      .logged('INFO')
      .filter((message) => !/ (succeeded|agent|activate) /.test(message));
    expect(recovered).toMatch(/^recovered 2 jobs, 2 handed on: hang(Once)? \S+, hang(Once)? \S+$/);
    expect(others.filter((message) => ids.some((id) => message.includes(id)))).toEqual([]);
  });

  it('keeps everything it acknowledged, however often it is killed', async () => {
    const directory = join(newDirectory(), 'store');
    const ids: string[] = [];
    for (let kill = 1; kill <= 3; kill += 1) {
      const worker = await hangingWorker(directory);
      ids.push(...worker.ids);
      await killed(worker.child);
    }
    answers.ends = true;

    const { box } = await makeNodeBox({ store: jsonStore(directory), jobs: [hang, hangOnce, note] });
    await box.start();

    for (const id of ids) {
      const job = await box.job(id).waitFor('COMPLETED');
      expect(job.outcome).not.toBeNull();
      // Which process ran it is chance; that it ran is not.
      const [callback] = (await job.callbacks()) as Job<unknown>[];
      expect(await callback?.refresh()).toMatchObject({ status: 'COMPLETED', ending: 'succeeded' });
    }
  });

  it('holds its store while it is stopped, and frees it when it is killed', async () => {
    const directory = join(newDirectory(), 'store');
    const { child } = await hangingWorker(directory);
    child.kill('SIGSTOP');

    const refused = makeNodeBox({ store: jsonStore(directory), jobs: [hang, hangOnce, note] });

    await expect(refused).rejects.toBeInstanceOf(SignalboxError);
    await expect(refused).rejects.toMatchObject({ code: 'STORE_LOCKED' });
    await killed(child);
    const { box } = await makeNodeBox({ store: jsonStore(directory), jobs: [hang, hangOnce, note] });
    expect(box.state).toBe('running');
  });
});
