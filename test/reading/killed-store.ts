import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach } from 'vitest';

const children = new Set<ChildProcess>();

afterEach(() => {
  for (const child of children) child.kill('SIGKILL');
  children.clear();
});

/** A process at work. Resolves when one job waits for the quota slot that another one holds. */
export async function busyWorker(
  dir: string,
): Promise<{ child: ChildProcess; waiting: string; holder: string }> {
  const program = join(import.meta.dirname, 'busy-worker.ts');
  const flags = ['--conditions', 'signalbox-source', '--import', 'tsx'];
  const child = spawn(process.execPath, [...flags, program, dir], { stdio: ['ignore', 'pipe', 'inherit'] });
  children.add(child);
  for await (const line of createInterface({ input: child.stdout as NodeJS.ReadableStream })) {
    const [word, waiting = '', holder = ''] = line.split(' ');
    if (word === 'waiting') return { child, waiting, holder };
  }
  throw new Error('the worker ended before a job waited');
}

/** Kills a worker in the middle, once it has dropped its first generations. */
export async function killedInTheMiddle(dir: string): Promise<{ waiting: string; holder: string }> {
  const { child, ...ids } = await busyWorker(dir);
  while (fs.existsSync(join(dir, 'journal-00000001.jsonl')))
    await new Promise((resolve) => setTimeout(resolve, 20));
  child.kill('SIGKILL');
  await once(child, 'exit');
  return ids;
}

/** Everything that a write would change: names, bytes, modes, owners, and instants of the last change. */
export function bytesOf(dir: string): unknown {
  const facts = (path: string) => {
    const { mtimeNs, ctimeNs, size, mode, ino, uid } = fs.statSync(path, { bigint: true });
    return [mtimeNs, ctimeNs, size, mode, ino, uid];
  };
  const files = fs.readdirSync(dir).sort();
  return [
    facts(dir),
    ...files.map((name) => [name, facts(join(dir, name)), fs.readFileSync(join(dir, name), 'hex')]),
  ];
}
