import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Each process keeps its UUID in its own file in this folder of the working directory, as separate hosts do. */
const home = join('.signalbox', 'hosts');

const children = new Map<string, ChildProcess>();
let isStopping = false;

mkdirSync(home, { recursive: true });
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, stop);
await Promise.all([run('a', 'worker.ts', 'a'), run('b', 'worker.ts', 'b')]);
const isInspected = process.argv.includes('--inspect');
const url = await run('web', 'web.ts', ...(isInspected ? ['--inspect'] : []));
if (!isStopping) console.log(`Open ${url}`);
if (!isStopping && isInspected) console.log(`Inspector: ${url}inspect/`);
await Promise.all(
  [...children.values()].map((child) => child.exitCode ?? child.signalCode ?? once(child, 'exit')),
);

/** Starts a process. Resolves with the message that the process sends when it is ready. */
async function run(name: string, file: string, ...args: string[]): Promise<unknown> {
  const program = fileURLToPath(new URL(file, import.meta.url));
  const child = spawn(process.execPath, ['--import', import.meta.resolve('tsx'), program, ...args], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, SIGNALBOX_UUID_FILE: join(home, `${name}.uuid`) },
  });
  children.set(name, child);
  const ended = once(child, 'exit').then(([code, signal]) => {
    if (!isStopping) console.log(`${name} has ended (${signal ?? code}).`);
  });
  const ready = once(child, 'message').then(([news]) => news);
  const news = await Promise.race([ready, ended]);
  if (news !== undefined) console.log(`${name}: pid ${child.pid}`);
  return news;
}

function stop(): void {
  if (isStopping) return;
  isStopping = true;
  for (const child of children.values()) child.kill('SIGTERM');
}
