import fc from 'fast-check';
import { decorateStore, memoryStore, type OpenStore, type Store } from 'signalbox';
import { jsonStore } from 'signalbox/json';
import { afterAll, describe, expect, it } from 'vitest';
import { createPastServer } from '../../src/inspector/server/past/past-server.ts';
import { HeldPasts, type PastAnswer, type PastQuestion } from '../../src/inspector/server/past/pasts.ts';
import type { Sight } from '../../src/inspector/views/sight.ts';
import { type Question, questionOf, views } from '../../src/inspector/views/views.ts';
import { explainJob } from '../../src/reading/explain.ts';
import { comparePlaces } from '../../src/store/rules/by-place.ts';
import { RandomProgram, randomPrograms, type Step } from '../reading/random-journal.ts';
import { newPath } from '../store/json/open-store.ts';
import { openByHand } from '../store/open-by-hand.ts';

/** How many random journals, and of which seed; more in a long run, as .ci/run asks for. */
const { SIGNALBOX_PAST_RUNS: asked, SIGNALBOX_PAST_SEED: seed = '20261130' } = process.env;
const runs = Number(asked ?? 6);
const timeout = 120_000 + 4000 * runs;
const open = new Set<OpenStore>();

afterAll(async () => {
  for (const store of open) await store.close().catch(() => {});
});

/** What beside the store is known of one that is read. */
const beside = { place: 'here', source: 'live', noPast: null, pause: async () => {} } as const;
const after = () => () => {};

type Ask = (question: PastQuestion) => Promise<PastAnswer | undefined>;

/** The past of a memory store, in this thread. */
function askHeld(store: OpenStore): Ask {
  const pasts = new HeldPasts(
    {
      hidden: async () => ({}),
      open: () => (store.past as NonNullable<OpenStore['past']>)(),
      sight: beside,
      after,
    },
    { most: 2, reach: 10, idleMs: 60_000 },
  );
  return (question) => pasts.answer(question);
}

/** What the thread beside a running json store does, in this one. */
function askBeside(store: OpenStore): Ask {
  const files = store.files as NonNullable<OpenStore['files']>;
  const serve = createPastServer({ name: store.name, place: 'here' }, { after, pause: async () => {} });
  return async (question) => {
    const reply = await serve({ id: 1, store: files(), hidden: {}, question });
    if ('failure' in reply) throw new Error(JSON.stringify(reply.failure));
    return reply.answer ?? undefined;
  };
}

/** Every question that pages ask of a moment, but for those whose answer is of the present. */
async function questionsOf(store: OpenStore): Promise<readonly Question[]> {
  const lists = ['waiting', 'held', 'failed', 'ended', 'unplaced', 'quarantined'];
  const jobs = (await store.list('job', '')).slice(0, 3).map(({ id }) => id);
  const paths = [
    'overview',
    'queues',
    'queues/side',
    'schedules',
    'machines/job',
    'journal',
    ...lists.map((list) => `jobs?list=${list}`),
    ...jobs.flatMap((id) => [`jobs/${id}`, `jobs/${id}/history`, `explain/${id}`]),
  ];
  return paths.map((path) => questionOf(path) as Question);
}

/**
 * What was answered then. A store at work remembers which of the holders of a quota, put back and claimed again, was the first; all
 * others know their present places alone.
 */
async function dataOf(store: OpenStore, question: Question): Promise<string> {
  const reader = decorateStore(store, {
    quotaHolders: async (quota) => {
      const records = await Promise.all((await store.quotaHolders(quota)).map((id) => store.get('job', id)));
      return records
        .flatMap((record) => record ?? [])
        .sort(comparePlaces)
        .map(({ id }) => id);
    },
  });
  const sight: Sight = { ...beside, reader, explain: (id) => explainJob(reader, id, null) };
  return JSON.stringify(await views[question.path](sight, question));
}

/** Runs a program. Returns what was answered after each step, by the seq of that moment. */
async function lived(made: Store, program: readonly Step[]) {
  const clock = { now: 1000 };
  const store = await openByHand(made, () => clock.now);
  open.add(store);
  const random = new RandomProgram(store, clock);
  const told = new Map<
    number,
    { readonly at: number; readonly answers: readonly (readonly [Question, string])[] }
  >();
  for (const step of program) {
    await random.make(step);
    const { seq, at } = await store.position();
    if (seq === 0 || told.has(seq) || at !== clock.now) continue;
    const answers: (readonly [Question, string])[] = [];
    for (const question of await questionsOf(store)) answers.push([question, await dataOf(store, question)]);
    told.set(seq, { at, answers });
  }
  return { store, told };
}

describe.each([
  ['a memory store', () => memoryStore(), askHeld, runs],
  [
    'a json store at work',
    () => jsonStore(newPath(), { checkpointMinBytes: 3000 }),
    askBeside,
    Number(asked ?? 2),
  ],
] as const)('What is asked of the past of %s', (_name, makeStore, askOf, numRuns) => {
  it(
    'is answered, word for word, as it was answered then',
    async () => {
      await fc.assert(
        fc.asyncProperty(
          randomPrograms(60),
          fc.array(fc.nat(), { minLength: 5, maxLength: 15 }),
          async (program, jumps) => {
            const { store, told } = await lived(makeStore(), program);
            const ask = askOf(store);
            const seqs = [...told.keys()];
            if (seqs.length === 0) return;
            const way = jumps.map((jump) => seqs[jump % seqs.length] as number);

            await Promise.all(
              way.map(async (seq) => {
                const then = told.get(seq);
                for (const [question, data] of then?.answers ?? []) {
                  const answer = await ask({ ...question, at: seq });
                  const text = `{"seq":${seq},"at":${then?.at},"data":${data}}`;
                  expect(answer).toEqual(data === undefined ? undefined : { seq, at: then?.at, text });
                }
              }),
            );
            await store.close();
          },
        ),
        { numRuns, seed: Number(seed) },
      );
    },
    timeout,
  );
});
