import { dirname, relative, resolve, sep } from 'node:path';
import { SignalboxError } from '../../index.ts';
import { type AsTestOptions, asTestView } from '../../inspector/views/as-test/as-test-view.ts';
import { type Command, UsageError } from '../command.ts';
import { exportsOf, writeNewFile } from '../ports.ts';
import { readerOf } from './look/reader.ts';

/** Writes the history of a job, or of an actor, as a test file. */
export const copyAsTestCommand: Command = {
  name: 'copy-as-test',
  summary: 'write the history of one job or one actor as a test file for vitest',
  argument: { name: 'id', summary: 'id of a job, or of an actor: order/17' },
  options: [
    { flags: '--from <directory>', summary: 'the directory of a json store', isRequired: true },
    { flags: '--to <file>', summary: 'the test file: it must not exist', isRequired: true },
    { flags: '--values', summary: 'keep the values that definitions hide' },
    {
      flags: '--definitions <file>',
      summary: 'the module that exports the machines, for the import of the test',
    },
  ],
  // What the module has opened is not known here.
  endsProcess: true,
  async run({ id = '', from = '', to = '', values, definitions }) {
    if (to === '') throw new UsageError('Expected `--to` to name a file, got an empty text.');
    const reader = await readerOf({ store: from });
    const importOf = definitions === undefined ? () => null : await importsFrom(definitions, to);
    const options = { values: values !== undefined, importOf };
    const kind = (await reader.get('job', id)) === undefined ? 'actor' : 'job';
    const view = await asTestView(reader, kind, id, options);
    if (view === undefined)
      throw new SignalboxError(id.includes('/') ? 'ACTOR_NOT_FOUND' : 'JOB_NOT_FOUND', { id });
    if (!(await writeNewFile(to, view.lines.join('\n'))))
      throw new UsageError(
        `Expected \`--to\` to name a file that does not exist, got ${to}. Nothing was written.`,
      );
    const todo = view.lines.find((line) => /^\/\/ (Put the import|The real job)/.test(line));
    return {
      isGood: true,
      lines: [
        `Wrote the history of ${id} to ${to}.`,
        ...(todo === undefined ? [] : [`In it: ${todo.slice(3)}`]),
      ],
      json: { ok: true, id, kind, to },
    };
  },
};

/** Where a test finds the definitions that a module exports. */
async function importsFrom(definitions: string, to: string): Promise<NonNullable<AsTestOptions['importOf']>> {
  const exported = Object.entries(await exportsOf(definitions));
  const path = relative(dirname(resolve(to)), resolve(definitions))
    .split(sep)
    .join('/');
  const module = path.startsWith('.') ? path : `./${path}`;
  return (kind, name) => {
    const found = exported.find(([, value]) => nameOf(kind, value) === name);
    return found === undefined ? null : { module, name: found[0] };
  };
}

function nameOf(kind: 'job' | 'actor', value: unknown): unknown {
  const { prepared, definition } = Object(value) as {
    readonly prepared?: { readonly name: string };
    readonly definition?: { readonly name: string };
  };
  return kind === 'actor' ? prepared?.name : definition?.name;
}
