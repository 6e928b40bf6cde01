import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

// `npm run check:types` compiles test/types with everything else. This compiles it alone, so that a lost type is red in
// `npm test` too.
const here = dirname(fileURLToPath(import.meta.url));
const compiler = join(here, '../../node_modules/typescript/bin/tsc');
const altered = mkdtempSync(join(here, '.altered-'));
const limitMs = 240_000;

const publicApi = readFileSync(join(here, 'public-api.ts'), 'utf8');
const storedValues = readFileSync(join(here, 'stored-values.ts'), 'utf8');
const [, guideProgram = '', guideError] =
  /```ts\n([^`]*@ts-expect-error a Date[^`]*)```\n\n```text\n([^`]*)\n```/.exec(
    readFileSync(join(here, '../../docs/guide.md'), 'utf8'),
  ) ?? [];
const related = sixtyTypes();

/** Programs that are wrong on purpose, and one of sixty types that is not. */
const programs: Readonly<Record<string, string>> = {
  'public-api.ts': publicApi
    .replace('same<Equal<typeof result, number>>()', 'same<Equal<typeof result, string>>()')
    .replace("multiply('14', 3)", 'multiply(14, 3)'),
  'stored-values.ts': storedValues.replaceAll('@ts-expect-error', ''),
  'related.ts': related,
  'related-wrong.ts': related.replace('interface T1 {', 'interface T1 { at: Date;'),
  'guide.ts': guideProgram.replace('@ts-expect-error', ''),
};

let own: readonly string[] = [];
let reports: readonly string[] = [];

// All programs in one run of the compiler: each run reads the sources again.
beforeAll(async () => {
  for (const [name, source] of Object.entries(programs))
    writeFileSync(join(altered, name), source.replaceAll("'./equal.ts'", "'../equal.ts'"));
  writeFileSync(
    join(altered, 'tsconfig.json'),
    JSON.stringify({ extends: '../../../tsconfig.json', files: Object.keys(programs) }),
  );
  own = await reported(here);
  reports = await reported(altered);
}, limitMs);

afterAll(() => rmSync(altered, { recursive: true }));

/** What the compiler reports, without the continuation lines. What is wrong elsewhere is the business of check:types. */
async function reported(project: string): Promise<readonly string[]> {
  try {
    await promisify(execFile)(process.execPath, [compiler, '-p', project]);
    return [];
  } catch (error) {
    const lines = (error as { stdout: string }).stdout.split('\n');
    return lines.filter((line) =>
      /^\S*(public-api|schemas|machines|stored-values|related|related-wrong|guide|equal)\.ts\(/.test(line),
    );
  }
}

/** The errors in one of the programs. */
function errorsIn(name: string): readonly string[] {
  return reports
    .filter((line) => line.slice(0, line.indexOf('(')).endsWith(`/${name}`))
    .map((line) => line.slice(line.indexOf('error TS')));
}

function sixtyTypes(): string {
  const types = Array.from({ length: 60 }, (_, n) => {
    const [next, one, other] = [(n + 1) % 60, (7 * n + 1) % 60, (11 * n + 3) % 60];
    return `interface T${n} { next: T${next} | null; one?: T${one}[]; other: T${other} | null }`;
  });
  const jobs = types.map((_, n) => `defineJob({ name: 'j${n}', run: (row: T${n}) => row });`);
  return ["import { defineJob } from 'signalbox';", ...types, ...jobs].join('\n');
}

describe('the types of the public face', () => {
  it('are what test/types says, compiled by tsc', () => {
    expect(own).toEqual([]);
  });

  it('are checked: a wrong claim about a result and a call that should not compile are both reported', () => {
    expect(errorsIn('public-api.ts').map((line) => line.slice(0, 12))).toEqual([
      'error TS2344',
      'error TS2578',
    ]);
  });

  it('say of each value that is not stored where it is, and what to pass instead', () => {
    const said = [...storedValues.matchAll(/@ts-expect-error (.*)/g)].map(([, text]) => text);

    expect(said.length).toBeGreaterThan(25);
    expect(errorsIn('stored-values.ts').map((line) => /NotStored<"([^"]*)"/.exec(line)?.[1])).toEqual(said);
  });

  it('stay cheap where sixty types refer to each other, and say one way to what is wrong', () => {
    expect(errorsIn('related.ts')).toEqual([]);
    expect(errorsIn('related-wrong.ts')[0]).toMatch(
      /NotStored<"(args\[0\]|result)[^" ]*\.at: a Date is not stored as such: [^"]*"/,
    );
  });

  it('give the error that the guide shows', () => {
    expect(errorsIn('guide.ts')).toEqual([guideError]);
  });
});
