import { readInspector } from '../../../inspector/index.ts';
import { type Command, UsageError } from '../../command.ts';
import { readerOf, storeOption } from './reader.ts';

/** Opens the pages of the inspector on a store that no process has open, or that one is at work in. */
export const inspect: Command = {
  name: 'inspect',
  summary: 'show a store in the browser, until this command is stopped; nothing is changed',
  argument: { name: 'directory', summary: storeOption.summary, isOptional: true },
  options: [{ flags: '--port <number>', summary: 'the port to listen on (default: a free one)' }],
  async run({ directory, port = '0' }) {
    const number = Number(port);
    if (!Number.isInteger(number) || number < 0 || number > 65_535)
      throw new UsageError(`Expected --port to be a whole number from 0 to 65535, got ${port}.`);
    const reader = await readerOf({ ...(directory !== undefined && { store: directory }) });
    const { seq, at } = await reader.position();
    const { url } = await readInspector(reader).listen({ port: number });
    return {
      isGood: true,
      lines: [
        `The store as it was at ${new Date(at).toISOString()}, entry ${seq}.`,
        `Open ${url}`,
        'Stop with Ctrl+C.',
      ],
      json: { url, seq, at },
    };
  },
};
