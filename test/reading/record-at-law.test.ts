import fc from 'fast-check';
import { memoryStore, type OpenStore, recordKinds, type Store } from 'signalbox';
import { jsonStore } from 'signalbox/json';
import { afterAll, describe, expect, it } from 'vitest';
import { recordAt } from '../../src/reading/record-at.ts';
import type { Kind, Records } from '../../src/store/entry.ts';
import { newPath } from '../store/json/open-store.ts';
import { openByHand } from '../store/open-by-hand.ts';
import { newPostgresStore, removeSchemas } from '../store/postgres/schemas.ts';
import { RandomProgram, randomPrograms, type Step } from './random-journal.ts';

const runs = Number(process.env.SIGNALBOX_PAST_RUNS ?? 25);
const kinds = recordKinds.filter((kind) => kind !== 'store');

afterAll(removeSchemas, 60_000);

/** All records of a store, by kind and id. */
type Everything = ReadonlyMap<string, { readonly kind: Kind; readonly record: Records[Kind] }>;

async function everything(reader: Pick<OpenStore, 'list'>): Promise<Everything> {
  const found = new Map<string, { readonly kind: Kind; readonly record: Records[Kind] }>();
  for (const kind of kinds)
    for (const record of await reader.list(kind, '')) found.set(`${kind} ${record.id}`, { kind, record });
  return found;
}

/** Runs a program. Returns what there was after each step, by the seq of that moment. */
async function lived(store: OpenStore, clock: { now: number }, program: readonly Step[]) {
  const random = new RandomProgram(store, clock);
  const moments = new Map<number, Everything>();
  for (const step of program) {
    await random.make(step);
    moments.set((await store.position()).seq, await everything(store));
  }
  return moments;
}

async function droppedAfter(store: OpenStore, seq: number): Promise<ReadonlySet<string>> {
  const dropped = new Set<string>();
  for await (const { kind, id, gone } of store.entries(seq + 1)) if (gone) dropped.add(`${kind} ${id}`);
  return dropped;
}

/** The record of every subject that was ever there, as its history says it was at a moment. */
async function told(store: OpenStore, moments: ReadonlyMap<number, Everything>, seq: number) {
  const then = moments.get(seq) ?? new Map();
  const dropped = await droppedAfter(store, seq);
  const said = new Map<string, unknown>();
  const was = new Map<string, unknown>();
  for (const [name, { kind, record }] of [...moments.values()].flatMap((each) => [...each])) {
    if (said.has(name)) continue;
    const known = then.get(name)?.record;
    // What was dropped since is found from an entry of its own alone, even where one of the same id came after it.
    if (dropped.has(name) && known?.lastSeq !== seq) continue;
    said.set(name, await recordAt(store, kind, record.id, seq));
    was.set(name, known === undefined ? undefined : { record: known, unknown: [] });
  }
  return { said, was };
}

describe.each([
  ['memory', () => memoryStore(), 60, runs],
  ['json', () => jsonStore(newPath(), { checkpointMinBytes: 3000 }), 40, Math.ceil(runs / 5)],
  ['postgres', () => newPostgresStore(), 25, Math.ceil(runs / 10)],
] as const)('The records of a moment of a %s store', (_name, makeStore: () => Store, most, numRuns) => {
  it('are what the store had then, and what its past shows, of every kind', async () => {
    await fc.assert(
      fc.asyncProperty(randomPrograms(most), fc.array(fc.nat(), { maxLength: 8 }), async (program, picks) => {
        const clock = { now: 1000 };
        const store = await openByHand(makeStore(), () => clock.now);
        try {
          const moments = await lived(store, clock, program);
          const seqs = [...moments.keys()];
          const past = store.past === null ? null : await store.past();
          for (const pick of picks) {
            const seq = seqs[pick % seqs.length] as number;
            const { said, was } = await told(store, moments, seq);

            expect([seq, said]).toEqual([seq, was]);
            if (past === null || seq < past.from) continue;
            await past.moveTo(seq);
            expect([seq, await everything(past)]).toEqual([seq, moments.get(seq)]);
          }
        } finally {
          await store.close();
        }
      }),
      { numRuns },
    );
  }, 180_000);
});
