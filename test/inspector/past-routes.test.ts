import * as fs from 'node:fs';
import { join } from 'node:path';
import {
  createSignalbox,
  decorateStore,
  defineJob,
  memoryStore,
  type OpenStore,
  type Signalbox,
  type Store,
} from 'signalbox';
import { createInspector, type Inspector, readInspector } from 'signalbox/inspector';
import { jsonStore, readStore } from 'signalbox/json';
import { afterEach, describe, expect, it } from 'vitest';
import { startPastThread } from '../../src/inspector/server/past/past-port.ts';
import { views } from '../../src/inspector/views/views.ts';
import { bytesOf, killedInTheMiddle } from '../reading/killed-store.ts';
import { copied, newPath } from '../store/json/open-store.ts';

const note = defineJob({ name: 'note', run: (text: string) => text });
const boxes = new Set<Signalbox>();

afterEach(async () => {
  for (const box of boxes) await box.stop();
  boxes.clear();
});

async function opened(store: Store): Promise<Signalbox> {
  const box = await createSignalbox({ store, jobs: [note], queues: ['mail'] });
  boxes.add(box);
  return box;
}

/** Puts letters one after the other. Returns the entry after each. */
async function written(box: Signalbox, count = 12): Promise<readonly number[]> {
  const seqs: number[] = [];
  for (let letter = 1; letter <= count; letter += 1) {
    await box.queue('mail').put(note(`letter ${letter}`), { id: `letter-${letter}` });
    seqs.push((await box.store.position()).seq);
  }
  return seqs;
}

function get({ fetch }: Inspector, path: string, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(new Request(`http://127.0.0.1/api/v1/${path}`, { headers }));
}

// biome-ignore lint/suspicious/noExplicitAny: what an answer holds is what these tests are about.
type Body = any;

async function asked(inspector: Inspector, path: string) {
  const answer = await get(inspector, path);
  return {
    status: answer.status,
    seq: answer.headers.get('x-signalbox-seq'),
    body: (await answer.json()) as Body,
  };
}

/** Every question of the table, about one job. */
const paths = Object.keys(views)
  .filter((path) => path !== 'hello' && path !== 'timebar')
  .map((path) => path.replace(':id', 'letter-1'));

/** An inspector of a store with twelve letters, and the entry after each. */
const sources: readonly (readonly [
  name: string,
  make: () => Promise<{ inspector: Inspector; seqs: readonly number[] }>,
])[] = [
  [
    'a memory store at work',
    async () => {
      const box = await opened(memoryStore());
      return { inspector: createInspector(box), seqs: await written(box) };
    },
  ],
  [
    'a json store at work',
    async () => {
      const box = await opened(jsonStore(newPath()));
      return { inspector: createInspector(box), seqs: await written(box) };
    },
  ],
  [
    'a json store whose values are encoded',
    async () => {
      const turned = (value: string) => Buffer.from(value).toString('base64');
      const codec = { encode: turned, decode: (text: string) => Buffer.from(text, 'base64').toString() };
      const box = await createSignalbox({
        store: jsonStore(newPath()),
        codec,
        jobs: [note],
        queues: ['mail'],
      } as Parameters<typeof createSignalbox>[0]);
      boxes.add(box);
      return { inspector: createInspector(box), seqs: await written(box) };
    },
  ],
  [
    'a json store that no process has open',
    async () => {
      const dir = newPath();
      const box = await opened(jsonStore(dir));
      const seqs = await written(box);
      await box.stop();
      boxes.clear();
      return { inspector: readInspector(await readStore(dir)), seqs };
    },
  ],
];

describe.each(sources)('The inspector of %s', (_name, make) => {
  it('answers each question exactly at the moment that it names', async () => {
    const { inspector, seqs } = await make();
    const at = seqs[7] as number;

    const answers = await Promise.all(paths.map((path) => asked(inspector, `${path}?at=${at}`)));

    expect(answers.map(({ status, seq, body }) => [status < 500, seq, body.seq])).toEqual(
      answers.map(({ status }) => (status === 200 ? [true, String(at), at] : [true, null, undefined])),
    );
    expect(answers.filter(({ status }) => status === 200).length).toBeGreaterThan(4);
  });

  it('shows two people two moments at once, and each the waiting jobs of theirs', async () => {
    const { inspector, seqs } = await make();
    const order = [3, 9, 3, 9, 0, 11, 3];

    const answers = await Promise.all(
      order.map((index) => asked(inspector, `jobs?list=waiting&at=${seqs[index]}`)),
    );

    expect(answers.map(({ body }) => [body.seq, body.data.rows.length])).toEqual(
      order.map((index) => [seqs[index], index + 1]),
    );
  });

  it('shows the values and the reason of then, and refuses what was not there', async () => {
    const { inspector, seqs } = await make();

    const { body } = await asked(inspector, `jobs/letter-3?at=${seqs[2]}`);
    const before = await asked(inspector, `jobs/letter-3?at=${seqs[1] as number}`);
    const after = await asked(inspector, `overview?at=${(seqs[11] as number) + 1000}`);

    expect(body.data).toMatchObject({ status: 'PENDING', explanation: { at: body.at } });
    expect([before.status, before.body.error.code]).toEqual([404, 'JOB_NOT_FOUND']);
    expect([after.status, after.body.error.code]).toEqual([400, 'INVALID_OPTION']);
  });

  it('does not answer a page again that has the answer: what was does not change', async () => {
    const { inspector, seqs } = await make();
    const path = `overview?at=${seqs[4]}`;
    const etag = (await get(inspector, path)).headers.get('etag') ?? '';

    expect((await get(inspector, path, { 'if-none-match': etag })).status).toBe(304);
    expect((await get(inspector, `overview?at=${seqs[5]}`, { 'if-none-match': etag })).status).toBe(200);
  });
});

describe('The past of a json store at work', () => {
  it('is read by a thread, which writes nothing and grows with the store', async () => {
    const dir = newPath();
    const box = await opened(jsonStore(dir, { checkpointMinBytes: 4000 }));
    await written(box, 40);
    const inspector = createInspector(box);
    await box.store.settled();
    const before = bytesOf(dir);

    const one = await asked(inspector, `overview?at=${(await box.store.position()).seq - 3}`);
    const position = await box.store.position();
    expect(bytesOf(dir)).toEqual(before);
    expect([one.status, one.body.seq, one.body.data.waiting.count.n]).toEqual([200, position.seq - 3, 37]);

    for (let round = 1; round <= 25; round += 1) {
      const job = await box.queue('mail').put(note('more '.repeat(100)));
      const { seq } = await box.store.position();
      const two = await asked(inspector, `overview?at=${seq}`);
      expect([two.body.seq, two.body.data.waiting.count.n, job.id !== null]).toEqual([seq, 40 + round, true]);
    }
    expect(fs.readdirSync(dir).filter((name) => name.startsWith('journal')).length).toBeGreaterThan(1);
  });

  it('is read by a thread that the package starts by its own name', async () => {
    const dir = newPath();
    const box = await opened(jsonStore(dir));
    const seqs = await written(box);
    const at = seqs[5] as number;
    const store = box.store.files?.();
    if (store === undefined) throw new Error('this store has no files');

    const reply = await new Promise((resolve, reject) => {
      const thread = startPastThread(
        { name: 'main', place: dir },
        { onReply: resolve, onEnd: (reason) => reject(new Error(reason)) },
      );
      if (thread === null) return reject(new Error('dist was not built'));
      thread.send({ id: 7, store, hidden: {}, question: { path: 'overview', id: '', query: {}, at } });
      return undefined;
    });

    expect(reply).toMatchObject({
      id: 7,
      answer: { seq: at, text: expect.stringContaining(`{"seq":${at},`) },
    });
  });
});

describe.each([
  ['a memory store', () => memoryStore()],
  ['a json store', () => jsonStore(newPath())],
] as const)('What a definition hides now, in %s,', (_name, makeStore) => {
  it('is hidden in the past as well, also at moments before it was hidden', async () => {
    const store = makeStore();
    const pay = (redact: readonly string[]) =>
      defineJob({ name: 'pay', redact, run: (order: { readonly card: string }) => order.card });
    const open = pay(['result']);
    const careless = await createSignalbox({ store, jobs: [open], queues: ['mail'] });
    await careless.queue('mail').put(open({ card: 'canary-4111' }), { id: 'paid' });
    const { seq } = await careless.store.position();
    await careless.stop();
    const box = await createSignalbox({ store, jobs: [pay(['0.card', 'result'])], queues: ['mail'] });
    boxes.add(box);
    const inspector = createInspector(box);

    const answers = await Promise.all(
      ['jobs/paid', 'jobs/paid/history', 'jobs?list=waiting', 'explain/paid', 'overview'].map((path) =>
        asked(inspector, `${path}?at=${seq}`.replace('waiting?', 'waiting&')),
      ),
    );

    expect(answers.map(({ status, body }) => [status, body.seq])).toEqual(answers.map(() => [200, seq]));
    expect(JSON.stringify(answers)).toContain('paid');
    expect(JSON.stringify(answers)).not.toContain('canary');
  });
});

describe('A store without a past', () => {
  /** A store as one in a database is: it shows the history of single jobs. */
  const pastless: Store = {
    name: 'main',
    async open(ports) {
      const store = await memoryStore().open(ports);
      return decorateStore(store, { past: null, files: null } as Partial<OpenStore>);
    },
  };

  it('says so at once, and refuses with what can be done', async () => {
    const box = await opened(pastless);
    const inspector = createInspector(box);
    const [seq] = await written(box, 1);

    const hello = await asked(inspector, 'hello');
    const bar = await asked(inspector, 'timebar');
    const refused = await asked(inspector, `overview?at=${seq}`);

    const why = 'This store shows the present; open a job to step through its past.';
    expect([hello.body.data.noPast, bar.body.data.missing]).toEqual([why, why]);
    expect([refused.status, refused.body.error]).toEqual([
      409,
      {
        code: 'PAST_UNAVAILABLE',
        text: 'Expected a store that can be shown as it was, got a store that shows the past of single jobs alone.',
        repair: 'The present is shown; open a job to step through its history.',
      },
    ]);
  });
});

it('Every question is answered on the read-only copy of a killed store, of which not a byte or an instant changes', async () => {
  const original = newPath();
  const { waiting } = await killedInTheMiddle(original);
  const dir = copied(original);
  for (const name of fs.readdirSync(dir)) fs.chmodSync(join(dir, name), 0o400);
  fs.chmodSync(dir, 0o500);
  const before = bytesOf(dir);
  const past = await readStore(dir);
  const inspector = readInspector(past);
  const subjects: Readonly<Record<string, string>> = {
    ...{ machines: 'job', actors: 'supervisor', queues: '', schedules: encodeURIComponent('mail/nightly') },
    durable: encodeURIComponent('tally/notes'),
  };
  const questions = Object.keys(views).map((path) => {
    const [subject = ''] = path.split('/');
    return path.replace(':id', subjects[subject] ?? waiting);
  });
  const moments = ['', `at=${past.from}`, `at=${past.to - 1}`, `at=${past.to}`];

  const answers = await Promise.all(
    moments.flatMap((moment) =>
      questions.map(async (path) => {
        const { status, body } = await asked(inspector, `${path}?${moment}`);
        return [path, moment, status, status === 200 ? body.seq > 0 : body.error.code];
      }),
    ),
  );

  // Only what is not in the store, or was not there yet, has no answer; and of what has no whole history there is no test.
  const isCut = ([path, , status]: (typeof answers)[number]): boolean =>
    status === 410 && `${path}`.endsWith('/test');
  expect(answers.filter((each) => each[2] !== 200 && each[2] !== 404 && !isCut(each))).toEqual([]);
  expect(answers.filter(([path, moment, status]) => status === 404 && moment === '' && path !== '')).toEqual(
    [],
  );
  expect(bytesOf(dir)).toEqual(before);
  fs.chmodSync(dir, 0o700);
}, 60_000);
