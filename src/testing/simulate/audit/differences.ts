import { isDeepStrictEqual } from 'node:util';
import type { OpenStore } from '../../../index.ts';
import type { Kept } from './kept.ts';

const kinds = ['job', 'queue', 'quota', 'representation', 'agent', 'proxy', 'annotation'] as const;

/** What a sign of life without an entry changes. */
const silent: readonly string[] = ['lastPing', 'rev'];

/** Where the records of a store are not what its journal says. `hasSilentPings`: signs of life need no entry. */
export async function differences(
  records: ReadonlyMap<string, Kept>,
  store: OpenStore,
  hasSilentPings: boolean,
): Promise<readonly string[]> {
  const found: string[] = [];
  for (const kind of kinds) {
    const stored = await store.list(kind, '');
    const kept = [...records.values()].filter((record) => record.kind === kind);
    if (stored.length !== kept.length) {
      const counts = `${stored.length} records of kind ${kind} are stored, ${kept.length} in the journal`;
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

function differing(record: Record<string, unknown>, model: Kept, but: readonly string[]): string[] {
  const told: Record<string, unknown> = { ...model.fields, rev: model.rev, lastSeq: model.lastSeq };
  if (model.state !== null) told.state = model.state;
  return Object.entries(told)
    .filter(([key, value]) => !but.includes(key) && !isDeepStrictEqual(record[key], value))
    .map(([key, value]) => {
      const shown = `${JSON.stringify(record[key])}, in the journal ${JSON.stringify(value)}`;
      return `I3 ${model.kind} ${model.id}: ${key} is ${shown}`;
    });
}
