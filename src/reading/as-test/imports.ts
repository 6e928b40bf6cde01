import { invalidOption } from '../../errors.ts';
import { codeOf } from './code.ts';

/** Where a definition is exported, for the import of a test. */
export interface Import {
  /** As the test imports it: `../src/machines.ts`. */
  readonly module: string;
  /** The name of the export. */
  readonly name: string;
}

const taken: readonly string[] = [
  'replay',
  'expect',
  'test',
  'Failure',
  'run',
  'job',
  'defineJob',
  'default',
];

/** The name under which code has a definition, and the lines that import it. Without a place: lines that say what to write. */
export function importOf(
  from: Import | null,
  definition: string,
): { readonly name: string; readonly line: readonly string[] } {
  const name = nameFor(from?.name ?? definition);
  if (from === null)
    return {
      name,
      line: [
        '',
        '// Put the import of the machine here, for example:',
        `// import { ${name} } from '../src/machines.ts';`,
      ],
    };
  checkImport(from);
  const what = from.name === name ? name : `${from.name} as ${name}`;
  return { name, line: [`import { ${what} } from ${codeOf(from.module)};`] };
}

/** @throws SignalboxError `INVALID_OPTION` for what cannot be imported. */
export function checkImport({ module, name }: Import): void {
  if (typeof module !== 'string' || module === '')
    throw invalidOption('from.module', 'the path of a module', module);
  if (typeof name !== 'string' || !/^[A-Za-z_$][\w$]*$/.test(name))
    throw invalidOption('from.name', 'the name of an export', name);
}

function nameFor(wanted: string): string {
  const plain = wanted.replaceAll(/[^\w$]+(\w?)/g, (_all, next: string) => next.toUpperCase());
  const isName = /^[A-Za-z_$][\w$]*$/.test(plain);
  return isName && !taken.includes(plain) && !reserved.has(plain) ? plain : 'machine';
}

const reserved = new Set(
  `break case catch class const continue debugger delete do else enum export extends false finally for function if import in
  instanceof new null return super switch this throw true try typeof var void while with yield let static await async of
  implements interface package private protected public arguments eval undefined`.split(/\s+/),
);
