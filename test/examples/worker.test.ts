import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { createSignalbox, defineJob } from 'signalbox';
import { jsonStore, readStore } from 'signalbox/json';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const example = join(root, 'examples', 'worker');
// Below this repository, where `signalbox` means this package.
const parent = mkdtempSync(join(import.meta.dirname, '.worker-'));
const file = (name: string): string => readFileSync(join(example, name), 'utf8');
const listed = (text: string | undefined): readonly string[] => JSON.parse(text ?? 'null') as string[];

/** The command of the image, and what Kubernetes runs before it sends SIGTERM. */
const command = listed(/^CMD (\[.*\])$/m.exec(file('Dockerfile'))?.[1]);
const preStop = listed(/exec: \{ command: (\[.*\]) \}/.exec(file('kubernetes.yaml'))?.[1]);

let folder = '';
let child: ChildProcess;
let count = 0;
afterEach(() => child.kill('SIGKILL'));
afterAll(() => rmSync(parent, { recursive: true, force: true }));

beforeEach(async () => {
  count += 1;
  folder = join(parent, String(count));
  cpSync(example, folder, { recursive: true });
});

const report = defineJob({ name: 'report', run: (title: string, steps: number) => `${title}${steps}` });

async function put(...jobs: readonly (readonly [title: string, steps: number])[]): Promise<void> {
  const box = await createSignalbox({
    store: jsonStore(join(folder, 'data', 'jobs')),
    jobs: [report],
    queues: [''],
  });
  for (const [title, steps] of jobs) await box.queue().put(report(title, steps), { id: title });
  await box.stop();
}

/** Runs the command of the image where its files are, on Node as it is here. */
async function startContainer(): Promise<Promise<readonly [number | null, NodeJS.Signals | null]>[]> {
  const tsx = pathToFileURL(join(root, 'node_modules', 'tsx', 'dist', 'loader.mjs')).href;
  const [program = '', ...args] = command;
  const env = {
    ...process.env,
    NODE_OPTIONS: `--conditions=signalbox-source --import=${tsx}`,
    DATABASE_URL: undefined,
  };
  child = spawn(program, args, { cwd: folder, env, stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'exit').then(([code, signal]) => [code, signal] as const);
  const [said] = await once(child.stdout ?? child, 'data');
  expect(String(said)).toBe(`Runs report, pid ${child.pid}\n`);
  return [ended];
}

/** How jobs stand in what the worker has on disk. */
async function stored(id: string) {
  const store = await readStore(join(folder, 'data', 'jobs'));
  return (await store.get('job', id)) ?? null;
}

async function until(id: string, isWanted: (state: string | undefined) => boolean): Promise<void> {
  while (!isWanted((await stored(id))?.state)) await new Promise((resolve) => setImmediate(resolve));
}

describe('The worker of the examples', { timeout: 60_000 }, () => {
  it('runs the jobs of its folder, and ends with 0 at SIGTERM before Docker would kill it; what is too long is handed back', async () => {
    await put(['short', 3], ['soon', 25], ['long', 1000]);
    const [ended] = await startContainer();
    await until('short', (state) => state === 'completed');
    await until('long', (state) => state === 'active.running');
    const signalledAt = performance.now();

    child.kill('SIGTERM');

    expect(await ended).toEqual([0, null]);
    expect(performance.now() - signalledAt).toBeLessThan(10_000);
    expect(await stored('soon')).toMatchObject({ outcome: { ok: true, value: 'soon: 25 steps' } });
    expect(await stored('long')).toMatchObject({ state: 'pending', outcome: null });
  });

  it('goes on while the preStop of Kubernetes runs, and all of it fits in the time that Kubernetes gives', async () => {
    await put(['while', 30]);
    const [ended] = await startContainer();
    const [program = '', ...args] = preStop;
    const beganAt = performance.now();

    execFileSync(program, args);
    expect(await stored('while')).toMatchObject({ outcome: { ok: true } });
    child.kill('SIGTERM');

    expect(await ended).toEqual([0, null]);
    const seconds = (pattern: RegExp, text: string): number => Number(pattern.exec(text)?.[1]);
    const given = seconds(/terminationGracePeriodSeconds: (\d+)/, file('kubernetes.yaml'));
    const [grace, abort] = [/grace: '(\d+)s'/, /abort: '(\d+)s'/].map((each) =>
      seconds(each, file('worker.ts')),
    );
    const before = seconds(/setTimeout\(\(\) => \{\}, (\d+)\)/, preStop.join(' ')) / 1000;
    expect(performance.now() - beganAt).toBeLessThan(given * 1000);
    expect(before + Number(grace) + Number(abort)).toBeLessThan(given);
    expect(Number(grace) + Number(abort)).toBeLessThan(10);
  });
});
