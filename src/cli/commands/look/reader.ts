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
export function readerOf(given: { readonly store?: string }): Promise<StoreReader> {
  return readStore(directoryOf(given));
}

/** The directory of a json store. */
export function directoryOf({
  store = environment('SIGNALBOX_STORE') ?? '.signalbox/store',
}: {
  readonly store?: string;
}): string {
  if (!isDatabaseUrl(store)) return store;
  throw new UsageError(
    'Expected the directory of a json store, got a database. Ask a process that has it open: box.explain(id), box.job(id).history().',
  );
}
