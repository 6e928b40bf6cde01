import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path/posix';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Words of an idiom that a reader has to decode: the subject is named instead. */
const idioms =
  /\b(?:whoever|somebody|nobody|anybody|someone|in other hands|(?:came|comes?|becomes?|became) of|(?:told|tells?) of|(?:comes?|came) to nothing)\b/i;

/** The SQL of this store is compared with what a database has. */
const exempt = 'src/store/postgres/';

it.each(['src', 'machines', 'docs', 'examples', 'bench'])(
  '%s says in plain words who does what',
  (folder) => {
    const found = filesIn(folder)
      .filter((file) => !file.startsWith(exempt))
      .flatMap((file) => linesWith(file, () => true));

    expect(found).toEqual([]);
  },
);

it('comments of what is published do not mention the lineage, which only docs/decisions explains', () => {
  const files = ['src', 'machines'].flatMap((folder) => filesIn(folder));
  const mentions = files.filter((file) => /\blineage\b/i.test(readFileSync(join(root, file), 'utf8')));

  expect(mentions).toEqual([]);
});

it('names of tests say in plain words who does what', () => {
  const isName = (line: string): boolean => /^\s*(?:it|test|describe|check|forEachStore)\b.*\(/.test(line);

  expect(filesIn('test').flatMap((file) => linesWith(file, isName))).toEqual([]);
});

function filesIn(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.(?:tsx?|mjs|md)$/.test(name) && !name.includes('node_modules/'))
    .map((name) => join(folder, name));
}

function linesWith(file: string, counts: (line: string) => boolean): string[] {
  return readFileSync(join(root, file), 'utf8')
    .split('\n')
    .flatMap((line, index) =>
      counts(line) && idioms.test(line) ? [`${file}:${index + 1} ${line.trim()}`] : [],
    );
}
