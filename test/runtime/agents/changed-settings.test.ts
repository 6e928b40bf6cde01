import { agent, defineFilter, defineJob, type Job } from 'signalbox';
import { expect, it } from 'vitest';
import { Barrier } from '../../behaviours/barrier.ts';
import { forEachStore, makeBox } from '../../behaviours/stores.ts';

let barrier = new Barrier();
const mail = defineJob({ name: 'mail', run: () => 'sent' });
const count = defineJob({ name: 'count', run: (n: number) => n });
const hold = defineJob({ name: 'hold', run: () => barrier.wait() });
const isSmall = defineFilter('isSmall', ({ args }) => Number(args[0]) < 10);
const isLarge = defineFilter('isLarge', ({ args }) => Number(args[0]) >= 10);
const jobs = [mail, count, hold];

/** The virtual time does not move in these tests: no poll comes that could bring the settings. */
forEachStore('Changed settings of an agent', (makeStore) => {
  const open = async (settings: Parameters<typeof agent>[0] = {}) => {
    barrier = new Barrier();
    const testBox = await makeBox({ store: makeStore(), jobs, filters: [isSmall, isLarge] });
    const { box } = testBox;
    await box.start({ agent: agent(settings) });
    const { agents } = await box.queue().dispatchers.get(box.uuid);
    const id = `/${box.uuid}/main`;
    /** As another process changes them. */
    const setElsewhere = (patch: object): Promise<void> => {
      const change = { kind: 'agent', id, event: 'agent.set', from: null, to: null } as const;
      const changes = [{ ...change, patch: patch as never }];
      return box.store.commit({ by: 'another', changes, expect: [] }).synced;
    };
    return { ...testBox, agents, setElsewhere };
  };
  const statuses = async (...all: readonly Job[]): Promise<string[]> => {
    const found: string[] = [];
    for (const job of all) found.push((await job.refresh()).status);
    return found;
  };

  it('hold for the next claim: a new filter is asked about the job that is put right after it', async () => {
    const { box, reactor, agents } = await open();
    const at = reactor.now();

    await agents.set('main', agent({ filter: { jobs: ['count'] } }));
    const refused = await box.queue().put(mail());
    const taken = await box.queue().put(count(1));
    await reactor.runUntilIdle();
    expect(await statuses(refused, taken)).toEqual(['PENDING', 'COMPLETED']);

    await agents.set('main', agent());
    await reactor.runUntilIdle();
    expect(await statuses(refused)).toEqual(['COMPLETED']);
    expect(reactor.now()).toBe(at);
  });

  it('hold for the next claim: a filter that is a function', async () => {
    const { box, reactor, agents } = await open({ filter: isSmall });
    const large = await box.queue().put(count(20));
    await reactor.runUntilIdle();
    expect(await statuses(large)).toEqual(['PENDING']);

    await agents.set('main', agent({ filter: isLarge }));
    const small = await box.queue().put(count(2));
    await reactor.runUntilIdle();

    expect(await statuses(large, small)).toEqual(['COMPLETED', 'PENDING']);
  });

  it('hold at once when a full agent gets room, and for the next job when it loses some', async () => {
    const { box, reactor, agents } = await open({ size: 1 });
    const held = (await box.queue().putAll([hold(), hold(), hold(), hold()])) as Job[];
    await reactor.runUntilIdle();
    expect(await statuses(...held)).toEqual(['ACTIVE', 'PENDING', 'PENDING', 'PENDING']);

    await agents.set('main', agent({ size: 2 }));
    await reactor.runUntilIdle();
    expect(await statuses(...held)).toEqual(['ACTIVE', 'ACTIVE', 'PENDING', 'PENDING']);

    await agents.set('main', agent({ size: 1 }));
    barrier.release('done');
    await reactor.runUntilIdle();
    expect(await statuses(...held)).toEqual(['COMPLETED', 'COMPLETED', 'ACTIVE', 'PENDING']);
  });

  it('hold for the next claim when another process has changed them', async () => {
    const { box, reactor, setElsewhere } = await open();

    await setElsewhere({ selection: { kind: 'data', filter: { jobs: ['count'] } } });
    const [refused, taken] = [await box.queue().put(mail()), await box.queue().put(count(1))];
    await reactor.runUntilIdle();
    expect(await statuses(refused, taken)).toEqual(['PENDING', 'COMPLETED']);

    await setElsewhere({ size: 1, selection: { kind: 'any' } });
    const [first, second] = await box.queue().putAll([hold(), hold()]);
    await reactor.runUntilIdle();
    expect(await statuses(refused, first as Job, second as Job)).toEqual(['COMPLETED', 'ACTIVE', 'PENDING']);
  });

  it('hold once the transaction is committed that changes them', async () => {
    const { box, reactor } = await open();

    const refused = await box.transaction(async (tx) => {
      const { agents } = await tx.queue().dispatchers.get(box.uuid);
      await agents.set('main', agent({ filter: { jobs: ['count'] } }));
      return tx.queue().put(mail());
    });
    await reactor.runUntilIdle();

    expect(await statuses(refused)).toEqual(['PENDING']);
  });

  it('hold after the agent was removed and added again between two polls', async () => {
    const { box, reactor, agents } = await open();
    await agents.remove('main');
    await agents.set('main', agent({ filter: { jobs: ['count'] } }));

    const [refused, taken] = [await box.queue().put(mail()), await box.queue().put(count(1))];
    await reactor.runUntilIdle();

    expect(await statuses(refused, taken)).toEqual(['PENDING', 'COMPLETED']);
  });
});
