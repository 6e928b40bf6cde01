import { agent, createSignalbox, defineJob } from 'signalbox';
import { expect, it } from 'vitest';
import { forEachStore, makeBox } from '../behaviours/stores.ts';

forEachStore('A job in a state that this version does not know', (makeStore) => {
  it('is kept and shown over a restart, and nothing happens to it', async () => {
    const calls: string[] = [];
    const note = defineJob({ name: 'note', run: (word: string) => void calls.push(word) });
    const store = makeStore();
    const options = { store, jobs: [note], queues: [''], uuid: '11111111-1111-4111-8111-111111111111' };
    const first = await createSignalbox(options);
    const patch = { name: 'note', args: ['odd'], parent: { queue: '' }, line: 'now', beginAfter: 1 };
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

  it('has no snapshot, and a call for one is refused with the reason', async () => {
    const { box } = await makeBox({ store: makeStore(), jobs: [], queues: [''] });
    const change = { kind: 'job', id: 'odd', event: 'job.put', from: null, to: 'paused' } as const;
    const changes = [{ ...change, patch: { name: 'note' } }];
    await box.store.commit({ by: 'a later version', changes, expect: [] }).synced;
    const job = await box.job('odd').refresh();

    const look = () => job.actorRef().getSnapshot();

    expect(look).toThrow(expect.objectContaining({ code: 'JOB_QUARANTINED' }) as Error);
    expect(job.record.state).toBe('paused');
  });

  it('keeps no worker busy when it was interrupted: its system job looks again ten minutes later', async () => {
    const note = defineJob({ name: 'note', run: (word: string) => word });
    const { box, reactor } = await makeBox({ store: makeStore(), jobs: [note], queues: [''] });
    const system = { name: 'signalbox.handleInterrupt', args: [{ $job: 'odd' }], parent: { queue: '' } };
    const put = { kind: 'job', event: 'job.put', from: null } as const;
    const changes = [
      { ...put, id: 'odd', to: 'active.paused', patch: { name: 'note', parent: { system: 'decides' } } },
      { ...put, id: 'decides', to: 'pending', patch: { ...system, line: 'now', beginAfter: 1 } },
    ] as const;
    await box.store.commit({ by: 'a later version', changes, expect: [] }).synced;

    await box.start({ agent: agent({ size: 1 }) });
    const usual = await box.queue().put(note('usual'));
    await reactor.advance('10s');

    expect(await usual.result()).toBe('usual');
    const decides = (await box.job('decides').refresh()).record;
    expect([decides.state, decides.attempts]).toEqual(['pending', 1]);
    await reactor.advance('20m');
    expect((await box.job('decides').refresh()).record.attempts).toBeGreaterThan(1);
    expect((await box.job('odd').refresh()).record.state).toBe('active.paused');
  });
});
