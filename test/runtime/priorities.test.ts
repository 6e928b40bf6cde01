import { agent, BadStatusError, defineJob, type Job } from 'signalbox';
import { expect, it } from 'vitest';
import { forEachStore, type MakeStore, makeBox } from '../behaviours/stores.ts';

const note = defineJob({ name: 'note', run: (text: string) => text });
const alarm = defineJob({ name: 'alarm', priority: 'high', run: (text: string) => text });

async function boxOf(makeStore: MakeStore) {
  const testBox = await makeBox({ store: makeStore(), jobs: [note, alarm], queues: [''] });
  const queue = testBox.box.queue();
  const texts = async () => (await queue.jobs()).map(({ args }) => args[0]);
  return { ...testBox, queue, texts };
}

async function events(job: Job<unknown>): Promise<string[]> {
  const found: string[] = [];
  for await (const { event } of job.history()) found.push(event);
  return found;
}

forEachStore('A priority', (makeStore) => {
  it('is that of the definition, of the job, or of the put, which counts most', async () => {
    const { queue } = await boxOf(makeStore);
    const put = async (job: Job<unknown>, options = {}) => (await queue.put(job, options)).priority;

    expect(await put(note('a'))).toBe(0);
    expect(await put(alarm('b'))).toBe(-5);
    expect(await put(alarm('c').with({ priority: 3 }))).toBe(3);
    expect(await put(alarm('d').with({ priority: 3 }), { priority: 'low' })).toBe(5);
    expect(await put(alarm('e'), { priority: 'normal' })).toBe(0);
  });

  it('that is no whole number from -9 to 9 and no word is refused, and nothing is stored', async () => {
    const { queue } = await boxOf(makeStore);
    const refusal = expect.objectContaining({
      code: 'INVALID_OPTION',
      message: expect.stringContaining(
        "`priority` to be a whole number from -9 to 9, 'high', 'normal' or 'low'",
      ),
    });

    for (const priority of [10, -10, 1.5, Number.NaN, 'urgent', null] as never[]) {
      await expect(queue.put(note('a'), { priority })).rejects.toEqual(refusal);
      expect(() => note('a').with({ priority })).toThrow(refusal);
      if (priority !== null) expect(() => defineJob({ name: 'x', priority, run: () => 1 })).toThrow(refusal);
    }
    expect(await queue.length()).toBe(0);
  });

  it('decides who runs first where one can run at a time', async () => {
    const { box, queue, reactor, texts } = await boxOf(makeStore);
    for (const text of ['a', 'b']) await queue.put(note(text));
    await queue.put(alarm('c'));
    await queue.put(note('d'), { priority: 'low' });
    expect(await texts()).toEqual(['c', 'a', 'b', 'd']);
    const jobs = await queue.jobs();

    await box.start({ agent: agent({ size: 1 }) });
    await reactor.runUntilIdle();

    const ended = await Promise.all(jobs.map(async (job) => (await job.refresh()).record));
    expect(ended.map(({ state }) => state)).toEqual(jobs.map(() => 'completed'));
    expect(ended.map(({ lastSeq }) => lastSeq)).toEqual(
      ended.map(({ lastSeq }) => lastSeq).toSorted((one, other) => one - other),
    );
  });

  it('can be changed while the job waits, and not when it runs', async () => {
    const { box, queue, reactor, texts } = await boxOf(makeStore);
    await queue.put(note('a'));
    const job = await queue.put(note('b'));

    await job.setPriority('high');

    expect([job.priority, await texts()]).toEqual([-5, ['b', 'a']]);
    expect((await events(job)).at(-1)).toBe('priority.set');
    await expect(job.setPriority(10)).rejects.toMatchObject({ code: 'INVALID_OPTION' });
    await box.start();
    await reactor.runUntilIdle();
    await expect(job.setPriority(0)).rejects.toThrow(BadStatusError);
  });

  it('stays with a job that is pulled and put again, unless that put says another', async () => {
    const { queue } = await boxOf(makeStore);
    await queue.put(alarm('a'));
    const job = await queue.pull();

    await queue.put(job);
    expect((await job.refresh()).priority).toBe(-5);
    await queue.remove(job);
    await queue.put(job, { priority: 2 });

    expect((await job.refresh()).priority).toBe(2);
  });

  it('is worth as much time as the aging of the queue says', async () => {
    const { queue, reactor, texts } = await boxOf(makeStore);
    await queue.set({ aging: '10s' });
    await queue.put(note('usual'));
    reactor.setNow(reactor.now() + 21_000);
    await queue.put(note('urgent'), { priority: -2 });
    expect(await texts()).toEqual(['usual', 'urgent']);

    await queue.set({ aging: null });

    expect(await texts()).toEqual(['urgent', 'usual']);
    await expect(queue.set({ aging: -1 })).rejects.toMatchObject({ code: 'INVALID_DURATION' });
    await expect(queue.set({ ageing: 1 } as never)).rejects.toMatchObject({ code: 'INVALID_OPTION' });
  });

  it('is explained, with what it is worth', async () => {
    const { box, queue } = await boxOf(makeStore);
    const { id } = await queue.put(alarm('a'));
    const level = async () =>
      (await box.explain(id ?? '')).conditions.find(({ code }) => code === 'level')?.text;

    expect(await level()).toBe('its priority is -5: it counts as ready 5 hours earlier than it was');
    await queue.set({ aging: null });
    expect(await level()).toBe(
      'its priority is -5: those of a lower one go first, those of a higher one after it',
    );
  });
});
