import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { createSignalbox, defineJob, local, memoryStore, type ScheduledCall, type Store } from 'signalbox';
import { jsonStore } from 'signalbox/json';
import { VirtualReactor, type VirtualReactorOptions, waitForResult } from 'signalbox/testing';
import { afterEach, describe, expect, it } from 'vitest';

const folders: string[] = [];

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

function startedReactor(options: VirtualReactorOptions = {}): VirtualReactor {
  const reactor = new VirtualReactor(options);
  reactor.run();
  return reactor;
}

describe('Virtual time', () => {
  it.each(['2030-01-01T00:00:00Z', Number.NaN, new Date(Number.NaN), null])(
    'refuses %j as its instant',
    (now) => {
      const reactor = startedReactor({ now: 1000 });

      for (const attempt of [
        () => reactor.setNow(now as never),
        ...(now === null ? [] : [() => new VirtualReactor({ now: now as never })]),
      ])
        expect(attempt).toThrow(
          /^Expected `now` to be a Date or epoch milliseconds, got .+ Make a Date of text/,
        );
      expect(reactor.now()).toBe(1000);
    },
  );

  it('does not move by itself', async () => {
    const reactor = startedReactor({ now: 1000 });
    reactor.callLater(1, () => expect.unreachable('nobody moved time'));

    await reactor.runUntilIdle();

    expect([reactor.now(), reactor.pending]).toEqual([1000, 1]);
  });

  it('fires calls in time order, those of one instant in order of scheduling, the clock at each', async () => {
    const reactor = startedReactor({ now: 0 });
    const fired: string[] = [];
    const later = (ms: number, name: string): ScheduledCall =>
      reactor.callLater(ms, () => fired.push(`${name} ${reactor.now()}`));
    later(30, 'c');
    later(10, 'a');
    later(10, 'b');
    later(60, 'beyond');

    await reactor.advance(50);

    expect(fired).toEqual(['a 10', 'b 10', 'c 30']);
    expect(reactor.now()).toBe(50);
  });

  it('fires what is scheduled meanwhile, when it is due within the span', async () => {
    const reactor = startedReactor({ now: 0 });
    const fired: number[] = [];
    const tick = (): void => {
      fired.push(reactor.now());
      reactor.callLater(20, tick);
    };
    tick();

    await reactor.advance('70ms');

    expect(fired).toEqual([0, 20, 40, 60]);
  });

  it('lets everything that follows from a call happen before the next call', async () => {
    const reactor = startedReactor({ now: 0 });
    const order: string[] = [];
    reactor.callLater(10, () => {
      order.push('first');
      void Promise.resolve().then(() => {
        reactor.callFromThread(() => {
          order.push('thread');
          void Promise.resolve().then(() => reactor.callInThread(() => order.push(`end ${reactor.now()}`)));
        });
      });
    });
    reactor.callLater(11, () => order.push('second'));

    await reactor.advance(20);

    expect(order).toEqual(['first', 'thread', 'end 10', 'second']);
  });

  it('awaits what the test asks it to before it continues', async () => {
    let isReady = false;
    const reactor = startedReactor({
      now: 0,
      settle: async () => {
        isReady = true;
      },
    });
    const seen: boolean[] = [];
    reactor.callLater(10, () => seen.push(isReady));

    await reactor.advance(10);

    expect(seen).toEqual([true]);
  });

  it('forgets a call that was taken back, also by a call of the same instant', async () => {
    const reactor = startedReactor();
    const fired: string[] = [];
    reactor.callLater(10, () => {
      fired.push('first');
      second.cancel();
    });
    const second = reactor.callLater(10, () => fired.push('second'));

    await reactor.advance(10);
    second.cancel();

    expect([fired, reactor.pending]).toEqual([['first'], 0]);
  });

  it('keeps the delays of pending calls when the wall clock is set, forward or back', async () => {
    const reactor = startedReactor({ now: 1_000_000 });
    const fired: number[] = [];
    reactor.callLater(10, () => fired.push(reactor.now()));
    reactor.callLater(20, () => fired.push(reactor.now()));

    reactor.setNow(new Date(5_000_000));
    await reactor.advance(10);
    reactor.setNow(0);
    await reactor.advance(10);

    expect(fired).toEqual([5_000_010, 10]);
  });

  it('rejects with what a call throws, and can continue', async () => {
    const reactor = startedReactor({ now: 0 });
    const fired: number[] = [];
    reactor.callLater(10, () => {
      throw new Error('thrown at 10');
    });
    reactor.callLater(20, () => fired.push(reactor.now()));

    await expect(reactor.advance(30)).rejects.toThrow('thrown at 10');
    await reactor.advance(30);

    expect(fired).toEqual([20]);
  });

  it('lets time pass until a promise is settled, and not longer', async () => {
    const reactor = startedReactor({ now: 0 });
    const later = new Promise<string>((resolve) => reactor.callLater(3_600_000, () => resolve('there')));
    reactor.callLater(3_600_001, () => expect.unreachable('too far'));

    expect(await reactor.until(later)).toBe('there');

    expect(reactor.now()).toBe(3_600_000);
  });

  it('rejects when a promise cannot be settled, or not within the limit', async () => {
    const reactor = startedReactor();
    await expect(reactor.until(new Promise(() => {}))).rejects.toThrow(/a timed call to wait for/);
    const tick = (): void => void reactor.callLater(1000, tick);
    tick();

    await expect(reactor.until(new Promise(() => {}), { limit: '10s' })).rejects.toThrow(/within 10s/);
  });

  it('fires 100,000 calls of 10,000 that re-arm themselves within 20 seconds', async () => {
    const reactor = startedReactor({ now: 0 });
    let fired = 0;
    for (let index = 0; index < 10_000; index += 1) {
      const tick = (): void => {
        fired += 1;
        reactor.callLater(1000 + (index % 7), tick);
      };
      reactor.callLater(1 + (index % 1000), tick);
    }

    await reactor.advance(10_030);

    expect(fired).toBeGreaterThanOrEqual(100_000);
    expect(reactor.pending).toBe(10_000);
  });

  it('agrees with a sorted list, for all calls scheduled and cancelled', async () => {
    const step = fc.record({ delay: fc.integer({ min: 1, max: 200 }), cancels: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 400 }), async (steps) => {
        const reactor = startedReactor({ now: 0 });
        const fired: number[] = [];
        const calls = steps.map(({ delay }, index) => reactor.callLater(delay, () => fired.push(index)));
        for (const [index, { cancels }] of steps.entries()) if (cancels) calls[index]?.cancel();
        const expected = [...steps.entries()]
          .filter(([, { cancels }]) => !cancels)
          .sort(([one, a], [other, b]) => a.delay - b.delay || one - other)
          .map(([index]) => index);

        expect(reactor.pending).toBe(expected.length);
        await reactor.advance(200);

        expect(fired).toEqual(expected);
      }),
      { numRuns: 30 },
    );
  });

  it('is refused to a reactor that was never started, and granted to one that was stopped', async () => {
    const reactor = new VirtualReactor({ now: 0 });
    reactor.callLater(10, () => expect.unreachable('time was refused'));

    await expect(reactor.advance(10)).rejects.toMatchObject({ code: 'NOT_STARTED' });
    await expect(reactor.advanceToNext()).rejects.toMatchObject({ code: 'NOT_STARTED' });
    expect(reactor.now()).toBe(0);

    reactor.run();
    await reactor.stop();
    expect(await reactor.advance(9)).toBe(0);
  });

  it('moves to the next timed call alone, and counts the calls of a span', async () => {
    const reactor = startedReactor({ now: 0 });
    for (const ms of [30, 10, 20]) reactor.callLater(ms, () => {});

    expect([await reactor.advanceToNext(), reactor.now()]).toEqual([true, 10]);
    expect(await reactor.advance(100)).toBe(2);
    expect([await reactor.advanceToNext(), reactor.now()]).toEqual([false, 110]);
  });
});

const stores: readonly (readonly [string, () => Store])[] = [
  ['memory', () => memoryStore()],
  [
    'json',
    () => {
      const folder = mkdtempSync(join(tmpdir(), 'signalbox-virtual-'));
      folders.push(folder);
      return jsonStore(join(folder, 'store'));
    },
  ],
];

describe.each(stores)('A box in virtual time, on a %s store,', (_, makeStore) => {
  it('waits for what a stop really does, such as letting files go', async () => {
    const reactor = new VirtualReactor();
    const box = await createSignalbox({ store: makeStore(), reactor });
    reactor.attach(box);
    await box.start();

    await reactor.until(box.stop({ grace: '1s' }));

    expect(box.state).toBe('stopped');
  });

  it('does everything that needs no time by itself', async () => {
    const add = defineJob({ name: 'add', run: (a: number, b: number) => a + b });
    const reactor = new VirtualReactor();
    const box = await createSignalbox({ store: makeStore(), reactor, jobs: [add] });
    await box.start();
    const before = reactor.now();

    const job = await box.queue().put(add(1, 2));

    expect([await job.result(), reactor.now()]).toEqual([3, before]);
    await box.stop();
  });

  it('has done everything of an instant when time moves: a chain of 50 jobs takes no time', async () => {
    const ends: number[] = [];
    const link = defineJob({
      name: 'link',
      run: async (left: number): Promise<void> => {
        if (left > 0) await local.getQueue().put(link(left - 1));
        else ends.push(reactor.now());
      },
    });
    const reactor = new VirtualReactor();
    const box = await createSignalbox({ store: makeStore(), reactor, jobs: [link] });
    reactor.attach(box);
    await box.start();
    const begin = reactor.now();
    void box.queue().put(link(50), { beginAfter: '1s' });

    await reactor.advance('2s');

    expect(ends).toEqual([begin + 1000]);
    await box.stop();
  });

  it('runs a day of hourly jobs in a moment, each at its instant', async () => {
    const instants: number[] = [];
    const chime = defineJob({ name: 'chime', run: () => void instants.push(reactor.now()) });
    const reactor = new VirtualReactor({ now: Date.UTC(2030, 0, 1) });
    const box = await createSignalbox({ store: makeStore(), reactor, jobs: [chime] });
    reactor.attach(box);
    await box.start({ pollInterval: '10m' });
    for (let hour = 1; hour <= 24; hour += 1) await box.queue().put(chime(), { beginAfter: `${hour}h` });

    await reactor.advance('1d');

    expect(instants).toEqual(Array.from({ length: 24 }, (__, hour) => Date.UTC(2030, 0, 1, hour + 1)));
    await box.stop();
  });

  it('times out in its own time, and reports the status', async () => {
    const wait = defineJob({ name: 'wait', run: () => new Promise<void>(() => {}) });
    const reactor = new VirtualReactor();
    const box = await createSignalbox({ store: makeStore(), reactor, jobs: [wait] });
    reactor.attach(box);
    await box.start();
    const job = await box.queue().put(wait());
    const begin = reactor.now();

    const waiting = reactor.until(waitForResult(job));

    await expect(waiting).rejects.toThrow(
      /the completion of <Job .* wait\(\)> within 6s, got status ACTIVE after 1 attempt/,
    );
    expect(reactor.now() - begin).toBe(6000);
    await box.stop();
  });
});
