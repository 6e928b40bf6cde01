import { setTimeout as pause } from 'node:timers/promises';
import {
  consoleLogger,
  createSignalbox,
  defineJob,
  type Job,
  type Logger,
  local,
  memoryStore,
  type ScheduledCall,
} from 'signalbox';
import { VirtualReactor } from 'signalbox/testing';
import { describe, expect, it, vi } from 'vitest';
import { makeControlledJobs } from './controlled-jobs.ts';
import { crash, startDispatchers } from './dispatchers.ts';
import { forEachStore, type LogEntry, type MakeStore, makeBox, makeNodeBox } from './stores.ts';

const canary = 'canary-4111';

async function started(makeStore: MakeStore) {
  const controlled = makeControlledJobs();
  const { hold, done, fail } = controlled;
  let calls = 0;
  const flaky = defineJob({
    name: 'flaky',
    retry: { maxAttempts: 3, delay: '1m', jitter: 0 },
    run: (_secret: string) => {
      calls += 1;
      if (calls === 1) throw new TypeError('not yet');
      return canary;
    },
  });
  const testBox = await makeBox({ store: makeStore(), jobs: [hold, done, fail, flaky], queues: [''] });
  const dispatcher = await testBox.box.start();
  const of = (job: Job<unknown>) =>
    testBox.entries.filter(({ job: id, level }) => id === job.id && level !== 'DEBUG');
  return { ...controlled, ...testBox, flaky, dispatcher, of, queue: testBox.box.queue() };
}

const shown = ({ level, stream, message }: LogEntry): string => `${stream} ${level} ${message}`;

forEachStore('Log entries', (makeStore) => {
  it('say once above DEBUG that a job is over, with the fields that a log is searched by', async () => {
    const { hold, open, queue, reactor, of, dispatcher } = await started(makeStore);
    const job = await queue.put(hold('one'));
    await reactor.advance('3s');
    open('one');
    await reactor.runUntilIdle();

    const [end, ...others] = of(job);

    expect(others).toEqual([]);
    expect(end).toMatchObject({ level: 'INFO', message: `hold ${job.id} succeeded in 3000 ms` });
    expect(end?.fields).toEqual({
      stream: 'signalbox.trace',
      job: job.id,
      name: 'hold',
      queue: '',
      agent: 'main',
      dispatcher: dispatcher.uuid,
      attempt: 1,
      ms: 3000,
      ending: 'succeeded',
    });
  });

  it('say a failure once, and each attempt that is made again once, with the error beside the message', async () => {
    const { fail, flaky, queue, reactor, of } = await started(makeStore);
    const failing = await queue.put(fail('no such customer'));
    const retried = await queue.put(flaky(canary));
    await reactor.advance('5m');

    const at = new Date(Date.UTC(2030, 0, 1, 0, 1)).toISOString();

    expect(of(failing).map(shown)).toEqual([
      `signalbox.events ERROR fail ${failing.id} failed in 0 ms: Error: no such customer`,
    ]);
    expect(of(failing)[0]?.fields).toMatchObject({
      attempt: 1,
      ms: 0,
      ending: 'failed',
      queue: '',
      agent: 'main',
    });
    expect(of(failing)[0]?.fields.err).toMatchObject({ message: 'no such customer' });
    expect(of(retried).map(shown)).toEqual([
      `signalbox.events WARNING flaky ${retried.id} failed on attempt 1, again at ${at}: TypeError: not yet`,
      `signalbox.trace INFO flaky ${retried.id} succeeded on attempt 2 in 0 ms`,
    ]);
    expect(of(retried).map(({ fields }) => fields.attempt)).toEqual([1, 2]);
  });

  it('have arguments and results at DEBUG only, and one line at every other level', async () => {
    const { done, fail, flaky, hold, queue, reactor, entries, box } = await started(makeStore);
    const parent = done(canary);
    await parent.addCallback(done.partial(canary));
    await parent.addCallback(fail.partial('line one\nline two'));
    await queue.put(parent);
    await queue.put(flaky(canary));
    await queue.put(done(canary), { beginBy: '1s', beginAfter: new Date(reactor.now() - 60_000) });
    await queue.put(done(canary).with({ retryPolicy: 'ofNoProcess' }));
    await queue.put(hold(canary));
    await box.call(done(canary));
    await reactor.advance('5m');
    await reactor.until(box.stop());

    const above = entries.filter(({ level }) => level !== 'DEBUG');

    expect(above.filter((entry) => JSON.stringify([entry.message, entry.fields]).includes(canary))).toEqual(
      [],
    );
    expect(above.filter(({ message }) => message.includes('\n'))).toEqual([]);
    expect(above.some(({ message }) => message.endsWith('Error: line one\\nline two'))).toBe(true);
    expect(entries.filter(({ message }) => message.includes(canary)).length).toBeGreaterThan(5);
    expect(
      new Set(entries.filter(({ message }) => message.includes(canary)).map(({ stream }) => stream)),
    ).toEqual(new Set(['signalbox.trace']));
  });

  it('name how a job ended that its own code did not end', async () => {
    const { done, queue, reactor, of } = await started(makeStore);
    const failed = await queue.put(done('one'), { beginAfter: '1d' });
    await failed.fail(new RangeError('not wanted'));
    const late = await queue.put(done('two'), {
      beginAfter: new Date(reactor.now() - 60_000),
      beginBy: '1s',
    });
    await reactor.advance('10s');

    expect(of(failed)).toMatchObject([
      {
        level: 'ERROR',
        message: `done ${failed.id} failed: RangeError: not wanted`,
        fields: { ending: 'failed' },
      },
    ]);
    expect(of(late)).toMatchObject([{ level: 'ERROR', fields: { ending: 'expired' } }]);
    expect(of(late)[0]?.message).toMatch(/^done \S+ expired: TimeoutError \[TIMEOUT\]: /);
  });

  it('say of a stop that hands jobs on which they are, once, and nothing as an error', async () => {
    const { hold, open, queue, reactor, box, entries, dispatcher } = await started(makeStore);
    const obedient = defineJob({
      name: 'obedient',
      run: () =>
        new Promise((_resolve, reject) => {
          local.signal.addEventListener('abort', () => reject(new Error('stopped')));
        }),
    });
    box.define(obedient);
    const jobs = [await queue.put(hold('one')), await queue.put(obedient())];
    await reactor.runUntilIdle();

    await reactor.until(dispatcher.deactivate());
    open('one');
    await reactor.runUntilIdle();

    const ids = jobs.map(({ id }) => id);
    const handedOn = `hold ${ids[0]}, obedient ${ids[1]}`;
    expect(
      entries.filter(({ level }) => level === 'WARNING' || level === 'ERROR' || level === 'CRITICAL'),
    ).toEqual([]);
    expect(
      entries.filter(({ level, message }) => level === 'INFO' && /deactivated/.test(message)).map(shown),
    ).toEqual([
      `signalbox.events INFO deactivated dispatcher ${dispatcher.uuid}, 2 jobs handed on: ${handedOn}`,
    ]);
    expect(
      entries
        .filter(({ message }) => message.includes('was handed on'))
        .map(({ level, job }) => [level, job]),
    ).toEqual([
      ['DEBUG', ids[1]],
      ['DEBUG', ids[0]],
    ]);
  });

  it('say of a dispatcher that is dead since when, and what it held', async () => {
    const { hold } = makeControlledJobs();
    const testBox = await makeBox({ store: makeStore(), jobs: [hold] });
    const { box, reactor, entries } = testBox;
    const [a] = await startDispatchers(testBox, ['a']);
    const jobs: Job<unknown>[] = [];
    for (const name of ['one', 'two', 'three']) jobs.push(await box.queue().put(hold(name)));
    await reactor.advance('1s');
    if (a !== undefined) crash(testBox, a);
    await startDispatchers(testBox, ['b']);
    await reactor.advance('2m');

    const warned = entries.filter(({ level }) => level === 'WARNING');

    const names = jobs.map(({ id }) => `hold ${id}`).join(', ');
    expect(warned).toMatchObject([{ fields: { stream: 'signalbox.events', dispatcher: 'a', queue: '' } }]);
    expect(warned[0]?.fields.ms).toBeGreaterThan(60_000);
    expect(warned[0]?.message).toMatch(
      /^dispatcher a is dead in queue '': no ping for 6\d s, since 2030-01-01T00:00:00.000Z\. /,
    );
    expect(warned[0]?.message.split('Z. ')[1]).toBe(`It held 3 jobs, handed on now: ${names}`);
  });
});

/** A reactor in virtual time whose background calls are made, as on Node. */
class WatchedReactor extends VirtualReactor {
  override callInBackground(delayMs: number, call: () => void): ScheduledCall {
    return this.callLater(delayMs, call);
  }
}

describe('A blocked event loop', () => {
  async function watched(isLevelEnabled?: (level: string) => boolean) {
    const { hold, done, open } = makeControlledJobs();
    const warnings: string[] = [];
    const fields: number[] = [];
    const none = (): void => {};
    const logger: Logger = {
      debug: none,
      info: none,
      warn: ({ ms }, message) => {
        warnings.push(message);
        fields.push(ms ?? 0);
      },
      error: none,
      ...(isLevelEnabled && { isLevelEnabled }),
    };
    const reactor = new WatchedReactor();
    const box = await createSignalbox({
      store: memoryStore(),
      jobs: [hold, done],
      logger,
      reactor,
      queues: [''],
    });
    reactor.attach(box);
    await box.start({ pollInterval: '1d' });
    await reactor.runUntilIdle();
    /** The wall clock goes on, and no call is made. */
    const block = async (ms: number): Promise<void> => {
      reactor.setNow(reactor.now() + ms);
      await reactor.advance('1s');
    };
    return { box, reactor, warnings, fields, hold, done, open, block, queue: box.queue() };
  }

  it('is said at WARNING with the jobs that run and the lag, once a minute', async () => {
    const { queue, hold, open, reactor, warnings, fields, block, box } = await watched();
    await queue.put(hold('one'));
    await reactor.advance('1s');
    await block(900);
    expect(warnings).toEqual([]);

    await block(3200);
    await block(5000);
    expect(warnings).toEqual([
      'event loop was blocked for 3.2 s or more; these jobs ran: hold. No claim and no ping is made meanwhile: move long work to a worker thread.',
    ]);
    expect(fields).toEqual([3200]);

    await reactor.advance('1m');
    await block(5000);
    expect(warnings).toHaveLength(2);
    open('one');
    await box.stop();
  });

  it('is said with the job that blocked although that is over when the loop goes on', async () => {
    const { queue, done, warnings, block, box } = await watched();
    await queue.put(done('one'));
    await queue.put(done('two'));
    await (await queue.put(done('three'))).result();

    await block(2000);

    expect(warnings).toEqual([expect.stringContaining('these jobs ran: done.')]);
    await box.stop();
  });

  it('is looked for while jobs run: without one, and for a logger that drops WARNING, no call is made', async () => {
    const { queue, hold, open, reactor, warnings, block, box } = await watched();
    const idle = reactor.pending;
    await block(20_000);
    expect(reactor.pending).toBe(idle);
    await queue.put(hold('one'));
    await reactor.advance('1s');
    expect(reactor.pending).toBe(idle + 1);
    open('one');
    await reactor.advance('2s');
    expect(reactor.pending).toBe(idle);
    await block(20_000);
    expect(warnings).toEqual([]);
    await box.stop();

    const deaf = await watched((level) => level !== 'warn');
    const before = deaf.reactor.pending;
    await deaf.queue.put(deaf.hold('one'));
    await deaf.reactor.runUntilIdle();
    expect(deaf.reactor.pending).toBe(before);
    deaf.open('one');
    await deaf.box.stop();
  });

  it('is said of a job that computes for more than a second, in real time', async () => {
    const compute = defineJob({
      name: 'compute',
      run: () => {
        const end = performance.now() + 1700;
        while (performance.now() < end);
        return 'computed';
      },
    });
    const { box, logged } = await makeNodeBox({ store: memoryStore(), jobs: [compute], queues: [''] });
    await box.start();

    expect(await (await box.queue().put(compute())).result()).toBe('computed');
    await vi.waitFor(() => expect(logged('WARNING')).toHaveLength(1), { timeout: 5000 });

    expect(logged('WARNING')[0]).toMatch(
      /^event loop was blocked for 1\.\d s or more; these jobs ran: compute\. /,
    );
  });
});

describe('A logger', () => {
  const failing = defineJob({
    name: 'failing',
    run: () => {
      throw new Error('outer\nsignalbox.events CRITICAL forged', { cause: new TypeError('inner') });
    },
  });

  async function failOnce(logger: Logger): Promise<void> {
    const box = await createSignalbox({ store: memoryStore(), jobs: [failing], logger, queues: [''] });
    await box.start();
    const job = await box.queue().put(failing().with({ failureLogLevel: 'CRITICAL' }));
    await job.waitFor('COMPLETED');
    await pause(0);
    await box.stop();
  }

  it('of lines writes the levels it is asked for, and under an error the frames of the code and of its causes', async () => {
    const written: string[] = [];
    await failOnce(consoleLogger({ level: 'ERROR', write: (line) => void written.push(line) }));

    const [title, ...frames] = written[0]?.split('\n') ?? [];

    expect(written).toHaveLength(1);
    expect(title).toMatch(
      /^signalbox\.events CRITICAL failing \S+ failed in \d+ ms: Error: outer\\nsignalbox/,
    );
    expect(frames[0]).toMatch(/^ {4}at .*logs\.test\.ts/);
    expect(frames).toContain('  caused by TypeError: inner');
    expect(frames.filter((frame) => !frame.startsWith('  '))).toEqual([]);
    expect(frames.filter((frame) => /executor\.ts|node:/.test(frame))).toEqual([]);
  });

  it('refuses an unknown level', () => {
    expect(() => consoleLogger({ level: 'LOUD' as 'INFO' })).toThrow(/level.*LOUD/);
  });

  it('without fatal, such as the console, gets CRITICAL entries as errors', async () => {
    const heard: string[] = [];
    const none = (): void => {};
    const spoken = { ...console, debug: none, info: none, warn: none };
    await failOnce({
      ...spoken,
      fatal: undefined as never,
      error: (_fields, message) => heard.push(message),
    });

    const accepted: Logger = console;

    expect(heard).toEqual([expect.stringMatching(/^failing \S+ failed/)]);
    expect(accepted.fatal).toBeUndefined();
  });
});
