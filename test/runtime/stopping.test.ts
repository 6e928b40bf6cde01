import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { defineJob, memoryStore } from 'signalbox';
import { afterEach, describe, expect, it } from 'vitest';
import { disconnect, interceptedStore } from '../behaviours/faulty-store.ts';
import { makeBox, newDirectory } from '../behaviours/stores.ts';

const children = new Set<ChildProcess>();

afterEach(() => {
  for (const child of children) child.kill('SIGKILL');
  children.clear();
});

/** What a process said whose box was stopped, once it has ended by itself. */
async function stoppedProcess(where: string): Promise<unknown> {
  const program = join(import.meta.dirname, 'stopping.child.ts');
  const child = spawn(
    process.execPath,
    ['--conditions', 'signalbox-source', '--import', 'tsx', program, where],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
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

it('a box that is stopped while a worker waits for the store logs no broken worker', async () => {
  let isAway = false;
  const store = interceptedStore(memoryStore(), (call) =>
    call === 'annotations' && isAway ? disconnect() : null,
  );
  const plain = defineJob({ name: 'plain', run: () => 'done' });
  const { box, reactor, entries, logged } = await makeBox({ store, jobs: [plain], queues: [''] });
  await box.start();
  isAway = true;
  await box.queue().put(plain().with({ annotations: { note: 'kept' } }));
  await reactor.runUntilIdle();

  await reactor.until(box.stop());
  await reactor.runUntilIdle();

  expect(entries.map(({ message }) => message)).toContainEqual(
    expect.stringMatching(/store away while loading/),
  );
  expect(logged('CRITICAL')).toEqual([]);
});

it('what ends with a box learns when it has stopped, and not before', async () => {
  const { box, reactor } = await makeBox({ store: memoryStore(), jobs: [], queues: [''] });
  await box.start();
  const seen: string[] = [];
  const stopped = box.stopped().then(() => seen.push(box.state));
  await reactor.advance('10s');
  const before = [...seen];

  await reactor.until(box.stop());
  await stopped;

  expect([before, seen]).toEqual([[], ['stopped']]);
  await box.stopped();
});
