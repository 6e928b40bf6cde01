import {
  agent,
  BadStatusError,
  defineJob,
  extend,
  type Job,
  parallel,
  SignalboxError,
  serial,
} from 'signalbox';
import { expect, it } from 'vitest';
import { makeControlledJobs } from './controlled-jobs.ts';
import { agentOf, startDispatchers, twoUuids } from './dispatchers.ts';
import { Faults, faultyStore, has, interceptedStore } from './faulty-store.ts';
import { makeRecordingJobs } from './recording-jobs.ts';
import { forEachStore, type MakeStore, makeBox, type TestBox } from './stores.ts';

type Inner = Job<unknown>;

const resultOf = (job: Inner): unknown => (job.outcome?.ok === true ? job.outcome.value : job.status);

async function setUp(makeStore: MakeStore, store = makeStore(), controlled = makeControlledJobs()) {
  const recording = makeRecordingJobs();
  const collect = defineJob({
    name: 'collect',
    run: (...jobs: Inner[]): unknown[] => jobs.map(resultOf),
  });
  const { hold, done, fail } = controlled;
  const jobs = [hold, done, fail, collect, recording.note, recording.give];
  const testBox = await makeBox({ store, jobs, queues: [''] });
  return { ...controlled, ...recording, ...testBox, testBox, collect, store, queue: testBox.box.queue() };
}

/** How often each job was put, by id. */
async function putsOf({ box }: TestBox): Promise<Map<string, number>> {
  const puts = new Map<string, number>();
  for await (const { event, id } of box.entries())
    if (event === 'job.put') puts.set(id, (puts.get(id) ?? 0) + 1);
  return puts;
}

/** The process stops without grace while jobs run, and another one starts on the same store. */
async function restart(
  before: Awaited<ReturnType<typeof setUp>>,
  makeStore: MakeStore,
  settings: Parameters<typeof agent>[0] = {},
) {
  await before.stop();
  const after = await setUp(makeStore, before.store, before);
  const waiting = await after.queue.jobs();
  await after.box.start({ agent: agent(settings) });
  await after.reactor.runUntilIdle();
  return { after, waiting };
}

forEachStore('Joined jobs', (makeStore) => {
  it('[S-1] serial and parallel return one NEW job; any other option than postprocess is refused', async () => {
    const { done } = makeControlledJobs();

    for (const join of [serial, parallel]) {
      expect(join([done('a'), done('b')])).toMatchObject({ status: 'NEW', id: null });
      expect(() => join([done('a')], { postproces: done } as never)).toThrow(/`postproces`/);
    }
  });

  it('[S-2] inner jobs and the postprocess are definitions or jobs, and are stored as arguments', async () => {
    const { box, queue, done, collect, reactor } = await setUp(makeStore);
    const ping = defineJob({ name: 'ping', run: () => 'pong' });
    box.define(ping);
    await box.start();
    const inner = done('a job');

    const main = await queue.put(serial([ping, inner], { postprocess: collect }));
    const other = await queue.put(parallel([inner, ping].slice(1), { postprocess: collect.partial() }));
    await reactor.runUntilIdle();

    expect(await main.result()).toEqual(['pong', 'a job']);
    expect(await other.result()).toEqual(['pong']);
    expect(main.args).toHaveLength(3);
    expect((main.args as Inner[]).map((job) => job.id)).toContain(inner.id);
  });

  it('[S-3] the postprocess is called with its own arguments, then all inner jobs in order', async () => {
    const { box, queue, done, fail, reactor } = await setUp(makeStore);
    const seen: unknown[] = [];
    const look = defineJob({
      name: 'look',
      run: (own: string, ...jobs: Inner[]) => {
        seen.push(own, ...jobs.map((job) => [job.status, job.outcome?.ok]));
      },
    });
    box.define(look);
    await box.start();

    const main = await queue.put(
      parallel([done('a'), fail('b'), done('c')], { postprocess: look.partial('own') }),
    );
    await extend(main, done('later'));
    await reactor.runUntilIdle();

    expect(seen[0]).toBe('own');
    expect(seen.slice(1).map((pair) => (pair as unknown[])[1])).toEqual([true, false, true, true]);
  });

  it('[S-4] without a postprocess the result is the list of inner jobs', async () => {
    const { box, queue, done, reactor } = await setUp(makeStore);
    await box.start();
    const inner = [done('a'), done('b')];

    const main = await queue.put(serial(inner));
    await reactor.runUntilIdle();

    const result = await main.result();
    expect(result.map((job) => job.id)).toEqual(inner.map((job) => job.id));
    expect(resultOf(await (result[1] as Inner).refresh())).toBe('b');
  });

  it('[S-5] the main job is ACTIVE and keeps its slot until the postprocess is done, whose result is its own', async () => {
    const { testBox, box, queue, done, hold, open, reactor } = await setUp(makeStore);
    const { uuid } = await box.start();
    const main = await queue.put(serial([done('a')], { postprocess: hold.partial('post') }));
    await reactor.runUntilIdle();

    const during = [(await main.refresh()).status, (await (await agentOf(testBox, uuid)).jobs())[0]?.id];
    open('post', 'result of the postprocess');
    await reactor.runUntilIdle();

    expect(during).toEqual(['ACTIVE', main.id]);
    expect(await main.result()).toBe('result of the postprocess');
    expect((await main.refresh()).status).toBe('COMPLETED');
    expect(await (await agentOf(testBox, uuid)).jobs()).toEqual([]);
  });

  it('[S-6] inner jobs are ordinary jobs of the queue: with beginAfter, quotas and callbacks, for any dispatcher', async () => {
    const { testBox, queue, done, hold, open, note, notes, started, collect, reactor } =
      await setUp(makeStore);
    await startDispatchers(testBox, twoUuids, { agents: { main: agent({ size: 2 }) } });
    await queue.quotas.create('one', { size: 1 });
    const [first, second] = [hold('first'), hold('second')];
    for (const job of [first, second]) job.quotaNames = ['one'];
    const late = done('late').with({ beginAfter: '10m' });
    await first.addCallback(note.partial('callback'));

    const main = await queue.put(parallel([first, second, late, hold('third')], { postprocess: collect }));
    await reactor.runUntilIdle();
    const before = [...started];
    const places = await Promise.all([main, first].map(async (job) => (await job.place()).dispatcher));
    for (const name of ['first', 'second', 'third']) open(name);
    await reactor.advance('20m');

    expect(before.sort()).toEqual(['first', 'third']);
    expect(places.every((uuid) => twoUuids.some((known) => known === uuid))).toBe(true);
    expect(notes).toEqual([['callback', 'first']]);
    expect(Number((await late.refresh()).activeStart) - Number(main.activeStart ?? 0)).toBeGreaterThan(0);
    expect(await main.result()).toEqual(['first', 'second', 'late', 'third']);
  });

  it('[S-7] serial puts each inner job after the one before it, and the postprocess after the last', async () => {
    const { box, queue, hold, open, started, reactor } = await setUp(makeStore);
    await box.start({ agent: agent({ size: 9 }) });
    const [first, second] = [hold('first'), hold('second')];
    await queue.put(serial([first, second], { postprocess: hold.partial('post') }));
    await reactor.runUntilIdle();
    const seen = [[...started, (await second.refresh()).status]];

    open('first');
    await reactor.runUntilIdle();
    seen.push([...started]);
    open('second');
    await reactor.runUntilIdle();
    seen.push([...started]);

    expect(seen).toEqual([
      ['first', 'NEW'],
      ['first', 'second'],
      ['first', 'second', 'post'],
    ]);
    open('post');
  });

  it('[S-8] parallel puts all inner jobs at once, and the postprocess when all are done', async () => {
    const { box, queue, hold, open, started, reactor } = await setUp(makeStore);
    await box.start({ agent: agent({ size: 9 }) });
    await queue.put(parallel([hold('a'), hold('b'), hold('c')], { postprocess: hold.partial('post') }));
    await reactor.runUntilIdle();
    const seen = [[...started]];

    for (const name of ['b', 'c', 'a']) {
      open(name);
      await reactor.runUntilIdle();
      seen.push([...started]);
    }

    expect(seen).toEqual([
      ['a', 'b', 'c'],
      ['a', 'b', 'c'],
      ['a', 'b', 'c'],
      ['a', 'b', 'c', 'post'],
    ]);
    open('post');
  });

  it('[S-9] a failed inner job counts as finished', async () => {
    const { box, queue, done, fail, collect, reactor } = await setUp(makeStore);
    await box.start();

    const one = await queue.put(serial([fail('no'), done('next')], { postprocess: collect }));
    await reactor.runUntilIdle();
    const twoUuids = await queue.put(parallel([fail('no'), done('other')], { postprocess: collect }));
    await reactor.runUntilIdle();

    expect(await one.result()).toEqual(['COMPLETED', 'next']);
    expect([(await twoUuids.result())[1], twoUuids.ending]).toEqual(['other', 'succeeded']);
  });

  it('[S-10] inner jobs that end at the same time put the postprocess once', async () => {
    const { testBox, box, queue, hold, open, started, reactor } = await setUp(makeStore);
    await box.start({ agent: agent({ size: 20 }) });
    const names = Array.from({ length: 12 }, (_, index) => `inner ${index}`);
    const post = hold.partial('post');
    const main = await queue.put(
      parallel(
        names.map((name) => hold(name)),
        { postprocess: post },
      ),
    );
    await reactor.runUntilIdle();

    for (const name of names) open(name);
    open('post');
    await reactor.runUntilIdle();

    expect(await main.result()).toBe('post');
    expect(started.filter((name) => name === 'post')).toHaveLength(1);
    expect((await putsOf(testBox)).get(post.id ?? '')).toBe(1);
  });

  it('[S-11] a main job may be made empty and filled before it runs', async () => {
    const { box, queue, done, collect, reactor } = await setUp(makeStore);
    const main = serial([], { postprocess: collect });
    await extend(main, done('before put'));
    await queue.put(main, { beginAfter: '1m' });
    await extend(main, done('after put'), done('and another'));

    await box.start();
    await reactor.advance('2m');

    expect(await main.result()).toEqual(['before put', 'after put', 'and another']);
    await expect(extend(done('no main job'), done('a'))).rejects.toMatchObject({ code: 'INVALID_OPTION' });
  });

  it('[S-12] an inner job may append to its main job while it runs', async () => {
    for (const join of [serial, parallel]) {
      const { box, queue, collect, reactor, stop } = await setUp(makeStore);
      const grow = defineJob({
        name: 'grow',
        run: async (main: Inner, depth: number): Promise<number> => {
          if (depth > 0) await extend(main, grow(main, depth - 1));
          return depth;
        },
      });
      box.define(grow);
      await box.start({ agent: agent({ size: 9 }) });
      const main = join([], { postprocess: collect });
      await extend(main, grow(main, 3));

      await queue.put(main);
      await reactor.runUntilIdle();

      expect(await main.result()).toEqual([3, 2, 1, 0]);
      await stop();
    }
  });

  it('[S-12] what is appended to a parallel job is put at the next completion, while other inner jobs run', async () => {
    const { box, queue, hold, open, started, collect, reactor } = await setUp(makeStore);
    const append = defineJob({
      name: 'append',
      run: async (main: Inner): Promise<void> => {
        await extend(main, hold('appended'));
      },
    });
    box.define(append);
    await box.start({ agent: agent({ size: 9 }) });
    const main = parallel([hold('slow')], { postprocess: collect });
    await extend(main, append(main));

    await queue.put(main);
    await reactor.runUntilIdle();

    expect(started).toEqual(['slow', 'appended']);
    open('slow');
    open('appended');
    expect(await main.result()).toEqual(['slow', null, 'appended']);
  });

  it('[S-19] an inner job that was put already is waited for, and not put again', async () => {
    for (const join of [serial, parallel]) {
      const { testBox, box, queue, hold, done, open, collect, reactor, stop } = await setUp(makeStore);
      await box.start();
      const inner = await queue.put(hold('put before'));
      const main = await queue.put(join([inner, done('next')], { postprocess: collect }));
      await reactor.runUntilIdle();

      open('put before');
      await reactor.runUntilIdle();

      expect(await main.result()).toEqual(['put before', 'next']);
      expect((await putsOf(testBox)).get(inner.id ?? '')).toBe(1);
      await stop();
    }
  });

  it('[S-19] an inner job that was put already may end at any moment while its main job reads it', async () => {
    for (const join of [serial, parallel]) {
      // More looks than there are: in the last rounds it ends after all of them.
      for (let moment = 1; moment <= 8; moment += 1) {
        const looks = { left: Number.POSITIVE_INFINITY, of: '', end: async () => {} };
        const store = interceptedStore(makeStore(), (call, args) => {
          const isLook = call === 'get' ? args[1] === looks.of : call === 'callbacks' && args[0] === looks.of;
          if (!isLook) return null;
          looks.left -= 1;
          return looks.left === 0 ? looks.end() : null;
        });
        const { box, queue, hold, done, open, collect, reactor, stop } = await setUp(makeStore, store);
        await box.start();
        const inner = await queue.put(hold('put before'));
        await reactor.runUntilIdle();
        looks.end = async () => {
          open('put before');
          await inner.waitFor('COMPLETED');
        };
        Object.assign(looks, { of: inner.id, left: moment });
        const main = await queue.put(join([inner, done('next')], { postprocess: collect }));
        await reactor.runUntilIdle();

        looks.left = Number.POSITIVE_INFINITY;
        open('put before');
        await reactor.runUntilIdle();

        await main.refresh();
        expect([join.name, moment, main.status]).toEqual([join.name, moment, 'COMPLETED']);
        expect(await main.result()).toEqual(['put before', 'next']);
        await stop();
      }
    }
  });

  it('[S-12] [S-19] a job that is over already may be appended to a parallel one whose first inner job still runs', async () => {
    const looks = { left: 1000 };
    const store = interceptedStore(makeStore(), (call) => {
      looks.left -= call === 'get' ? 1 : 0;
      return looks.left < 0 ? new Error('it looks for ever') : null;
    });
    const { box, queue, hold, done, open, collect, reactor } = await setUp(makeStore, store);
    const grow = defineJob({
      name: 'grow',
      run: async (main: Inner, over: Inner) => {
        await extend(main, over);
        return 'grown';
      },
    });
    box.define(grow);
    await box.start();
    const over = await queue.put(done('over'));
    const main = parallel([hold('first')], { postprocess: collect });
    await reactor.runUntilIdle();
    await extend(main, grow(main, over));

    await queue.put(main);
    await reactor.runUntilIdle();
    open('first');
    await reactor.runUntilIdle();

    expect(await main.result()).toEqual(['first', 'grown', 'over']);
  });

  it('[S-12] an inner job may append and end at any moment while a step of another one looks', async () => {
    const cases = [[], ['last']].flatMap((later) => [1, 2, 3, 4, 5, 6].map((moment) => ({ moment, later })));
    for (const { moment, later } of cases) {
      const looks = { left: Number.POSITIVE_INFINITY, of: '', end: async () => {} };
      const store = interceptedStore(makeStore(), (call, [kind, id]) => {
        const isLook = call === 'get' ? id === looks.of : call === 'callbacks' && kind === looks.of;
        if (!isLook) return null;
        looks.left -= 1;
        return looks.left === 0 ? looks.end() : null;
      });
      const { box, queue, hold, open, opened, started, collect, reactor, stop } = await setUp(
        makeStore,
        store,
      );
      const steps: string[] = [];
      const grow = defineJob({
        name: 'grow',
        run: async (main: Inner) => {
          await opened('grows');
          await extend(main, hold('appended'));
          return 'grown';
        },
      });
      const told = defineJob({ name: 'told', run: () => void steps.push('told') });
      box.define(grow);
      box.define(told);
      await box.start({ agent: agent({ size: 9 }) });
      const main = parallel([], { postprocess: collect });
      const growing = grow(main);
      await extend(main, growing, ...['other', ...later].map((name) => hold(name)));
      await queue.put(main);
      await reactor.runUntilIdle();
      // It is called after the step that stores the end of the inner job.
      await growing.addCallback(told);
      looks.end = async () => {
        looks.left = Number.POSITIVE_INFINITY;
        open('grows');
        while (steps.length === 0) await new Promise<void>((resolve) => reactor.callFromThread(resolve));
      };
      Object.assign(looks, { of: growing.id, left: moment });

      open('other');
      await reactor.runUntilIdle();
      looks.left = Number.POSITIVE_INFINITY;
      open('grows');
      await reactor.runUntilIdle();
      open('last');
      await reactor.runUntilIdle();
      expect([moment, (await main.refresh()).status, started.at(-1)]).toEqual([moment, 'ACTIVE', 'appended']);
      open('appended');
      await reactor.runUntilIdle();

      expect([moment, await main.result()]).toEqual([moment, ['grown', 'other', ...later, 'appended']]);
      await stop();
    }
  });

  it('[S-9] what can never be put fails the joined job, whichever step comes upon it', async () => {
    for (const join of [serial, parallel]) {
      const { box, queue, done, hold, open, collect, reactor, stop } = await setUp(makeStore);
      const nowhere = { quotaNames: ['nowhere'] };
      const grow = defineJob({
        name: 'grow',
        run: (main: Inner) => extend(main, done('never').with(nowhere)),
      });
      box.define(grow);
      await box.start();
      const first = await queue.put(join([done('never').with(nowhere)], { postprocess: collect }));
      const growing = join<unknown>([], { postprocess: collect });
      await extend(growing, hold('held'), grow(growing));
      await queue.put(growing);
      const last = await queue.put(join([done('a')], { postprocess: collect.partial().with(nowhere) }));
      await reactor.runUntilIdle();
      open('held');
      await reactor.runUntilIdle();

      for (const main of [first, growing, last]) {
        await main.refresh();
        expect(main.status).toBe('COMPLETED');
        await expect(main.result()).rejects.toMatchObject({ code: 'QUOTA_NOT_FOUND' });
      }
      await stop();
    }
  });

  it.each([
    ['full', () => new SignalboxError('STORE_FULL', { path: 'the disk', needed: 1 })],
    ['read-only', () => new SignalboxError('STORE_REPLICA', { reason: 'read-only' })],
    ['broken', () => new RangeError('the store does not like it')],
  ])('[S-10] a step that a store refuses that is %s is taken again', async (_, refusal) => {
    for (const join of [serial, parallel]) {
      const faults = new Faults();
      const { box, queue, done, hold, open, collect, reactor, stop } = await setUp(
        makeStore,
        faultyStore(makeStore(), faults),
      );
      await box.start();
      const inner = [hold('first'), done('second')];
      const main = join(inner, { postprocess: collect });
      let refused = 0;
      // Each commit of a step once: the machinery puts what a program has stored with the joined job.
      faults.refuse = (commit) => {
        const isStep = commit.by === box.uuid && has(commit, 'job.put');
        refused += isStep ? 1 : 0;
        return isStep && refused % 2 === 1 ? refusal() : null;
      };

      await queue.put(main);
      await reactor.advance('1m');
      open('first');
      await reactor.advance('5m');

      expect(refused).toBe(join === serial ? 6 : 4);
      expect(await main.result()).toEqual(['first', 'second']);
      await stop();
    }
  });

  it('[S-13] a callback added to an inner job before it began may append, too', async () => {
    for (const join of [serial, parallel]) {
      const { box, queue, done, collect, reactor, stop } = await setUp(makeStore);
      const append = defineJob({
        name: 'append',
        run: async (main: Inner, _input?: unknown): Promise<void> => {
          await extend(main, done('third'));
        },
      });
      box.define(append);
      await box.start({ agent: agent({ size: 9 }) });
      const second = done('second');
      const main = join([done('first'), second], { postprocess: collect });
      await second.addCallback(append.partial(main));

      await queue.put(main);
      await reactor.runUntilIdle();

      expect(await main.result()).toEqual(['first', 'second', 'third']);
      await stop();
    }
  });

  it('[S-14] what is appended after the postprocess was put never runs, and to a finished main job it is refused', async () => {
    const { box, queue, done, hold, open, started, reactor } = await setUp(makeStore);
    await box.start();
    const main = await queue.put(serial([done('inner')], { postprocess: hold.partial('post') }));
    await reactor.runUntilIdle();

    await extend(main, done('too late'));
    open('post');
    await reactor.runUntilIdle();

    expect(await main.result()).toBe('post');
    expect(started).toEqual(['inner', 'post']);
    await expect(extend(main, done('much too late'))).rejects.toBeInstanceOf(BadStatusError);
  });

  it('[S-15] nothing bounds extension: it ends when the inner jobs end it', async () => {
    const { box, queue, reactor } = await setUp(makeStore);
    let left = 100;
    const more = defineJob({
      name: 'more',
      run: async (main: Inner): Promise<void> => {
        left -= 1;
        if (left > 0) await extend(main, more(main));
      },
    });
    const count = defineJob({ name: 'count', run: (...jobs: Inner[]): number => jobs.length });
    box.define(more);
    box.define(count);
    await box.start();
    const main = serial([], { postprocess: count });
    await extend(main, more(main));

    await queue.put(main);
    await reactor.runUntilIdle();

    expect(await main.result()).toBe(100);
  });

  it('[S-16] without inner jobs both go straight to the postprocess', async () => {
    const { box, queue, collect, reactor } = await setUp(makeStore);
    await box.start();

    const results = await Promise.all(
      [serial, parallel].map(async (join) => (await queue.put(join([], { postprocess: collect }))).result()),
    );
    await reactor.runUntilIdle();

    expect(results).toEqual([[], []]);
  });

  it('[S-17] a stop while an inner job runs leaves a system job for each; after a restart the result is the same', async () => {
    for (const join of [serial, parallel]) {
      const before = await setUp(makeStore);
      const { box, queue, done, hold, collect, started, reactor } = before;
      await box.start();
      const inner = hold('inner');
      const main = await queue.put(join([done('first'), inner, done('last')], { postprocess: collect }));
      await reactor.runUntilIdle();

      const { after, waiting } = await restart(before, makeStore);
      after.open('inner');
      await after.reactor.runUntilIdle();

      expect(waiting.map((job) => [job.name, (job.args[0] as Inner).id])).toEqual([
        ['signalbox.handleInterrupt', main.id],
        ['signalbox.handleInterrupt', inner.id],
      ]);
      expect(await after.box.job(main.id ?? '').result()).toEqual(['first', 'inner', 'last']);
      expect(started.filter((name) => name === 'inner')).toHaveLength(2);
      expect(started.filter((name) => name === 'first')).toHaveLength(1);
      await after.stop();
    }
  });

  it('[S-18] a stop while the postprocess runs: it is run again, and put once', async () => {
    const before = await setUp(makeStore);
    await before.box.start();
    const post = before.hold.partial('post');
    const main = await before.queue.put(serial([before.done('inner')], { postprocess: post }));
    await before.reactor.runUntilIdle();

    const { after, waiting } = await restart(before, makeStore);
    after.open('post');
    await after.reactor.runUntilIdle();

    expect(waiting.map((job) => (job.args[0] as Inner).id)).toEqual([main.id, post.id]);
    expect(await after.box.job(main.id ?? '').result()).toBe('post');
    expect(before.started).toEqual(['inner', 'post', 'post']);
    expect((await putsOf(after)).get(post.id ?? '')).toBe(1);
  });

  it('[S-19] a main job that is run again puts no inner job a second time', async () => {
    for (const join of [serial, parallel]) {
      const before = await setUp(makeStore);
      const { box, queue, done, hold, collect, reactor } = before;
      await box.start({ agent: agent({ size: 2 }) });
      const inner = [done('done'), hold('running'), done('waiting')];
      const main = await queue.put(join(inner, { postprocess: collect }));
      await reactor.runUntilIdle();

      const { after } = await restart(before, makeStore, { size: 2 });
      after.open('running');
      await after.reactor.runUntilIdle();
      const puts = await putsOf(after);

      expect(await after.box.job(main.id ?? '').result()).toEqual(['done', 'running', 'waiting']);
      expect(inner.map((job) => puts.get(job.id ?? ''))).toEqual([1, 1, 1]);
      expect((await after.box.job(main.id ?? '').refresh()).record.attempts).toBe(2);
      await after.stop();
    }
  });

  it('[S-20] after a re-run the postprocess waits for the last inner job, which was interrupted', async () => {
    for (const join of [serial, parallel]) {
      const before = await setUp(makeStore);
      await before.box.start();
      const main = await before.queue.put(
        join([before.done('first'), before.hold('last')], { postprocess: before.done.partial('post') }),
      );
      await before.reactor.runUntilIdle();

      const { after } = await restart(before, makeStore);
      await after.reactor.advance('1m');
      const during = [...before.started];
      const attempts = (await after.box.job(main.id ?? '').refresh()).record.attempts;
      after.open('last');
      await after.reactor.runUntilIdle();

      expect(attempts).toBe(2);
      expect(during).toEqual(['first', 'last', 'last']);
      expect(before.started).toEqual(['first', 'last', 'last', 'post']);
      await after.stop();
    }
  });

  it('[S-21] a main job that waited twice for its postprocess is resumed once, without a failed callback', async () => {
    const before = await setUp(makeStore);
    await before.box.start();
    const inner = before.hold('inner');
    const main = await before.queue.put(serial([inner], { postprocess: before.done.partial('post') }));
    await main.addCallback(before.note.partial('main is done'));
    await before.reactor.runUntilIdle();

    const { after } = await restart(before, makeStore);
    after.open('inner');
    await after.reactor.runUntilIdle();

    const finishes: string[] = [];
    const waits: string[] = [];
    for await (const { event, id } of after.box.entries()) {
      if (id === main.id && event === 'job.finish') finishes.push(event);
      if (id === main.id && event === 'job.wait') waits.push(event);
    }
    expect([waits.length, finishes.length]).toEqual([2, 1]);
    expect(after.notes).toEqual([['main is done', 'post']]);
    expect([...after.logged('ERROR'), ...after.logged('CRITICAL')]).toEqual([]);
  });
});
