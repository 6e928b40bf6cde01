import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createSignalbox, defineJob, defineMachine } from 'signalbox';
import { jsonStore } from 'signalbox/json';
import { collectCoverage, createTestBox } from 'signalbox/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { setup } from 'xstate';
import { newPath } from '../store/json/open-store.ts';
import { run } from './run.ts';

// Below this repository, where `signalbox` in a module means this package.
const folder = mkdtempSync(fileURLToPath(new URL('.coverage-', import.meta.url)));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const chart = `{ id: 'door', version: '1', initial: 'shut', states: {
  shut: { on: { open: { target: 'open' }, lock: { target: 'locked' } } },
  open: { on: { shut: { target: 'shut' } } }, locked: {} } }`;
const door = defineMachine(
  setup({ types: { events: {} as { type: 'open' | 'shut' | 'lock' } } }).createMachine({
    id: 'door',
    version: '1',
    initial: 'shut',
    states: {
      shut: { on: { open: { target: 'open' }, lock: { target: 'locked' } } },
      open: { on: { shut: { target: 'shut' } } },
      locked: {},
    },
  }),
);
const bake = defineJob({ name: 'bake', run: () => 'bread' });
const tests = join(folder, 'charts');

/** A store of production in which doors were opened, and maybe more. */
async function production(...events: readonly ('open' | 'shut' | 'lock')[]): Promise<string> {
  const dir = newPath();
  const box = await createSignalbox({ store: jsonStore(dir), machines: [door] });
  const actor = await box.actor(door, 'front').start();
  for (const type of events) await actor.send({ type });
  await box.stop();
  return dir;
}

function newFolder(name: string, files: Readonly<Record<string, string>>): string {
  const path = join(folder, name);
  mkdirSync(path);
  for (const [file, text] of Object.entries(files)) writeFileSync(join(path, file), text);
  return path;
}

beforeAll(async () => {
  const coverage = collectCoverage({ dir: tests });
  const { box, tearDown } = await createTestBox({ jobs: [bake], machines: [door] });
  await (await box.queue().put(bake())).result();
  const actor = await box.actor(door, 'front').start();
  await actor.send({ type: 'open' });
  await tearDown();
  coverage.write();
});

describe('signalbox coverage', () => {
  it('fails for a way that production takes and no test, when that is asked for', async () => {
    const from = await production('open', 'shut', 'open', 'shut', 'lock');

    const asked = await run('coverage', '--tests', tests, '--from', from, '--fail-on', 'untested');
    const shown = await run('coverage', '--tests', tests, '--from', from);

    expect([asked.code, shown.code]).toEqual([1, 0]);
    expect(asked.out).toMatch(/^Tests: 1 file\. Production: \d+ entries from \S+Z to \S+Z\.$/m);
    expect(asked.out).toMatch(/^door@1 +3 +1 +0 +2$/m);
    expect(asked.out).toMatch(/^job@\S+ +\d+ +5 +\d+ +0$/m);
    expect(asked.out).toMatch(/^door +open +shut +shut +2 +\d+ ms$/m);
    expect(asked.out).toMatch(/^door +shut +lock +locked +1 +\d+ ms$/m);
    expect(asked.out).toContain('2 ways are taken in production, and in no test.');
  });

  it('is content when tests take all that production takes', async () => {
    const from = await production('open');

    const { code, out } = await run('coverage', '--tests', tests, '--from', from, '--fail-on', 'untested');

    expect([code, out.trimEnd().split('\n').at(-1)]).toEqual([
      0,
      'Tests take every way that production takes.',
    ]);
  });

  it('adds up the files of several folders', async () => {
    const from = await production('open', 'shut');
    const rows = [['door', '1', 'open', 'shut', 'shut', 4]];
    const more = newFolder('more', {
      'charts-1.json': JSON.stringify({ format: 'signalbox-coverage', v: 1, rows, machines: [] }),
    });

    const { json } = await run('coverage', '--tests', tests, more, '--from', from, '--json');

    const charts = json.charts as {
      machine: string;
      states: { ways: { event: string; tests: number }[] }[];
    }[];
    const ways = charts.find(({ machine }) => machine === 'door')?.states.flatMap((state) => state.ways);
    expect([json.untested, json.tests]).toEqual([0, { files: 2 }]);
    expect(ways?.find(({ event }) => event === 'shut')).toMatchObject({
      tests: 4,
      production: 1,
      verdict: 'tested',
    });
  });

  it('judges machines without a chart by their rows, and takes the charts of definitions before all', async () => {
    const from = await production('open', 'shut');
    const rows = [['job', '2', 'new', 'job.put', 'pending', 1]];
    const bare = newFolder('bare', {
      'charts-1.json': JSON.stringify({ format: 'signalbox-coverage', v: 1, rows, machines: [] }),
    });
    const definitions = join(folder, 'machines.mjs');
    writeFileSync(
      definitions,
      `import { defineMachine } from 'signalbox'; import { setup } from 'xstate';
       export const door = defineMachine(setup({}).createMachine(${chart}));`,
    );

    const without = await run('coverage', '--tests', bare, '--from', from, '--json');
    const with_ = await run(
      'coverage',
      '--tests',
      bare,
      '--from',
      from,
      '--definitions',
      definitions,
      '--json',
    );

    const doorOf = ({ json }: { json: Record<string, unknown> }) =>
      (json.charts as { machine: string }[]).find(({ machine }) => machine === 'door');
    expect(doorOf(without)).toMatchObject({ version: null, states: [], verdicts: { untested: 2 } });
    expect(doorOf(with_)).toMatchObject({ version: '1', rows: [], verdicts: { untaken: 1, untested: 2 } });
  });

  it('writes one page without scripts and requests, with each chart and its figures', async () => {
    const from = await production('open', 'shut');
    const html = join(folder, 'made', 'for', 'it', 'heat.html');

    const { code, out } = await run('coverage', '--tests', tests, '--from', from, '--html', html);
    const page = readFileSync(html, 'utf8');

    expect([code, out]).toEqual([0, expect.stringContaining(`Written: ${html}`)]);
    expect(page).toMatch(/^<!doctype html>/);
    expect(page).not.toMatch(/<script|<link|<img|https?:|url\((?!#)|@import|javascript:| on\w+=/i);
    expect(page).toContain(`default-src 'none'`);
    expect(page).toContain('<section id="chart-job">');
    expect(page).toMatch(/<g class="edge f1 tested">.*claim/);
    expect(page).toContain(
      '<li class="way untested"><span class="what">shut → shut</span><span class="counts">production 1 · <b>in no test</b></span></li>',
    );
  });

  it('shows names of a program as text', async () => {
    const rows = [['<b>&"', '1', '\u202Ea', '<script>', 'b', 1]];
    const odd = newFolder('odd', {
      'charts-1.json': JSON.stringify({ format: 'signalbox-coverage', v: 1, rows, machines: [] }),
    });
    const html = join(folder, 'odd.html');

    await run('coverage', '--tests', odd, '--from', await production(), '--html', html);
    const page = readFileSync(html, 'utf8');

    expect(page).not.toMatch(/<script|<b>&"|\u202E/);
    expect(page).toContain('&lt;b&gt;&amp;&quot;');
    expect(page).toContain('\\u202ea');
  });

  it.each([
    ['a folder that is not there', () => join(folder, 'nowhere'), /nowhere to be readable, got: ENOENT/],
    [
      'a folder without files',
      () => newFolder('empty', {}),
      /to have files with rows, found none.*collectCoverage/,
    ],
    [
      'a file that is no JSON',
      () => newFolder('text', { 'a.json': '{' }),
      /a\.json to be readable, got: .*JSON/,
    ],
    [
      'another file',
      () => newFolder('other', { 'a.json': '{}' }),
      /a\.json to be written by collectCoverage/,
    ],
    [
      'a later format',
      () => newFolder('later', { 'a.json': '{"format":"signalbox-coverage","v":2}' }),
      /has version 2 of the format/,
    ],
  ])('refuses %s', async (_, dir, message) => {
    const from = await production();
    const html = join(folder, 'refused.html');

    const { code, err } = await run('coverage', '--tests', dir(), '--from', from, '--html', html);

    expect([code, err]).toEqual([2, expect.stringMatching(message)]);
    expect(() => readFileSync(html)).toThrow('ENOENT');
  });

  it.each([
    [['--fail-on', 'red'], /`--fail-on` to be untested, got "red"/],
    [['--definitions', 'DIR/none.mjs'], /none\.mjs to export what defineMachine returns/],
  ])('refuses %j', async (options, message) => {
    writeFileSync(join(folder, 'none.mjs'), '');
    const from = await production();
    const given = options.map((option) => option.replace('DIR', folder));

    const { code, err } = await run('coverage', '--tests', tests, '--from', from, ...given);

    expect([code, err]).toEqual([2, expect.stringMatching(message)]);
  });

  it('leads from a database to the page of the inspector', async () => {
    const { code, err } = await run('coverage', '--tests', tests, '--from', 'postgres://localhost/shop');

    expect([code, err]).toEqual([2, expect.stringContaining('Open the page Machines')]);
  });
});
