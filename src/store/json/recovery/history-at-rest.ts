import { createHistory, type History, type HistoryPorts, type SyncedEnd } from '../journal/history.ts';
import type { Listing } from '../ports/directory.ts';
import { listGenerations } from '../snapshot/generations.ts';
import type { Recovery } from './recovery.ts';

/**
 * The history of a directory that was recovered and is not opened. `told`: how far its process has synced, where one is at work;
 * null: all that was found.
 */
export function historyAtRest(
  dir: string,
  {
    files,
    defer,
    report,
  }: Pick<HistoryPorts, 'files' | 'defer'> & { readonly report: (message: string) => void },
  listing: Listing,
  { journals, unborn, seq }: Recovery,
  told: () => SyncedEnd | null = () => null,
): History {
  const last = journals.at(-1);
  const bornJournals = listing.journals.filter((generation) => generation !== unborn);
  const generations = listGenerations(files, dir, { ...listing, journals: bornJournals }, report);
  // A torn end was never acknowledged: nothing after the last whole line is read.
  const end = { generation: last?.header.generation ?? 0, at: last?.end ?? 0, seq };
  return createHistory({ dir, files, defer, synced: () => told() ?? end }, generations);
}
