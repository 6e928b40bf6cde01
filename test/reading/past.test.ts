import fc from 'fast-check';
import { memoryStore, type OpenStore, type Store } from 'signalbox';
import { jsonStore } from 'signalbox/json';
import { afterAll, describe, expect, it } from 'vitest';
import { createPast } from '../../src/reading/past.ts';
import { recordAt } from '../../src/reading/record-at.ts';
import { Reel } from '../../src/reading/reel.ts';
import type { Line } from '../../src/store/entry.ts';
import type { LogReader } from '../../src/store/log.ts';
import type { Past } from '../../src/store/reader.ts';
import { Tables } from '../../src/store/rules/tables.ts';
import { newPath } from '../store/json/open-store.ts';
import { openByHand } from '../store/open-by-hand.ts';
import { pictureOf } from './picture.ts';
import { RandomProgram, randomPrograms, type Step } from './random-journal.ts';

/** How many random journals, and of which seed; all stores get as many in a long run, as .ci/run asks for. */
const { SIGNALBOX_PAST_RUNS: asked, SIGNALBOX_PAST_SEED: given = '20261201' } = process.env;
const seed = Number(given);
const runs = Number(asked ?? 25);
const timeout = 120_000 + 3000 * runs;
const open = new Set<OpenStore>();

afterAll(async () => {
  for (const store of open) await store.close().catch(() => {});
});

async function opened(store: Store, clock: { now: number }): Promise<OpenStore> {
  const found = await openByHand(store, () => clock.now);
  open.add(found);
  return found;
}

/** Runs a program. Returns the store, and what it answered after each step, by the seq of that moment. */
async function lived(made: Store, program: readonly Step[]) {
  const clock = { now: 1000 };
  const store = await opened(made, clock);
  const random = new RandomProgram(store, clock);
  const pictures = new Map<number, { readonly at: number; readonly picture: unknown }>();
  for (const step of program) {
    await random.make(step);
    const { seq, at } = await store.position();
    if (seq > 0 && !pictures.has(seq)) pictures.set(seq, { at, picture: await pictureOf(store, true) });
  }
  return { store, pictures };
}

async function pastOf(store: OpenStore): Promise<Past> {
  if (store.past === null) throw new Error('this store has no past');
  return store.past();
}

describe.each([
  ['memory', () => memoryStore(), runs],
  ['json', () => jsonStore(newPath(), { checkpointMinBytes: 3000 }), Number(asked ?? 5)],
] as const)('The past of a %s store', (_name, makeStore, numRuns) => {
  it(
    'answers as the store did at each moment, to and fro, record for record and index for index',
    async () => {
      await fc.assert(
        fc.asyncProperty(
          randomPrograms(80),
          fc.array(fc.nat(), { maxLength: 30 }),
          async (program, jumps) => {
            const { store, pictures } = await lived(makeStore(), program);
            const past = await pastOf(store);
            const seqs = [...pictures.keys()];
            if (seqs.length === 0) return;
            const way = [...seqs.toReversed(), ...jumps.map((jump) => seqs[jump % seqs.length] as number)];

            for (const seq of way) {
              await past.moveTo(seq);

              expect([past.seq, past.now(), await pictureOf(past)]).toEqual([
                seq,
                pictures.get(seq)?.at,
                pictures.get(seq)?.picture,
              ]);
            }
            await store.close();
          },
        ),
        { numRuns, seed },
      );
    },
    timeout,
  );

  it(
    'shows each record as its own history does, also between two entries of a commit',
    async () => {
      await fc.assert(
        fc.asyncProperty(randomPrograms(60), async (program) => {
          const { store } = await lived(makeStore(), program);
          const past = await pastOf(store);

          for (let seq = past.to; seq >= past.from; seq -= 3) {
            await past.moveTo(seq);
            for (const record of await past.list('job', '')) {
              const isKept = (await store.get('job', record.id)) !== undefined;
              if (isKept)
                expect(await recordAt(store, 'job', record.id, seq)).toEqual({ record, unknown: [] });
            }
          }
          await store.close();
        }),
        { numRuns: Math.ceil(numRuns / 3), seed },
      );
    },
    timeout,
  );
});

describe('A past of a long journal', () => {
  /** A log in memory of the lines of a store, as a recording holds them. */
  async function recordingOf(program: readonly Step[], bases: readonly number[]) {
    const { store, pictures } = await lived(memoryStore(), program);
    const lines: Line[] = [];
    for await (const { seq, commit: _commit, at, by, mv, ...entry } of store.entries(1))
      lines.push({ s: seq, at, by, mv, entries: [entry] });
    const loaded: number[] = [];
    const log: LogReader = {
      find: async (seq) => lines[seq - 1] ?? null,
      async *read(seq) {
        yield* lines.slice(seq - 1);
      },
      oldestSeq: () => 1,
      seqAt: async (instant) => lines.findLast(({ at }) => at <= instant)?.s ?? 0,
      bases: () => [0, ...bases.filter((seq) => seq < lines.length)],
      async base(seq) {
        loaded.push(seq);
        const tables = new Tables();
        for (const line of lines.slice(0, seq)) tables.replay(line);
        return tables.state(seq);
      },
    };
    const facts = { name: 'main', exclusive: true, isVolatile: true, now: () => 0 };
    const past = await createPast(
      { ...facts, log, newestSeq: () => lines.length, defer: async () => {} },
      new Reel({ entries: 12, states: 3, near: 4 }),
    );
    return { past, pictures, loaded };
  }

  it(
    'is the same by whichever way a moment is reached: back, on, or from a whole state',
    async () => {
      await fc.assert(
        fc.asyncProperty(
          randomPrograms(80),
          fc.array(fc.nat(), { minLength: 20, maxLength: 40 }),
          fc.array(fc.integer({ min: 1, max: 100 }), { maxLength: 4 }),
          async (program, jumps, bases) => {
            const { past, pictures } = await recordingOf(
              program,
              bases.sort((one, other) => one - other),
            );
            const seqs = [...pictures.keys()];
            if (seqs.length === 0) return;
            for (const jump of jumps) {
              const seq = seqs[jump % seqs.length] as number;

              await past.moveTo(seq);

              expect([past.now(), await pictureOf(past)]).toEqual([
                pictures.get(seq)?.at,
                pictures.get(seq)?.picture,
              ]);
            }
          },
        ),
        { numRuns: runs, seed },
      );
    },
    timeout,
  );

  it('loads no state for a near moment, and the nearest one for a far moment', async () => {
    const puts = Array.from({ length: 80 }, (): Step => [0, 3, 1]);
    const { past, loaded } = await recordingOf(puts, [20, 50]);
    loaded.length = 0;

    for (const seq of [79, 76, 80, 79]) await past.moveTo(seq);
    expect(loaded).toEqual([]);
    await past.moveTo(21);
    expect(loaded).toEqual([20]);
    await past.moveTo(55);
    expect(loaded).toEqual([20, 50]);
  });

  it('refuses a moment before the first and after the last', async () => {
    const { past } = await recordingOf([[0, 3, 1]], []);

    await expect(past.moveTo(2)).rejects.toThrow(/`seq` to be a whole number from 0 to 1, got 2/);
    await expect(past.moveTo(-1)).rejects.toThrow('got -1');
    await expect(past.moveTo(0.5)).rejects.toThrow('got 0.5');
    expect(past.seq).toBe(1);
  });
});

it('The past of a store at work grows with it, and its moment stays', async () => {
  const { store } = await lived(memoryStore(), [[0, 0, 1]]);
  const past = await pastOf(store);
  const { seq } = past;
  const before = await pictureOf(past);

  await new RandomProgram(store, { now: 5 }).make([7, 0, 1]);

  expect([past.seq, past.to]).toEqual([seq, seq + 2]);
  expect(await pictureOf(past)).toEqual(before);
  await past.moveTo(past.to);
  expect(await pictureOf(past)).toEqual(await pictureOf(store));
});

it('The past of a memory store reaches back as far as it keeps lines, and says so where it does not', async () => {
  const { store, pictures } = await lived(
    memoryStore({ historyMaxLines: 20 }),
    Array.from({ length: 90 }, (_, at): Step => [at, at, 1]),
  );
  const past = await pastOf(store);
  const kept = [...pictures.keys()].filter((seq) => seq >= past.from);

  expect(past.from).toBeGreaterThan(0);
  expect(kept.length).toBeGreaterThanOrEqual(20);
  for (const seq of kept.toReversed()) {
    await past.moveTo(seq);
    expect(await pictureOf(past)).toEqual(pictures.get(seq)?.picture);
  }
  await expect(past.moveTo(past.from - 1)).rejects.toMatchObject({
    code: 'HISTORY_CUT',
    message: expect.stringContaining(`can be shown from entry ${past.from} on`),
  });
});
