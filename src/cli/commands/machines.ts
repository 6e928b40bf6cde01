import { type CheckedMachine, checkMachines } from '../../index.ts';
import { type Command, UsageError } from '../command.ts';
import { exportsOf } from '../ports.ts';
import { tableOf } from '../table.ts';
import { readerOf } from './look/reader.ts';

/** A dry run of a new release over the actors of a store. */
export const machines: Command = {
  name: 'machines',
  summary: 'check what the machines of a new release would do with the actors of a store',
  argument: { name: 'action', summary: 'check' },
  options: [
    {
      flags: '--from <directory>',
      summary: 'the directory of a json store, or of an export',
      isRequired: true,
    },
    {
      flags: '--definitions <file>',
      summary: 'the module that exports the machines of the new release',
      isRequired: true,
    },
  ],
  // What the module has opened is not known here.
  endsProcess: true,
  async run({ action, from = '', definitions = '' }) {
    if (action !== 'check') throw new UsageError(`Expected check, got ${action}.`);
    const found = Object.values(await exportsOf(definitions))
      .flat()
      .filter(isMachine);
    if (found.length === 0)
      throw new UsageError(`Expected ${definitions} to export what defineMachine returns, found none.`);
    const actors = await checkMachines(await readerOf({ store: from }), found);
    const stranded = actors.filter(({ fate }) => fate === 'stranded').reduce((sum, { n }) => sum + n, 0);
    const table = tableOf(
      [
        { title: 'machine', text: ({ machine }) => machine },
        { title: 'version', text: ({ version }) => version },
        { title: 'state', text: ({ state }) => state || '-' },
        { title: 'actors', isRight: true, text: ({ n }) => `${n}` },
        { title: 'would be', text: ({ fate, why }) => (why === null ? fate : `${fate}: ${why}`) },
        { title: 'such as', text: ({ example }) => example },
      ],
      actors,
    );
    const verdict = stranded === 0 ? 'No actor is stranded.' : `${stranded} actors are stranded.`;
    return { isGood: stranded === 0, lines: [...table, verdict], json: { stranded, actors } };
  },
};

function isMachine(value: unknown): value is CheckedMachine {
  return typeof value === 'object' && value !== null && 'prepared' in value && 'name' in value;
}
