import { execFile } from 'node:child_process';
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createSignalbox } from 'signalbox';
import { jsonStore } from 'signalbox/json';
import { VirtualReactor } from 'signalbox/testing';
import { afterAll, expect, it } from 'vitest';
import { run } from '../cli/run.ts';
import { copyOfExample } from './copy-of-example.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const guide = readFileSync(join(root, 'docs/guide.md'), 'utf8');
const story = guide.slice(guide.indexOf('## Testing by model'), guide.indexOf('## CommonJS, Jest'));

/** The example as it was before the repair that the guide shows. */
const copy = copyOfExample(
  'orders',
  ['bank.ts', 'jobs.ts', 'order.ts'],
  [
    {
      file: 'order.ts',
      find: "        on: { 'order.cancel': { actions: { type: 'because', params: { why: 'cancelled' } } } },\n",
      replace: "        on: { 'order.cancel': { target: 'cancelled' } },\n",
    },
    {
      file: 'order.ts',
      find: "            { target: 'compensating', guard: 'isCancelled', actions: 'keepReceipt' },\n",
      replace: '',
    },
  ],
);
afterAll(copy.remove);

/** A file that the guide shows. */
function writeFromGuide(name: string): void {
  const text = story.split(`\`\`\`typescript\n// ${name}\n`)[1]?.split('```')[0];
  if (text === undefined) throw new Error(`Expected the guide to show ${name}.`);
  writeFileSync(join(copy.folder, name), text);
}

/** A command line that the guide shows, in the folder of the example. */
function commandOf(beginning: string): readonly string[] {
  const line = story.split('\n').find((each) => each.startsWith(`npx signalbox ${beginning} `));
  const [, , ...args] = (line ?? '').split(' ');
  const isFile = (index: number): boolean =>
    /^--(tests|from|html|to|definitions)$/.test(args[index - 1] ?? '');
  return args.map((arg, index) => (isFile(index) ? join(copy.folder, arg) : arg));
}

/** What Vitest says of some test files: names of tests that passed and that failed. */
async function tested(...files: readonly string[]): Promise<Record<'passed' | 'failed', readonly string[]>> {
  const report = join(copy.folder, 'report.json');
  const vitest = join(root, 'node_modules/vitest/vitest.mjs');
  const args = [vitest, 'run', '--root', copy.folder, '--reporter=json', `--outputFile=${report}`, ...files];
  await promisify(execFile)(process.execPath, args, { cwd: copy.folder }).catch(() => {});
  const { testResults } = JSON.parse(readFileSync(report, 'utf8'));
  const all: { status: string; title: string }[] = testResults.flatMap(
    (file: { assertionResults: [] }) => file.assertionResults,
  );
  const of = (status: string): readonly string[] =>
    all.filter((each) => each.status === status).map(({ title }) => title);
  return { passed: of('passed'), failed: of('failed') };
}

/** A day of production, in which order 131 is cancelled while it is paid. */
async function production(): Promise<void> {
  const { order } = await copy.load('order.ts');
  const jobs = await copy.load('jobs.ts');
  (await copy.load('bank.ts')).keepBooks({ lines: () => [], add: () => {} });
  const reactor = new VirtualReactor();
  const box = await createSignalbox({
    store: jsonStore(join(copy.folder, 'data/shop')),
    jobs: Object.values(jobs),
    machines: [order],
    reactor,
  });
  reactor.attach(box);
  await box.start({ pollInterval: '10m' });
  const input = { id: '131', email: 'ada@example.org', cents: 4200, isLost: false };
  const actor = await box.actor(order, '131').start(input);
  await reactor.advance('10m');
  await actor.send({ type: 'order.cancel' });
  await reactor.advance('1d');
  await box.stop();
}

it('The steps of the guide lead from the first explore to a red arrow, to the copied test, and to the repair', {
  timeout: 300_000,
}, async () => {
  const settings = {
    ssr: { resolve: { conditions: ['signalbox-source', 'module', 'node'] } },
    test: { setupFiles: ['./charts.setup.ts'], testTimeout: 120_000 },
  };
  writeFileSync(join(copy.folder, 'vitest.config.mjs'), `export default ${JSON.stringify(settings)};`);
  for (const file of ['ways.test.ts', 'paths.test.ts', 'charts.setup.ts']) writeFromGuide(file);

  const first = await tested('ways.test.ts', 'paths.test.ts');
  expect(first.failed).toEqual([]);
  expect(first.passed).toEqual(
    expect.arrayContaining([
      'commit 4 job.finish of charge · power cut',
      'input 2 → approve → charge failed',
    ]),
  );

  await production();
  const red = await run(...commandOf('coverage'));
  expect([red.code, red.err]).toEqual([1, '']);
  expect(red.out).toMatch(/paying.*order\.cancel.*cancelled/);
  expect(readFileSync(join(copy.folder, 'heat.html'), 'utf8')).toContain('order.cancel');

  const copied = await run(...commandOf('copy-as-test'));
  expect(copied.code).toBe(0);
  const written = readFileSync(join(copy.folder, 'order-131.test.ts'), 'utf8');
  expect((await tested('order-131.test.ts')).passed).toEqual([
    'order/131: order.cancel, and it was cancelled',
  ]);
  // The guide shows it shortened.
  writeFromGuide('order-131.test.ts');
  const shown = readFileSync(join(copy.folder, 'order-131.test.ts'), 'utf8').split('\n');
  expect(shown.filter((line) => !written.includes(line))).toEqual([]);

  writeFromGuide('order-131-repaired.test.ts');
  expect((await tested('order-131-repaired.test.ts')).failed).toHaveLength(1);
  cpSync(join(root, 'examples/orders/order.ts'), join(copy.folder, 'order.ts'));
  expect((await tested('order-131-repaired.test.ts')).passed).toHaveLength(1);
  for (const line of diffOf('+')) expect(readFileSync(join(copy.folder, 'order.ts'), 'utf8')).toContain(line);

  rmSync(join(copy.folder, 'coverage'), { recursive: true });
  await tested('ways.test.ts', 'paths.test.ts', 'order-131-repaired.test.ts');
  const green = await run(...commandOf('coverage'));
  expect([green.code, green.err]).toEqual([0, '']);
});

/** The lines that the guide adds to the example, or takes away. */
function diffOf(sign: '+' | '-'): readonly string[] {
  const diff = story.split('```diff\n')[1]?.split('```')[0] ?? '';
  return diff
    .split('\n')
    .filter((line) => line.startsWith(sign))
    .map((line) => line.slice(1).trim());
}
