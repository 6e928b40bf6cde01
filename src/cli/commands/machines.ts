import { checkMachines } from '../../index.ts';
import { type Command, UsageError } from '../command.ts';
import { definitionsOption, machinesIn } from '../definitions.ts';
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
    { ...definitionsOption, isRequired: true },
  ],
  // What the module has opened is not known here.
  endsProcess: true,
  async run({ action, from = '', definitions = '' }) {
    if (action !== 'check') throw new UsageError(`Expected check, got ${action}.`);
    const found = await machinesIn(definitions);
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
