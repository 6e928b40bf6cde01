import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defineJob, defineMachine } from 'signalbox';
import { jsonStore } from 'signalbox/json';
import { createTestBox, VirtualReactor } from 'signalbox/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { setup } from 'xstate';
import { run } from './run.ts';

// Below this repository, where `signalbox` in a module means this package.
const folder = mkdtempSync(fileURLToPath(new URL('.copies-', import.meta.url)));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const door = defineMachine(
  setup({ types: { events: {} as { type: 'open'; by: string } } }).createMachine({
    ...{ id: 'door', version: '1', initial: 'shut' },
    states: { shut: { on: { open: { target: 'ajar' } } }, ajar: {} },
  }),
  { redact: ['by'] },
);
const note = defineJob({
  name: 'note',
  redact: ['0.card'],
  run: (given: { card: string; n: number }) => given.n,
});

const store = join(folder, 'store');
let id = '';

beforeAll(async () => {
  const reactor = new VirtualReactor();
  const { box, tearDown } = await createTestBox({
    ...{ reactor, store: jsonStore(store), jobs: [note], machines: [door], log: null },
  });
  const actor = await reactor.until(box.actor(door, 'a').start());
  await reactor.until(actor.send({ type: 'open', by: 'Ada' }));
  id = (await box.queue().put(note({ card: '4111', n: 7 }))).id ?? '';
  await reactor.advance('1m');
  await tearDown();
});

const copy = (of: string, to: string, ...more: readonly string[]) =>
  run('copy-as-test', of, '--from', store, '--to', join(folder, to), ...more);

it('The history of an actor is written as a test, with the import of its machine', async () => {
  const definitions = join(folder, 'machines.mjs');
  writeFileSync(
    definitions,
    `import { defineMachine } from 'signalbox'; import { setup } from 'xstate';
     export const other = 1;
     export const front = defineMachine(setup({}).createMachine({ id: 'door', version: '1', initial: 'shut',
       states: { shut: { on: { open: { target: 'ajar' } } }, ajar: {} } }));`,
  );

  const { code, out } = await copy('door/a', 'deep/door.test.ts', '--definitions', definitions);

  const file = readFileSync(join(folder, 'deep/door.test.ts'), 'utf8');
  expect([code, out]).toEqual([0, `Wrote the history of door/a to ${join(folder, 'deep/door.test.ts')}.\n`]);
  expect(file).toContain("import { front } from '../machines.mjs';");
  expect(file).toContain("{ type: 'open', by: '[redacted]' }");
});

it('What definitions hide is kept when that is asked for', async () => {
  await copy('door/a', 'values.test.ts', '--values');
  await copy(id, 'job.test.ts');
  await copy(id, 'job-values.test.ts', '--values');

  expect(readFileSync(join(folder, 'values.test.ts'), 'utf8')).toContain("by: 'Ada'");
  expect(readFileSync(join(folder, 'job.test.ts'), 'utf8')).toContain("args: [{ card: '[redacted]', n: 7 }]");
  expect(readFileSync(join(folder, 'job-values.test.ts'), 'utf8')).toContain(
    "args: [{ card: '4111', n: 7 }]",
  );
});

it('The line for the real code is named', async () => {
  const { out } = await copy(id, 'named.test.ts');
  const json = await copy(id, 'named-2.test.ts', '--json');

  expect(out).toContain(
    "In it: The real job goes here, instead of the next line: import { … } from '../src/jobs.ts';",
  );
  expect(json.json).toMatchObject({ ok: true, id, kind: 'job' });
});

it('A file that is there is left as it is', async () => {
  writeFileSync(join(folder, 'mine.test.ts'), 'mine');

  const { code, err } = await copy('door/a', 'mine.test.ts');

  expect([code, err]).toEqual([2, expect.stringContaining('a file that does not exist')]);
  expect(readFileSync(join(folder, 'mine.test.ts'), 'utf8')).toBe('mine');
});

it.each([
  ['door/none', 'ACTOR_NOT_FOUND'],
  ['none', 'JOB_NOT_FOUND'],
])('Of %s there is no history', async (of, code) => {
  expect(await copy(of, 'none.test.ts')).toMatchObject({ code: 1, err: expect.stringContaining(code) });
});
