import {
  agent,
  createSignalbox,
  defineFilter,
  defineJob,
  type Job,
  local,
  NeverRetry,
  RetryAfterError,
  type RetryPolicy,
} from 'signalbox';
import { expect, it } from 'vitest';
import { makeControlledJobs } from './controlled-jobs.ts';
import { forEachStore, type MakeStore, makeBox } from './stores.ts';

/** Jobs of tenants that run until the test ends them, at most one of a tenant at once. */
async function setUp(makeStore: MakeStore, limit = 1) {
  const { opened, open } = makeControlledJobs();
  const started: string[] = [];
  const task = defineJob({
    name: 'task',
    run: async (tenant: string, name: string) => {
      started.push(`${tenant}:${name}`);
      await opened(name);
    },
    concurrency: { limit, key: (tenant) => tenant, name: 'tenant' },
  });
  const testBox = await makeBox({ store: makeStore(), jobs: [task], queues: [''] });
  await testBox.box.start({ agent: agent({ size: 20 }) });
  const end = async (name: string): Promise<void> => {
    open(name);
    await testBox.reactor.runUntilIdle();
  };
  return { ...testBox, queue: testBox.box.queue(), task, started, end };
}

/** Jobs that note when they begin. */
function timed(now: () => number) {
  const begun: number[] = [];
  return { begun, note: () => void begun.push(now()) };
}

forEachStore('Limits', (makeStore) => {
  it('of concurrency with a key let as many jobs of each key run at once, in the order of their puts', async () => {
    const { queue, task, started, end, reactor } = await setUp(makeStore);

    const jobs = await queue.putAll([
      ...['a1', 'a2', 'a3'].map((name) => task('a', name)),
      ...['b1', 'b2'].map((name) => task('b', name)),
    ]);
    await reactor.runUntilIdle();

    expect(started).toEqual(['a:a1', 'b:b1']);
    expect(jobs[0]?.record.keys).toEqual(['tenant/a']);
    const { size, keyed, jobs: holders, parked, filled } = await queue.quotas.get('tenant', 'a');
    expect({ size, keyed, holders, parked, filled }).toEqual({
      ...{ size: 1, keyed: true, holders: [jobs[0]?.id], parked: 2, filled: true },
    });
    await end('a1');
    await end('b1');
    await end('a2');
    expect(started).toEqual(['a:a1', 'b:b1', 'a:a2', 'b:b2', 'a:a3']);
    for (const name of ['a3', 'b2']) await end(name);
    expect((await queue.quotas.get('tenant', 'a')).jobs).toEqual([]);
  });

  it('without a key hold for all jobs of the definitions that share the name', async () => {
    const { opened, open } = makeControlledJobs();
    const started: string[] = [];
    const concurrency = { limit: 2, name: 'both' };
    const run = async (name: string) => {
      started.push(name);
      await opened(name);
    };
    const one = defineJob({ name: 'one', run, concurrency });
    const other = defineJob({ name: 'other', run, concurrency });
    const { box, reactor } = await makeBox({ store: makeStore(), jobs: [one, other], queues: ['q'] });
    await box.start({ agent: agent({ size: 9 }) });

    await box.queue('q').putAll([one('1'), other('2'), one('3'), other('4')]);
    await reactor.runUntilIdle();

    expect(started).toEqual(['1', '2']);
    open('1');
    await reactor.runUntilIdle();
    expect(started).toEqual(['1', '2', '3']);
    expect(await box.queue('q').quotas.names()).toEqual(['both']);
  });

  it('of a rate let as many jobs of a key begin in a time, each as soon as it may', async () => {
    const { begun, note } = timed(() => reactor.now());
    const call = defineJob({
      name: 'call',
      run: (_host: string) => note(),
      rateLimit: { limit: 10, per: '1s', key: (host) => host },
    });
    const { box, reactor } = await makeBox({ store: makeStore(), jobs: [call], queues: [''] });
    await box.start({ agent: agent({ size: 20 }) });
    const since = reactor.now();

    await box.queue().putAll(Array.from({ length: 5 }, () => call('example.org')));
    await reactor.advance('350ms');

    expect(begun.map((at) => at - since)).toEqual([0, 100, 200, 300]);
    expect((await box.queue().quotas.get('call.rate', 'example.org')).opensAt).toBe(since + 400);
    await reactor.advance('1s');
    expect(begun).toHaveLength(5);
  });

  it('of a rate without a key hold up all jobs that have it, and no others', async () => {
    const { begun, note } = timed(() => reactor.now());
    const slow = defineJob({ name: 'slow', run: note, rateLimit: { limit: 1, per: '2s', burst: 2 } });
    const free = defineJob({ name: 'free', run: () => 'free' });
    const { box, reactor } = await makeBox({ store: makeStore(), jobs: [slow, free], queues: [''] });
    await box.start({ agent: agent({ size: 20 }) });
    const since = reactor.now();

    const [job] = await box.queue().putAll([free(), ...Array.from({ length: 4 }, () => slow())]);
    await reactor.advance('3s');
    expect((await job?.refresh())?.status).toBe('COMPLETED');
    expect(begun.map((at) => at - since)).toEqual([0, 0, 2000]);
    await reactor.advance('2s');
    expect(begun.map((at) => at - since)).toEqual([0, 0, 2000, 4000]);
  });

  it('of a rate count each attempt: a policy that answers with a retry at once waits for the next token', async () => {
    const { begun, note } = timed(() => reactor.now());
    const atOnce: RetryPolicy = { ...NeverRetry, name: 'atOnce', startsOnce: false, jobError: () => true };
    const call = defineJob({
      name: 'call',
      retry: atOnce,
      run: () => {
        note();
        if (begun.length < 3) throw new Error('again');
      },
      rateLimit: { limit: 1, per: '1s' },
    });
    const { box, reactor } = await makeBox({ store: makeStore(), jobs: [call], queues: [''] });
    await box.start();
    const since = reactor.now();

    const job = await box.queue().put(call());
    await reactor.advance('3s');

    expect(begun.map((at) => at - since)).toEqual([0, 1000, 2000]);
    expect((await job.refresh()).ending).toBe('succeeded');
  });

  it('are made by the first put, in its commit, and only where a queue lacks them', async () => {
    const { box, queue, task } = await setUp(makeStore);
    await box.createQueue('other');
    expect(await queue.quotas.names()).toEqual([]);

    const job = await queue.put(task('a', '1'));

    const entries = [];
    for await (const entry of box.entries()) entries.push(entry);
    const made = entries.find(({ event }) => event === 'quota.created');
    const put = entries.find(({ id, event }) => id === job.id && event === 'job.put');
    expect(made?.patch).toEqual({ size: 1, keyed: true });
    expect(made?.commit).toBe(put?.commit);
    expect(await box.queue('other').quotas.names()).toEqual([]);
    const others = await Promise.all(['1', '2', '3'].map((name) => box.queue('other').put(task('a', name))));
    expect(others).toHaveLength(3);
    expect(await box.queue('other').quotas.names()).toEqual(['tenant']);
  });

  it('get the figures of the code at a start, unless an operator has set them', async () => {
    const store = makeStore();
    const define = (limit: number) =>
      defineJob({
        name: 'task',
        run: (_tenant: string) => null,
        concurrency: { limit, key: (tenant) => tenant, name: 'tenant' },
        rateLimit: { limit: 5, per: '1m', name: 'all' },
      });
    const [first, second] = [define(1), define(3)];
    const before = await makeBox({ store, jobs: [first], queues: [''] });
    await before.box.queue().put(first('a'));
    await before.stop();

    const { box, logged } = await makeBox({ store, jobs: [second] });
    await box.start();
    expect(await box.queue().quotas.get('tenant')).toMatchObject({ size: 3, pinned: false });
    expect(logged('INFO').filter((text) => text.startsWith('quota'))).toEqual([
      "quota 'tenant' in queue '' changed, as the code says: size 3 for each key instead of size 1 for each key",
    ]);
    await box.queue().quotas.set('tenant', { size: 7 });
    await box.queue().quotas.set('all', { rate: null });
    await box.stop();

    const after = await makeBox({ store, jobs: [second] });
    await after.box.start();
    expect(await after.box.queue().quotas.get('tenant')).toMatchObject({ size: 7, pinned: true });
    expect(await after.box.queue().quotas.get('all')).toMatchObject({ rate: null, pinned: true });
  });

  it.each<[string, object, string]>([
    ['a limit of 0', { concurrency: { limit: 0 } }, 'INVALID_OPTION'],
    ['a limit that is no whole number', { concurrency: { limit: 1.5 } }, 'INVALID_OPTION'],
    ['a key that is no function', { concurrency: { limit: 1, key: 'tenant' } }, 'INVALID_OPTION'],
    ['an unknown option', { concurrency: { size: 1 } }, 'INVALID_OPTION'],
    ['a rate without a time', { rateLimit: { limit: 1 } }, 'INVALID_DURATION'],
    ['a rate in no time', { rateLimit: { limit: 1, per: 0 } }, 'INVALID_OPTION'],
    ['a burst of 0', { rateLimit: { limit: 1, per: '1s', burst: 0 } }, 'INVALID_OPTION'],
    ['a name that is none', { concurrency: { limit: 1, name: 'a b' } }, 'INVALID_NAME'],
    ['two limits of one name', { concurrency: [{ limit: 1 }, { limit: 2 }] }, 'INVALID_OPTION'],
    [
      'a name with keys and without',
      { concurrency: { limit: 1, name: 'x' }, rateLimit: { limit: 1, per: 1, name: 'x', key: () => 'k' } },
      'INVALID_OPTION',
    ],
  ])('%s is refused where the job is defined', (_what, options, code) => {
    expect(() => defineJob({ name: 'task', run: () => null, ...options })).toThrow(
      expect.objectContaining({ code }),
    );
  });

  it('compute their keys from the arguments of the job, as their types say', () => {
    defineJob({
      name: 'task',
      run: (_tenant: string) => null,
      // @ts-expect-error -- the argument is text
      concurrency: { limit: 1, key: (tenant: number) => String(tenant) },
    });
  });

  it('that two definitions give other figures are refused where the second one is registered', async () => {
    const one = defineJob({ name: 'one', run: () => 1, concurrency: { limit: 1, name: 'x' } });
    const other = defineJob({ name: 'other', run: () => 2, concurrency: { limit: 2, name: 'x' } });

    await expect(createSignalbox({ store: makeStore(), jobs: [one, other] })).rejects.toMatchObject({
      code: 'INVALID_OPTION',
    });
  });

  it('need a key that is short text: a put with another one writes nothing', async () => {
    const task = defineJob({
      name: 'task',
      run: (_tenant: unknown) => null,
      concurrency: { limit: 1, key: (tenant) => tenant as string },
    });
    const { box } = await makeBox({ store: makeStore(), jobs: [task], queues: [''] });
    const queue = box.queue();

    for (const key of [42, '', '/a', 'a/', 'a\n', 'x'.repeat(201)])
      await expect(queue.put(task(key))).rejects.toMatchObject({ code: 'INVALID_KEY' });
    await expect(queue.put(task('a'), { keys: { task: '' } })).rejects.toMatchObject({ code: 'INVALID_KEY' });
    await expect(queue.put(task('a'), { keys: { other: '1' } })).rejects.toMatchObject({
      code: 'QUOTA_NOT_FOUND',
    });
    await queue.quotas.create('plain', { size: 1 });
    await expect(queue.put(task('a'), { keys: { plain: '1' } })).rejects.toMatchObject({
      code: 'INVALID_OPTION',
    });
    await queue.quotas.create('keyed', { size: 1, keyed: true });
    await expect(queue.put(task('a'), { quotaNames: ['keyed'] })).rejects.toMatchObject({
      code: 'INVALID_OPTION',
    });

    expect([await queue.length(), await queue.quotas.names()]).toEqual([0, ['keyed', 'plain']]);
  });

  it('take the keys of a put over those of the definition, also of a job that was pulled', async () => {
    const { queue, task, started, end, reactor } = await setUp(makeStore);
    await queue.quotas.create('host', { size: 1, keyed: true });
    await queue.put(task('a', '1'));
    const job = await queue.put(task('a', '2').with({ keys: { host: 'h' } }), { keys: { tenant: 'b' } });
    expect(new Set(job.record.keys)).toEqual(new Set(['host/h', 'tenant/b']));
    await queue.put(task('a', '3'));
    await reactor.runUntilIdle();
    expect(started).toEqual(['a:1', 'a:2']);

    const pulled = await queue.pull();
    await queue.put(pulled, { keys: { tenant: 'c' } });
    await reactor.runUntilIdle();

    expect(started).toEqual(['a:1', 'a:2', 'a:3']);
    expect((await pulled.refresh()).record.quotas).toEqual(['/tenant/c']);
    for (const name of ['1', '2', '3']) await end(name);
  });

  it('pass on the room of a parked job that is cancelled, and expire those that are too late', async () => {
    const { queue, task, started, end, reactor } = await setUp(makeStore);
    await queue.put(task('a', '1'));
    const second = await queue.put(task('a', '2'));
    const late = await queue.put(task('a', '3'), { beginBy: '1s' });
    await queue.put(task('a', '4'));
    await reactor.advance('6s');
    expect((await late.refresh()).ending).toBe('expired');

    expect(await second.cancel()).toBe('cancelled');
    await end('1');

    expect(started).toEqual(['a:1', 'a:4']);
    await end('4');
  });

  it('that become larger let parked jobs begin at once', async () => {
    const { queue, task, started, reactor } = await setUp(makeStore);
    await queue.putAll(['1', '2', '3', '4'].map((name) => task('a', name)));
    await reactor.runUntilIdle();
    expect(started).toHaveLength(1);

    await queue.quotas.set('tenant', { size: 3 });
    await reactor.runUntilIdle();

    expect(started).toEqual(['a:1', 'a:2', 'a:3']);
  });

  it('let others of a key begin at the next poll when an agent refuses the first', async () => {
    const { opened, open } = makeControlledJobs();
    const started: string[] = [];
    const task = defineJob({
      name: 'task',
      run: async (name: string) => {
        started.push(name);
        await opened(name);
      },
      concurrency: { limit: 1, key: () => 'k' },
    });
    const refusing = defineFilter('refusing', (job) => job.args[0] !== '2');
    const { box, reactor } = await makeBox({
      ...{ store: makeStore(), jobs: [task], queues: [''], filters: [refusing] },
    });
    await box.start({ agent: agent({ size: 5, filter: refusing }) });
    await box.queue().putAll(['1', '2', '3', '4'].map((name) => task(name)));
    await reactor.runUntilIdle();
    open('1');
    await reactor.runUntilIdle();
    expect(started).toEqual(['1']);

    await reactor.advance('5s');
    expect(started).toEqual(['1', '3']);
  });

  it('are closed by the code of a job, for all jobs of its key, and that counts as no attempt', async () => {
    const { begun, note } = timed(() => reactor.now());
    let isBusy = true;
    const call = defineJob({
      name: 'call',
      retry: { maxAttempts: 1 },
      run: (_account: string) => {
        note();
        if (isBusy) throw new RetryAfterError('1m', { limit: 'account' });
      },
      concurrency: { limit: 1, name: 'account', key: (account) => account },
    });
    const { box, reactor } = await makeBox({ store: makeStore(), jobs: [call], queues: [''] });
    await box.start({ agent: agent({ size: 9 }) });
    const since = reactor.now();
    const queue = box.queue();
    const [first, second] = await queue.putAll([call('a'), call('a')]);
    await reactor.runUntilIdle();
    isBusy = false;

    expect(begun.map((at) => at - since)).toEqual([0]);
    expect(await queue.quotas.get('account', 'a')).toMatchObject({
      ...{ paused: true, opensAt: since + 60_000, jobs: [] },
    });
    const other = await queue.put(call('b'));
    await reactor.runUntilIdle();
    expect((await other.refresh()).ending).toBe('succeeded');

    await reactor.advance('59s');
    expect(begun).toHaveLength(2);
    await reactor.advance('1s');
    expect([(await first?.refresh())?.ending, (await second?.refresh())?.ending]).toEqual([
      'succeeded',
      'succeeded',
    ]);
  });

  it('are not closed by a job whose policy allows no second run, nor by a name that is none of its limits', async () => {
    const define = (name: string, retry: object, limit: string) =>
      defineJob({
        ...{ name, retry },
        run: () => {
          throw new RetryAfterError('1m', { limit });
        },
        concurrency: { limit: 1, name: 'x' },
      });
    const once = define('once', NeverRetry, 'x');
    const other = define('other', { maxAttempts: 1 }, 'y');
    const { box, reactor } = await makeBox({ store: makeStore(), jobs: [once, other], queues: [''] });
    await box.start();

    const jobs = await box.queue().putAll([once(), other()]);
    await reactor.runUntilIdle();

    const endings = await Promise.all(jobs.map(async (job) => (await job.refresh()).ending));
    expect(endings).toEqual(['failed', 'failed']);
    expect((await box.queue().quotas.get('x')).paused).toBe(false);
  });

  it('are closed by one job at most 25 times; then its policy is asked', async () => {
    const call = defineJob({
      name: 'call',
      retry: { maxAttempts: 1 },
      run: () => {
        throw new RetryAfterError('1s', { limit: 'x' });
      },
      concurrency: { limit: 1, name: 'x' },
    });
    const { box, reactor } = await makeBox({ store: makeStore(), jobs: [call], queues: [''] });
    await box.start();
    const job = await box.queue().put(call());

    await reactor.advance('1m');

    expect((await job.refresh()).ending).toBe('failed');
    expect(job.record.attempts).toBe(26);
  });

  it('refuse a returned job that needs the slot of the job that returns it', async () => {
    const inner = defineJob({ name: 'inner', run: () => 1, concurrency: { limit: 1, name: 'x' } });
    const outer = defineJob({
      name: 'outer',
      run: () => local.getQueue().put(inner()) as Promise<Job<number>>,
      concurrency: { limit: 1, name: 'x' },
    });
    const { box, reactor } = await makeBox({ store: makeStore(), jobs: [inner, outer], queues: [''] });
    await box.start({ agent: agent({ size: 5 }) });

    const job = await box.queue().put(outer());
    await reactor.runUntilIdle();

    const { ending, outcome, id } = await job.refresh();
    expect(ending).toBe('failed');
    expect(outcome?.ok === false && outcome.failure.code).toBe('LIMIT_DEADLOCK');
    expect(outcome?.ok === false && outcome.failure.message).toContain(`while job ${id} waits for it`);
    expect(await box.queue().length()).toBe(0);
    await box.queue().quotas.set('x', { size: 2 });
    const again = await box.queue().put(outer());
    await reactor.runUntilIdle();
    expect((await again.refresh()).ending).toBe('succeeded');
  });

  it('say why a job waits: behind whom, until when, or that they are paused', async () => {
    const { box, queue, task, end, reactor } = await setUp(makeStore);
    const rated = defineJob({
      name: 'rated',
      run: (_host: string) => 1,
      rateLimit: { limit: 1, per: '10s', name: 'host', key: (host) => host },
    });
    box.define(rated);
    const [holder, parked] = await queue.putAll([task('a', '1'), task('a', '2')]);
    const [, later] = await queue.putAll([rated('h'), rated('h')]);
    await reactor.runUntilIdle();
    const opens = new Date(reactor.now() + 10_000).toISOString();

    const behind = await box.explain(parked?.id ?? '');
    expect(behind.verdict).toMatchObject({
      code: 'quota:/tenant/a',
      text: "key 'a' of limit 'tenant' is full: 1 of 1, and it is parked behind it",
    });
    const refs = behind.conditions.find(({ code }) => code === 'quota:/tenant/a')?.refs;
    expect(refs).toContainEqual({ kind: 'job', id: holder?.id });
    expect((await box.explain(later?.id ?? '')).verdict).toMatchObject({
      code: 'opens:/host/h',
      text: `the rate of key 'h' of limit 'host' lets the next one begin at ${opens}`,
    });

    await queue.pause({ key: ['tenant', 'a'] });
    await end('1');
    expect((await box.explain(parked?.id ?? '')).verdict).toMatchObject({
      code: 'opens:/tenant/a',
      text: "key 'a' of limit 'tenant' is closed until it is resumed",
    });
  });

  it('that are paused let no job of the key begin, until they are resumed or the time is over', async () => {
    const { queue, task, started, reactor } = await setUp(makeStore, 9);
    await queue.put(task('a', '1'));
    await reactor.runUntilIdle();

    await queue.pause({ key: ['tenant', 'a'], until: '1m' });
    await queue.putAll([task('a', '2'), task('b', '3')]);
    await reactor.advance('59s');
    expect(started).toEqual(['a:1', 'b:3']);
    expect(await queue.quotas.get('tenant', 'a')).toMatchObject({ paused: true, parked: 1 });
    await reactor.advance('1s');
    expect(started).toEqual(['a:1', 'b:3', 'a:2']);

    await queue.pause({ key: ['tenant', 'a'] });
    await queue.put(task('a', '4'));
    await reactor.advance('1h');
    expect(started).toHaveLength(3);
    expect(await queue.resume({ key: ['tenant', 'a'] })).toBe(true);
    expect(await queue.resume({ key: ['tenant', 'a'] })).toBe(false);
    await reactor.runUntilIdle();
    expect(started).toEqual(['a:1', 'b:3', 'a:2', 'a:4']);
    await expect(queue.pause({ key: ['none', 'a'] })).rejects.toMatchObject({
      code: 'QUOTA_NOT_FOUND',
    });
    for (const options of [{ key: ['tenant', 'a'], job: 'task' }, { key: 'tenant' }, { key: ['tenant'] }])
      await expect(queue.pause(options as never)).rejects.toMatchObject({ code: 'INVALID_OPTION' });
  });
});
