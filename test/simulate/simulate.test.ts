import { defineJob, defineMachine, type Job, local } from 'signalbox';
import { SeededRandom, type SimulateOptions, SimulationError, simulate } from 'signalbox/testing';
import { describe, expect, test } from 'vitest';
import { fromTransition } from 'xstate';
import { runSeed } from './run-seed.ts';

// Many more, and fresh ones, are run by `npm run simulate`.
const seeds = 24;
const timeout = 60_000;

describe.each(['memory', 'json'] as const)('Seeds on the %s store', (kind) => {
  test('keep every invariant', { timeout }, async () => {
    const broken: string[] = [];
    for (let seed = 1; seed <= seeds; seed += 1) {
      const { violations } = await runSeed(seed, kind);
      broken.push(...violations.map((violation) => `seed ${seed}: ${violation}`));
    }

    expect(broken).toEqual([]);
  });

  test('give the same trace when they are run again, and each another one', { timeout }, async () => {
    const hashes: string[] = [];
    for (const seed of [3, 4, 5, 3, 4, 5]) hashes.push((await runSeed(seed, kind)).hash);

    expect(hashes.slice(3)).toEqual(hashes.slice(0, 3));
    expect(new Set(hashes).size).toBe(3);
  });
});

/** Orders that are paid, each for 20 s: long enough for its process to be stopped meanwhile. */
function shop(isCareful: boolean, paid = new Map<string, number>()): SimulateOptions['scenario'] {
  return () => {
    paid.clear();
    const pay = defineJob({
      name: 'pay',
      run: async (order: string) => {
        if (!isCareful || !paid.has(order)) paid.set(order, (paid.get(order) ?? 0) + 100);
        const reactor = local.getReactor();
        await new Promise<void>((resolve) => void reactor.callLater(20_000, resolve));
      },
    });
    return {
      jobs: [pay],
      acts: 8,
      act: ({ put, number }) => put(() => pay(`order ${number}`)),
      check: () => {
        for (const [order, sum] of paid) if (sum > 100) throw new Error(`${order} was paid ${sum}`);
      },
    };
  };
}

describe('simulate', () => {
  test('reports the jobs of a run in which nothing broke', { timeout }, async () => {
    const report = await simulate({ seed: 5, scenario: shop(true) });

    expect(report).toMatchObject({ seed: 5, violations: [] });
    expect(report.hash).toMatch(/^[0-9a-f]{16}$/);
    const paid = report.jobs.filter(({ name }) => name === 'pay');
    expect(paid.length).toBeGreaterThan(0);
    expect(paid.every(({ status, ending }) => status === 'COMPLETED' && ending === 'succeeded')).toBe(true);
    expect(report.trace.length).toBeGreaterThan(paid.length);
  });

  test('finds a job that does its work twice, and prints how to repeat that', { timeout }, async () => {
    const found = await simulate({ seeds: 10, scenario: shop(false) }).catch((error: unknown) => error);

    expect(found).toBeInstanceOf(SimulationError);
    const { report, message } = found as SimulationError;
    expect(message).toMatch(/check: order \d+ was paid 200\. Run it again.*simulate\(\{ …, seed: \d+ \}\)$/);
    const again = await simulate({ seed: report.seed, scenario: shop(false) }).catch(
      (error: unknown) => error,
    );
    expect((again as SimulationError).report.hash).toBe(report.hash);
    expect((again as SimulationError).report.trace).toEqual(report.trace);
  });

  test('without faults calls each job once', { timeout }, async () => {
    const report = await simulate({ faults: false, dispatchers: 2, scenario: shop(false) });

    expect(report.jobs.map(({ attempts }) => attempts)).toEqual(report.jobs.map(() => 1));
    expect(Object.values(report.faults).every((share) => share === 0)).toBe(true);
  });

  test('distinguishes a mistake in an act from a refusal by a fault', async () => {
    const scenario: SimulateOptions['scenario'] = () => ({
      jobs: [],
      acts: 1,
      act: ({ box }) => box.queue('none').put(defineJob({ name: 'stranger', run: () => 1 })()),
    });

    await expect(simulate({ faults: false, scenario })).rejects.toThrow('I16 act 1 failed');
  });

  test('says that `make` must give the same arguments when a repeated put gives others', async () => {
    let made = 0;
    const note = defineJob({ name: 'note', run: (n: number) => n });
    const scenario: SimulateOptions['scenario'] = () => ({
      jobs: [note],
      acts: 20,
      act: ({ put }) => {
        const next = (): Job<unknown> => {
          made += 1;
          return note(made);
        };
        return put(next);
      },
    });

    await expect(simulate({ seeds: 10, faults: { lostAnswers: 0.1 }, scenario })).rejects.toThrow(
      'Expected `make` to give the same job with the same arguments at each call',
    );
  });

  test('a job that is never over is named', { timeout }, async () => {
    const stuck = defineJob({ name: 'stuck', run: () => new Promise(() => {}) });
    const scenario: SimulateOptions['scenario'] = () => ({
      jobs: [stuck],
      acts: 1,
      act: ({ put }) => put(() => stuck()),
    });

    await expect(simulate({ faults: false, liveness: '2m', scenario })).rejects.toThrow(
      'I14 job act1-1 (stuck) is active.running',
    );
  });

  test.each([
    [{ seeds: 0 }, 'Expected `seeds` to be a whole number from 1 up, got 0'],
    [{ seed: 1.5 }, 'Expected `seed` to be a whole number from 0 up, got 1.5'],
    [{ dispatchers: 0 }, 'Expected `dispatchers` to be a whole number from 1 up, got 0'],
    [{ scenario: undefined }, 'Expected `scenario` to be a function, got undefined'],
    [{ safety: -1 }, 'Expected `safety` to be a duration'],
  ])('refuses %o', async (wrong, message) => {
    const options = { scenario: shop(true), ...wrong } as unknown as SimulateOptions;

    await expect(simulate(options)).rejects.toThrow(message);
  });
});

type Add = { readonly type: 'add'; readonly by: number };

/** A total to which each act adds, and which a job asks. */
function sums(add: (sum: number, event: Add) => number): SimulateOptions['scenario'] {
  return (run) => {
    const total = defineMachine(fromTransition(add, 0), { name: 'total' });
    const ask = defineJob({
      name: 'ask',
      run: async () => (await local.actor(total, 'a').ask({ type: 'add', by: 1 })).context,
    });
    return {
      machines: [total],
      jobs: [ask],
      prepare: (box) => box.actor(total, 'a').start(),
      acts: 12,
      act: async ({ start, send, put, number }) => {
        await start(total, 'b');
        await send(total, 'a', { type: 'add', by: number });
        await send(total, 'b', { type: 'add', by: number });
        await put(() => ask());
      },
      check: () => {
        if (run.actor('total/a')?.status !== 'active') throw new Error('the total is gone');
      },
    };
  };
}

describe('simulate with machines', () => {
  test('reports the actors of a run in which nothing broke', { timeout }, async () => {
    const report = await simulate({ seed: 3, seeds: 4, scenario: sums((sum, { by }) => sum + by) });

    expect(report.violations).toEqual([]);
    expect(report.actors).toEqual([
      { id: 'total/a', machine: 'total', status: 'active', state: '' },
      { id: 'total/b', machine: 'total', status: 'active', state: '' },
    ]);
  });

  test('finds a machine whose steps depend on more than context and event', { timeout }, async () => {
    let calls = 0;
    const scenario = sums((sum, { by }) => {
      calls += 1;
      return sum + by * calls;
    });

    await expect(simulate({ faults: false, scenario })).rejects.toThrow(/I30 \d+ actor total\/[ab] {2}add/);
  });
});

describe('SeededRandom', () => {
  test('gives the same numbers for the same seed, others for the next, and all of a range', () => {
    const draw = (seed: number): number[] => {
      const random = new SeededRandom(seed);
      return Array.from({ length: 200 }, () => random.integer(1, 6));
    };

    expect(draw(1)).toEqual(draw(1));
    expect(draw(1)).not.toEqual(draw(2));
    expect(new Set(draw(1))).toEqual(new Set([1, 2, 3, 4, 5, 6]));
  });

  test('a fork goes its own way', () => {
    const [one, other] = [new SeededRandom(3), new SeededRandom(3)];
    const fork = one.fork();
    other.fork();

    for (let count = 0; count < 10; count += 1) fork.next();

    expect(one.next()).toBe(other.next());
  });
});
