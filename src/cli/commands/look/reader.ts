import type { StoreReader } from '../../../index.ts';
import { readStore } from '../../../store/json/index.ts';
import { type CommandOption, UsageError } from '../../command.ts';
import { isDatabaseUrl } from '../../database-url.ts';
import { environment } from '../../ports.ts';

/** Where the store is. */
export const storeOption: CommandOption = {
  flags: '--store <directory>',
  summary: 'the directory of a json store (default: $SIGNALBOX_STORE, else .signalbox/store)',
};

/** Reads a store without opening it: beside a process at work, after one that was killed, from a read-only disk. */
export async function readerOf({
  store = environment('SIGNALBOX_STORE') ?? '.signalbox/store',
}: {
  readonly store?: string;
}): Promise<StoreReader> {
  if (isDatabaseUrl(store))
    throw new UsageError(
      'Expected the directory of a json store, got a database. Ask a process that has it open: box.explain(id), box.job(id).history().',
    );
  return readStore(store);
}
