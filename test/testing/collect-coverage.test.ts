import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defineJob, defineMachine } from 'signalbox';
import { jsonStore } from 'signalbox/json';
import { collectCoverage, createTestBox, simulate, VirtualReactor } from 'signalbox/testing';
import { afterAll, describe, expect, it } from 'vitest';
import { fromTransition, setup } from 'xstate';

const folder = mkdtempSync(join(tmpdir(), 'signalbox-coverage-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const door = defineMachine(
  setup({ types: { events: {} as { type: 'open' | 'shut' } } }).createMachine({
    id: 'door',
    version: '2',
    initial: 'shut',
    states: { shut: { on: { open: 'open' } }, open: { on: { shut: 'shut' } } },
  }),
);
const total = defineMachine(
  fromTransition((sum: number, event: { type: 'add'; by: number }) => sum + event.by, 0),
  { name: 'total' },
);
const bake = defineJob({ name: 'bake', run: () => 'bread' });

type Row = readonly [string, string, string, string, string, number];

interface Written {
  readonly rows: readonly Row[];
  readonly machines: readonly { readonly machine: string }[];
}

const dir = join(folder, 'charts');

/** What the rows of a machine have counted while a test did something. */
async function counted(machine: string, act: () => Promise<unknown>): Promise<readonly string[]> {
  const coverage = collectCoverage({ dir });
  const read = (): ReadonlyMap<string, number> => {
    coverage.write();
    if (!existsSync(coverage.file)) return new Map();
    const { rows } = JSON.parse(readFileSync(coverage.file, 'utf8')) as Written;
    return new Map(
      rows
        .filter(([name]) => name === machine)
        .map(([, version, from, event, to, count]) => [`${version}: ${from} ${event} ${to}`, count]),
    );
  };
  const before = read();
  await act();
  const after = [...read()].map(([row, count]) => [row, count - (before.get(row) ?? 0)] as const);
  return after.filter(([, count]) => count > 0).map(([row, count]) => `${row} ×${count}`);
}

describe('collectCoverage', () => {
  it('counts what a test box does, also of actors that a box before it has started', async () => {
    const store = jsonStore(join(folder, 'store'));
    const rows = await counted('door', async () => {
      const reactor = new VirtualReactor();
      const first = await createTestBox({ reactor, store, machines: [door] });
      const actor = await first.box.actor(door, 'front').start();
      await actor.send({ type: 'open' });
      await actor.send({ type: 'shut' });
      await first.crash();
      const second = await first.reopen();
      await second.box.actor(door, 'front').send({ type: 'open' });
      await second.tearDown();
    });

    expect(rows).toEqual(['2:  signalbox.start shut ×1', '2: shut open open ×2', '2: open shut shut ×1']);
  });

  it('counts jobs, and writes the charts of the program', async () => {
    const rows = await counted('job', async () => {
      const { box, tearDown } = await createTestBox({ jobs: [bake], machines: [door] });
      await (await box.queue().put(bake())).result();
      await tearDown();
    });
    const { machines } = JSON.parse(readFileSync(collectCoverage({ dir }).file, 'utf8')) as Written;

    expect(rows.map((row) => row.split(' ').slice(1, 4).join(' '))).toEqual([
      'new job.put pending',
      'pending job.claim assigned',
      'assigned job.start active.running',
      'active.running job.finish callbacks',
      'callbacks job.complete completed',
    ]);
    expect(machines.map(({ machine }) => machine)).toContain('door');
  });

  it('counts each synced entry of a simulation once, however often its store is opened', async () => {
    let steps = 0;
    const rows = await counted('total', async () => {
      const report = await simulate({
        seed: 8,
        scenario: () => ({
          machines: [total],
          prepare: (box) => box.actor(total, 'shop').start(),
          acts: 10,
          act: ({ send }) => send(total, 'shop', { type: 'add', by: 1 }),
        }),
      });
      steps = new Set(report.trace.filter((line) => line.includes('actor/total/shop add '))).size;
    });

    expect(rows).toEqual(['1:  signalbox.start  ×1', `1:  add  ×${steps}`]);
  });

  it('gives the same collection for the same folder, and refuses a second one and what is none', () => {
    const first = collectCoverage({ dir });

    writeFileSync(join(folder, 'file'), '');
    expect(collectCoverage({ dir })).toBe(first);
    expect(collectCoverage({ dir: `${dir}/` })).toBe(first);
    expect(collectCoverage({ dir: relative('.', dir) })).toBe(first);
    expect(() => collectCoverage({ dir: folder })).toThrow('a process collects into one folder');
    expect(() => collectCoverage({ dir: '' })).toThrow('the path of a folder');
    expect(() => collectCoverage({} as never)).toThrow('the path of a folder');
  });

  it('writes a file when its process ends, and none when there is nothing to write or its folder is gone', () => {
    const script = (name: string, text: string): readonly string[] | null => {
      const target = join(folder, name);
      const code = `import { collectCoverage, createTestBox } from 'signalbox/testing';
        collectCoverage({ dir: ${JSON.stringify(target)} });
        ${text}`;
      const { status, stderr } = spawnSync(
        process.execPath,
        ['--import', 'tsx', '--conditions', 'signalbox-source', '--input-type=module', '--eval', code],
        { cwd: fileURLToPath(new URL('../..', import.meta.url)), encoding: 'utf8' },
      );
      expect([status, stderr]).toEqual([0, '']);
      return existsSync(target) ? readdirSync(target) : null;
    };

    const used = script('used', 'const { tearDown } = await createTestBox(); await tearDown();');
    const unused = script('unused', '');
    const removed = script(
      'removed',
      `const { rmSync } = await import('node:fs');
       const { tearDown } = await createTestBox(); await tearDown();
       rmSync(${JSON.stringify(join(folder, 'removed'))}, { recursive: true });`,
    );

    expect(used).toEqual([expect.stringMatching(/^charts-\d+-[0-9a-f]{8}\.json$/)]);
    expect(unused).toEqual([]);
    expect(removed).toBe(null);
  });

  it('refuses a folder that cannot be made', () => {
    const code = `import { collectCoverage } from 'signalbox/testing';
      try { collectCoverage({ dir: ${JSON.stringify(join(folder, 'file', 'in'))} }); }
      catch (error) { console.log(error.code, error.message); }`;
    writeFileSync(join(folder, 'file'), '');

    const { stdout } = spawnSync(
      process.execPath,
      ['--import', 'tsx', '--conditions', 'signalbox-source', '--input-type=module', '--eval', code],
      { cwd: fileURLToPath(new URL('../..', import.meta.url)), encoding: 'utf8' },
    );

    expect(stdout).toMatch(/^INVALID_OPTION .*a folder that can be made/);
  });
});
