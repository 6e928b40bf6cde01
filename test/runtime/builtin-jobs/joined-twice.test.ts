import { agent, defineJob, extend, type Job, parallel, serial } from 'signalbox';
import { expect, it } from 'vitest';
import { forEachStore, makeBox } from '../../behaviours/stores.ts';

const ran: string[] = [];
const work = defineJob({ name: 'work', run: (name: string) => void ran.push(name) });
const list = defineJob({ name: 'list', run: (...jobs: Job[]) => jobs.map(({ args }) => String(args[0])) });
const grow = defineJob({
  name: 'grow',
  run: async (main: Job, inner: Job): Promise<void> => {
    ran.push('grow');
    await extend(main, inner, inner);
  },
});
const jobs = [work, list, grow];

forEachStore('A job that stands in a joined job twice', (makeStore) => {
  it.each([
    ['serial', serial],
    ['parallel', parallel],
  ] as const)('runs once, and the postprocess gets it twice: %s', async (_name, join) => {
    ran.length = 0;
    const { box, reactor } = await makeBox({ store: makeStore(), jobs });
    await box.start();
    const [a, b] = [work('a'), work('b')];

    const joined = await box.queue().put(join([a, b, a, a], { postprocess: list.partial() }));
    await reactor.runUntilIdle();

    expect(await joined.result()).toEqual(['a', 'b', 'a', 'a']);
    expect(ran).toEqual(['a', 'b']);
  });

  it('runs once in a parallel job when it waits in the queue already, and when it is appended twice', async () => {
    ran.length = 0;
    const { box, reactor } = await makeBox({ store: makeStore(), jobs });
    await box.start({ agent: agent({ size: 10 }) });
    const waiting = await box.queue().put(work('waiting'), { beginAfter: '1m' });
    const appended = work('appended');
    const main = parallel([waiting, waiting], { postprocess: list.partial() });
    main.args = [...main.args, grow(main, appended)];

    const joined = await box.queue().put(main);
    await reactor.advance('2m');

    expect(await joined.result()).toHaveLength(5);
    expect(ran).toEqual(['grow', 'appended', 'waiting']);
  });
});
