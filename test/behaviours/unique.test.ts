import { agent, defineJob, type Job, type JobDefinition, NeverRetry, type Unique } from 'signalbox';
import { describe, expect, it } from 'vitest';
import { makeControlledJobs } from './controlled-jobs.ts';
import { makeRecordingJobs } from './recording-jobs.ts';
import { forEachStore, type MakeStore, makeBox } from './stores.ts';

type Options = Unique<[string, number]>;

/** A definition whose jobs are the same when their first argument is; it says what their code does. */
async function setUp(makeStore: MakeStore, options: Options = {}) {
  const controlled = makeControlledJobs();
  const { note, notes } = makeRecordingJobs();
  const ran: string[] = [];
  const feed: JobDefinition<[kind: string, version: number], unknown> = defineJob({
    name: 'feed',
    retry: { maxAttempts: 3, delay: '1m', jitter: 0 },
    run: async (kind: string, version: number): Promise<unknown> => {
      ran.push(`${kind}${version}`);
      if (kind === 'fails') throw new Error('no');
      if (kind === 'inner') return controlled.hold('inner');
      return kind === 'quick' ? version : await controlled.opened(kind);
    },
    unique: { key: (kind) => kind, ...options },
  });
  const plain = defineJob({
    name: 'plain',
    run: (...args: readonly string[]) => args.length,
    unique: {},
  });
  const jobs = [feed, plain, note, controlled.hold];
  const testBox = await makeBox({ store: makeStore(), jobs, queues: ['', 'other'] });
  const queue = testBox.box.queue();
  const names = () => testBox.box.store.list('unique', '');
  const stored = async () => (await testBox.box.store.list('job', '')).length;
  return { ...testBox, ...controlled, note, notes, ran, feed, plain, queue, names, stored };
}

type Setting = Awaited<ReturnType<typeof setUp>>;

/** How a job comes to be in each state that matters; its code has been called unless it waits or was pulled. */
const states: Readonly<Record<string, (setting: Setting) => Promise<Job<unknown>>>> = {
  waits: ({ queue, feed }) => queue.put(feed('quick', 1), { beginAfter: '1h' }),
  runs: async ({ queue, feed, reactor }) => {
    const job = await queue.put(feed('held', 1));
    await reactor.runUntilIdle();
    return job;
  },
  'waits for its second attempt': async ({ queue, feed, reactor }) => {
    const job = await queue.put(feed('fails', 1));
    await reactor.runUntilIdle();
    return job;
  },
  'waits for another job': async ({ queue, feed, reactor }) => {
    const job = await queue.put(feed('inner', 1));
    await reactor.runUntilIdle();
    return job;
  },
  'is being cancelled': async (setting) => {
    const job = await states.runs?.(setting);
    expect(await job?.cancel()).toBe('cancelling');
    return job as Job<unknown>;
  },
  'has callbacks that run': async ({ queue, feed, hold, reactor }) => {
    const draft = feed('quick', 1);
    await draft.addCallback(hold.partial('callback'));
    await queue.put(draft);
    await reactor.runUntilIdle();
    return draft;
  },
  'has succeeded': async ({ queue, feed, reactor }) => {
    const job = await queue.put(feed('quick', 1));
    await reactor.runUntilIdle();
    return job;
  },
  'has failed': async ({ queue, feed, reactor }) => {
    const job = await queue.put(feed('fails', 1), { retryPolicy: NeverRetry });
    await reactor.runUntilIdle();
    return job;
  },
  'was cancelled': async (setting) => {
    const job = await states.waits?.(setting);
    expect(await job?.cancel()).toBe('cancelled');
    return job as Job<unknown>;
  },
  'has expired': async ({ queue, feed, reactor }) => {
    await queue.pause();
    const job = await queue.put(feed('quick', 1), { beginBy: '1s' });
    await reactor.advance('1m');
    await queue.resume();
    await reactor.advance('1m');
    return job;
  },
  'was pulled': async ({ queue, feed }) => {
    await queue.put(feed('quick', 1), { beginAfter: '1h' });
    return queue.pull();
  },
};

const conflicts: readonly NonNullable<Options['onConflict']>[] = [
  'return',
  'reject',
  'replace',
  { debounce: '10s' },
];
const all = (answer: string): readonly string[] => conflicts.map(() => answer);
const waiting = ['existing', 'DUPLICATE_JOB', 'replaced', 'debounced'];
const taken = ['existing', 'DUPLICATE_JOB', 'existing', 'existing'];

/** What a put answers, by the state of the job that has the name: for each of `conflicts`. */
const expected: readonly (readonly [state: string, ended: readonly string[], started: readonly string[]])[] =
  [
    ['waits', waiting, waiting],
    ['runs', taken, all('added')],
    ['waits for its second attempt', taken, all('added')],
    ['waits for another job', taken, all('added')],
    ['is being cancelled', taken, all('added')],
    ['has callbacks that run', all('added'), all('added')],
    ['has succeeded', all('added'), all('added')],
    ['has failed', all('added'), all('added')],
    ['was cancelled', all('added'), all('added')],
    ['has expired', all('added'), all('added')],
    ['was pulled', all('added'), all('added')],
  ];

forEachStore('Unique', (makeStore) => {
  describe('a put', () => {
    const cells = expected.flatMap(([state, ended, started]) =>
      conflicts.flatMap((onConflict, at) => [
        { state, onConflict, until: 'ended' as const, answer: ended[at] },
        { state, onConflict, until: 'started' as const, answer: started[at] },
      ]),
    );

    it.each(cells)('of a job that $state, until $until with $onConflict: $answer', async (cell) => {
      const { state, onConflict, until, answer } = cell;
      const setting = await setUp(makeStore);
      const { box, queue, feed, stored } = setting;
      await box.start({ agent: agent({ size: 3 }) });
      const first = (await states[state]?.(setting)) as Job<unknown>;
      await first.refresh();
      const [before, count] = [first.record, await stored()];

      const putting = queue.put(feed(String(before.args[0]), 2), { unique: { onConflict, until } });
      const job = await putting.catch((error) => error);

      expect(job.code ?? job.putResult).toBe(answer);
      expect(await stored()).toBe(count + (answer === 'added' ? 1 : 0));
      if (answer === 'added') {
        expect(job.id).not.toBe(first.id);
        expect(job.args).toEqual([before.args[0], 2]);
      } else {
        expect(job.code === undefined ? job.id : job.details.id).toBe(first.id);
        const isChanged = answer === 'replaced' || answer === 'debounced';
        const { args, beginAfter } = (await first.refresh()).record;
        expect(args).toEqual([before.args[0], isChanged ? 2 : 1]);
        const isDeferred = answer === 'debounced';
        expect(beginAfter).toBe(isDeferred ? box.store.now() + 10_000 : before.beginAfter);
      }
    });
  });

  it('by default, jobs with the same arguments are one job, and each caller gets its result', async () => {
    const { box, queue, plain, reactor, stored, names } = await setUp(makeStore);

    const [one, two, other] = [
      await queue.put(plain('a', 'b')),
      await queue.put(plain('a', 'b')),
      await queue.put(plain('a', 'c')),
    ];

    expect([one.putResult, two.putResult, other.putResult]).toEqual(['added', 'existing', 'added']);
    expect([two.id, await stored(), (await names()).length]).toEqual([one.id, 2, 2]);
    expect(one.record.uniqueKey).toMatch(/^\/plain\/[0-9a-f]{64}$/);
    expect(plain('a').putResult).toBeNull();
    expect(box.job(one.id ?? '').putResult).toBeNull();
    await box.start();
    await reactor.runUntilIdle();
    expect([await one.result(), await two.result()]).toEqual([2, 2]);
    expect((await queue.put(plain('a', 'b'))).putResult).toBe('added');
  });

  it('8 putters of 1,000 puts of one key give one job, and each put gets the right result', async () => {
    const { queue, feed, stored } = await setUp(makeStore);
    const results: (string | null)[] = [];
    const ids = new Set<string | null>();

    await Promise.all(
      Array.from({ length: 8 }, async (_each, putter) => {
        for (let count = 0; count < 1000; count += 1) {
          const job = await queue.put(feed('quick', putter * 1000 + count));
          results.push(job.putResult);
          ids.add(job.id);
        }
      }),
    );

    expect(results.filter((result) => result === 'added')).toHaveLength(1);
    expect(results.filter((result) => result === 'existing')).toHaveLength(7999);
    expect([ids.size, await stored(), await queue.length()]).toEqual([1, 1, 1]);
  });

  it('1,000 puts in one tick that replace each other give one job, which has the arguments of one of them', async () => {
    const { queue, feed, stored } = await setUp(makeStore, { onConflict: 'replace' });

    const jobs = await Promise.all(Array.from({ length: 1000 }, (_each, at) => queue.put(feed('quick', at))));

    const results = jobs.map(({ putResult }) => putResult);
    expect(results.filter((result) => result === 'added')).toHaveLength(1);
    expect(results.filter((result) => result === 'replaced')).toHaveLength(999);
    expect(new Set(jobs.map(({ id }) => id)).size).toBe(1);
    expect(await stored()).toBe(1);
  });

  it.each([
    ['ended', 'existing', ['fails1', 'fails1', 'fails1']],
    ['started', 'added', ['fails1', 'fails1', 'fails2', 'fails2', 'fails1', 'fails2']],
  ] as const)(
    'until it has %s, a put between two attempts finds it %s, and no attempt asks for the name',
    async (until, answer, calls) => {
      const { box, queue, feed, reactor, ran } = await setUp(makeStore, { until });
      await box.start({ agent: agent({ size: 3 }) });
      const first = await queue.put(feed('fails', 1));
      await reactor.advance('61s');
      expect([ran, (await first.refresh()).record.attempts]).toEqual([['fails1', 'fails1'], 2]);

      const second = await queue.put(feed('fails', 2));
      await reactor.advance('10m');

      expect(second.putResult).toBe(answer);
      expect(ran).toEqual(calls);
      expect((await first.refresh()).ending).toBe('failed');
    },
  );

  it('a job that was replaced keeps its id, its place and its callbacks', async () => {
    const { box, queue, feed, note, notes, reactor, ran } = await setUp(makeStore, { onConflict: 'replace' });
    await queue.quotas.create('host', { size: 1, keyed: true });
    const draft = feed('quick', 1);
    await draft.addCallback(note.partial('done'));
    const first = await queue.put(draft, { keys: { host: 'a' } });
    await queue.put(feed('other', 1));

    const second = await queue.put(feed('quick', 2), { priority: 3, keys: { host: 'b' } });

    expect([second.id, second.putResult, second.args]).toEqual([first.id, 'replaced', ['quick', 2]]);
    const { position, priority, keys } = (await first.refresh()).record;
    expect({ position, priority, keys }).toEqual({
      position: first.record.position,
      priority: 3,
      keys: ['host/b'],
    });
    const entries: string[] = [];
    for await (const { event } of first.history()) entries.push(event);
    expect(entries).toEqual(['job.put', 'args.set', 'priority.set', 'keys.set']);
    await box.start({ agent: agent({ size: 2 }) });
    await reactor.runUntilIdle();
    expect([ran.toSorted(), notes]).toEqual([['other1', 'quick2'], [['done', 2]]]);
  });

  it('a replacement brings the jobs in its arguments, and one that finds the name taken stores none of them', async () => {
    const take = defineJob({
      name: 'take',
      run: (_key: string, job: Job<unknown>) => job.id,
      unique: { key: (key) => key, onConflict: 'replace' },
    });
    const { note } = makeRecordingJobs();
    const { box } = await makeBox({ store: makeStore(), jobs: [take, note], queues: [''] });
    const queue = box.queue();
    await queue.put(take('a', note('first')));

    const replaced = await queue.put(take('a', note('second')));
    const existing = await queue.put(take('a', note('third')), { unique: { onConflict: 'return' } });

    expect([replaced.putResult, existing.putResult]).toEqual(['replaced', 'existing']);
    const stored = (await box.store.list('job', '')).map(({ args }) => args[0]);
    expect(stored.toSorted()).toEqual(['a', 'first', 'second']);
    expect((await (replaced.args[1] as Job<unknown>).refresh()).args).toEqual(['second']);
  });

  it('debounced puts give one job, which begins when no more come, or when the first has waited long enough', async () => {
    const onConflict = { debounce: '10s', maxWait: '25s' };
    const { box, queue, feed, reactor, ran } = await setUp(makeStore, { onConflict });
    await box.start();
    const results: (string | null)[] = [];

    for (const version of [1, 2]) {
      results.push((await queue.put(feed('quick', version))).putResult);
      await reactor.advance('6s');
    }
    expect(ran).toEqual([]);
    await reactor.advance('5s');
    expect([ran, results]).toEqual([['quick2'], ['added', 'debounced']]);

    for (const version of [3, 4, 5, 6]) {
      await queue.put(feed('quick', version));
      await reactor.advance('8s');
    }
    expect(ran).toEqual(['quick2', 'quick6']);
  });

  it('within a time of the put no other one is added, also when the job is over, and by the clock of the store', async () => {
    const { box, queue, feed, reactor, ran } = await setUp(makeStore, { within: '1h' });
    await box.start();
    const first = await queue.put(feed('quick', 1));
    await first.result();
    await reactor.advance('59m');

    const second = await queue.put(feed('quick', 2));
    expect([second.putResult, second.id, await second.result()]).toEqual(['existing', first.id, 1]);
    await expect(queue.put(feed('quick', 3), { unique: { onConflict: 'reject' } })).rejects.toMatchObject({
      code: 'DUPLICATE_JOB',
      details: { id: first.id, key: first.record.uniqueKey },
    });
    await reactor.advance('1m');
    expect((await queue.put(feed('quick', 4))).putResult).toBe('added');
    await reactor.runUntilIdle();
    expect(ran).toEqual(['quick1', 'quick4']);
  });

  it('a name is one of a queue, or with the scope of the store one of all queues, and always of one definition', async () => {
    const { box, queue, plain, feed } = await setUp(makeStore);
    const other = box.queue('other');
    const scoped = { unique: { scope: 'store' } } as const;

    const results = [
      await queue.put(plain('quick')),
      await other.put(plain('quick')),
      await queue.put(feed('quick', 1)),
      await queue.put(plain('store'), scoped),
      await other.put(plain('store'), scoped),
    ];

    expect(results.map(({ putResult }) => putResult)).toEqual([
      'added',
      'added',
      'added',
      'added',
      'existing',
    ]);
    expect(results[3]?.record.uniqueKey).toMatch(/^\*\/plain\//);
  });

  it('a put without it takes no name, is found by none, and writes nothing of it', async () => {
    const { queue, plain, names, box } = await setUp(makeStore);

    const free = await queue.put(plain('a'), { unique: false });
    const draft = await queue.put(plain('a').with({ unique: false }));
    const first = await queue.put(plain('a'));

    expect([free, draft, first].map(({ putResult }) => putResult)).toEqual(['added', 'added', 'added']);
    expect([free.record.uniqueKey, (await names()).map(({ job }) => job)]).toEqual([null, [first.id]]);
    for await (const { id, patch } of box.store.entries(1))
      if (id === free.id || id === draft.id) expect(JSON.stringify(patch)).not.toContain('nique');
  });

  it('a put may be unique whose definition is not', async () => {
    const { queue, note } = await setUp(makeStore);
    const unique = { key: (id: string) => id, onConflict: 'reject' } as const;
    const first = await queue.put(note('a', 1), { unique });

    await expect(queue.put(note('a', 2), { unique })).rejects.toMatchObject({ details: { id: first.id } });
    expect((await queue.put(note('a', 3))).putResult).toBe('added');
  });

  it('putAll answers for each job, and finds what it has put itself', async () => {
    const { queue, feed, stored } = await setUp(makeStore);
    const there = await queue.put(feed('there', 1));

    const jobs = await queue.putAll([feed('there', 2), feed('new', 1), feed('new', 2), feed('more', 1)]);

    expect(jobs.map(({ putResult }) => putResult)).toEqual(['existing', 'added', 'existing', 'added']);
    expect([jobs[0]?.id, jobs[2]?.id, await stored()]).toEqual([there.id, jobs[1]?.id, 3]);
    const replacing = { unique: { onConflict: 'replace' } } as const;
    const more = await queue.putAll([feed('x', 1), feed('x', 2), feed('x', 3), feed('new', 9)], replacing);
    expect(more.map(({ putResult }) => putResult)).toEqual(['added', 'replaced', 'replaced', 'replaced']);
    expect((await more[0]?.refresh())?.args).toEqual(['x', 3]);
    expect(more.slice(1).map(({ args }) => args)).toEqual([
      ['x', 3],
      ['x', 3],
      ['new', 9],
    ]);
  });

  it('a job that is rejected refuses the whole batch and names its place', async () => {
    const { queue, feed, stored, names } = await setUp(makeStore, { onConflict: 'reject' });
    const drafts = [feed('a', 1), feed('b', 1), feed('a', 2)];

    await expect(queue.putAll(drafts)).rejects.toThrow(/^items\[2\]: Expected unique name/);

    expect([await stored(), await names(), drafts.map(({ status }) => status)]).toEqual([
      0,
      [],
      ['NEW', 'NEW', 'NEW'],
    ]);
  });

  it('a transaction that is rolled back frees the name, and two that take it at once are one', async () => {
    const { box, queue, feed, names } = await setUp(makeStore);
    const draft = feed('a', 1);
    const failing = box.transaction(async (tx) => {
      const job = await tx.queue().put(draft);
      expect([job.putResult, (await tx.queue().put(feed('a', 2))).id]).toEqual(['added', job.id]);
      throw new Error('rolled back');
    });
    await expect(failing).rejects.toThrow('rolled back');
    expect([await names(), draft.status, draft.putResult]).toEqual([[], 'NEW', null]);

    const racing = [1, 2].map((version) => box.transaction((tx) => tx.queue().put(feed('a', version))));
    const results = await Promise.allSettled(racing);

    expect(results.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
    expect(results.find(({ status }) => status === 'rejected')).toMatchObject({
      reason: { code: 'CONFLICT' },
    });
    expect([await queue.length(), (await names()).length]).toEqual([1, 1]);
  });

  it('a job that was pulled asks again when it is put, and gives the job that has taken its name meanwhile', async () => {
    const { queue, feed, names } = await setUp(makeStore);
    const first = await queue.put(feed('a', 1));
    const pulled = await queue.pull();
    const again = await queue.put(pulled);
    expect([again.id, again.putResult, (await names())[0]?.job]).toEqual([first.id, 'added', first.id]);

    const once = await queue.pull();
    const second = await queue.put(feed('a', 2));
    const given = await queue.put(once);

    expect([second.putResult, given.putResult, given.id]).toEqual(['added', 'existing', second.id]);
    expect((await first.refresh()).status).toBe('NEW');
  });

  it('a job that was pulled and put without its name leaves it to others', async () => {
    const { queue, feed } = await setUp(makeStore);
    await queue.put(feed('a', 1));
    const pulled = await queue.pull();
    await queue.put(pulled, { unique: false });

    expect(pulled.record.uniqueKey).toBeNull();
    expect((await queue.put(feed('a', 2))).putResult).toBe('added');
  });

  it('a put under an id that is known says so, and one under a new id asks for the name as any other', async () => {
    const { queue, feed } = await setUp(makeStore);
    const first = await queue.put(feed('a', 1), { id: 'import-1' });

    const again = await queue.put(feed('a', 1), { id: 'import-1' });
    const other = await queue.put(feed('a', 1), { id: 'import-2' });

    expect([again, other].map(({ id, putResult }) => [id, putResult])).toEqual([
      [first.id, 'existing'],
      [first.id, 'existing'],
    ]);
  });

  it('names last when the store is opened again', async () => {
    const store = makeStore();
    const first = await setUp(() => store);
    const job = await first.queue.put(first.feed('a', 1));
    await first.box.stop();

    const second = await setUp(() => store);

    expect((await second.queue.put(second.feed('a', 2))).id).toBe(job.id);
  });

  it.each<[string, unknown, string]>([
    ['a key that is no function', { key: 'id' }, 'INVALID_OPTION'],
    ['another until', { until: 'done' }, 'INVALID_OPTION'],
    ['another scope', { scope: 'host' }, 'INVALID_OPTION'],
    ['another answer', { onConflict: 'ignore' }, 'INVALID_OPTION'],
    ['an unknown option', { for: '1h' }, 'INVALID_OPTION'],
    ['what is no object', true, 'INVALID_OPTION'],
    ['a window of more than a year', { within: '366d' }, 'INVALID_OPTION'],
    ['a window that is no time', { within: 'soon' }, 'INVALID_DURATION'],
    ['a delay that is no time', { onConflict: { debounce: 'soon' } }, 'INVALID_DURATION'],
    ['a debounce without a delay', { onConflict: {} }, 'INVALID_DURATION'],
    ['a longest wait below the delay', { onConflict: { debounce: '2s', maxWait: '1s' } }, 'INVALID_OPTION'],
  ])('%s is refused where the job is defined, and where it is put', async (_what, unique, code) => {
    const { queue, note } = await setUp(makeStore);

    expect(() => defineJob({ name: 'task', run: () => null, unique: unique as never })).toThrow(
      expect.objectContaining({ code }),
    );
    await expect(queue.put(note('a'), { unique: unique as never })).rejects.toMatchObject({ code });
    expect(await queue.length()).toBe(0);
  });

  it('a key that is no JSON or too large is refused, and nothing is written', async () => {
    const { queue, note, names } = await setUp(makeStore);
    const put = (key: unknown) => queue.put(note('a'), { unique: { key: () => key } });

    await expect(put(new Date(0))).rejects.toMatchObject({ code: 'ARGS_NOT_JSON' });
    await expect(put(undefined)).rejects.toMatchObject({ code: 'ARGS_NOT_JSON' });
    await expect(put('x'.repeat(16 * 1024))).rejects.toThrow('Give `unique` a `key` of less');
    expect((await put('x'.repeat(16 * 1024 - 2))).putResult).toBe('added');
    expect([await queue.length(), (await names()).length]).toEqual([1, 1]);
  });

  it('computes its key from the arguments of the job, as their types say', () => {
    defineJob({
      name: 'task',
      run: (_tenant: string) => null,
      // @ts-expect-error -- the argument is text
      unique: { key: (tenant: number) => tenant },
    });
  });
});
