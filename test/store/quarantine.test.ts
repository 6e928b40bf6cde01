import { createSignalbox, defineJob } from 'signalbox';
import { expect, it } from 'vitest';
import { forEachStore } from '../behaviours/stores.ts';

forEachStore('A job in a state that this version does not know', (makeStore) => {
  it('is kept and shown over a restart, and nothing happens to it', async () => {
    const calls: string[] = [];
    const note = defineJob({ name: 'note', run: (word: string) => void calls.push(word) });
    const store = makeStore();
    const options = { store, jobs: [note], queues: [''], uuid: '11111111-1111-4111-8111-111111111111' };
    const first = await createSignalbox(options);
    const patch = { name: 'note', args: ['odd'], parent: { queue: '' }, order: ['now', 0], beginAfter: 1 };
    const change = { kind: 'job', id: 'odd', event: 'job.put', from: null, to: 'paused', patch } as const;
    await first.store.commit({ by: 'a later version', changes: [change], expect: [] }).synced;
    await first.stop();

    const second = await createSignalbox(options);
    await second.start();
    await (await second.queue().put(note('usual'))).result();

    expect(calls).toEqual(['usual']);
    expect((await second.store.quarantined()).map(({ id, state }) => [id, state])).toEqual([
      ['odd', 'paused'],
    ]);
    expect(await second.queue().length()).toBe(0);
    await second.stop();
  });
});
