import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type Coverage, coverageOf, idsIn, type Section, type TestResult } from './coverage.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** The part of vitest's JSON report that is read here. */
interface Results {
  readonly testResults: readonly {
    readonly assertionResults: readonly { readonly title: string; readonly status: string }[];
  }[];
}

/** Prints how many behaviours are shown. Returns the exit code: 1 when one is missing or the count is wrong. */
export function report(args: readonly string[]): number {
  const { values } = parseArgs({
    args: [...args],
    options: { json: { type: 'boolean', default: false }, results: { type: 'string' } },
  });
  const catalogue: Section[] = JSON.parse(readFileSync(new URL('catalogue.json', import.meta.url), 'utf8'));
  const tests = values.results === undefined ? runTests() : testsOf(values.results);
  const found = coverageOf(catalogue, tests, { waived: waivers(), answered: answers() });
  for (const complaint of found.complaints) console.error(complaint);
  if (values.json) console.log(JSON.stringify(summary(catalogue, found)));
  else printTable(catalogue, found);
  return found.missing.length > 0 || found.complaints.length > 0 ? 1 : 0;
}

function summary(catalogue: readonly Section[], found: Coverage): object {
  const { covered, waived, answered, notYetDue, missing } = found;
  const total = catalogue.flatMap((section) => section.ids).length;
  return { total, covered: covered.length, waived, answered, notYetDue, missing };
}

function printTable(catalogue: readonly Section[], found: Coverage): void {
  const { covered, waived, answered, notYetDue, missing } = found;
  const lists = { covered, waived, answered, notYetDue, missing };
  const rowOf = (ids: readonly string[]): Record<string, number> => ({
    total: ids.length,
    ...Object.fromEntries(
      Object.entries(lists).map(([list, members]) => [list, ids.filter((id) => members.includes(id)).length]),
    ),
  });
  const rows = catalogue.map(({ section, ids }) => [section, rowOf(ids)]);
  const all = catalogue.flatMap((section) => section.ids);
  console.table(Object.fromEntries([...rows, ['all', rowOf(all)]]));
  if (missing.length > 0) console.log(`missing: ${missing.join(' ')}`);
}

/** Runs the files whose tests name behaviours; what they print goes to standard error. */
function runTests(): TestResult[] {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-behaviours-'));
  const file = join(folder, 'results.json');
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
  try {
    const reporters = ['--reporter=dot', '--reporter=json', `--outputFile.json=${file}`];
    spawnSync(process.execPath, [vitest, 'run', ...reporters, ...filesThatName()], {
      cwd: root,
      stdio: ['ignore', 2, 2],
    });
    return testsOf(file);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function filesThatName(): string[] {
  return readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => join('test', name))
    .filter((name) => idsIn(readFileSync(join(root, name), 'utf8')).length > 0);
}

/** A test that was skipped shows nothing, neither that a behaviour is there nor that it is not. */
function testsOf(file: string): TestResult[] {
  const { testResults }: Results = JSON.parse(readFileSync(file, 'utf8'));
  return testResults
    .flatMap((results) => results.assertionResults)
    .filter(({ status }) => status === 'passed' || status === 'failed')
    .map(({ title, status }) => ({ title, passed: status === 'passed' }));
}

function waivers(): string[] {
  const page = join(root, 'docs', 'behaviours-waived.md');
  return existsSync(page) ? idsInHeadings(page) : [];
}

/** A wish is answered by a heading with its id on a page of docs/decisions. */
function answers(): string[] {
  const folder = join(root, 'docs', 'decisions');
  const pages = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.md')) : [];
  return pages.flatMap((page) => idsInHeadings(join(folder, page))).filter((id) => id.startsWith('W-'));
}

function idsInHeadings(page: string): string[] {
  const headings = readFileSync(page, 'utf8').match(/^#+ .*$/gm) ?? [];
  return headings.flatMap((heading) => heading.match(/\b[A-Z]+-\d+\b/g) ?? []);
}
