import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, it } from 'vitest';
import { newDirectory } from '../behaviours/stores.ts';

const children = new Set<ChildProcess>();

afterEach(() => {
  for (const child of children) child.kill('SIGKILL');
  children.clear();
});

/** What a process said whose box was stopped, once it has ended by itself. */
async function stoppedProcess(where: string): Promise<unknown> {
  const program = join(import.meta.dirname, 'stopping.child.ts');
  const child = spawn(process.execPath, ['--conditions', 'source', '--import', 'tsx', program, where], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.add(child);
  const [said, [code]] = await Promise.all([text(child.stdout), once(child, 'exit')]);
  return { code, said: said.trim().split('\n') };
}

describe('a process whose box was stopped', () => {
  it.each([
    ['memory', () => 'memory'],
    ['json', () => join(newDirectory(), 'store')],
  ])('ends by itself, whatever waited there for an hour, with a %s store', async (_kind, where) => {
    const process = await stoppedProcess(where());

    expect(process).toEqual({ code: 0, said: ['worked', 'STORE_CLOSED'] });
  });
});
