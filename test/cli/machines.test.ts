import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createSignalbox, defineMachine } from 'signalbox';
import { jsonStore } from 'signalbox/json';
import { afterAll, describe, expect, it } from 'vitest';
import { setup } from 'xstate';
import { newPath } from '../store/json/open-store.ts';
import { run } from './run.ts';

// Below this repository, where `signalbox` in a module means this package.
const folder = mkdtempSync(fileURLToPath(new URL('.machines-', import.meta.url)));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const first = setup({}).createMachine({
  id: 'door',
  version: '1',
  initial: 'shut',
  states: { shut: { on: { open: { target: 'open' } } }, open: {} },
});

/** A module of a release. */
function release(name: string, text: string): string {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${name}.mjs`);
  writeFileSync(
    file,
    `import { defineMachine } from 'signalbox'; import { setup } from 'xstate';
     const first = setup({}).createMachine({ id: 'door', version: '1', initial: 'shut',
       states: { shut: { on: { open: { target: 'open' } } }, open: {} } });
     const second = setup({}).createMachine({ id: 'door', version: '2', initial: 'closed',
       states: { closed: {}, open: {} } });
     ${text}`,
  );
  return file;
}

async function storeOfDoors(): Promise<string> {
  const dir = newPath();
  const machine = defineMachine(first);
  const box = await createSignalbox({ store: jsonStore(dir), machines: [machine] });
  for (const key of ['a', 'b', 'c']) await box.actor(machine, key).start();
  await box.actor(machine, 'a').send({ type: 'open' });
  await box.actor(machine, 'c').stop();
  await box.stop();
  return dir;
}

describe('signalbox machines check', () => {
  it('says what a release does with the actors that are alive, and fails for stranded ones', async () => {
    const from = await storeOfDoors();
    const check = (definitions: string) =>
      run('machines', 'check', '--from', from, '--definitions', definitions, '--json');

    const same = await check(release('same', 'export const door = defineMachine(first);'));
    const pinned = await check(
      release('pinned', 'export default defineMachine(second, { previous: [first] });'),
    );
    const half = await check(
      release(
        'half',
        'export const all = [defineMachine(second, { migrate: { 1: (old) => ({ ...old }) } })];',
      ),
    );
    const none = await check(release('none', 'export const door = defineMachine(second);'));

    expect([same.code, same.json.stranded]).toEqual([0, 0]);
    expect(pinned.json.actors).toMatchObject([{ fate: 'pinned' }, { fate: 'pinned' }]);
    expect([half.code, half.json.stranded]).toEqual([1, 1]);
    expect(half.json.actors).toMatchObject([
      { state: 'open', fate: 'migrates', n: 1, example: 'door/a' },
      { state: 'shut', fate: 'stranded', why: 'state "shut"', example: 'door/b' },
    ]);
    expect([none.code, none.json.stranded]).toEqual([1, 2]);
  });

  it('prints a table, and refuses a module without machines', async () => {
    const from = await storeOfDoors();
    const good = release('good', 'export const door = defineMachine(first);');

    const { code, out } = await run('machines', 'check', '--from', from, '--definitions', good);
    const empty = await run('machines', 'check', '--from', from, '--definitions', release('empty', ''));

    expect(code).toBe(0);
    expect(out).toMatch(/machine +version +state +actors +would be +such as/);
    expect(out).toMatch(/door +1 +open +1 +goes on +door\/a/);
    expect(out).toContain('No actor is stranded.');
    expect([empty.code, empty.err]).toEqual([
      2,
      expect.stringContaining('to export what defineMachine returns'),
    ]);
  });
});
