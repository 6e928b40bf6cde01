import {
  agent,
  type Codec,
  decorateStore,
  defineJob,
  local,
  memoryStore,
  type ScheduleOptions,
  schedule,
} from 'signalbox';
import { createTestBox, simulatedJsonStore, VirtualReactor } from 'signalbox/testing';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { makeControlledJobs } from './controlled-jobs.ts';
import { forEachStore, type MakeStore, makeBox } from './stores.ts';

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;
/** Where virtual time begins. */
const start = Date.UTC(2030, 0, 1);

/** The tick of the job that runs. */
function ownTick(): { readonly tick: number } {
  return local.getJob()?.origin as { readonly tick: number };
}

/** A box with a job that notes its ticks, in minutes since the start. */
async function setUp(makeStore: MakeStore) {
  const ticks: (number | null)[] = [];
  const work = defineJob({
    name: 'work',
    run: async (_what: string) => {
      const { tick } = ownTick();
      ticks.push((tick as number | null) === null ? null : (tick - start) / minute);
    },
  });
  const testBox = await makeBox({ store: makeStore(), jobs: [work], queues: [''] });
  await testBox.box.start({ agent: agent({ size: 20 }) });
  const { schedules } = testBox.box.queue();
  const state = async (name = 's') => {
    const { runs, missed, skipped, lastSkip, state } = await schedules.get(name);
    return { state, runs, missed, skipped, why: lastSkip?.why ?? null };
  };
  return { ...testBox, schedules, work, ticks, state };
}

/** A box with a job that runs until the test ends it, by the number of its start. */
async function setUpHeld(makeStore: MakeStore, options: ScheduleOptions) {
  const { hold, started, open } = makeControlledJobs();
  const testBox = await makeBox({ store: makeStore(), jobs: [hold], queues: [''] });
  await testBox.box.start({ agent: agent({ size: 20 }) });
  const { schedules } = testBox.box.queue();
  await schedules.set('s', { every: '10m', ...options }, hold('x'));
  const end = async (): Promise<void> => {
    open('x');
    await testBox.reactor.runUntilIdle();
  };
  return { ...testBox, schedules, started, end };
}

forEachStore('Schedules', (makeStore, kind) => {
  it('put a job at each tick, at its instant, and no drift', async () => {
    const { reactor, schedules, work, ticks, box } = await setUp(makeStore);
    await schedules.set('s', { cron: '*/10 * * * *' }, work('x'));

    await reactor.advance('35m');

    expect(ticks).toEqual([10, 20, 30]);
    const { lastJob, next, lastTick, job } = await schedules.get('s');
    expect([next?.getTime(), lastTick?.getTime(), job]).toEqual([
      start + 40 * minute,
      start + 30 * minute,
      'work',
    ]);
    const last = await box.job(lastJob ?? '').refresh();
    expect([last.args, last.record.beginAfter]).toEqual([['x'], start + 30 * minute]);
  });

  it('come again after a stop and a start, without a set', async () => {
    const store = makeStore();
    const first = await setUp(() => store);
    await first.schedules.set('s', { every: '10m' }, first.work('x'));
    await first.reactor.advance('15m');
    await first.stop();

    const second = await setUp(() => store);
    second.reactor.setNow(start + 25 * minute - 1);
    await second.reactor.advance('10m');

    expect([first.ticks, second.ticks]).toEqual([[10], [20, 30]]);
  });

  it('of the options are set by start(), and setting them again changes nothing', async () => {
    const work = defineJob({ name: 'work', run: (_what: string) => {} });
    const store = makeStore();
    const of = (every: string) => ({
      store,
      jobs: [work],
      schedules: [schedule('', 's', { every }, work('x'))],
    });
    const first = await makeBox(of('10m'));
    await first.box.start();
    await first.reactor.advance('15m');
    const before = await first.box.queue().schedules.get('s');
    await first.stop();
    const second = await makeBox(of('10m'));
    second.reactor.setNow(start + 16 * minute);
    await second.box.start();
    const same = await second.box.queue().schedules.get('s');
    await second.stop();
    const third = await makeBox(of('7m'));
    third.reactor.setNow(start + 16 * minute);
    await third.box.start();
    const other = await third.box.queue().schedules.get('s');

    expect(same).toEqual(before);
    expect(same.next?.getTime()).toBe(start + 20 * minute);
    expect(other.next?.getTime()).toBe(start + 23 * minute);
  });

  it('that are changed between ticks come as the new figures say, from now on', async () => {
    const { reactor, schedules, work, ticks } = await setUp(makeStore);
    await schedules.set('s', { cron: '0 * * * *' }, work('x'));
    await reactor.advance('90m');

    expect(await schedules.set('s', { cron: '*/20 * * * *' }, work('x'))).toBe(true);
    await reactor.advance('25m');
    expect(await schedules.set('s', { cron: '*/20 * * * *' }, work('y'))).toBe(true);
    expect(await schedules.set('s', { cron: '*/20 * * * *' }, work('y'))).toBe(false);
    await reactor.advance('30m');

    expect(ticks).toEqual([60, 100, 120, 140]);
  });

  it('that are paused let no tick come, and go on from now when they are resumed', async () => {
    const { reactor, schedules, work, ticks, box } = await setUp(makeStore);
    await schedules.set('s', { every: '10m' }, work('x'));
    await reactor.advance('15m');
    await schedules.pause('s', { reason: 'the month is closed' });
    await schedules.set('s', { every: '10m' }, work('y'));
    await reactor.advance('2h');
    const { paused, next, state } = await schedules.get('s');
    const planned = await schedules.next('s', 1);

    expect(await schedules.resume('s')).toBe(true);
    expect(await schedules.resume('s')).toBe(false);
    await reactor.advance('10m');

    expect(ticks).toEqual([10, 140]);
    expect([paused?.reason, paused?.by, next, state]).toEqual([
      'the month is closed',
      box.uuid,
      null,
      'paused',
    ]);
    expect(planned.map(Number)).toEqual([start + 140 * minute]);
  });

  it('put a job at once when they are triggered, also while they are paused', async () => {
    const { reactor, schedules, work, ticks } = await setUp(makeStore);
    await schedules.set('s', { every: '1h' }, work('x'));
    await schedules.pause('s');

    const job = await schedules.trigger('s');
    await reactor.until(job.result());

    expect(ticks).toEqual([null]);
    expect((await schedules.get('s')).lastJob).toBe(job.id);
  });

  it('that are removed put nothing more, and their jobs stay', async () => {
    const { reactor, schedules, work, ticks, box } = await setUp(makeStore);
    await schedules.set('s', { every: '10m' }, work('x'));
    await reactor.advance('15m');
    const { lastJob } = await schedules.get('s');

    await schedules.remove('s');
    await reactor.advance('1h');

    expect(ticks).toEqual([10]);
    expect((await box.job(lastJob ?? '').refresh()).ending).toBe('succeeded');
    await expect(schedules.get('s')).rejects.toMatchObject({
      code: 'SCHEDULE_NOT_FOUND',
      details: { known: [] },
    });
    await expect(schedules.remove('s')).rejects.toMatchObject({ code: 'SCHEDULE_NOT_FOUND' });
  });

  it('end after the last of their runs, and at their end', async () => {
    const { reactor, schedules, work, ticks, state } = await setUp(makeStore);
    await schedules.set('s', { every: '10m', maxRuns: 2 }, work('x'));
    await schedules.set('t', { every: '15m', until: new Date(start + 15 * minute) }, work('x'));
    await reactor.advance('1h');

    expect(ticks).toEqual([10, 15, 20]);
    expect([await state('s'), await state('t')]).toMatchObject([
      { state: 'ended', runs: 2 },
      { state: 'ended', runs: 1 },
    ]);
    await schedules.set('s', { every: '10m', maxRuns: 3 }, work('x'));
    await reactor.advance('1h');
    expect(ticks).toEqual([10, 15, 20, 70]);
  });

  it('fill the ticks of the past that have no job, once', async () => {
    const { reactor, schedules, work, ticks } = await setUp(makeStore);
    await reactor.advance('1h');
    await schedules.set('s', { cron: '*/20 * * * *' }, work('x'));
    await reactor.advance('20m');
    const range = { from: start + 10 * minute, to: start + 80 * minute };

    expect(await schedules.backfill('s', range)).toBe(3);
    expect(await schedules.backfill('s', range)).toBe(0);
    await reactor.advance('20m');

    expect([...ticks].sort((one, other) => Number(one) - Number(other))).toEqual([20, 40, 60, 80, 100]);
    const future = { ...range, to: start + 5 * hour };
    await expect(schedules.backfill('s', future)).rejects.toMatchObject({ code: 'INVALID_OPTION' });
  });

  it('go on when the clock is set back, and no tick comes twice', async () => {
    const { reactor, schedules, work, ticks } = await setUp(makeStore);
    await schedules.set('s', { every: '10m' }, work('x'));
    await reactor.advance('65m');

    reactor.setNow(start + 5 * minute);
    await reactor.advance('50m');
    expect(ticks).toEqual([10, 20, 30, 40, 50, 60]);
    await reactor.advance('20m');
    expect(ticks).toEqual([10, 20, 30, 40, 50, 60, 70]);

    // Removed and set again they forget the tick; its job is still there.
    reactor.setNow(start + 55 * minute);
    await schedules.remove('s');
    await schedules.set('s', { every: '10m', from: start }, work('x'));
    await reactor.advance('30m');
    expect(ticks).toEqual([10, 20, 30, 40, 50, 60, 70, 80]);
    expect((await schedules.get('s')).lastSkip).toEqual({
      tick: new Date(start + 70 * minute),
      why: 'exists',
    });
  });

  it('make one job of what they missed when the clock is set forward', async () => {
    const { reactor, schedules, work, ticks, state } = await setUp(makeStore);
    await schedules.set('s', { every: '10m' }, work('x'));
    await reactor.advance('15m');

    reactor.setNow(start + 15 * minute + 3 * hour);
    await reactor.advance('6s');

    expect(ticks).toEqual([10, 190]);
    expect(await state()).toMatchObject({ runs: 2, missed: 17 });
    await reactor.advance('5m');
    expect(ticks).toEqual([10, 190, 200]);
  });

  it.each(
    (['once', 'all', 'skip'] as const).flatMap((misfire) =>
      (['skip', 'buffer', 'allow', 'cancel'] as const).map((overlap) => ({ misfire, overlap })),
    ),
  )('after downtime: misfire $misfire, overlap $overlap', async ({ misfire, overlap }) => {
    const store = makeStore();
    const first = await setUpHeld(() => store, { misfire, overlap });
    await first.stop();
    const { hold, started } = makeControlledJobs();
    const { box, reactor } = await makeBox({ store, jobs: [hold], queues: [''] });
    // Ticks 10 to 50 are missed.
    reactor.setNow(start + 55 * minute);
    await box.start({ agent: agent({ size: 20 }) });
    await reactor.advance('1s');
    const { runs, missed, skipped } = await box.queue().schedules.get('s');

    const expected = {
      once: { runs: 1, missed: 4, skipped: 0, running: 1 },
      skip: { runs: 0, missed: 5, skipped: 0, running: 0 },
      all: {
        skip: { runs: 1, missed: 0, skipped: 4, running: 1 },
        // How far the first one is when the next tick is decided, is for its agent to say.
        buffer: { runs: expect.toBeOneOf([1, 2]), missed: 0, skipped: expect.toBeOneOf([3, 4]), running: 1 },
        allow: { runs: 5, missed: 0, skipped: 0, running: 5 },
        cancel: { runs: 5, missed: 0, skipped: 0, running: 1 },
      }[overlap],
    }[misfire];
    expect({ runs, missed, skipped, running: started.length }).toEqual(expected);
  });

  it('leave a tick out while the last job runs', async () => {
    const { reactor, schedules, started, end } = await setUpHeld(makeStore, {});
    await reactor.advance('35m');
    expect(started).toHaveLength(1);
    await end();
    await reactor.advance('10m');

    expect(started).toHaveLength(2);
    expect(await schedules.get('s')).toMatchObject({ runs: 2, skipped: 2, lastSkip: { why: 'overlap' } });
  });

  it('let one job wait behind the last with overlap buffer, which begins when that ends', async () => {
    const { reactor, schedules, started, end, box } = await setUpHeld(makeStore, { overlap: 'buffer' });
    await reactor.advance('45m');
    const waiting = await box.queue().length();
    const { runs, skipped, lastSkip } = await schedules.get('s');

    expect([started.length, waiting, runs, skipped, lastSkip?.why]).toEqual([1, 1, 2, 2, 'buffered']);
    await end();
    expect(started).toHaveLength(2);
  });

  it('run both with overlap allow', async () => {
    const { reactor, started } = await setUpHeld(makeStore, { overlap: 'allow' });
    await reactor.advance('35m');

    expect(started).toHaveLength(3);
  });

  it('cancel the last job with overlap cancel, and the next begins when it has ended', async () => {
    const signals: AbortSignal[] = [];
    const order: string[] = [];
    const slow = defineJob({
      name: 'slow',
      run: async () => {
        signals.push(local.signal);
        order.push('begin');
        await local.sleep('1d').finally(() => order.push('end'));
      },
    });
    const { box, reactor } = await makeBox({ store: makeStore(), jobs: [slow], queues: [''] });
    await box.start({ agent: agent({ size: 5 }) });
    const { schedules } = box.queue();
    await schedules.set('s', { every: '10m', overlap: 'cancel' }, slow);
    await reactor.advance('10m');
    const first = (await schedules.get('s')).lastJob ?? '';
    await reactor.advance('10m');
    await reactor.advance('10s');

    expect((await box.job(first).refresh()).ending).toBe('cancelled');
    expect(order).toEqual(['begin', 'end', 'begin']);
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, false]);
  });

  it('are due later by their jitter, each tick by its own', async () => {
    const { reactor, schedules, work, ticks, box } = await setUp(makeStore);
    await schedules.set('s', { every: '10m', jitter: '5m' }, work('x'));
    const begun: number[] = [];
    for (let count = 0; count < 6; count += 1) {
      await reactor.advance('10m');
      const { lastJob } = await schedules.get('s');
      if (lastJob !== null) begun.push(((await box.job(lastJob).refresh()).record.beginAfter ?? 0) - start);
    }
    await reactor.advance('5m');

    expect(ticks).toEqual([10, 20, 30, 40, 50, 60]);
    const later = new Set(begun.map((at) => at % (10 * minute)));
    expect(later.size).toBeGreaterThan(2);
    expect(Math.max(...later)).toBeLessThanOrEqual(5 * minute);
  });

  it('put jobs with the options of the draft: a delay, limits of time, annotations, priority', async () => {
    const { reactor, schedules, work, box } = await setUp(makeStore);
    const draft = work('x').with({
      beginAfter: '1m',
      deadline: '5m',
      timeout: '30s',
      priority: 'high',
      annotations: { of: 'ada' },
    });
    await schedules.set('s', { every: '10m' }, draft);
    await reactor.advance('10m');

    const job = await box.job((await schedules.get('s')).lastJob ?? '').refresh();
    expect(job.record).toMatchObject({
      beginAfter: start + 11 * minute,
      deadline: start + 16 * minute,
      timeout: 30_000,
      priority: expect.any(Number),
    });
    expect(job.annotations.of).toBe('ada');
    expect(job.record.priority).toBeLessThan(0);
  });

  it('put their job where no process knows the definition, and it waits', async () => {
    const store = makeStore();
    const first = await setUp(() => store);
    await first.schedules.set('s', { every: '10m' }, first.work('x'));
    await first.stop();

    const { box, reactor } = await makeBox({ store, jobs: [], queues: [''] });
    await box.start();
    await reactor.advance('15m');

    expect(await box.queue().length()).toBe(1);
    const job = await box.job((await box.queue().schedules.get('s')).lastJob ?? '').refresh();
    expect([job.status, job.record.name]).toEqual(['PENDING', 'work']);
  });

  it('whose put is refused log an error, try again at each poll, and hold up no others', async () => {
    const store = makeStore();
    const { hold, done, started, open } = makeControlledJobs();
    const { box, reactor, logged } = await makeBox({
      ...{ store, jobs: [hold, done], queues: ['', 'full'], limits: { waiting: 1 } },
    });
    await box.start({ agent: agent({ size: 1 }) });
    await box.queue('full').put(hold('a'));
    await reactor.runUntilIdle();
    await box.queue('full').put(hold('b'));
    await box.queue('full').schedules.set('s', { every: '10m' }, done('full'));
    await box.queue().schedules.set('s', { every: '10m' }, done('other'));

    await reactor.advance('10m');
    await reactor.advance('11s');
    expect(started).toEqual(['a', 'other']);
    const errors = logged('ERROR').filter((message) => message.includes("schedule 's' of queue 'full'"));
    expect(errors.length).toBeGreaterThanOrEqual(2);
    expect(errors.length).toBeLessThanOrEqual(4);
    expect(errors[0]).toContain('QUEUE_FULL');

    open('a');
    open('b');
    await reactor.advance('5s');
    expect(started).toEqual(['a', 'other', 'b', 'full']);
  });

  it('in a paused queue put jobs, which wait', async () => {
    const { reactor, schedules, work, ticks, box } = await setUp(makeStore);
    await schedules.set('s', { every: '10m', overlap: 'allow' }, work('x'));
    await box.queue().pause();
    await reactor.advance('25m');
    expect([await box.queue().length(), ticks]).toEqual([2, []]);
    await box.queue().resume();
    await reactor.runUntilIdle();

    expect(ticks).toEqual([10, 20]);
  });

  it('become part of a transaction', async () => {
    const { schedules, work, box } = await setUp(makeStore);
    const failed = box.transaction(async (tx) => {
      await tx.queue().schedules.set('s', { every: '10m' }, work('x'));
      throw new Error('no');
    });
    await expect(failed).rejects.toThrow('no');
    expect(await schedules.list()).toEqual([]);

    await box.transaction(async (tx) => {
      await tx.queue().schedules.set('s', { every: '10m' }, work('x'));
      await tx.queue().schedules.pause('s');
      await tx.queue().schedules.set('t', { every: '10m' }, work('x'));
    });

    expect((await schedules.list()).map(({ name, state }) => [name, state])).toEqual([
      ['s', 'paused'],
      ['t', 'active'],
    ]);
  });

  it('are kept encoded where the box has a codec, and set again they change nothing', async () => {
    const turned = (text: string) => [...text].reverse().join('');
    const codec: Codec = {
      encode: (value) => turned(JSON.stringify(value)),
      decode: (value) => JSON.parse(turned(String(value))),
    };
    const work = defineJob({ name: 'work', run: (_what: string) => {} });
    const raw: unknown[] = [];
    const store = makeStore();
    const spied = {
      name: store.name,
      open: async (ports: Parameters<typeof store.open>[0]) =>
        decorateStore(await store.open(ports), {
          change: (change) => {
            raw.push(change.patch);
            return change;
          },
        }),
    };
    const { box, reactor } = await makeBox({ store: spied, codec, jobs: [work], queues: [''] });
    await box.start();
    const { schedules } = box.queue();
    const set = () =>
      schedules.set('s', { every: '10m' }, work('secret').with({ annotations: { of: 'hidden' } }));

    expect([await set(), await set()]).toEqual([true, false]);
    await reactor.advance('10m');

    const job = await box.job((await schedules.get('s')).lastJob ?? '').refresh();
    expect([job.args, job.annotations.of]).toEqual([['secret'], 'hidden']);
    expect(raw.length).toBeGreaterThan(2);
    expect(JSON.stringify(raw)).not.toMatch(/"secret"|"hidden"/);
  });

  it('are refused when a schema does not accept the arguments of their jobs', async () => {
    const mail = defineJob({
      name: 'mail',
      input: v.pipeAsync(
        v.string(),
        v.checkAsync(async (to) => to.includes('@'), 'no address'),
      ),
      run: (_to) => {},
    });
    const { box } = await makeBox({ store: makeStore(), jobs: [mail], queues: [''] });
    const { schedules } = box.queue();

    await expect(schedules.set('s', { every: '1m' }, mail('ada'))).rejects.toMatchObject({
      code: 'ARGS_INVALID',
    });

    expect(await schedules.list()).toEqual([]);
    expect(await schedules.set('s', { every: '1m' }, mail('ada@example.org'))).toBe(true);
  });

  it('refuse bad input before anything is written', async () => {
    const { schedules, work, box } = await setUp(makeStore);
    const draft = work('x');
    const set = (options: ScheduleOptions, job: Parameters<typeof schedules.set>[2] = draft) =>
      schedules.set('s', options, job);
    const withCallback = work('y');
    await withCallback.addCallback(work('then') as never);
    const stored = await box.storeNew(work('z'));
    const named = work('n').with({ id: 'mine' });
    const at = work('at').with({ beginAfter: new Date(start + day) });

    for (const [refused, code] of [
      [() => set({}), 'INVALID_OPTION'],
      [() => set({ cron: '* * * * *', every: '1m' }), 'INVALID_OPTION'],
      [() => set({ every: '999ms' }), 'INVALID_OPTION'],
      [() => set({ every: 1000.5 }), 'INVALID_OPTION'],
      [() => set({ every: 'often' }), 'INVALID_DURATION'],
      [() => set({ cron: '61 * * * *' }), 'INVALID_CRON'],
      [() => set({ cron: '0 0 31 2 *' }), 'INVALID_CRON'],
      [() => set({ cron: '* * * * *', tz: 'Mars/Olympus' }), 'INVALID_TIME_ZONE'],
      [() => set({ every: '1m', tz: 'UTC' }), 'INVALID_OPTION'],
      [() => set({ cron: '* * * * *', from: start }), 'INVALID_OPTION'],
      [() => set({ every: '1m', overlap: 'queue' as never }), 'INVALID_OPTION'],
      [() => set({ every: '1m', misfire: 'twice' as never }), 'INVALID_OPTION'],
      [() => set({ every: '1m', maxRuns: 0 }), 'INVALID_OPTION'],
      [() => set({ every: '1m', until: '2030-01-01' }), 'INVALID_INSTANT'],
      [() => set({ every: '1m', often: true } as never), 'INVALID_OPTION'],
      [() => set({ every: '1m' }, withCallback), 'INVALID_OPTION'],
      [() => set({ every: '1m' }, stored), 'INVALID_OPTION'],
      [() => set({ every: '1m' }, named), 'INVALID_OPTION'],
      [() => set({ every: '1m' }, at), 'INVALID_OPTION'],
      [() => set({ every: '1m' }, (() => {}) as never), 'ANONYMOUS_FUNCTION'],
      [() => schedules.set('a/b', { every: '1m' }, draft), 'INVALID_NAME'],
      [() => box.queue('none').schedules.set('s', { every: '1m' }, draft), 'QUEUE_NOT_FOUND'],
      [() => schedules.pause('s'), 'SCHEDULE_NOT_FOUND'],
      [() => schedules.trigger('s'), 'SCHEDULE_NOT_FOUND'],
      [() => schedules.next('s'), 'SCHEDULE_NOT_FOUND'],
    ] as const)
      await expect(refused(), String(refused)).rejects.toMatchObject({ code });

    expect(await schedules.list()).toEqual([]);
    expect(() => schedule('', 's', { cron: '* * *' }, draft)).toThrow('5 or 6 fields');
  });

  it('that are due in one second are all made, each once', async () => {
    const { reactor, schedules, work, ticks, box } = await setUp(makeStore);
    const count = kind === 'memory' ? 10_000 : 500;
    await Promise.all(
      Array.from({ length: count }, (_, n) =>
        schedules.set(`s${n}`, { every: '10m', from: start + 1000 + (n % 1000) }, work('x')),
      ),
    );

    await reactor.advance('3s');

    expect(ticks).toHaveLength(count);
    expect(await box.queue().length()).toBe(0);
    expect(
      new Set(
        (await schedules.list()).map(({ runs, next }) => `${runs} ${Number(next) > start + 10 * minute}`),
      ),
    ).toEqual(new Set(['1 true']));
  });
});

describe('A schedule of a store that several processes share', () => {
  it('is looked at up to half a second later by a process that did not make the last tick', async () => {
    const store = memoryStore();
    const shared = {
      name: store.name,
      open: async (ports: Parameters<typeof store.open>[0]) =>
        decorateStore(await store.open(ports), { exclusive: false }),
    };
    const work = defineJob({ name: 'work', run: () => {} });
    const { box, reactor } = await makeBox({
      store: shared,
      jobs: [work],
      queues: [''],
      random: { next: () => 0.5 },
    });
    await box.start({ pollInterval: '1h' });
    const { schedules } = box.queue();
    await schedules.set('s', { every: '10m', overlap: 'allow' }, work);
    const late: number[] = [];
    for (let tick = 1; tick <= 3; tick += 1) {
      await reactor.advance('10m');
      await reactor.advance('1s');
      const { lastJob } = await schedules.get('s');
      late.push(
        ((await box.job(lastJob ?? '').refresh()).record.beginAfter ?? 0) - start - tick * 10 * minute,
      );
    }

    expect(late).toEqual([250, 0, 0]);
  });
});

describe('A schedule over a year', () => {
  it('comes in six zones when a table says so', async () => {
    const zones = [
      'UTC',
      'Europe/Berlin',
      'America/New_York',
      'Australia/Lord_Howe',
      'America/Santiago',
      'Asia/Kolkata',
    ];
    const seen = new Map<string, number[]>(zones.map((zone) => [zone, []]));
    const note = defineJob({
      name: 'note',
      run: async (zone: string) => {
        const { tick } = ownTick();
        seen.get(zone)?.push(tick);
      },
    });
    const reactor = new VirtualReactor({ now: Date.UTC(2024, 0, 1) });
    const { box, tearDown } = await createTestBox({ reactor, jobs: [note], pollInterval: '1d' });
    for (const [n, tz] of zones.entries())
      await box.queue().schedules.set(`s${n}`, { cron: '30 2 * * *', tz, overlap: 'allow' }, note(tz));

    // The last ones are claimed by the poll of the day after.
    await reactor.advance('367d');

    for (const zone of zones) {
      const clock = new Intl.DateTimeFormat('en-GB', {
        timeZone: zone,
        dateStyle: 'short',
        timeStyle: 'short',
      });
      const ticks = (seen.get(zone) ?? []).filter((tick) => tick < Date.UTC(2025, 0, 1));
      const walls = ticks.map((tick) => clock.format(tick));
      const odd = walls.filter((wall) => !wall.endsWith('02:30'));

      expect(new Set(walls.map((wall) => wall.slice(0, 10))).size).toBe(366);
      expect(walls).toHaveLength(366);
      // Where 02:30 does not exist it comes at the first instant after the gap.
      expect([zone, odd]).toEqual([
        zone,
        { 'Europe/Berlin': ['31/03/2024, 03:00'], 'America/New_York': ['10/03/2024, 03:00'] }[zone] ?? [],
      ]);
    }
    await tearDown();
  }, 60_000);
});

describe('A schedule in a crash', () => {
  it.each(['kept', 'lost'] as const)(
    'has one job for each tick, when what was not synced is %s',
    async (unsynced) => {
      const ticks: number[] = [];
      const note = defineJob({
        name: 'note',
        run: async () => {
          const { tick } = ownTick();
          ticks.push((tick - start) / minute);
        },
      });
      const reactor = new VirtualReactor();
      let box = await createTestBox({ store: simulatedJsonStore, reactor, jobs: [note] });
      await box.box.queue().schedules.set('s', { every: '1m', misfire: 'all', overlap: 'allow' }, note);
      for (let round = 0; round < 20; round += 1) {
        await reactor.advance(`${30 + round * 7}s`);
        await box.crash({ unsynced });
        await reactor.advance('40s');
        box = await box.reopen();
      }
      await reactor.advance('10s');

      const last = Math.max(...ticks);
      expect([...new Set(ticks)].sort((one, other) => one - other)).toEqual(
        Array.from({ length: last }, (_, n) => n + 1),
      );
      const jobs = await box.box.store.jobsPage({ list: 'ended', limit: 200 });
      expect(jobs.jobs).toHaveLength(last);
      await box.tearDown();
    },
  );
});

describe('A schedule that another process removes', () => {
  it.each(['trigger', 'pause', 'remove'] as const)(
    'while it is read for %s is not there, and nothing is written',
    async (call) => {
      let removeIt: (() => Promise<void>) | null = null;
      const inner = memoryStore();
      const store = {
        name: inner.name,
        open: async (ports: Parameters<typeof inner.open>[0]) => {
          const open = await inner.open(ports);
          return decorateStore(open, {
            read: async (read, name, [kind]) => {
              const value = await read();
              if (name === 'get' && kind === 'schedule' && removeIt !== null) {
                const remove = removeIt;
                removeIt = null;
                await remove();
              }
              return value;
            },
          });
        },
      };
      const note = defineJob({ name: 'note', run: () => null });
      const { box, tearDown } = await createTestBox({ store, jobs: [note], reactor: new VirtualReactor() });
      const { schedules } = box.queue();
      await schedules.set('often', { every: '1h' }, note);
      removeIt = async () => {
        const gone = { kind: 'schedule', id: '/often', event: 'schedule.end', from: null, to: null } as const;
        await box.store.commit({ by: 'other', changes: [{ ...gone, patch: null, gone: true }], expect: [] })
          .written;
      };

      await expect(schedules[call]('often')).rejects.toMatchObject({ code: 'SCHEDULE_NOT_FOUND' });

      expect(await box.store.list('schedule', '')).toEqual([]);
      expect(await box.store.list('job', '')).toEqual([]);
      await tearDown();
    },
  );
});
