import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import {
  defineJob,
  type Job,
  type JobDefinition,
  type LogLevel,
  NeverRetry,
  ReassignedError,
  type RetryPolicy,
} from 'signalbox';
import { jsonStore } from 'signalbox/json';
import { afterEach, describe, expect, it } from 'vitest';
import { makeControlledJobs } from './controlled-jobs.ts';
import { agentOf, crash, representationOf, startDispatchers } from './dispatchers.ts';
import { doings, leave } from './exiting-jobs.ts';
import { conflict, disconnect, Faults, faultyStore, has, interceptedStore } from './faulty-store.ts';
import { forEachStore, makeBox, makeNodeBox, newDirectory } from './stores.ts';

const child: { current: ChildProcess | null } = { current: null };

afterEach(() => {
  child.current?.kill('SIGKILL');
  child.current = null;
  doings.stays = false;
  doings.calls = [];
});

/** As many errors as asked for. */
function many(count: number, error: () => Error): Error[] {
  return Array.from({ length: count }, error);
}

forEachStore('Catastrophes', (makeStore) => {
  const once = defineJob({ name: 'once', retry: NeverRetry, run: () => {} });

  /** One dispatcher on a store that refuses the commits and claims chosen by a test. */
  async function makeTestBox(jobs: readonly JobDefinition<never, unknown>[]) {
    const faults = new Faults();
    const testBox = await makeBox({ store: faultyStore(makeStore(), faults), jobs, queues: [''] });
    await startDispatchers(testBox, ['a']);
    const said = (level: LogLevel, what: string) =>
      testBox.logged(level).filter((message) => message.includes(what));
    return { ...testBox, faults, queue: testBox.box.queue(), said };
  }

  it('[C-24] a policy that cannot be had is asked until it answers, and its job is not called meanwhile', async () => {
    const calls: number[] = [];
    const errors = many(7, conflict);
    const moody: RetryPolicy = {
      ...NeverRetry,
      name: 'moody',
      jobError: () => {
        const error = errors.shift();
        if (error !== undefined) throw error;
        return calls.length < 2;
      },
    };
    const work = defineJob({
      name: 'work',
      run: () => {
        calls.push(reactor.now());
        throw new Error('no luck');
      },
    });
    const { queue, reactor, box, said } = await makeTestBox([work]);
    const began = reactor.now();
    const job = await queue.put(work().with({ retryPolicy: 'moody' }));
    await reactor.advance('29s');
    expect([calls.length, (await job.refresh()).status]).toEqual([1, 'ACTIVE']);

    // Asked for at once, then after 5, 10 and 15 s: the last finds it, and its seven conflicts take no time.
    box.definePolicy(moody);
    await reactor.advance('1s');

    expect(calls).toEqual([began, began + 30_000]);
    await expect(job.result()).rejects.toThrow('no luck');
    expect(said('CRITICAL', 'getting the retry policy')).toEqual([expect.stringContaining('"moody"')]);
    expect(said('WARNING', 'asking the retry policy')).toEqual([expect.stringContaining('conflict 5')]);
    expect(job.record.attempts).toBe(calls.length);
  });

  it('[C-32] a job claimed in a race with the deactivation is recovered when its dispatcher is activated again', async () => {
    const controlled = makeControlledJobs();
    let meanwhile: (() => Promise<void>) | null = null;
    const store = interceptedStore(makeStore(), (call) =>
      call === 'claim' ? (meanwhile?.() ?? null) : null,
    );
    const testBox = await makeBox({ store, jobs: [controlled.hold], queues: [''] });
    const { box, reactor } = testBox;
    const [first] = await startDispatchers(testBox, ['a']);
    if (first === undefined) throw new Error('no dispatcher');
    meanwhile = async () => {
      meanwhile = null;
      await (await representationOf(testBox, 'a')).deactivate();
    };
    const job = await box.queue().put(controlled.hold('late'));
    await reactor.runUntilIdle();
    const { activated } = await representationOf(testBox, 'a');
    // The claim finds out by itself, and leaves the job where it waits.
    expect([activated, await (await agentOf(testBox, 'a')).length()]).toEqual([null, 0]);
    crash(testBox, first);

    await startDispatchers(testBox, ['a']);
    controlled.open('late');
    await reactor.runUntilIdle();

    expect(controlled.started).toEqual(['late']);
    expect(await job.result()).toBe('late');
    expect((await job.refresh()).record.retryData?.interruptions ?? 0).toBe(0);
  });

  it('[C-34] a step that must succeed is repeated at once after conflicts, else after 5, 10 … 60 s, without limit', async () => {
    const started: number[] = [];
    const once = defineJob({
      name: 'once',
      retry: NeverRetry,
      run: (): void => {
        started.push(reactor.now());
      },
    });
    const { queue, reactor, faults, said } = await makeTestBox([once]);
    const began = reactor.now();
    const errors = [...many(11, conflict), ...many(13, disconnect), ...many(7, () => new RangeError('odd'))];
    faults.refuseNext('job.start', ...errors);

    const job = await queue.put(once());
    await reactor.advance('1h');

    // 5 + 10 + … + 60 s, then 60 s each: no error of the store is the job's.
    expect(started).toEqual([began + (390 + 8 * 60) * 1000]);
    expect((await job.refresh()).ending).toBe('succeeded');
    const numbers = (level: LogLevel, what: string) =>
      said(level, 'starting').map((message) => new RegExp(`${what} (\\d+)`).exec(message)?.[1]);
    expect(numbers('WARNING', 'conflict')).toEqual(['5', '10']);
    expect(numbers('ERROR', 'error')).toEqual(['1', '10']);
    expect(numbers('CRITICAL', 'error')).toEqual(['20']);
  });

  it('[C-34] other steps run between two conflicts of a step: an endless one stops no other', async () => {
    const { queue, reactor, faults } = await makeTestBox([once]);
    let isOver = false;
    let conflicts = 0;
    faults.refuse = (commit) => {
      // The limit ends a step that gives no other step a turn: without it this test would not end.
      if (!has(commit, 'job.start') || isOver || conflicts >= 1000) return null;
      conflicts += 1;
      if (conflicts === 1) setImmediate(() => (isOver = true));
      return conflict();
    };

    const job = await queue.put(once());
    await reactor.runUntilIdle();

    expect((await job.refresh()).ending).toBe('succeeded');
    expect(conflicts).toBeLessThan(5);
  });

  it('[C-34] a put-back and the failure of a commit are stored however long it takes, with one call of the code', async () => {
    const calls: string[] = [];
    const patient: RetryPolicy = { ...NeverRetry, name: 'patient', jobError: () => ({ after: '1h' }) };
    const work = defineJob({
      name: 'work',
      run: (word: string): string => {
        calls.push(word);
        if (word === 'late' && calls.length === 1) throw new Error('later');
        return word;
      },
    });
    const { queue, reactor, faults } = await makeTestBox([work]);
    faults.refuseNext('job.reschedule', ...many(9, conflict), ...many(3, disconnect));

    const late = await queue.put(work('late').with({ retryPolicy: patient }));
    await reactor.advance('29s');
    expect((await late.refresh()).status).toBe('ACTIVE');
    await reactor.advance('1s');
    expect((await late.refresh()).status).toBe('PENDING');

    const broken = new RangeError('no such column');
    faults.refuseNext('job.finish', broken, ...many(9, conflict), ...many(3, disconnect));
    const masked = await queue.put(work('masked'));
    await reactor.advance('29s');
    expect((await masked.refresh()).status).toBe('ACTIVE');
    await reactor.advance('1s');
    await expect(masked.result()).rejects.toThrow('no such column');
    expect(calls).toEqual(['late', 'masked']);
  });

  it('[C-35] an error that says that the job was reassigned ends a step, however patient it is', async () => {
    const started: string[] = [];
    const once = defineJob({
      name: 'once',
      retry: NeverRetry,
      run: (): void => {
        started.push('once');
      },
    });
    const { queue, reactor, faults, logged } = await makeTestBox([once]);
    const elsewhere = (): Error => new ReassignedError({ id: 'some' });
    faults.refuseNext('job.start', ...many(2, elsewhere));
    const job = await queue.put(once());
    await reactor.advance('1h');
    const asked = faults.commits.filter((commit) => has(commit, 'job.start', job.id)).length;
    expect([asked, started, (await job.refresh()).status]).toEqual([1, [], 'ASSIGNED']);

    let claims = 0;
    faults.refuseClaim = () => {
      claims += 1;
      return claims === 1 ? elsewhere() : null;
    };
    const next = await queue.put(once());
    await reactor.runUntilIdle();
    expect([claims, (await next.refresh()).status]).toEqual([1, 'PENDING']);
    expect(logged('CRITICAL')).toEqual([expect.stringContaining('ReassignedError')]);
  });

  it('[C-34] a job gets the outcome of the one it waits for, though the store is away while it reads it', async () => {
    const errors: Record<string, Error[]> = { waiters: [], get: [] };
    const store = interceptedStore(makeStore(), (call) => errors[call]?.shift() ?? null);
    const inner = defineJob({
      name: 'inner',
      run: () => {
        errors.waiters?.push(disconnect(), disconnect());
        return 'made it';
      },
    });
    const outer = defineJob({ name: 'outer', run: () => inner() });
    const { box, reactor } = await makeBox({ store, jobs: [inner, outer], queues: [''] });
    // A poll would look, too, where processes share the store.
    await box.start({ pollInterval: '1h' });
    const job = await box.queue().put(outer());
    await reactor.runUntilIdle();
    const waitedFor = box.job((await job.refresh()).record.waitingOn ?? '');
    await box.queue().put(waitedFor);

    await reactor.advance('14s');
    expect([(await waitedFor.refresh()).status, (await job.refresh()).status]).toEqual([
      'COMPLETED',
      'ACTIVE',
    ]);
    errors.get?.push(disconnect());
    await reactor.advance('1s');
    expect((await job.refresh()).status).toBe('ACTIVE');
    await reactor.advance('5s');
    expect(await job.result()).toBe('made it');
  });

  it('[C-36] what a job needs is waited for while the store is away, and any other error is its failure', async () => {
    const errors: Error[] = [];
    let needed: string | null = null;
    const store = interceptedStore(makeStore(), (call, [kind, id]) =>
      call === 'get' && kind === 'job' && id === needed ? (errors.shift() ?? null) : null,
    );
    const part = defineJob({ name: 'part', run: () => 1 });
    const whole = defineJob({ name: 'whole', run: (inner: Job<number>) => inner.status });
    const { box, reactor, logged } = await makeBox({ store, jobs: [part, whole], queues: [''] });
    const queue = box.queue();
    const inner = await queue.put(part(), { beginAfter: '1d' });
    const patient = await queue.put(whole(inner), { beginAfter: '1h' });
    await box.start();
    needed = inner.id;

    errors.push(...many(6, conflict), ...many(3, disconnect));
    await reactor.advance('1h');
    await reactor.advance('29s');
    expect((await patient.refresh()).status).toBe('ACTIVE');
    await reactor.advance('1s');
    expect(await patient.result()).toBe('PENDING');
    expect(logged('WARNING').map((message) => message.split(' while ')[0])).toEqual([
      'conflict 1',
      'conflict 5',
    ]);

    const failed = await queue.put(whole(box.job<number>(inner.id ?? '')), { beginAfter: '1m' });
    errors.push(new RangeError('out of order'));
    await reactor.advance('1m');
    await expect(failed.result()).rejects.toThrow('out of order');
    expect(errors).toEqual([]);
  });
});

describe('A job that ends its process, json store', () => {
  it('[C-35] is interrupted by the next start, and the jobs behind it were not touched', async () => {
    const directory = join(newDirectory(), 'store');
    const program = join(import.meta.dirname, 'exiting-worker.ts');
    const worker = spawn(
      process.execPath,
      ['--conditions', 'signalbox-source', '--import', 'tsx', program, directory],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    child.current = worker;
    const [printed, [code]] = await Promise.all([text(worker.stdout), once(worker, 'exit')]);
    expect(code).toBe(7);
    const [first, second] = printed.trim().split(' ');
    doings.stays = true;

    const { box } = await makeNodeBox({ store: jsonStore(directory), jobs: [leave] });
    const left = (await box.job(first ?? '').refresh()).record;
    expect([left.state, left.attempts]).toEqual(['active.running', 1]);
    await box.start();
    const jobs = [first, second].map((id) => box.job<string>(id ?? ''));

    expect(await Promise.all(jobs.map((job) => job.result()))).toEqual(['first stayed', 'second stayed']);
    for (const job of jobs) await job.waitFor('COMPLETED');
    expect(jobs.map((job) => job.record.attempts)).toEqual([2, 1]);
    expect(jobs.map((job) => job.record.retryData?.interruptions)).toEqual([1, undefined]);
    expect(doings.calls.sort()).toEqual(['first', 'second']);
  });
});
