import { agent, defineJob, type Job, local, type Queue, type Store } from 'signalbox';
import { expect, it } from 'vitest';
import { interceptedStore } from './faulty-store.ts';
import { makeRecordingJobs } from './recording-jobs.ts';
import { forEachStore, type MakeStore, makeBox } from './stores.ts';

/** A job `act` that does what the test says, and a callback `look` likewise. */
async function setUp(makeStore: MakeStore, store: Store = makeStore()) {
  const recording = makeRecordingJobs();
  const acts: { act: (job: Job<unknown> | null) => unknown; look: () => unknown } = {
    act: () => null,
    look: () => null,
  };
  const act = defineJob({ name: 'act', run: (job: Job<unknown> | null = null) => acts.act(job) });
  const look = defineJob({ name: 'look', run: (_input: unknown) => acts.look() });
  const testBox = await makeBox({ store, jobs: [recording.note, recording.give, act, look], queues: [''] });
  const start = () => testBox.box.start();
  return { ...recording, ...testBox, acts, act, look, start, queue: testBox.box.queue() };
}

/** A store whose annotations cannot be read while `hangs` says so: it does not answer. */
function hangingStore(store: Store, hangs: () => boolean): Store {
  return interceptedStore(store, (call, [kind]) =>
    call === 'get' && kind === 'annotation' && hangs() ? new Promise(() => {}) : null,
  );
}

forEachStore('The local context', (makeStore) => {
  it('[L-1] everything is there in a worker, also after an await and in timers', async () => {
    const { acts, act, queue, start, reactor, box } = await setUp(makeStore);
    const dispatcher = await start();
    const seen: unknown[][] = [];
    const look = async () => [
      local.getJob()?.id,
      local.getQueue().name,
      local.getDispatcher(),
      local.getReactor(),
      local.getAgentName(),
      await local.getLiveAnnotation('set'),
      local.signal.aborted,
    ];
    acts.act = async () => {
      await local.setLiveAnnotation('set', 'live');
      seen.push(await look());
      await new Promise<void>((resolve) => box.reactor.callLater(1000, resolve));
      seen.push(await look());
    };

    const job = await queue.put(act());
    await reactor.advance('2s');

    const expected = [job.id, '', dispatcher, reactor, 'main', 'live', false];
    expect(seen).toEqual([expected, expected]);
  });

  it('[L-2] getJob is the job during its code, each callback during that, and null outside', async () => {
    const { acts, act, look, queue, start, reactor } = await setUp(makeStore);
    await start();
    const seen: unknown[] = [];
    acts.act = () => seen.push(local.getJob()?.id);
    acts.look = () => seen.push(local.getJob()?.id);
    const job = act();
    const callbacks = [await job.addCallback(look.partial()), await job.addCallback(look.partial())];

    await queue.put(job);
    await reactor.runUntilIdle();

    expect(seen).toEqual([job.id, ...callbacks.map((callback) => callback.id)]);
    expect(local.getJob()).toBe(null);
  });

  it('[L-3] getQueue is the queue of the current job, and an error without one', async () => {
    const { acts, act, look, start, reactor, box } = await setUp(makeStore);
    const queue = await box.createQueue('other');
    await start();
    const seen: string[] = [];
    acts.act = () => seen.push(local.getQueue().name);
    acts.look = () => seen.push(local.getQueue().name);
    const job = act();
    await job.addCallback(look.partial());

    await queue.put(job);
    await reactor.advance('10s');

    expect(seen).toEqual(['other', 'other']);
    expect(() => local.getQueue()).toThrow(expect.objectContaining({ code: 'NO_CURRENT_JOB' }));
  });

  it('[L-4] getDispatcher is the dispatcher of the worker, and getReactor its reactor', async () => {
    const { acts, act, queue, start, reactor } = await setUp(makeStore);
    const dispatcher = await start();
    const seen: unknown[] = [];
    acts.act = () => {
      seen.push(local.getDispatcher(), local.getReactor());
    };

    await queue.put(act());
    await reactor.runUntilIdle();

    expect(seen).toEqual([dispatcher, dispatcher.reactor]);
    expect(local.getDispatcher()).toBe(null);
    expect(() => local.getReactor()).toThrow(expect.objectContaining({ code: 'NO_CURRENT_JOB' }));
  });

  it('[L-5] getAgentName is the agent whose worker runs the code, null outside a worker', async () => {
    const { acts, act, look, queue, reactor, box } = await setUp(makeStore);
    const seen: unknown[] = [];
    acts.act = () => seen.push(local.getAgentName());
    acts.look = () => seen.push(local.getAgentName());
    box.on('dispatcherActivated', ({ representation }) => representation.agents.set('special', agent()));
    await box.start({ agent: null });
    const job = act();
    await job.addCallback(look.partial());

    await queue.put(job);
    await reactor.runUntilIdle();
    await job.addCallback(look.partial());
    await box.call(act());

    expect(seen).toEqual(['special', 'special', null, null]);
  });

  it('[L-6] work put through getQueue becomes visible with the result, and vanishes when the job throws', async () => {
    const { acts, act, note, notes, queue, start, reactor } = await setUp(makeStore);
    await start();
    let end: (value: unknown) => void = () => {};
    acts.act = async () => {
      await local.getQueue().put(note('kept'));
      await new Promise((resolve) => (end = resolve));
    };
    await queue.put(act());
    await reactor.runUntilIdle();
    const during = notes.length;
    end(null);
    await reactor.runUntilIdle();

    acts.act = async () => {
      await local.getQueue().put(note('dropped'));
      throw new Error('no');
    };
    await queue.put(act());
    await reactor.runUntilIdle();

    expect(during).toBe(0);
    expect(notes).toEqual([['kept']]);
  });

  it('[L-7] annotations of getJob are those of the start; own changes are seen outside with the result only', async () => {
    const { acts, act, look, queue, start, reactor } = await setUp(makeStore);
    await start();
    const seen: unknown[] = [];
    let goOn: (value: unknown) => void = () => {};
    acts.act = async () => {
      seen.push({ ...local.getJob()?.annotations });
      await local.getJob()?.setAnnotation('own', 'mine');
      await new Promise((resolve) => (goOn = resolve));
      seen.push({ ...local.getJob()?.annotations });
    };
    acts.look = () => seen.push({ ...local.getJob()?.annotations });
    const job = act().with({ annotations: { before: 1 } });
    const callback = look.partial().with({ annotations: { of: 'callback' } });
    await job.addCallback(callback);
    await queue.put(job);
    await reactor.runUntilIdle();

    await job.setAnnotation('outside', 2);
    const during = { ...(await job.refresh()).annotations };
    goOn(null);
    await reactor.runUntilIdle();

    expect(seen).toEqual([{ before: 1 }, { before: 1, own: 'mine' }, { of: 'callback' }]);
    expect(during).toEqual({ before: 1, outside: 2 });
    expect((await job.refresh()).annotations).toEqual({ before: 1, outside: 2, own: 'mine' });
  });

  it('[L-7] another attempt sees the annotations as they are when it begins', async () => {
    const { acts, act, queue, start, reactor } = await setUp(makeStore);
    await start();
    const seen: unknown[] = [];
    acts.act = async () => {
      seen.push({ ...local.getJob()?.annotations });
      await local.setLiveAnnotation('attempt', seen.length);
      if (seen.length === 1) throw Object.assign(new Error('again'), { code: 'CONFLICT' });
    };

    await queue.put(act());
    await reactor.runUntilIdle();

    expect(seen).toEqual([{}, { attempt: 1 }]);
  });

  it('[L-8] a live annotation is visible at once, however the attempt ends, and never conflicts', async () => {
    const { acts, act, queue, start, reactor } = await setUp(makeStore);
    await start();
    let goOn: (error: Error) => void = () => {};
    acts.act = async () => {
      await Promise.all([1, 2, 3].map((value) => local.setLiveAnnotation(`live ${value}`, value)));
      await local.getJob()?.setAnnotation('own', 'dropped');
      await new Promise((_resolve, reject) => (goOn = reject));
    };
    const job = await queue.put(act());
    await reactor.runUntilIdle();
    const during = { ...(await job.refresh()).annotations };

    goOn(new Error('no'));
    await reactor.runUntilIdle();

    expect(during).toEqual({ 'live 1': 1, 'live 2': 2, 'live 3': 3 });
    expect((await job.refresh()).annotations).toEqual(during);
    expect(job.outcome?.ok).toBe(false);
  });

  it('[L-9] live values are plain: anything but JSON is refused, and what is read is a copy', async () => {
    const { acts, act, queue, start, reactor } = await setUp(makeStore);
    await start();
    const value = { list: [1] };
    acts.act = async () => {
      await expect(local.setLiveAnnotation('map', new Map() as unknown)).rejects.toMatchObject({
        code: 'ARGS_NOT_JSON',
      });
      await local.setLiveAnnotation('value', value);
      value.list.push(2);
      const read = (await local.getLiveAnnotation('value')) as { list: number[] };
      read.list.push(3);
      return await local.getLiveAnnotation('value');
    };

    const job = await queue.put(act());
    await reactor.runUntilIdle();

    expect(await job.result()).toEqual({ list: [1] });
  });

  it('[L-10] a missing annotation is read at every poll until the timeout; then the default is returned', async () => {
    const { acts, act, queue, start, reactor, stop } = await setUp(makeStore);
    await start();
    const read = (options: Parameters<typeof local.getLiveAnnotation>[1]) => {
      acts.act = async () => {
        const begin = reactor.now();
        return [await local.getLiveAnnotation('wanted', options), reactor.now() - begin];
      };
      return queue.put(act());
    };

    const never = await read({ default: 'none', timeout: '10s', poll: '4s' });
    await reactor.advance('30s');
    const later = await read({ default: 'none', timeout: '1m', poll: '4s' });
    await reactor.advance('5s');
    await later.setAnnotation('wanted', 'found');
    await reactor.advance('1m');
    const byDefault = await read({ timeout: '10s' });
    await reactor.advance('2500ms');
    await byDefault.setAnnotation('wanted', 'found');
    await reactor.advance('1m');

    expect(await never.result()).toEqual(['none', 10_000]);
    expect(await later.result()).toEqual(['found', 8000]);
    expect(await byDefault.result()).toEqual(['found', 3000]);
    await stop();
  });

  it('[L-11] without a timeout a missing annotation gives the default at once', async () => {
    const { acts, act, queue, start, reactor } = await setUp(makeStore);
    await start();
    acts.act = async () => [
      await local.getLiveAnnotation('missing'),
      await local.getLiveAnnotation('missing', { default: 7 }),
    ];

    const job = await queue.put(act());
    await reactor.runUntilIdle();

    expect(await job.result()).toEqual([null, 7]);
  });

  it('[L-12] a store that does not answer is waited for two seconds longer than the timeout: then the default', async () => {
    let isHanging = true;
    const { acts, act, queue, start, reactor } = await setUp(
      makeStore,
      hangingStore(makeStore(), () => isHanging),
    );
    await start();
    acts.act = async () => {
      const begin = reactor.now();
      const value = await local.getLiveAnnotation('any', { default: 'none', timeout: '3s' });
      return [value, reactor.now() - begin];
    };

    const job = await queue.put(act());
    await reactor.advance('1m');
    isHanging = false;

    expect(await job.result()).toEqual(['none', 5000]);
  });

  it('[L-13] outside any job both live functions are errors', async () => {
    const error = expect.objectContaining({ code: 'NO_CURRENT_JOB' });

    await expect(local.setLiveAnnotation('a', 1)).rejects.toEqual(error);
    await expect(local.getLiveAnnotation('a')).rejects.toEqual(error);
  });

  it('[L-14] two jobs signal each other through their annotations; the other one may be PENDING or COMPLETED', async () => {
    const { acts, act, give, queue, start, reactor } = await setUp(makeStore);
    await start();
    const pending = await queue.put(give('pending'), { beginAfter: '1h' });
    const completed = await queue.put(give('completed'));
    await reactor.runUntilIdle();
    acts.act = async (other) => {
      if (other === null) return;
      await local.setLiveAnnotation('hello', 'from another job', other);
      return local.getLiveAnnotation('hello', { job: other });
    };

    const results = [await queue.put(act(pending)), await queue.put(act(completed))];
    await reactor.runUntilIdle();

    for (const job of results) expect(await job.result()).toBe('from another job');
    for (const job of [pending, completed])
      expect((await job.refresh()).annotations).toEqual({ hello: 'from another job' });
    expect([pending.status, completed.status]).toEqual(['PENDING', 'COMPLETED']);
  });

  it('[L-15] a job stops when it looks for a request, and its signal is aborted when its dispatcher stops', async () => {
    const { acts, act, queue, start, reactor } = await setUp(makeStore);
    const dispatcher = await start();
    acts.act = async () => {
      for (let round = 0; ; round += 1) {
        if ((await local.getLiveAnnotation('stop', { default: false })) === true)
          return `stopped in round ${round}`;
        await new Promise<void>((resolve) => reactor.callLater(1000, resolve));
      }
    };
    const asked = await queue.put(act());
    await reactor.advance('3500ms');
    await asked.setAnnotation('stop', true);
    await reactor.advance('2s');
    const signals: AbortSignal[] = [];
    acts.act = () => {
      signals.push(local.signal);
      return new Promise(() => {});
    };
    await queue.put(act());
    await reactor.runUntilIdle();
    const before = signals[0]?.aborted;

    await dispatcher.deactivate();

    expect(await asked.result()).toBe('stopped in round 4');
    expect([before, signals[0]?.aborted]).toEqual([false, true]);
  });

  it('[L-16] nothing of a job is left after it, also after an error and where it set other work going', async () => {
    const { acts, act, note, queue, start, reactor, box } = await setUp(makeStore);
    await start();
    const seen: unknown[] = [];
    const policy = {
      name: 'looking',
      jobError: () => {
        seen.push(local.getJob());
        return false;
      },
      commitError: () => false,
      interrupted: () => ({ answer: false, data: {} }),
      updateData: () => null,
    };
    let other: Queue | null = null;
    acts.act = async () => {
      other = box.queue();
      // It is claimed and run while this job still runs.
      await other.put(act().with({ retryPolicy: policy }));
      throw new Error('first');
    };
    await queue.put(act());
    acts.look = () => null;
    const first = acts.act;
    acts.act = async (job) => {
      acts.act = () => {
        throw new Error('second');
      };
      return first(job);
    };
    await reactor.runUntilIdle();
    await queue.put(note('after'));
    await reactor.runUntilIdle();

    expect(seen).toEqual([null]);
    expect(local.getJob()).toBe(null);
  });
});
