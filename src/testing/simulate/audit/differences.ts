import { isDeepStrictEqual } from 'node:util';
import { type OpenStore, recordKinds } from '../../../index.ts';
import type { ReplayedRecord } from './replayed-record.ts';

/** The record of the store itself changes with openings that have no entry of it. */
const kinds = recordKinds.filter((kind) => kind !== 'store');

/** The keys that a ping without an entry changes. */
const silent: readonly string[] = ['lastPing', 'rev'];

/** Returns the differences between the records of a store and its journal. `hasSilentPings`: pings need no entry. */
export async function differences(
  records: ReadonlyMap<string, ReplayedRecord>,
  store: OpenStore,
  hasSilentPings: boolean,
): Promise<readonly string[]> {
  const found: string[] = [];
  for (const kind of kinds) {
    const stored = await store.list(kind, '');
    const replayed = [...records.values()].filter((record) => record.kind === kind);
    if (stored.length !== replayed.length) {
      const counts = `${stored.length} records of kind ${kind} are stored, ${replayed.length} in the journal`;
      found.push(`I3 ${counts}`);
    }
    for (const record of stored as unknown as readonly (Record<string, unknown> & { id: string })[]) {
      const model = records.get(`${kind}/${record.id}`);
      if (model === undefined) found.push(`I3 ${kind} ${record.id} is not in the journal`);
      else found.push(...differing(record, model, hasSilentPings && kind === 'representation' ? silent : []));
    }
  }
  return found;
}

function differing(record: Record<string, unknown>, model: ReplayedRecord, but: readonly string[]): string[] {
  const expected: Record<string, unknown> = { ...model.fields, rev: model.rev, lastSeq: model.lastSeq };
  if (model.state !== null) expected.state = model.state;
  return Object.entries(expected)
    .filter(([key, value]) => !but.includes(key) && !isDeepStrictEqual(record[key], value))
    .map(([key, value]) => {
      const shown = `${JSON.stringify(record[key])}, in the journal ${JSON.stringify(value)}`;
      return `I3 ${model.kind} ${model.id}: ${key} is ${shown}`;
    });
}
