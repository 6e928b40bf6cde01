import { dirname, join } from 'node:path/posix';
import { describe, expect, it } from 'vitest';
import { read } from './examples.ts';

/** What users import from, by subpath. */
const entries = {
  signalbox: 'src/index.ts',
  'signalbox/machines': 'machines/index.ts',
  'signalbox/json': 'src/store/json/index.ts',
  'signalbox/inspector': 'src/inspector/index.ts',
  'signalbox/reading': 'src/reading/index.ts',
  'signalbox/testing': 'src/testing/index.ts',
  'signalbox/testing/fast-check': 'src/testing/fast-check/index.ts',
};

/** An exported name and the file that declares it. */
interface Export {
  readonly name: string;
  readonly file: string;
}

describe('Exports', () => {
  it.each(Object.entries(entries))('of %s are all explained by a doc comment', (_subpath, file) => {
    const exported = exportsOf(file);

    const unexplained = exported.filter(({ name, file }) => !isExplained(name, read(file)));

    expect(exported.length).toBeGreaterThan(0);
    expect(unexplained.map(({ name, file }) => `${name} in ${file}`)).toEqual([]);
  });

  it.each(Object.entries(entries))('of %s have methods that are explained as well', (_subpath, file) => {
    const unexplained = exportsOf(file)
      .flatMap(withBases)
      .flatMap(({ name, file }) =>
        unexplainedMembers(name, read(file)).map((member) => `${name}.${member} in ${file}`),
      );

    expect(unexplained).toEqual([]);
  });
});

/** Every name that a file exports, with the file that declares it. */
function exportsOf(file: string): readonly Export[] {
  const source = read(file);
  const found: Export[] = [];
  for (const [, list = '', from] of source.matchAll(/^export (?:type )?\{([^}]*)\}(?: from '([^']+)')?;/gm)) {
    for (const part of list.split(',')) {
      const [name = ''] = part
        .trim()
        .replace(/^type /, '')
        .split(' as ');
      if (name === '') continue;
      const specifier = from ?? importOf(name, source);
      found.push(specifier === undefined ? { name, file } : declaredIn(name, resolved(file, specifier)));
    }
  }
  for (const [, from = ''] of source.matchAll(/^export \* from '([^']+)';/gm)) {
    found.push(...exportsOf(resolved(file, from)));
  }
  const declarations =
    /^export (?:declare )?(?:abstract )?(?:async )?(?:function\*?|class|interface|type|const) (\w+)/gm;
  for (const [, name = ''] of source.matchAll(declarations)) found.push({ name, file });
  return found;
}

function declaredIn(name: string, file: string): Export {
  return exportsOf(file).find((each) => each.name === name) ?? { name, file };
}

/** A class, and those of our own that it inherits from: their methods are its own to a reader. */
function withBases(exported: Export): readonly Export[] {
  const source = read(exported.file);
  const base = new RegExp(`^export class ${exported.name}\\b[^{]*? extends (\\w+)`, 'm').exec(source)?.[1];
  const specifier = base === undefined ? undefined : importOf(base, source);
  if (base === undefined || specifier === undefined) return [exported];
  return [exported, ...withBases(declaredIn(base, resolved(exported.file, specifier)))];
}

function importOf(name: string, source: string): string | undefined {
  return new RegExp(`^import (?:type )?\\{[^}]*\\b${name}\\b[^}]*\\} from '([^']+)';`, 'm').exec(source)?.[1];
}

function resolved(file: string, specifier: string): string {
  return join(dirname(file), specifier);
}

/** Overloads need one comment, above the first. */
function isExplained(name: string, source: string): boolean {
  const declaration = new RegExp(
    `^export (?:declare )?(?:abstract )?(?:async )?(?:function\\*?|class|interface|type|const) ${name}\\b`,
    'm',
  );
  const at = source.search(declaration);
  return at >= 0 && endsInComment(source.slice(0, at));
}

/** Public methods of a class without a comment. What a class only implements is explained where it is declared. */
function unexplainedMembers(name: string, source: string): readonly string[] {
  const begin = new RegExp(`^export (?:abstract )?class ${name}\\b[^]*?\\{\\n`, 'm').exec(source);
  if (begin === null || begin[0].includes(' implements ')) return [];
  const from = begin.index + begin[0].length;
  const body = source.slice(from, source.indexOf('\n}', from));
  const members =
    /^ {2}(?:override )?(?:async )?\*?(?!constructor|static|private|get |set |return|if|for)(\w+)[<(]/gm;
  return [...body.matchAll(members)].flatMap((match) => {
    const member = match[1] ?? '';
    const says = ['toString', 'toJSON'].includes(member) || endsInComment(body.slice(0, match.index));
    return says ? [] : [member];
  });
}

function endsInComment(text: string): boolean {
  // A suppression of the linter may be between the comment and what it explains.
  return /\*\/\s*(?:\/\/ biome-ignore[^\n]*\n\s*)*$/.test(text);
}
