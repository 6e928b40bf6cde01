import {
  agent,
  BadStatusError,
  defineJob,
  type Failure,
  type Job,
  NeverRetry,
  type RetryAnswer,
  type RetryPolicy,
} from 'signalbox';
import { expect, it } from 'vitest';
import { internals } from '../../src/runtime/box/internals.ts';
import { handleInterrupt } from '../../src/runtime/callbacks/interrupted-job.ts';
import { Barrier } from './barrier.ts';
import { disconnect, Faults, faultyStore, has } from './faulty-store.ts';
import { forEachStore, makeBox } from './stores.ts';

const seven = defineJob({ name: 'seven', run: () => 7 });
const decide = defineJob({ name: 'decide', run: (job: Job) => job.handleInterrupt() });
const start = Date.UTC(2030, 0, 1);

forEachStore('An interrupted job', (makeStore) => {
  /** A box whose job `slow` has been started and left behind by its worker, as a crash leaves it. */
  async function interrupted(answers: readonly RetryAnswer[], queue = '') {
    const faults = new Faults();
    const barrier = new Barrier();
    const asked: number[] = [];
    const left = [...answers];
    const policy: RetryPolicy = {
      ...NeverRetry,
      name: 'answering',
      startsOnce: false,
      interrupted: (data) => {
        asked.push(asked.length + 1);
        return { answer: left.shift() ?? false, data: { ...data, told: asked.length } };
      },
    };
    const slow = defineJob({ name: 'slow', retry: policy, run: () => barrier.wait() });
    const caught: string[] = [];
    const handle = defineJob({
      name: 'handle',
      run: (failure: unknown) => void caught.push((failure as Failure).name),
    });
    const testBox = await makeBox({
      store: faultyStore(makeStore(), faults),
      jobs: [seven, slow, decide, handle],
      queues: ['', 'a', 'b'],
    });
    const { box, reactor, entries } = testBox;
    const dispatcher = await box.start();
    const job = slow();
    await job.addCallback(handle);
    await box.queue(queue).put(job);
    await reactor.runUntilIdle();
    expect([(await job.refresh()).status, barrier.calls]).toEqual(['ACTIVE', 1]);
    return { box, reactor, entries, dispatcher, job, barrier, asked, caught, faults };
  }

  it('[J-74] goes to the front, or to a later time, or is aborted, as its policy says', async () => {
    const front = await interrupted([true]);
    front.dispatcher.abandon();
    const waiting = await front.box.queue().put(seven);
    await front.job.handleInterrupt();
    expect((await front.box.queue().jobs()).map(({ id }) => id)).toEqual([front.job.id, waiting.id]);
    expect([front.job.status, front.job.activeStart, front.job.outcome]).toEqual(['PENDING', null, null]);
    expect(front.job.record.retryData).toMatchObject({ told: 1 });

    const later = await interrupted([{ after: '1h' }]);
    later.dispatcher.abandon();
    await later.job.handleInterrupt();
    expect([later.job.status, later.job.beginAfter]).toEqual(['PENDING', new Date(start + 3_600_000)]);

    const never = await interrupted([false]);
    never.dispatcher.abandon();
    await never.job.handleInterrupt();
    expect([never.job.status, never.job.ending]).toEqual(['COMPLETED', 'aborted']);
    expect(never.job.outcome).toMatchObject({ ok: false, failure: { name: 'AbortedError' } });
    expect(never.caught).toEqual(['AbortedError']);
    const logged = never.entries.filter(({ job, level }) => job === never.job.id && level === 'ERROR');
    expect(logged).toEqual([expect.objectContaining({ message: expect.stringContaining('AbortedError') })]);
  });

  it('[J-75] whose abort is stored already only has its callbacks resumed', async () => {
    const about = await interrupted([false]);
    const barriers = [new Barrier(), new Barrier()];
    let calls = 0;
    const slowToo = defineJob({
      name: 'slowToo',
      run: (_input: unknown) => (barriers[calls++] as Barrier).wait(),
    });
    about.box.define(slowToo);
    const callback = await about.job.addCallback(slowToo);
    about.dispatcher.abandon();
    const first = about.job.handleInterrupt();
    await about.reactor.runUntilIdle();
    expect([(await about.job.refresh()).status, calls]).toEqual(['CALLBACKS', 1]);

    const second = about.job.handleInterrupt();
    await about.reactor.runUntilIdle();
    expect([about.asked, calls]).toEqual([[1], 2]);
    barriers[0]?.release('of the interrupted run');
    await about.reactor.runUntilIdle();
    expect((await callback.refresh()).status).toBe('ACTIVE');
    barriers[1]?.release('of the second run');
    await Promise.all([first, second]);

    expect([(await about.job.refresh()).status, about.job.ending]).toEqual(['COMPLETED', 'aborted']);
    expect(await callback.result()).toBe('of the second run');
    expect(about.caught).toEqual(['AbortedError']);
    const ends: string[] = [];
    for await (const { event } of callback.history()) if (event === 'job.finish') ends.push(event);
    expect(ends).toHaveLength(1);
  });

  it('[J-76] is ACTIVE or at its callbacks: a decision about any other is refused, and no policy is asked', async () => {
    const { box, reactor, dispatcher, asked, job, barrier } = await interrupted([true]);
    barrier.release('done');
    await reactor.runUntilIdle();
    expect((await job.refresh()).status).toBe('COMPLETED');
    const fresh = seven();
    await box.queue().put(decide(fresh), { beginAfter: '1d' });
    const pending = await box.queue().put(seven, { beginAfter: '1d' });
    // A claim that is under way would take what is put next.
    await reactor.runUntilIdle();
    dispatcher.abandon();
    const assigned = await box.queue().put(seven);
    await box.queue().claim((waiting) => waiting.id === assigned.id);

    for (const [other, status] of [
      [fresh, 'NEW'],
      [pending, 'PENDING'],
      [assigned, 'ASSIGNED'],
      [job, 'COMPLETED'],
    ] as const) {
      const refusal: unknown = await (other as Job).handleInterrupt().catch((error: unknown) => error);
      expect(refusal).toBeInstanceOf(BadStatusError);
      expect(refusal).toMatchObject({ details: { status } });
      expect((await other.refresh()).status).toBe(status);
    }
    expect(asked).toEqual([]);
  });

  it('[J-77] is decided about in the queue of the system job, which runs until the decision is stored', async () => {
    const { box, reactor, dispatcher, job, faults } = await interrupted(Array(10).fill(true), 'a');
    await dispatcher.deactivate();
    expect((await box.queue('a').jobs()).map(({ name }) => name)).toEqual(['signalbox.handleInterrupt']);
    const [system] = await box.queue('a').jobs();
    const refusals = Array.from({ length: 7 }, disconnect);
    faults.refuse = (commit) => (has(commit, 'job.reschedule', job.id) ? (refusals.shift() ?? null) : null);
    const { agents } = await box.queue('a').dispatchers.get(box.uuid);
    await agents.set('main', agent({ filter: { jobs: ['signalbox.*'] } }));

    dispatcher.activate();
    await reactor.advance('3m');

    expect(refusals).toEqual([]);
    expect((await (system as Job).refresh()).outcome).toEqual({ ok: true, value: null });
    expect([(await job.refresh()).status, job.record.parent]).toEqual(['PENDING', { queue: 'a' }]);

    const other = await interrupted([true], 'a');
    other.dispatcher.abandon();
    await other.box.queue('b').put(decide(other.job));
    const claimed = await other.box.queue('b').claim();
    await other.box.call(claimed as Job);
    expect([(await other.job.refresh()).status, other.job.record.parent]).toEqual([
      'PENDING',
      { queue: 'b' },
    ]);
  });

  it('that was completed while its system job decided leaves nothing to decide', async () => {
    const { box, dispatcher, job } = await interrupted([false]);
    dispatcher.abandon();
    await job.handleInterrupt();
    const within = { agent: null, slot: null, holder: null, queue: '' };
    const own = { queue: '', within, system: null };

    await expect(handleInterrupt(internals(box), job.id ?? '', own)).resolves.toBeUndefined();

    await expect(job.handleInterrupt()).rejects.toBeInstanceOf(BadStatusError);
  });

  it('[J-78] that a system job ends is in no history itself; the system job is, and leads to it', async () => {
    const { box, reactor, dispatcher, job } = await interrupted([false]);
    await dispatcher.deactivate();
    const late = await box.queue().put(seven, { beginBy: '1s' });
    await reactor.advance('1m');
    dispatcher.activate();
    await reactor.runUntilIdle();
    expect([(await job.refresh()).ending, (await late.refresh()).ending]).toEqual(['aborted', 'expired']);

    const main = await (await box.queue().dispatchers.get(box.uuid)).agents.get('main');
    const filed = (await main?.completed()) ?? [];

    expect(filed.map(({ name }) => name).sort()).toEqual(['signalbox.fail', 'signalbox.handleInterrupt']);
    const led = filed.map(({ args }) => (args[0] as Job).id);
    expect(led.sort()).toEqual([job.id, late.id].sort());
    for (const ended of [job, late]) {
      expect(filed.map(({ id }) => id)).toContain((ended.record.parent as { system: string }).system);
      expect(ended.callbacksEnd).toBeNull();
    }
  });
});
