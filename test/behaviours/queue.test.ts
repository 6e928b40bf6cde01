import {
  agent,
  BadStatusError,
  defineFilter,
  defineJob,
  Failure,
  type Job,
  type JobRecord,
  local,
  NeverRetry,
  type Queue,
  type RetryPolicy,
} from 'signalbox';
import { expect, it } from 'vitest';
import { forEachStore, makeBox } from './stores.ts';

const note = defineJob({ name: 'note', run: (text: string) => text });
const other = defineJob({ name: 'other', run: (text: string) => text });
const uuid = '00000000-0000-4000-8000-000000000001';

/** Puts a job back once, at the front, when its code throws. */
const putBackOnce: RetryPolicy = {
  ...NeverRetry,
  name: 'PutBackOnce',
  startsOnce: false,
  jobError: (_failure, _cache, tools) => {
    tools.trace('INFO', 'put back');
    return { after: 0 };
  },
};

async function texts(queue: Queue): Promise<unknown[]> {
  return (await queue.jobs()).map((job) => job.args[0]);
}

async function putAll(queue: Queue, ...all: readonly string[]): Promise<Job<string>[]> {
  const jobs: Job<string>[] = [];
  for (const text of all) jobs.push(await queue.put(note(text)));
  return jobs;
}

forEachStore('Queue', (makeStore) => {
  async function makeQueue() {
    const made = await makeBox({ store: makeStore(), jobs: [note, other], queues: ['', 'other'], uuid });
    made.reactor.run();
    return { ...made, queue: made.box.queue(), now: () => made.reactor.now() };
  }

  it('[Q-1] put makes a job of a definition, and gives a job that it is handed back as it is', async () => {
    const { box, queue } = await makeQueue();
    const bare = defineJob({ name: 'bare', run: () => 1 });
    box.define(bare);
    const draft = note('x');

    const made = await queue.put(bare);
    const same = await queue.put(draft, { beginAfter: '1h', beginBy: '2h', failureLogLevel: 'INFO' });

    expect(made.name).toBe('bare');
    expect(same).toBe(draft);
    await expect(queue.put((() => 1) as never)).rejects.toMatchObject({ code: 'ANONYMOUS_FUNCTION' });
  });

  it('[Q-2] put refuses a job that waits, is held, is done, or is a callback of one that waits', async () => {
    const { box, queue } = await makeQueue();
    const waiting = note('x');
    const callback = await waiting.addCallback(note.partial());
    await queue.put(waiting);

    await expect(queue.put(waiting)).rejects.toThrow(BadStatusError);
    await expect(queue.put(callback)).rejects.toThrow(BadStatusError);
    await expect(box.queue('other').put(waiting)).rejects.toThrow(BadStatusError);
    await queue.claim();
    await expect(queue.put(waiting)).rejects.toThrow(BadStatusError);
    await box.start();
    const done = await queue.put(note('y'));
    await done.waitFor('COMPLETED');
    await expect(queue.put(done)).rejects.toThrow(BadStatusError);
  });

  it('[Q-3] put refuses an unknown quota by its name and leaves the queue alone', async () => {
    const { queue } = await makeQueue();
    await queue.quotas.create('disk');

    const refused = queue.put(note('x'), { quotaNames: ['disk', 'tape'] });

    await expect(refused).rejects.toMatchObject({ code: 'QUOTA_NOT_FOUND', details: { name: 'tape' } });
    expect(await queue.length()).toBe(0);
  });

  it('[Q-4] without a time a job begins now; the call overrides the job, and a pulled job keeps its own', async () => {
    const { queue, now, reactor } = await makeQueue();

    const bare = await queue.put(note('now'));
    const own = await queue.put(note('own').with({ beginAfter: '1h' }));
    const called = await queue.put(note('called').with({ beginAfter: '1h' }), { beginAfter: '3h' });
    const start = now();
    await reactor.advance('10m');
    await queue.remove(own);
    await queue.put(own);

    expect(bare.beginAfter).toEqual(new Date(start));
    expect(called.beginAfter).toEqual(new Date(start + 3 * 3_600_000));
    expect((await own.refresh()).beginAfter).toEqual(new Date(start + 3_600_000));
  });

  it('[Q-5] put changes the deadline only when the call names one', async () => {
    const { queue } = await makeQueue();

    const none = await queue.put(note('none'));
    const own = await queue.put(note('own').with({ beginBy: '1m' }));
    const called = await queue.put(note('called').with({ beginBy: '1m' }), { beginBy: '2m' });
    await queue.remove(own);
    await queue.put(own, { beginBy: '3m' });
    await queue.remove(called);
    await queue.put(called);

    expect([none.beginBy, own.beginBy, called.beginBy]).toEqual([null, 180_000, 120_000]);
  });

  it('[Q-6] the log level and the retry policy of the call are set on the job', async () => {
    const { queue } = await makeQueue();
    const draft = note('x').with({ failureLogLevel: 'DEBUG', retryPolicy: 'RetryCommonForever' });

    await queue.put(draft, { failureLogLevel: 'WARNING', retryPolicy: NeverRetry });
    expect([draft.failureLogLevel, draft.retryPolicy]).toEqual(['WARNING', 'NeverRetry']);
    await queue.put(await queue.pull(), { failureLogLevel: 'CRITICAL' });
    await draft.refresh();
    expect([draft.failureLogLevel, draft.retryPolicy]).toEqual(['CRITICAL', 'NeverRetry']);
    await queue.put(await queue.pull(), { retryPolicy: 'RetryCommonForever' });

    await draft.refresh();
    expect([draft.failureLogLevel, draft.retryPolicy]).toEqual(['CRITICAL', 'RetryCommonForever']);
  });

  it('[Q-7] the first putting process is kept as the assigner, also when put back; pull and remove clear it', async () => {
    const store = makeStore();
    const first = await makeBox({ store, jobs: [note], queues: [''], uuid });
    const [pulled, removed, waits] = await putAll(first.box.queue(), 'pulled', 'removed', 'waits');
    const assigners = [pulled?.record.assigner];
    await first.box.queue().remove(removed as Job);
    assigners.push((await first.box.queue().pull()).record.assigner, removed?.record.assigner);
    await first.stop();

    const throwing = defineJob({
      name: 'note',
      retry: putBackOnce,
      run: (text: string) => {
        if ((local.getJob()?.record.attempts ?? 0) < 2) throw new Error('again');
        return text;
      },
    });
    const second = await makeBox({ store, jobs: [throwing], uuid: uuid.replace(/1$/, '2') });
    await second.box.start();
    const job = second.box.job(waits?.id ?? '');
    await job.waitFor('COMPLETED');

    expect(assigners).toEqual([uuid, null, null]);
    expect(job.record).toMatchObject({ assigner: uuid, attempts: 2 });
  });

  it('[Q-8] a job of the future is held in order of its time, any other joins the end of the line', async () => {
    const { queue } = await makeQueue();
    const later = async (text: string, beginAfter: string): Promise<Job<string>> =>
      queue.put(note(text).with({ id: text }), { beginAfter });

    const jobs = [
      await later('c', '3h'),
      await later('b2', '2h'),
      await later('b1', '2h'),
      await later('a', '1h'),
    ];
    const [now] = await putAll(queue, 'now');

    expect(await texts(queue)).toEqual(['now', 'a', 'b1', 'b2', 'c']);
    expect(jobs.map((job) => job.record.line)).toEqual(['held', 'held', 'held', 'held']);
    expect(now?.record.line).toBe('now');
  });

  it('[Q-9] a job with a time in the past joins the end of the line like any other', async () => {
    const { queue, now } = await makeQueue();
    await putAll(queue, 'first', 'second');

    await queue.put(note('pre-dated'), { beginAfter: now() - 3_600_000 });
    await putAll(queue, 'last');

    expect(await texts(queue)).toEqual(['first', 'second', 'pre-dated', 'last']);
  });

  it('[Q-10] a job that is put too late is accepted, and fails with a TimeoutError when claimed', async () => {
    const { box, queue, now } = await makeQueue();

    const job = await queue.put(note('x'), { beginAfter: now() - 60_000, beginBy: '10s' });
    const status = job.status;
    await box.start();

    await expect(job.result()).rejects.toMatchObject({ name: 'TimeoutError', code: 'TIMEOUT' });
    expect([status, job.ending]).toEqual(['PENDING', 'expired']);
  });

  it('[Q-8] an instant that no Date can hold is refused, also as a delay, and leaves the queue alone', async () => {
    const { queue } = await makeQueue();
    const endless = `${'9'.repeat(400)}d`;

    for (const beginAfter of [1e300, { after: 1e300 }, '999999999999d'])
      await expect(queue.put(note('x'), { beginAfter })).rejects.toMatchObject({ code: 'INVALID_INSTANT' });
    await expect(queue.put(note('x'), { beginAfter: endless })).rejects.toMatchObject({
      code: 'INVALID_DURATION',
    });
    await expect(queue.put(note('x'), { beginBy: endless })).rejects.toMatchObject({
      code: 'INVALID_DURATION',
    });

    expect(await queue.length()).toBe(0);
  });

  it('[Q-11] after put the job waits in the queue, which is one longer', async () => {
    const { queue } = await makeQueue();
    await putAll(queue, 'one');

    const [job] = await putAll(queue, 'two');

    expect(job?.status).toBe('PENDING');
    expect(job?.record.parent).toEqual({ queue: '' });
    expect(await queue.length()).toBe(2);
  });

  it('[Q-12] puts at the same time conflict neither with each other nor with claims', async () => {
    const { queue } = await makeQueue();
    await putAll(queue, 'waiting');

    const [claimed, ...put] = await Promise.all([
      queue.claim(),
      ...Array.from({ length: 50 }, (_, index) => queue.put(note(`${index}`))),
    ]);

    expect(claimed?.args).toEqual(['waiting']);
    expect(new Set(put.map((job) => job.id)).size).toBe(50);
    expect(await texts(queue)).toEqual(Array.from({ length: 50 }, (_, index) => `${index}`));
  });

  it('[Q-13] jobs that are put back come before all others, in the order in which they were put back', async () => {
    const { box, queue, reactor } = await makeQueue();
    const opens = new Map<string, () => void>();
    const flaky = defineJob({
      name: 'flaky',
      retry: putBackOnce,
      run: async (text: string) => {
        await new Promise<void>((resolve) => opens.set(text, resolve));
        throw new Error('again');
      },
    });
    box.define(flaky);
    const firstTime = defineFilter('firstTime', (job) => job.name === 'flaky' && job.attempts === 0);
    await putAll(queue, 'waiting');
    const jobs: Job<unknown>[] = [];
    for (const text of ['a', 'b', 'c']) jobs.push(await queue.put(flaky(text)));

    await box.start({ agent: agent({ filter: firstTime }) });
    await jobs[2]?.waitFor('ACTIVE');
    const lengthBefore = await queue.length();
    for (const text of ['c', 'a', 'b']) {
      opens.get(text)?.();
      await reactor.runUntilIdle();
    }

    expect(await texts(queue)).toEqual(['c', 'a', 'b', 'waiting']);
    expect([lengthBefore, await queue.length()]).toEqual([1, 4]);
    expect((await jobs[0]?.refresh())?.record).toMatchObject({ state: 'pending', parent: { queue: '' } });
    expect((await queue.pull()).args).toEqual(['c']);
  });

  it('[Q-14] the length counts jobs that are put back, immediate and held', async () => {
    const { queue } = await makeQueue();
    const empty = await queue.length();

    await putAll(queue, 'now');
    await queue.put(note('held'), { beginAfter: '1h' });

    expect([empty, await queue.length()]).toEqual([0, 2]);
  });

  it('[Q-15] immediate and held jobs are merged by the time of their heads, held ones first on a tie', async () => {
    const { queue, now, reactor } = await makeQueue();
    const start = now();
    await queue.put(note('held 20'), { beginAfter: start + 20 });
    await queue.put(note('held 10'), { beginAfter: start + 10 });
    await putAll(queue, 'now 0');
    await reactor.advance(10);
    await putAll(queue, 'now 10');
    await reactor.advance(20);
    await queue.put(note('pre-dated'), { beginAfter: start });
    await putAll(queue, 'now 30');

    expect(await texts(queue)).toEqual(['now 0', 'held 10', 'now 10', 'pre-dated', 'held 20', 'now 30']);
  });

  it('[Q-16] places follow the order of iteration, count from the end when negative, and are refused outside', async () => {
    const { queue } = await makeQueue();
    await queue.put(note('held'), { beginAfter: '1h' });
    await putAll(queue, 'a', 'b');

    const seen = [(await queue.at(0)).args[0], (await queue.at(2)).args[0], (await queue.at(-2)).args[0]];
    const pulled = (await queue.pull(-1)).args[0];

    expect([...seen, pulled]).toEqual(['a', 'held', 'b', 'held']);
    for (const index of [2, -3, 0.5]) {
      await expect(queue.at(index)).rejects.toMatchObject({ code: 'INDEX_OUT_OF_RANGE' });
      await expect(queue.pull(index)).rejects.toMatchObject({ code: 'INDEX_OUT_OF_RANGE' });
    }
  });

  it('[Q-17] pull takes the first job out: NEW, without parent and assigner, with all else as it was', async () => {
    const { queue } = await makeQueue();
    await queue.quotas.create('disk');
    const draft = note('x').with({ beginAfter: '1h', beginBy: '2h', quotaNames: ['disk'] });
    const callback = await draft.addCallback(note.partial());
    const put = await queue.put(draft);

    const pulled = await queue.pull();

    expect(pulled.id).toBe(put.id);
    expect(pulled.status).toBe('NEW');
    expect(pulled.record).toMatchObject({ parent: null, assigner: null, beginBy: 7_200_000 });
    expect([pulled.beginAfter, pulled.quotaNames, pulled.args]).toEqual([put.beginAfter, ['disk'], ['x']]);
    expect(await pulled.callbacks()).toMatchObject([{ id: callback.id }]);
    expect(await queue.length()).toBe(0);
  });

  it('[Q-17] pulls at the same time take one job each, and the last one is refused', async () => {
    const { queue } = await makeQueue();
    await putAll(queue, 'a', 'b', 'c');

    const pulls = await Promise.allSettled(Array.from({ length: 4 }, () => queue.pull()));

    const taken = pulls.map((pull) => (pull.status === 'fulfilled' ? pull.value.args[0] : pull.reason.code));
    expect(taken.sort()).toEqual(['INDEX_OUT_OF_RANGE', 'a', 'b', 'c']);
    expect(await queue.length()).toBe(0);
  });

  it('[Q-17] a transaction that pulls a job for the second time is refused', async () => {
    const { box, queue } = await makeQueue();
    await putAll(queue, 'a', 'b');

    const twice = box.transaction(async (tx) => {
      await tx.queue('').pull();
      await tx.queue('').pull();
    });

    await expect(twice).rejects.toMatchObject({ code: 'JOB_NOT_WAITING' });
    expect(await texts(queue)).toEqual(['a', 'b']);
  });

  it('[Q-18] remove takes out that very job, and refuses one that does not wait in this queue', async () => {
    const { box, queue } = await makeQueue();
    const [a, twin] = await putAll(queue, 'same', 'same');
    const elsewhere = await box.queue('other').put(note('x'));
    const held = await queue.put(note('held'));
    await queue.claim((record) => record.id === held.id);

    await queue.remove(twin as Job);

    expect((await queue.jobs()).map((job) => job.id)).toEqual([a?.id]);
    expect([twin?.status, twin?.record.parent, twin?.record.assigner]).toEqual(['NEW', null, null]);
    for (const absent of [twin as Job, elsewhere, held])
      await expect(queue.remove(absent)).rejects.toMatchObject({ code: 'JOB_NOT_WAITING' });
    expect(await box.queue('other').length()).toBe(1);
  });

  it('[Q-19] a job that was pulled can be put again, in any queue, and runs', async () => {
    const { box, queue } = await makeQueue();
    await putAll(queue, 'x');

    const pulled = await queue.pull();
    await box.queue('other').put(pulled);
    await box.start();

    expect(await pulled.result()).toBe('x');
    expect((await pulled.place()).queue).toBe('other');
  });

  it('[Q-20] pull asks neither for the time nor for deadlines and quotas', async () => {
    const { queue, now } = await makeQueue();
    await queue.quotas.create('full');
    await queue.put(note('holder'), { quotaNames: ['full'] });
    await queue.claim();
    await queue.put(note('blocked'), { quotaNames: ['full'] });
    await queue.put(note('expired'), { beginAfter: now() - 5000, beginBy: 1 });
    await queue.put(note('future'), { beginAfter: '1h' });

    const pulled = [await queue.pull(), await queue.pull(), await queue.pull()];

    expect(pulled.map((job) => job.args[0])).toEqual(['blocked', 'expired', 'future']);
    expect(pulled.map((job) => job.status)).toEqual(['NEW', 'NEW', 'NEW']);
  });

  it('[Q-21] a job that was put back with its quota slots gives them up when it is pulled', async () => {
    const { box, queue } = await makeQueue();
    await queue.quotas.create('disk');
    const failing = defineJob({
      name: 'failing',
      retry: putBackOnce,
      run: () => {
        throw new Error('again');
      },
    });
    box.define(failing);
    const takesOnce = defineFilter('takesOnce', (job) => job.attempts === 0);

    const job = await queue.put(failing(), { quotaNames: ['disk'] });
    const dispatcher = await box.start({ agent: agent({ filter: takesOnce }) });
    await job.waitFor('PENDING');
    while ((await job.refresh()).record.attempts === 0 || job.status !== 'PENDING')
      await dispatcher.nextPoll();
    const kept = (await queue.quotas.get('disk')).jobs;
    await queue.pull();

    expect(kept).toEqual([job.id]);
    expect((await queue.quotas.get('disk')).jobs).toEqual([]);
  });

  it('[Q-22] a held job is claimed at its time from its place: nothing moves it before', async () => {
    const { box, queue, reactor } = await makeQueue();
    const job = await queue.put(note('x'), { beginAfter: '1h' });
    const { line, position } = (await job.refresh()).record;

    await reactor.advance('2h');
    const due = (await job.refresh()).record;
    const entries = [];
    for await (const entry of job.history()) entries.push(entry.event);
    const claimed = await queue.claim();

    expect([due.line, due.position]).toEqual([line, position]);
    expect(entries).toEqual(['job.put']);
    expect(claimed?.id).toBe(job.id);
    expect(box.state).toBe('running');
  });

  it('[Q-23] [Q-24] claim takes a job out of the queue, and gives the default when there is no job', async () => {
    const { queue } = await makeQueue();
    const [job] = await putAll(queue, 'x');

    const claimed = await queue.claim();

    expect(claimed?.id).toBe(job?.id);
    expect(await queue.length()).toBe(0);
    expect(await queue.claim()).toBeNull();
    expect(await queue.claim(null, 'nothing')).toBe('nothing');
    expect(await queue.claim(() => true, 0)).toBe(0);
  });

  it('[Q-25] claim walks the jobs in the order of iteration', async () => {
    const { queue, reactor } = await makeQueue();
    await queue.put(note('held'), { beginAfter: '5s' });
    await putAll(queue, 'before');
    await reactor.advance('10s');
    await putAll(queue, 'after');
    const order = await texts(queue);

    const asked: unknown[] = [];
    const ask = (job: JobRecord): boolean => asked.push(job.args[0]) < 0;
    await queue.claim(ask);
    const claimed = [];
    for (let index = 0; index < 3; index += 1) claimed.push((await queue.claim())?.args[0]);

    expect(order).toEqual(['before', 'held', 'after']);
    expect(asked).toEqual(order);
    expect(claimed).toEqual(order);
  });

  it('[Q-26] claim ends its walk at the first job of the future', async () => {
    const { queue } = await makeQueue();
    await putAll(queue, 'now');
    await queue.put(note('soon'), { beginAfter: '1s' });
    await queue.put(note('later'), { beginAfter: '1h' });
    const asked: unknown[] = [];

    const claimed = await queue.claim((job) => asked.push(job.args[0]) < 0, 'nothing');

    expect(claimed).toBe('nothing');
    expect(asked).toEqual(['now']);
  });

  it('[Q-27] a job past its deadline is claimed as a system job that fails it; at the very instant it is not', async () => {
    const { queue, reactor, now } = await makeQueue();
    const job = await queue.put(note('x'), { beginBy: '10s' });
    await reactor.advance('10s');
    const atDeadline = await queue.claim((candidate) => candidate.name !== 'note');
    await reactor.advance(1);

    const wrapper = await queue.claim();

    expect(atDeadline).toBeNull();
    expect(wrapper?.name).toBe('signalbox.fail');
    expect(wrapper?.args).toMatchObject([{ id: job.id }]);
    expect(wrapper?.record).toMatchObject({ assigner: uuid, beginAfter: now() });
    expect(await queue.length()).toBe(0);
  });

  it('[Q-28] a full quota lets the jobs in it pass, a quota that is gone is ignored', async () => {
    const { queue } = await makeQueue();
    await queue.quotas.create('disk');
    await queue.quotas.create('gone');
    await queue.put(note('holder'), { quotaNames: ['disk'] });
    await queue.claim();
    await queue.put(note('blocked'), { quotaNames: ['disk'] });
    await queue.put(note('free'), { quotaNames: ['gone'] });
    await queue.quotas.remove('gone');

    const claimed = [await queue.claim(), await queue.claim()];

    expect(claimed.map((job) => job?.args[0] ?? null)).toEqual(['free', null]);
    expect(claimed[0]?.record.quotas).toEqual([]);
    expect(await texts(queue)).toEqual(['blocked']);
  });

  it('[Q-29] a job that the filter refuses stays where it is', async () => {
    const { queue } = await makeQueue();
    await putAll(queue, 'a', 'b', 'c');

    const claimed = await queue.claim((job) => job.args[0] === 'b');

    expect(claimed?.args).toEqual(['b']);
    expect(await texts(queue)).toEqual(['a', 'c']);
  });

  it('[Q-30] claiming takes the job from the queue into each of its quotas', async () => {
    const { queue } = await makeQueue();
    await queue.quotas.create('disk');
    await queue.quotas.create('net');
    const job = await queue.put(note('x'), { quotaNames: ['disk', 'net'] });

    const claimed = await queue.claim();

    expect(claimed?.record.parent).not.toEqual({ queue: '' });
    expect((await queue.quotas.get('disk')).jobs).toEqual([job.id]);
    expect((await queue.quotas.get('net')).jobs).toEqual([job.id]);
    expect(await queue.length()).toBe(0);
  });

  it('[Q-31] a job that is blocked by a quota or a filter does not block those behind it', async () => {
    const { box, queue } = await makeQueue();
    const hang = defineJob({ name: 'hang', quotas: ['disk'], run: () => new Promise<void>(() => {}) });
    box.define(hang);
    await queue.quotas.create('disk');
    await queue.put(hang());
    const blocked = await queue.put(note('blocked'), { quotaNames: ['disk'] });
    const unwanted = await queue.put(other('unwanted'));
    const behind = await queue.put(note('behind'));

    await box.start({ agent: agent({ filter: { notJobs: ['other'] } }) });

    expect(await behind.result()).toBe('behind');
    expect((await blocked.refresh()).status).toBe('PENDING');
    expect((await unwanted.refresh()).status).toBe('PENDING');
  });

  it('[Q-32] a filter sees the system job in place of the expired one, so an agent must accept it', async () => {
    const { box, queue, reactor } = await makeQueue();
    const seen: string[] = [];
    const onlyNotes = defineFilter('onlyNotes', (job) => {
      seen.push(job.name);
      return job.name === 'note';
    });
    const job = await queue.put(note('x'), { beginBy: '1s' });
    await reactor.advance('2s');

    await box.start({ agent: agent({ filter: onlyNotes }) });
    const refused = (await job.refresh()).status;
    const { agents } = await queue.dispatchers.get(uuid);
    await agents.set('system', agent({ filter: { jobs: ['signalbox.*'] } }));
    await reactor.advance('6s');

    await expect(job.result()).rejects.toMatchObject({ name: 'TimeoutError', code: 'TIMEOUT' });
    expect(seen).toContain('signalbox.fail');
    expect(seen).not.toContain('note');
    expect(refused).toBe('PENDING');
  });

  it('[Q-33] a job outlives its deadline in the queue until an agent walks past it', async () => {
    const { box, queue, reactor } = await makeQueue();
    await box.start({ agent: null });
    const job = await queue.put(note('x'), { beginBy: '1s' });

    await reactor.advance('1h');
    const status = (await job.refresh()).status;
    const { agents } = await queue.dispatchers.get(uuid);
    await agents.set('main', agent());
    await reactor.advance('6s');

    expect(status).toBe('PENDING');
    await expect(job.result()).rejects.toMatchObject({ name: 'TimeoutError', code: 'TIMEOUT' });
  });

  it('[Q-34] expiry neither waits for a quota nor takes a slot of it', async () => {
    const { box, queue, reactor } = await makeQueue();
    await queue.quotas.create('disk');
    const holder = await queue.put(note('holder'), { quotaNames: ['disk'] });
    await queue.claim();
    const late = await queue.put(note('late'), { quotaNames: ['disk'], beginBy: '1s' });
    await reactor.advance('2s');

    const wrapper = await queue.claim();

    expect(wrapper?.record).toMatchObject({ name: 'signalbox.fail', quotas: [] });
    expect((await queue.quotas.get('disk')).jobs).toEqual([holder.id]);
    expect((await late.refresh()).record.quotas).toEqual([]);
    expect(box.state).toBe('running');
  });

  it('[Q-35] the failure callback of an expired job has its queue and can put what follows', async () => {
    const { box, queue, reactor } = await makeQueue();
    const followUp = defineJob({
      name: 'followUp',
      run: async (failure: unknown) => {
        if (!(failure instanceof Failure)) return 'not failed';
        await local.getQueue().put(note('instead').with({ id: 'instead' }));
        return `${local.getQueue().name}: ${failure.name}`;
      },
    });
    box.define(followUp);
    const draft = note('late').with({ beginBy: '1s' });
    const callback = await draft.addCallback(followUp);
    const job = await box.queue('other').put(draft);
    await reactor.advance('2s');

    await box.start();
    await job.waitFor('COMPLETED');

    expect(await callback.result()).toBe('other: TimeoutError');
    expect(await box.job('instead').result()).toBe('instead');
    expect((await box.job('instead').place()).queue).toBe('other');
    expect(await queue.length()).toBe(0);
  });

  it("[Q-36] the system job succeeds with null; the failure is logged at the expired job's own level", async () => {
    const { box, queue, reactor, entries } = await makeQueue();
    const job = await queue.put(note('late'), { beginBy: '1s', failureLogLevel: 'WARNING' });
    await reactor.advance('2s');
    await box.start();
    await job.waitFor('COMPLETED');
    await reactor.runUntilIdle();

    const main = await (await queue.dispatchers.get(uuid)).agents.get('main');
    const [wrapper] = (await main?.completed())?.filter((done) => done.name === 'signalbox.fail') ?? [];

    expect(wrapper?.outcome).toEqual({ ok: true, value: null });
    expect(wrapper?.record).toMatchObject({ retryPolicy: null, failureLogLevel: null });
    const failures = entries.filter((entry) => / expired: /.test(entry.message) && entry.job === job.id);
    expect(failures).toMatchObject([{ level: 'WARNING', stream: 'signalbox.events', job: job.id }]);
  });

  it('[Q-37] claims at the same time never take the same job, and each takes one', async () => {
    const { queue } = await makeQueue();
    const jobs = await putAll(queue, 'a', 'b', 'c');

    const claimed = await Promise.all(Array.from({ length: 4 }, () => queue.claim()));

    const ids = claimed.map((job) => job?.id ?? null);
    expect(new Set(ids)).toEqual(new Set([...jobs.map((job) => job.id), null]));
  });

  it('[Q-38] a scheduled job that is due is offered before jobs that were put after its time', async () => {
    const { queue, reactor } = await makeQueue();
    await putAll(queue, 'early');
    await queue.put(note('scheduled'), { beginAfter: '10s' });
    await reactor.advance('10s');
    await putAll(queue, 'at its time');
    await reactor.advance('10s');
    await putAll(queue, 'after');

    const claimed = [];
    for (let index = 0; index < 4; index += 1) claimed.push((await queue.claim())?.args[0]);

    expect(claimed).toEqual(['early', 'scheduled', 'at its time', 'after']);
  });
});
