import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';

// `npm run check:types` compiles test/types with everything else. This compiles it alone, so that a lost type is red in
// `npm test` too.
const here = dirname(fileURLToPath(import.meta.url));
const compiler = join(here, '../../node_modules/typescript/bin/tsc');
const altered = mkdtempSync(join(here, '.altered-'));

afterAll(() => rmSync(altered, { recursive: true }));

async function compiled(project: string): Promise<string> {
  try {
    await promisify(execFile)(process.execPath, [compiler, '-p', project]);
    return '';
  } catch (error) {
    // What is wrong elsewhere is the business of check:types.
    const lines = (error as { stdout: string }).stdout.split('\n');
    return lines.filter((line) => /^\S*(public-api|stored-values|related|equal)\.ts\(/.test(line)).join('\n');
  }
}

/** Compiles altered copies of a file: what is reported of it, without the continuation lines. */
async function reported(name: string, source: string): Promise<readonly string[]> {
  writeFileSync(join(altered, name), source.replaceAll("'./equal.ts'", "'../equal.ts'"));
  writeFileSync(
    join(altered, 'tsconfig.json'),
    JSON.stringify({ extends: '../../../tsconfig.json', files: [name] }),
  );
  return (await compiled(altered)).split('\n').map((line) => line.slice(line.indexOf('error TS')));
}

describe('the types of the public face', () => {
  it('are what test/types says, compiled by tsc', async () => {
    expect(await compiled(here)).toBe('');
  }, 60_000);

  it('are checked: a wrong claim about a result and a call that should not compile are both reported', async () => {
    const source = readFileSync(join(here, 'public-api.ts'), 'utf8');
    const wrong = source
      .replace('same<Equal<typeof result, number>>()', 'same<Equal<typeof result, string>>()')
      .replace("multiply('14', 3)", 'multiply(14, 3)');

    const report = await reported('public-api.ts', wrong);

    expect(report.map((line) => line.slice(0, 12))).toEqual(['error TS2344', 'error TS2578']);
  }, 60_000);

  it('say of each value that is not stored where it is, and what to pass instead', async () => {
    const source = readFileSync(join(here, 'stored-values.ts'), 'utf8');
    const said = [...source.matchAll(/@ts-expect-error (.*)/g)].map(([, text]) => text);

    const report = await reported('stored-values.ts', source.replaceAll('@ts-expect-error', ''));

    expect(said.length).toBeGreaterThan(25);
    expect(report.map((line) => /NotStored<"([^"]*)"/.exec(line)?.[1])).toEqual(said);
  }, 60_000);

  it('stay cheap where sixty types refer to each other, and say one way to what is wrong', async () => {
    const types = Array.from({ length: 60 }, (_, n) => {
      const [next, one, other] = [(n + 1) % 60, (7 * n + 1) % 60, (11 * n + 3) % 60];
      return `interface T${n} { next: T${next} | null; one?: T${one}[]; other: T${other} | null }`;
    });
    const jobs = types.map((_, n) => `defineJob({ name: 'j${n}', run: (row: T${n}) => row });`);
    const source = ["import { defineJob } from 'signalbox';", ...types, ...jobs].join('\n');

    const right = await reported('related.ts', source);
    const wrong = await reported('related.ts', source.replace('interface T1 {', 'interface T1 { at: Date;'));

    expect(right).toEqual(['']);
    expect(wrong[0]).toMatch(/NotStored<"(args\[0\]|result)[^" ]*\.at: a Date is not stored as such: [^"]*"/);
  }, 60_000);

  it('give the error that the guide shows', async () => {
    const guide = readFileSync(join(here, '../../docs/guide.md'), 'utf8');
    const [, program = '', shown] =
      /```ts\n([^`]*@ts-expect-error a Date[^`]*)```\n\n```text\n([^`]*)\n```/.exec(guide) ?? [];

    const report = await reported('stored-values.ts', program.replace('@ts-expect-error', ''));

    expect(report).toEqual([shown]);
  }, 60_000);
});
