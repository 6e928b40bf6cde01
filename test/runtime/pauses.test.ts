import { agent, defineJob, type Job } from 'signalbox';
import { expect, it } from 'vitest';
import { forEachStore, type MakeStore, makeBox } from '../behaviours/stores.ts';

const send = defineJob({ name: 'mail.send', run: (to: string) => `sent to ${to}` });
const scan = defineJob({ name: 'scan', run: () => 'scanned' });
let endLong = (): void => {};
const thanks = defineJob({ name: 'mail.thanks', run: () => 'thanked' });
const long = defineJob({ name: 'long', run: () => new Promise<void>((resolve) => (endLong = resolve)) });

async function boxOf(makeStore: MakeStore) {
  const testBox = await makeBox({
    store: makeStore(),
    jobs: [send, scan, thanks, long],
    queues: ['', 'other'],
  });
  const { box, reactor } = testBox;
  await box.start({ agent: agent({ size: 5 }) });
  const queue = box.queue();
  const { agents } = await queue.dispatchers.get(box.uuid);
  const put = async <R>(job: Job<R>, name = ''): Promise<Job<R>> => {
    const handle = await box.queue(name).put(job);
    await reactor.runUntilIdle();
    return handle;
  };
  const status = async (job: Job<unknown>) => (await job.refresh()).status;
  return { ...testBox, queue, agents, put, status };
}

forEachStore('A pause', (makeStore) => {
  it('of a queue lets its jobs wait until it is resumed, and those of other queues run', async () => {
    const { queue, put, status, reactor } = await boxOf(makeStore);
    await queue.pause();
    const job = await put(send('ann'));
    const other = await put(send('bob'), 'other');
    expect([await status(job), await status(other)]).toEqual(['PENDING', 'COMPLETED']);
    await reactor.advance('1h');
    expect(await status(job)).toBe('PENDING');

    expect(await queue.resume()).toBe(true);
    await reactor.runUntilIdle();

    expect(await status(job)).toBe('COMPLETED');
    expect(await queue.resume()).toBe(false);
  });

  it('of definitions lets the others run, and is resumed by its own pattern', async () => {
    const { queue, put, status, reactor } = await boxOf(makeStore);
    await queue.pause({ job: 'mail.*' });
    const [paused, other] = [await put(send('ann')), await put(scan())];
    expect([await status(paused), await status(other)]).toEqual(['PENDING', 'COMPLETED']);

    expect(await queue.resume()).toBe(false);
    expect(await queue.resume({ job: 'mail.send' })).toBe(false);
    expect(await queue.resume({ job: 'mail.*' })).toBe(true);
    await reactor.runUntilIdle();

    expect(await status(paused)).toBe('COMPLETED');
  });

  it('lets go on what runs, with its callbacks', async () => {
    const { queue, put, status, reactor } = await boxOf(makeStore);
    const draft = long();
    await draft.addCallback(thanks);
    const job = await put(draft);
    expect(await status(job)).toBe('ACTIVE');

    await queue.pause();
    endLong();
    await reactor.runUntilIdle();

    expect(await status(job)).toBe('COMPLETED');
    const [callback] = (await job.callbacks()) as Job<unknown>[];
    expect(await callback?.result()).toBe('thanked');
  });

  it('ends by itself at its instant, not with the next poll', async () => {
    const { queue, put, status, reactor } = await boxOf(makeStore);
    await queue.pause({ until: '1m' });
    const job = await put(scan());
    await reactor.advance(60_000 - 1);
    expect(await status(job)).toBe('PENDING');

    await reactor.advance(1);

    expect(await status(job)).toBe('COMPLETED');
    expect(await queue.pauses()).toEqual([]);
  });

  it('is kept by whom, when, why and until when, and is replaced by another of its pattern', async () => {
    const { box, queue, reactor } = await boxOf(makeStore);
    const at = new Date(reactor.now());
    await queue.pause({ job: 'mail.*', reason: 'first' });
    await queue.pause({ reason: 'the server moves', until: '1h' });
    await queue.pause({ job: 'mail.*' });

    const until = new Date(reactor.now() + 3_600_000);
    expect(await queue.pauses()).toEqual([
      { job: null, by: box.uuid, at, reason: 'the server moves', until },
      { job: 'mail.*', by: box.uuid, at, reason: null, until: null },
    ]);
    expect(await box.queue('other').pauses()).toEqual([]);
  });

  it('of an agent lets its jobs run, and others take what waits', async () => {
    const { agents, put, status, reactor } = await boxOf(makeStore);
    const running = await put(long());

    await agents.pause('main', { reason: 'repairs' });
    const job = await put(scan());
    expect([await status(running), await status(job)]).toEqual(['ACTIVE', 'PENDING']);
    expect((await agents.get('main'))?.paused?.reason).toBe('repairs');
    await agents.set('second', agent({ filter: { jobs: ['scan'] } }));
    await reactor.advance('5s');
    expect(await status(job)).toBe('COMPLETED');
    await agents.remove('second');
    const next = await put(scan());
    await reactor.advance('5s');
    expect(await status(next)).toBe('PENDING');
    expect(await agents.resume('main')).toBe(true);
    await reactor.runUntilIdle();

    expect(await status(next)).toBe('COMPLETED');
    expect([await agents.resume('main'), (await agents.get('main'))?.paused]).toEqual([false, null]);
    endLong();
    await reactor.runUntilIdle();
  });

  it('of an agent ends by itself, and stays when its settings are changed', async () => {
    const { agents, put, status, reactor } = await boxOf(makeStore);
    await agents.pause('main', { until: '10s' });
    await agents.set('main', agent({ size: 7 }));
    const job = await put(scan());
    await reactor.advance(9_999);
    expect(await status(job)).toBe('PENDING');

    await reactor.advance(1);

    expect(await status(job)).toBe('COMPLETED');
  });

  it('is part of the transaction that makes it', async () => {
    const { box, queue, put, status } = await boxOf(makeStore);
    await expect(
      box.transaction(async (transaction) => {
        await transaction.queue().pause();
        throw new Error('no');
      }),
    ).rejects.toThrow('no');
    expect(await status(await put(scan()))).toBe('COMPLETED');

    await box.transaction(async (transaction) => {
      await transaction.queue().pause();
      await transaction.queue().put(scan());
    });

    expect([await status(await put(scan())), await queue.length()]).toEqual(['PENDING', 2]);
  });

  it('outlives the process', async () => {
    const store = makeStore();
    const first = await boxOf(() => store);
    await first.queue.pause({ job: 'scan' });
    const { id } = await first.put(scan());
    await first.stop();

    const { box, queue, status, reactor } = await boxOf(() => store);
    await reactor.advance('1h');
    const job = box.job(id ?? '');
    expect([await status(job), (await queue.pauses()).length]).toEqual(['PENDING', 1]);
    await queue.resume({ job: 'scan' });
    await reactor.runUntilIdle();

    expect(await status(job)).toBe('COMPLETED');
  });

  it('is explained: who, why, until when, and how it ends', async () => {
    const { box, queue, agents, put, reactor } = await boxOf(makeStore);
    const since = new Date(reactor.now()).toISOString();
    const until = new Date(reactor.now() + 60_000).toISOString();
    await queue.pause({ job: 'mail.*', until: '1m', reason: 'the server moves' });
    const { id } = await put(send('ann'));
    expect((await box.explain(id ?? '')).verdict).toEqual({
      code: 'paused',
      text: `jobs mail.* of queue '' are paused by ${box.uuid} since ${since}, until ${until}: the server moves`,
      remedy: "Wait until it is resumed: queue.resume({ job: 'mail.*' }).",
    });

    await queue.resume({ job: 'mail.*' });
    await reactor.runUntilIdle();
    await agents.pause('main');
    const paused = await put(scan());

    const { verdict, conditions } = await box.explain(paused.id ?? '');
    expect(verdict.code).toBe('agents');
    expect(verdict.text).toContain(`'main' (is paused by ${box.uuid} since`);
    expect(conditions.find(({ code }) => code.startsWith('agent:'))?.remedy).toBe(
      'Resume it: agents.resume.',
    );
  });

  it('is refused where there is no such queue or agent, and for options that are none', async () => {
    const { box, queue, agents } = await boxOf(makeStore);
    const refused = (code: string) => expect.objectContaining({ code });

    await expect(box.queue('none').pause()).rejects.toEqual(refused('QUEUE_NOT_FOUND'));
    await expect(agents.pause('none')).rejects.toEqual(refused('AGENT_NOT_FOUND'));
    await expect(queue.pause({ job: '' })).rejects.toEqual(refused('INVALID_OPTION'));
    await expect(queue.pause({ reason: 'x'.repeat(1001) })).rejects.toEqual(refused('INVALID_OPTION'));
    await expect(queue.pause({ until: 'soon' })).rejects.toEqual(refused('INVALID_INSTANT'));
    await expect(queue.pause({ key: 'x' } as never)).rejects.toEqual(refused('INVALID_OPTION'));
    await expect(agents.pause('main', { job: 'x' } as never)).rejects.toEqual(refused('INVALID_OPTION'));
    expect(await queue.pauses()).toEqual([]);
  });
});
