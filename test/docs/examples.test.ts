import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { allExamples, type Example, examplesIn, root } from './examples.ts';
import type { ExampleRun } from './run-examples.ts';

// Inside the repository, where `signalbox` means this package. Git, Biome and the types of the tests pass a folder with
// a dot by, so no other tool sees it; its own tsconfig names each file.
const folder = join(root, `.docs-examples-${process.pid}`);
const home = mkdtempSync(join(tmpdir(), 'signalbox-examples-'));
const examples = allExamples();
const files = new Map(examples.map((example, index) => [example, join(folder, `example-${index}.ts`)]));
const limitMs = 120_000;

beforeAll(() => {
  mkdirSync(folder, { recursive: true });
  for (const [example, file] of files) writeFileSync(file, `${example.code}\nexport {};\n`);
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
  rmSync(home, { recursive: true, force: true });
});

describe('Examples', () => {
  it('compile', { timeout: limitMs }, async () => {
    const settings = { extends: '../tsconfig.json', files: [...files.values()], include: [] };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(settings));

    const complaints = await compile(folder);

    expect(complaints).toEqual([]);
  });

  it('print what their comments promise', { timeout: limitMs }, async () => {
    const running = examples.filter((example) => example.runs);
    // Two processes, because most examples wait more than they compute.
    const halves = [0, 1].map((half) => running.filter((_example, index) => index % 2 === half));

    const runs = (await Promise.all(halves.map((half, index) => run(half, String(index))))).flat();

    const broken = running.flatMap((example) => {
      const found = runs.find((each) => each.file === files.get(example));
      const problem = found === undefined ? 'was not run' : problemOf(example, found);
      return problem === null ? [] : [`${example.place} ${problem}`];
    });
    expect(broken).toEqual([]);
  });

  it('are found in pages, with what they promise', () => {
    const page = 'Text\n```ts\nconsole.log(6 * 7); // => 42\n```\n```sh\nnpm start\n```\n';

    const found = examplesIn('docs/page.md', page);

    expect(found).toEqual([
      { place: 'docs/page.md:3', code: 'console.log(6 * 7); // => 42\n', runs: true, promised: ['42'] },
    ]);
  });
});

function problemOf({ promised }: Example, { printed, error }: ExampleRun): string | null {
  if (error !== null) return `failed: ${error}`;
  const isAsPromised =
    promised.length === printed.length &&
    promised.every((text, index) => matches(text, printed[index] ?? ''));
  return isAsPromised ? null : `printed ${JSON.stringify(printed)} instead of ${JSON.stringify(promised)}`;
}

/** `…` matches anything. */
function matches(promised: string, printed: string): boolean {
  const parts = promised.split('…').map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('[^]*')}$`).test(printed);
}

/** What the compiler says about the examples, with the place of each instead of its file. */
async function compile(project: string): Promise<readonly string[]> {
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const output = await start([tsc, '-p', project, '--pretty', 'false']);
  return output
    .split('\n')
    .filter((line) => line.includes('error TS'))
    .flatMap((line) => {
      const [, index = '', at = '1'] = /example-(\d+)\.ts\((\d+)/.exec(line) ?? [];
      const example = examples[Number(index)];
      // An error of the sources themselves is found by `npm run check:types`.
      if (index === '' || example === undefined) return [];
      return [`${example.place} (line ${at} of it)${line.slice(line.indexOf(': error'))}`];
    });
}

async function run(half: readonly Example[], name: string): Promise<readonly ExampleRun[]> {
  const list = join(home, `${name}.json`);
  writeFileSync(list, JSON.stringify(half.map((example) => files.get(example))));
  const runner = join(root, 'test', 'docs', 'run-examples.ts');
  // Worker threads of examples inherit these flags.
  const loader = pathToFileURL(join(root, 'test', 'runtime', 'threads', 'register.mjs')).href;
  const output = await start([
    '--import',
    loader,
    '--conditions',
    'signalbox-source',
    runner,
    list,
    join(home, name),
  ]);
  return JSON.parse(output.slice(output.lastIndexOf('\n[') + 1)) as readonly ExampleRun[];
}

/** Runs Node and gives everything it printed, whatever its exit code. */
function start(args: readonly string[]): Promise<string> {
  return new Promise((resolve) => {
    execFile(process.execPath, args, { cwd: root, maxBuffer: 64 * 1024 * 1024 }, (_error, stdout, stderr) => {
      resolve(stdout.trim() === '' ? stderr : stdout);
    });
  });
}
