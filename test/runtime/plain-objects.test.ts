import { agent, defineJob } from 'signalbox';
import { expect, it } from 'vitest';
import { forEachStore, makeBox } from '../behaviours/stores.ts';

const work = defineJob({ name: 'work', run: () => 1 });

/** Names that every object inherits, and that a queue and an agent may have. */
const inherited = ['constructor', 'toString', 'valueOf'] as const;

forEachStore('What a program reads', (makeStore) => {
  it('is a plain object: the annotations of a job, as draft and as stored', async () => {
    const { box } = await makeBox({ store: makeStore(), jobs: [work], queues: [''] });
    const annotations = { owner: 'Ada', nested: { a: [1] } };
    const draft = work().with({ annotations });
    expect(draft.annotations).toStrictEqual(annotations);

    const job = await box.queue().put(draft);
    await job.setAnnotation('__proto__', { polluted: true });
    await job.refresh();

    expect(Object.getPrototypeOf(job.annotations)).toBe(Object.prototype);
    expect(job.annotations).toStrictEqual({ ...annotations, ['__proto__']: { polluted: true } });
    expect('polluted' in job.annotations).toBe(false);
  });

  it('is a plain object: a poll, its queues and its agents', async () => {
    const { box } = await makeBox({ store: makeStore(), jobs: [work] });

    const dispatcher = await box.start();

    const main = { size: 3, len: 0, error: null, newJobs: [], claimed: 0, activeJobs: [] };
    expect(dispatcher.getPollInfo().queues).toStrictEqual({ '': { main } });
  });

  it('has queues and agents of any name as keys of its own', async () => {
    const { box, reactor } = await makeBox({ store: makeStore(), jobs: [work] });
    const dispatcher = await box.start();
    const isListed = (name: string): boolean => Object.hasOwn(dispatcher.getPollInfo().queues, name);
    expect(inherited.map(isListed)).toEqual([false, false, false]);

    for (const name of inherited) await box.createQueue(name);
    await reactor.advance('10s');
    for (const name of inherited) {
      const { agents } = await box.queue(name).dispatchers.get(box.uuid);
      await agents.set(name, agent({ size: 1 }));
      await agents.remove('main');
    }
    await reactor.advance('10s');

    const { queues } = dispatcher.getPollInfo();
    expect(inherited.map((name) => Object.keys(queues[name] ?? {}))).toEqual(inherited.map((name) => [name]));
    const job = await box.queue('constructor').put(work());
    await reactor.runUntilIdle();
    expect(await job.result()).toBe(1);
    expect(dispatcher.getJobInfo(job.id ?? '')).toMatchObject({ agent: 'constructor', reassigned: false });
  });
});
