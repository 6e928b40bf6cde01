import { defineJob, local, NeverRetry } from 'signalbox';
import { explore, type PerturbationName, WayError, type Ways } from 'signalbox/testing';
import { describe, expect, it } from 'vitest';

/** A job that takes two seconds, and is to begin within an hour. */
function plain() {
  const pay = defineJob({
    name: 'pay',
    run: async (order: string) => {
      await local.sleep('2s');
      return order;
    },
  });
  return { pay, jobs: [pay] };
}

/** Jobs that wait, have callbacks and limits, and start apart. */
function rich() {
  const inner = defineJob({ name: 'inner', run: (order: string) => local.sleep('1s').then(() => order) });
  const pay = defineJob({
    name: 'pay',
    timeout: '1m',
    retry: { maxAttempts: 4, delay: '1s' },
    run: async (order: string) => {
      await local.sleep('2s');
      return local.getQueue().put(inner(order));
    },
  });
  const once = defineJob({ name: 'once', retry: NeverRetry, run: () => local.sleep('2s') });
  const after = defineJob({ name: 'after', run: () => local.sleep('1s') });
  return { inner, pay, once, after, jobs: [inner, pay, once, after] };
}

async function goAll(ways: Ways): Promise<void> {
  for (const { run } of ways) await run();
}

/** The ways of one perturbation, gone. */
async function takenBy(perturbation: PerturbationName): Promise<readonly string[]> {
  const ways = await explore({
    perturb: [perturbation],
    scenario: () => {
      const { pay, once, after, jobs } = rich();
      return {
        jobs,
        act: async ({ put }) => {
          await put(
            () => {
              const job = pay('17');
              job.addCallbacks({ success: after });
              return job;
            },
            { beginBy: '1h' },
          );
          await put(() => once());
        },
      };
    },
  });
  await goAll(ways);
  return ways.coverage('job').taken;
}

describe('The ways of a scenario', () => {
  it('are its life, and one for each commit and what is done there', async () => {
    const ways = await explore({
      perturb: ['lost', 'cancelled', 'late', 'throws'],
      scenario: () => {
        const { pay, jobs } = plain();
        return { jobs, act: ({ put }) => put(() => pay('17'), { beginBy: '1h' }) };
      },
    });

    expect([...ways].map(({ name }) => name)).toEqual([
      'undisturbed',
      'commit 1 job.put of pay · power cut',
      'commit 1 job.put of pay · pay cancelled',
      'commit 1 job.put of pay · too late',
      'commit 2 job.claim of pay · power cut',
      'commit 2 job.claim of pay · pay cancelled',
      'commit 2 job.claim of pay · next code throws',
      'commit 3 job.finish of pay · power cut',
    ]);
  });

  it('reach all of the chart but what no way of the scenario can reach, each row with its reason', async () => {
    const ways = await explore({
      scenario: () => {
        const { pay, jobs } = plain();
        return { jobs, act: ({ put }) => put(() => pay('17'), { beginBy: '1h' }) };
      },
    });
    await goAll(ways);

    const { missed, taken, outOfReach } = ways.coverage('job');
    expect(missed).toEqual([]);
    expect(taken).toEqual(
      expect.arrayContaining(['pending job.pull new', 'active.running job.handBack pending']),
    );
    expect(outOfReach).toMatchObject({
      'new job.cancel callbacks': 'no job has a callback',
      'pending tags.set pending': 'only a call of the program takes it',
    });
  });

  it('say what is missed until they are gone', async () => {
    const ways = await explore({
      scenario: () => {
        const { pay, jobs } = plain();
        return { jobs, act: ({ put }) => put(() => pay('17')) };
      },
    });

    expect(ways.coverage('job').missed).toContain('pending job.pull new');
    expect(ways.coverage('job').rows).toContainEqual({
      machine: 'job',
      version: '2',
      from: 'pending',
      event: 'job.claim',
      to: 'assigned',
      count: 1,
    });
  });

  it('are the same each time', async () => {
    const made: number[] = [];
    const names = async (): Promise<readonly string[]> => {
      const ways = await explore({
        scenario: () => {
          const { pay, jobs } = plain();
          return { jobs, act: ({ put }) => put(() => pay('17')) };
        },
      });
      made.push(ways.length);
      return [...ways].map(({ name }) => name);
    };

    expect(await names()).toEqual(await names());
    expect(made[0]).toBeGreaterThan(20);
  });

  it('have two perturbations with depth 2: the second one after the first', async () => {
    const ways = await explore({
      depth: 2,
      perturb: ['hangs', 'cancelled'],
      scenario: () => {
        const pay = defineJob({ name: 'pay', timeout: '1m', grace: '1h', run: () => local.sleep('2s') });
        return { jobs: [pay], act: ({ put }) => put(() => pay()) };
      },
    });
    await goAll(ways);

    expect(ways.coverage('job').taken).toContain('active.timingOut job.cancel active.cancelling');
    expect([...ways].map(({ name }) => name)).toContain(
      'commit 2 job.claim of pay · next code hangs, then commit 3 job.timeout of pay · pay cancelled',
    );
  });
});

describe('A perturbation', () => {
  it.each<[PerturbationName, string]>([
    ['kill', 'active.running job.interrupt active.running'],
    ['lost', 'active.running callback.reset new'],
    ['taken', 'active.running job.abort callbacks'],
    ['stopped', 'active.running job.handBack pending'],
    ['pulled', 'pending job.pull new'],
    ['cancelled', 'assigned job.cancel callbacks'],
    ['throws', 'active.running job.reschedule pending'],
    ['hangs', 'active.running job.timeout active.timingOut'],
    ['late', 'new job.fail callbacks'],
  ])('"%s" takes the row %s', async (perturbation, row) => {
    expect(await takenBy(perturbation)).toContain(row);
  });

  it.each([
    ['full', 'STORE_FULL', 0],
    ['disconnect', 'ECONNRESET', 0],
    ['unanswered', 'STORE_IO', 1],
  ] as const)('"%s" at a put refuses it with %s', async (perturbation, code, jobs) => {
    const told: unknown[] = [];
    const ways = await explore({
      perturb: [perturbation],
      scenario: () => {
        const { pay, jobs } = plain();
        return {
          jobs,
          act: async ({ box }) => {
            await box
              .queue()
              .put(pay('17'), { id: 'the-job' })
              .catch((error: { code?: string }) => told.push(error.code));
          },
        };
      },
    });
    await [...ways][1]?.run();

    expect(told).toEqual([code]);
    expect(ways.coverage('job').rows.filter(({ event }) => event === 'job.put')).toHaveLength(1);
    expect(ways.coverage('job').rows.find(({ event }) => event === 'job.put')?.count).toBe(1 + jobs);
  });
});

it('A perturbation "conflict" lets the engine try again, and nothing is made twice', async () => {
  const taken = await takenBy('conflict');

  expect(taken).toContain('active.running job.retry active.running');
});

describe('A way that breaks a promise', () => {
  const charging = (isSafe: boolean) =>
    explore({
      scenario: () => {
        const charges: unknown[] = [];
        const keys = new Set<unknown>();
        const charge = defineJob({
          name: 'charge',
          run: async (order: string) => {
            const key = isSafe ? local.getJob()?.id : charges.length;
            if (!keys.has(key)) charges.push(order);
            keys.add(key);
            await local.sleep('1s');
          },
        });
        return {
          jobs: [charge],
          act: ({ put }) => put(() => charge('17')),
          invariant: () => {
            if (charges.length > 1) throw new Error('charged twice');
          },
        };
      },
    });

  it('is found by the invariant, and its name says where', async () => {
    const failed: string[] = [];
    let error: unknown;
    for (const { name, run } of await charging(false))
      await run().catch((each: unknown) => {
        failed.push(name);
        error = each;
      });

    expect(failed).toContain('commit 3 job.finish of charge · power cut');
    expect(failed).not.toContain('undisturbed');
    expect(error).toBeInstanceOf(WayError);
    expect(String(error)).toMatch(/charged twice[\s\S]*is struck: [\s\S]*job\.finish/);
    expect((error as WayError).report.violations).toContain('invariant: charged twice');
  });

  it('is none when what the job does has its id as key', async () => {
    await expect(charging(true).then(goAll)).resolves.toBeUndefined();
  });

  it('is refused at once when it breaks it without any fault', async () => {
    const broken = explore({
      scenario: () => {
        const { pay, jobs } = plain();
        return {
          jobs,
          act: ({ put }) => put(() => pay('17')),
          check: () => {
            throw new Error('never right');
          },
        };
      },
    });

    await expect(broken).rejects.toMatchObject({ code: 'WAY_FAILED', details: { way: 'undisturbed' } });
  });

  it('is one whose act does not end', async () => {
    const waiting = explore({
      within: '1m',
      scenario: () => {
        const { pay, jobs } = plain();
        return { jobs, act: ({ put }) => put(() => pay('17')).then(() => new Promise(() => {})) };
      },
    });

    await expect(waiting).rejects.toThrow('`act` has not ended after 60000 ms');
  });

  it('is one whose jobs do not end', async () => {
    const stuck = explore({
      within: '1m',
      scenario: () => {
        const { pay, jobs } = plain();
        return { jobs, agent: null, act: ({ put }) => put(() => pay('17')) };
      },
    });

    await expect(stuck).rejects.toMatchObject({ code: 'WAY_FAILED' });
  });
});

describe('explore', () => {
  const scenario = () => {
    const { pay, jobs } = plain();
    return { jobs, act: ({ put }: { put: (make: () => never) => unknown }) => put(() => pay('17') as never) };
  };

  it.each([
    [{ scenario: undefined }, 'scenario'],
    [{ depth: 3 }, 'depth'],
    [{ perturb: ['flood'] }, 'perturb'],
    [{ limit: 0 }, 'limit'],
    [{ limit: 3 }, 'limit'],
    [{ within: 'soon' }, 'within'],
    [{ deep: 1 }, 'deep'],
    [{ perturb: 5 }, 'perturb'],
    [{ store: 'memory' }, 'store'],
    [{ scenario: () => undefined }, 'scenario'],
    [{ scenario: async () => scenario() }, 'gives a promise'],
    [{ scenario: () => ({ jobs: [] }) }, 'act'],
    [{ scenario: () => ({ act: () => {} }) }, 'makes a commit'],
    [{ scenario: () => ({ ...scenario(), invariants: () => {} }) }, 'invariants'],
    [{ scenario: () => ({ ...scenario(), invariant: true }) }, 'invariant'],
    [{ scenario: () => ({ ...scenario(), jobs: [undefined] }) }, 'defineJob'],
  ])('refuses %o', async (wrong, option) => {
    const refused = explore({ scenario: scenario as never, ...(wrong as object) });

    await expect(refused).rejects.toThrow(option);
  });

  it('refuses to be called without options', async () => {
    await expect(explore(undefined as never)).rejects.toMatchObject({ code: 'INVALID_OPTION' });
  });

  it('knows the coverage of no chart that the scenario does not have', async () => {
    const ways = await explore({ scenario: scenario as never });

    expect(() => ways.coverage('order')).toThrow('one of job');
  });
});
