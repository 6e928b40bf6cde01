import { defineMachine } from 'signalbox';
import { waitForResult } from 'signalbox/testing';
import { describe, expect, it } from 'vitest';
import { fromTransition } from 'xstate';
import { opening, stores } from './document.ts';

/** A length: an object with one method, whose state outlives the process. */
const length = defineMachine(
  fromTransition((n: number, event: { type: 'change'; by: number }) => n + event.by, 0),
  { name: 'length' },
);

describe.each(stores)('The job can be a method of a persistent object, on a %s store:', (_, makeStore) => {
  it('the object is 0, a job of it changes it by 4, then it is 4', async () => {
    const { box, queue } = await opening(makeStore(), { machines: [length] });
    const root = await box.actor(length, 'root').start();
    expect((await root.snapshot()).context).toBe(0);

    const job2 = await queue.put(root.job({ type: 'change', by: 4 }));
    await waitForResult(job2);

    expect((await root.snapshot()).context).toBe(4);
  });
});

describe.each(stores)('The job can affect a persistent object, on a %s store:', (_, makeStore) => {
  it('what it changes and its result are one commit', async () => {
    const { box, queue } = await opening(makeStore(), { machines: [length] });
    const root = await box.actor(length, 'root').start();

    const job = await queue.put(root.job({ type: 'change', by: 4 }));
    await waitForResult(job);

    const commits = new Map<number, string[]>();
    for await (const { commit, kind, event } of box.store.entries(1))
      commits.set(commit, [...(commits.get(commit) ?? []), `${kind} ${event}`]);
    const [together] = [...commits.values()].filter((events) => events.includes('actor change'));
    expect(together).toContain('job job.finish');
  });
});
