import { AsyncLocalStorage } from 'node:async_hooks';
import { defineJob, type Job, local, NeverRetry, type RetryPolicy } from 'signalbox';
import { expect, it } from 'vitest';
import { conflict, Faults, faultyStore, has } from './faulty-store.ts';
import { forEachStore, makeBox } from './stores.ts';

const seven = defineJob({ name: 'seven', run: () => 7 });

forEachStore('Set-up and tear-down', (makeStore) => {
  const open = async (jobs: Parameters<typeof makeBox>[0]['jobs'] = []) => {
    const faults = new Faults();
    const store = faultyStore(makeStore(), faults);
    return { ...(await makeBox({ store, jobs: [seven, ...jobs], queues: [''] })), faults };
  };

  it('[J-57] surround every attempt once: what setUp gives, tearDown gets, after the commit or after the drop', async () => {
    const seen: unknown[] = [];
    let attempts = 0;
    const outcome = async (): Promise<unknown> =>
      (await box.job((local.getJob() as Job).id as string).refresh()).outcome;
    const busy = defineJob({
      name: 'busy',
      setUp: async () => {
        attempts += 1;
        seen.push(`setUp ${attempts}`);
        return { attempts };
      },
      tearDown: async (info) => void seen.push(`tearDown ${info?.attempts}`, await outcome()),
      run: () => {
        seen.push(`run ${attempts}`);
        if (attempts < 3) throw conflict();
        return 'done';
      },
    });
    const { box, reactor } = await open([busy]);
    await box.start();

    const job = await box.queue().put(busy);
    await reactor.runUntilIdle();

    expect(seen).toEqual([
      ...['setUp 1', 'run 1', 'tearDown 1', null],
      ...['setUp 2', 'run 2', 'tearDown 2', null],
      ...['setUp 3', 'run 3', 'tearDown 3', { ok: true, value: 'done' }],
    ]);
    expect((await job.refresh()).status).toBe('COMPLETED');
  });

  it('[J-58] an error of setUp is an error of the job: the code is not called, tearDown is, and the policy is asked', async () => {
    const seen: string[] = [];
    const policy: RetryPolicy = {
      ...NeverRetry,
      name: 'told',
      startsOnce: false,
      jobError: (failure) => {
        seen.push(`jobError ${failure.message}`);
        return seen.length < 4;
      },
    };
    const broken = defineJob({
      name: 'broken',
      retry: policy,
      setUp: () => {
        seen.push('setUp');
        throw new Error('no tools');
      },
      tearDown: (info) => void seen.push(`tearDown ${info}`),
      run: () => void seen.push('run'),
    });
    const { box } = await open([broken]);
    await box.start();

    await expect((await box.queue().put(broken)).result()).rejects.toThrow('no tools');

    const attempt = ['setUp', 'tearDown undefined', 'jobError no tools'];
    expect(seen).toEqual([...attempt, ...attempt]);
  });

  it('[J-59] an error of tearDown is logged CRITICAL and changes nothing; conflicts are repeated, what it puts is dropped', async () => {
    const tries = { broken: 0, conflicting: 0 };
    const put: Job[] = [];
    const broken = defineJob({
      name: 'broken',
      run: () => 'value',
      tearDown: async () => {
        tries.broken += 1;
        put.push(await local.getQueue().put(seven, { beginAfter: '1d' }));
        throw new Error('left open');
      },
    });
    const conflicting = defineJob({
      name: 'conflicting',
      run: () => 'value',
      tearDown: () => {
        tries.conflicting += 1;
        throw conflict();
      },
    });
    const { box, reactor, faults, entries } = await open([broken, conflicting]);
    await box.start();
    const critical = (): string[] =>
      entries
        .filter(({ level, stream }) => level === 'CRITICAL' && stream === 'signalbox.events')
        .map(({ message }) => message);

    const jobs = [await box.queue().put(broken), await box.queue().put(conflicting)];
    await reactor.runUntilIdle();

    expect(await Promise.all(jobs.map((job) => job.result()))).toEqual(['value', 'value']);
    expect(tries).toEqual({ broken: 1, conflicting: 5 });
    expect(critical()).toHaveLength(2);
    expect(critical().some((message) => message.includes('tearDown') && message.includes('left open'))).toBe(
      true,
    );
    expect(put).toHaveLength(1);
    expect(await box.queue().length()).toBe(0);
    expect(
      faults.commits.filter((commit) => commit.changes.some(({ patch }) => patch?.name === 'seven')),
    ).toEqual([]);
    for (const job of jobs) expect((await job.refresh()).status).toBe('COMPLETED');
  });

  it('[J-60] a job made in a context carries it to where it runs: set-up, code, commit and tear-down', async () => {
    const tenant = new AsyncLocalStorage<unknown>();
    const seen: unknown[] = [];
    const see = (where: string): void => void seen.push([where, tenant.getStore()]);
    const scoped = defineJob({
      name: 'scoped',
      context: tenant,
      setUp: () => see('setUp'),
      tearDown: () => see('tearDown'),
      run: async () => {
        await null;
        see('run');
      },
    });
    const plain = defineJob({ name: 'plain', run: () => see('plain') });
    const keyed = defineJob({
      name: 'keyed',
      context: tenant,
      concurrency: { limit: 1, key: () => 'all' },
      run: () => see('keyed'),
    });
    const { box, reactor, faults } = await open([scoped, plain, keyed]);
    faults.refuse = (commit) => {
      if (has(commit, 'job.finish')) see('commit');
      return null;
    };
    await box.start();
    const everywhere = (value: unknown): unknown[] =>
      ['setUp', 'run', 'commit', 'tearDown'].map((where) => [where, value]);
    const ran = async (job: Job): Promise<unknown[]> => {
      seen.length = 0;
      await box.queue().put(job);
      await reactor.runUntilIdle();
      return [...seen];
    };

    const made = tenant.run({ id: 'acme', users: [1, 2] }, () => scoped());
    expect(await ran(made)).toEqual(everywhere({ id: 'acme', users: [1, 2] }));

    const changed = tenant.run('before', () => scoped());
    await box.queue().put(changed, { beginAfter: '1h' });
    await changed.setAnnotation('signalbox.context', 'after');
    seen.length = 0;
    await reactor.advance('1h');
    expect(seen).toEqual(everywhere('after'));

    const outside = scoped();
    expect(await tenant.run('of the putter', () => ran(outside))).toEqual(everywhere(undefined));
    expect(await tenant.run('of the putter', () => ran(plain()))).toContainEqual(['plain', undefined]);
    expect((await outside.refresh()).annotations).toEqual({});

    const behindKey = tenant.run('acme', () => keyed());
    expect(await ran(behindKey)).toContainEqual(['keyed', 'acme']);
  });
});
