import { agent, type CallbackProxy, defineJob, type Failure, type Job } from 'signalbox';
import { expect, it } from 'vitest';
import { forEachStore, makeBox } from '../../behaviours/stores.ts';

const ran: string[] = [];
const work = defineJob({
  name: 'work',
  run: (name: string) => {
    if (name === 'bad') throw new RangeError('too far');
    return name;
  },
});
const note = defineJob({
  name: 'note',
  run: (label: string, input: unknown) => {
    ran.push(`${label} ${String(input)}`);
    return `${label} ${String(input)}`;
  },
});
const rescue = defineJob({ name: 'rescue', run: (failure: Failure) => `rescued from ${failure.message}` });
const stumble = defineJob({ name: 'stumble', run: (_input: unknown) => Promise.reject(new Error('broken')) });

forEachStore('A pair of callbacks that is added to a proxy', (makeStore) => {
  const open = () => makeBox({ store: makeStore(), jobs: [work, note, rescue, stumble] });
  const added = (proxy: CallbackProxy): Promise<CallbackProxy> =>
    proxy.addCallbacks({ success: note.partial('value'), failure: note.partial('failure') });

  it.each<[what: string, name: string, first: Parameters<Job['addCallbacks']>[0], expected: string]>([
    ['the value of the chosen callback', 'bad', { failure: rescue }, 'value rescued from too far'],
    ['the Failure of the chosen callback', 'good', { success: stumble }, 'failure <Failure Error: broken>'],
    ['a value that a missing branch passes on', 'good', { failure: rescue }, 'value good'],
    [
      'a Failure that a missing branch passes on',
      'bad',
      { success: rescue as never },
      'failure <Failure RangeError: too far>',
    ],
  ])('is called with %s', async (_what, name, first, expected) => {
    ran.length = 0;
    const { box, reactor } = await open();
    await box.start();
    const job = work(name);
    const proxy = await job.addCallbacks(first);
    const second = await added(proxy);
    expect(await second.status()).toBe('NEW');

    await box.queue().put(job);
    await reactor.runUntilIdle();

    expect(ran).toEqual([expected]);
    expect(await second.outcome()).toEqual({ ok: true, value: expected });
    expect([(await job.refresh()).status, await second.status()]).toEqual(['COMPLETED', 'COMPLETED']);
  });

  it('is called in the order in which it was added, also to a stored proxy, below another pair, and after the choice', async () => {
    ran.length = 0;
    const { box, reactor } = await open();
    await box.start({ agent: null });
    const job = work('good');
    const proxy = await job.addCallbacks({});
    await proxy.addCallback(note.partial('first'));
    await box.queue().put(job);
    const stored = await added(proxy);
    await stored.addCallbacks({ success: note.partial('below') });
    await proxy.addCallback(note.partial('last'));
    expect([await stored.status(), await proxy.status()]).toEqual(['PENDING', 'PENDING']);

    await (await box.queue().dispatchers.get(box.uuid)).agents.set('main', agent());
    await reactor.advance('10s');
    expect(ran).toEqual(['first good', 'value good', 'below value good', 'last good']);

    const late = await added(proxy);
    await reactor.runUntilIdle();
    expect(await late.outcome()).toEqual({ ok: true, value: 'value good' });
  });

  it('refuses anything but success and failure', async () => {
    const proxy = await work('good').addCallbacks({});

    await expect(proxy.addCallbacks({ succes: note } as never)).rejects.toMatchObject({
      code: 'INVALID_OPTION',
    });
  });
});
