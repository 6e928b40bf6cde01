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
    return lines.filter((line) => /^\S*(public-api|equal)\.ts\(/.test(line)).join('\n');
  }
}

describe('the types of the public face', () => {
  it('are what test/types says, compiled by tsc', async () => {
    expect(await compiled(here)).toBe('');
  }, 60_000);

  it('are checked: a wrong claim about a result and a call that should not compile are both reported', async () => {
    const source = readFileSync(join(here, 'public-api.ts'), 'utf8');
    const wrong = source
      .replace('same<Equal<typeof result, number>>()', 'same<Equal<typeof result, string>>()')
      .replace("multiply('14', 3)", 'multiply(14, 3)')
      .replaceAll("'./equal.ts'", "'../equal.ts'");
    writeFileSync(join(altered, 'public-api.ts'), wrong);
    writeFileSync(
      join(altered, 'tsconfig.json'),
      JSON.stringify({ extends: '../../../tsconfig.json', files: ['public-api.ts'] }),
    );

    const report = await compiled(altered);

    expect(report.match(/error TS\d+/g)).toEqual(['error TS2344', 'error TS2578']);
  }, 60_000);
});
