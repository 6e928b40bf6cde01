import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { formatWithOptions } from 'node:util';

/** The result of running one example. */
export interface ExampleRun {
  readonly file: string;
  /** One text for each `console.log`. */
  readonly printed: readonly string[];
  /** What it threw, or null. */
  readonly error: string | null;
}

const limitMs = 10_000;

/** Runs example files one after the other, each in an empty working directory of its own. */
async function runExamples(files: readonly string[], home: string): Promise<readonly ExampleRun[]> {
  const runs: ExampleRun[] = [];
  for (const [index, file] of files.entries()) {
    const folder = join(home, String(index));
    mkdirSync(folder, { recursive: true });
    process.chdir(folder);
    runs.push(await runExample(file));
  }
  return runs;
}

async function runExample(file: string): Promise<ExampleRun> {
  const printed: string[] = [];
  const { log } = console;
  console.log = (...values: unknown[]) => {
    printed.push(formatWithOptions({ breakLength: Number.POSITIVE_INFINITY, compact: true }, ...values));
  };
  const limit = new AbortController();
  const tooLate = new Promise<never>((_resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`it ran for more than ${limitMs} ms`)), limitMs);
    limit.signal.addEventListener('abort', () => clearTimeout(timer));
  });
  try {
    await Promise.race([import(pathToFileURL(file).href), tooLate]);
    return { file, printed, error: null };
  } catch (error) {
    return { file, printed, error: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  } finally {
    limit.abort();
    console.log = log;
  }
}

const [list, home] = process.argv.slice(2);
if (list !== undefined && home !== undefined) {
  const runs = await runExamples(JSON.parse(readFileSync(list, 'utf8')), home);
  process.stdout.write(`\n${JSON.stringify(runs)}`, () => process.exit(0));
}
