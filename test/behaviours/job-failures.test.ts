import {
  AbortedError,
  BadStatusError,
  defineJob,
  Failure,
  type Job,
  local,
  NeverRetry,
  type RetryPolicy,
  SignalboxError,
  TimeoutError,
} from 'signalbox';
import { expect, it } from 'vitest';
import { Barrier } from './barrier.ts';
import { forEachStore, makeBox, type TestBox } from './stores.ts';

const seven = defineJob({ name: 'seven', run: () => 7 });

/** A policy that adds each question to a list, and never retries a job or a commit. */
function listening(asked: string[]): RetryPolicy {
  return {
    ...NeverRetry,
    name: 'listening',
    startsOnce: false,
    jobError: (failure) => {
      asked.push(failure.message);
      return false;
    },
    interrupted: (data) => ({ answer: true, data }),
  };
}

/** Declares this process dead: its jobs are reassigned, though it still runs. */
async function declareDead({ box }: TestBox): Promise<void> {
  await (await box.queue().dispatchers.get(box.uuid)).deactivate();
}

forEachStore('A failure', (makeStore) => {
  const open = (jobs: Parameters<typeof makeBox>[0]['jobs'] = []) =>
    makeBox({ store: makeStore(), jobs: [seven, ...jobs], queues: [''] });

  it('[J-36] of a call that the status does not allow is a BadStatusError: it names both, and changes nothing', async () => {
    const { box } = await open();
    const job = await box.queue().put(seven);

    const error: unknown = await box
      .queue()
      .put(job)
      .catch((refusal: unknown) => refusal);

    expect(error).toBeInstanceOf(BadStatusError);
    expect(error).toBeInstanceOf(SignalboxError);
    expect(error).toMatchObject({ code: 'BAD_STATUS', details: { status: 'PENDING', event: 'job.put' } });
    expect(await box.queue().length()).toBe(1);
  });

  it('[J-37] of an interrupted job that is not retried is an AbortedError', async () => {
    const once = defineJob({ name: 'once', run: () => new Promise<never>(() => {}), retry: NeverRetry });
    const testBox = await open([once]);
    await testBox.box.start();
    const job = await testBox.box.queue().put(once);
    await testBox.reactor.runUntilIdle();

    await declareDead(testBox);
    await testBox.reactor.advance('5s');

    await expect(job.result()).rejects.toMatchObject({ name: 'AbortedError', code: 'ABORTED' });
    expect(await job.refresh()).toMatchObject({ status: 'COMPLETED', ending: 'aborted' });
    expect(new AbortedError({ id: job.id as string }).name).toBe('AbortedError');
  });

  it('[J-38] of a job that is not started in time, and of fail without a reason, is a TimeoutError', async () => {
    const { box, reactor } = await open();
    const late = await box.queue().put(seven, { beginAfter: '1m', beginBy: '1m' });
    const failed = await box.queue().put(seven, { beginAfter: '1d' });
    await failed.fail();
    reactor.run();
    await reactor.advance('2m');
    await reactor.advance('1ms');
    await box.start();
    await reactor.runUntilIdle();

    for (const job of [late, failed]) {
      await expect(job.result()).rejects.toMatchObject({ name: 'TimeoutError', code: 'TIMEOUT' });
    }
    expect(late.ending).toBe('expired');
    expect(new TimeoutError({ what: 'it', limit: '1 s' }).name).toBe('TimeoutError');
  });

  it('[J-39] of a worker whose job was reassigned is a ReassignedError: it is logged, and never a result', async () => {
    const barrier = new Barrier();
    const slow = defineJob({ name: 'slow', run: () => barrier.wait() });
    const testBox = await open([slow]);
    const dispatcher = await testBox.box.start();
    const job = await testBox.box.queue().put(slow);
    await testBox.reactor.runUntilIdle();
    await declareDead(testBox);

    barrier.release('too late');
    await testBox.reactor.runUntilIdle();

    expect(await job.refresh()).toMatchObject({ status: 'ACTIVE', outcome: null });
    expect(testBox.logged('ERROR')).toEqual([expect.stringContaining('another holder')]);
    expect(dispatcher.getJobInfo(job.id as string)).toMatchObject({
      reassigned: true,
      failed: false,
      result: null,
    });
    await testBox.reactor.advance('5s');
    barrier.release('in time');
    expect(await job.result()).toBe('in time');
  });

  it('[J-40] is what an error thrown by the code becomes: its changes are dropped, the call gives it and throws nothing', async () => {
    const put: Job[] = [];
    const careless = defineJob({
      name: 'careless',
      run: async () => {
        put.push(await local.getQueue().put(seven));
        await (local.getJob() as Job).setAnnotation('at', 'half');
        throw new RangeError('too far');
      },
    });
    const { box } = await open([careless]);
    const job = careless();

    const failure = await box.call(job);

    expect(failure).toBeInstanceOf(Failure);
    expect(failure).toMatchObject({ name: 'RangeError', message: 'too far' });
    expect(job.outcome).toEqual({ ok: false, failure });
    expect(put).toHaveLength(1);
    expect(await box.queue().length()).toBe(0);
    expect((await job.refresh()).annotations).toEqual({});
  });

  it('[J-41] that the code returns is the result like a thrown one, but its changes are kept and no policy is asked', async () => {
    const asked: string[] = [];
    const caught: unknown[] = [];
    const careful = defineJob({
      name: 'careful',
      retry: listening(asked),
      run: async () => {
        await local.getQueue().put(seven, { beginAfter: '1d' });
        return Failure.from(new RangeError('too far'));
      },
    });
    const handle = defineJob({
      name: 'handle',
      run: (failure: Failure) => void caught.push(failure.message),
    });
    const { box, reactor } = await open([careful, handle]);
    await box.start();
    const job = careful();
    await job.addCallbacks({ failure: handle });

    await box.queue().put(job);
    await reactor.runUntilIdle();

    expect((await job.refresh()).outcome).toMatchObject({ ok: false, failure: { name: 'RangeError' } });
    expect(await box.queue().length()).toBe(1);
    expect(caught).toEqual(['too far']);
    expect(asked).toEqual([]);
  });

  it('[J-42] is stored as plain data, and read in another process with its type, message, stack, code, causes and fields', async () => {
    const store = makeStore();
    const socket = { self: null as unknown, write: () => {} };
    socket.self = socket;
    const fail = defineJob({
      name: 'fail',
      run: () => {
        const cause = Object.assign(new Error('refused'), { code: 'ECONNREFUSED' });
        throw Object.assign(new TypeError('no answer', { cause }), { host: 'db', socket, at: new Date(0) });
      },
    });
    const first = await makeBox({ store, jobs: [fail], queues: [''] });
    await first.box.start();
    const job = await first.box.queue().put(fail);
    await first.reactor.runUntilIdle();
    await first.stop();

    const second = await makeBox({ store });
    const { outcome, record } = await second.box.job(job.id as string).refresh();

    const failure = outcome?.ok === false ? outcome.failure : null;
    expect(failure).toMatchObject({
      name: 'TypeError',
      message: 'no answer',
      cause: { code: 'ECONNREFUSED' },
    });
    expect(failure?.stack).toContain('job-failures.test.ts');
    expect(failure?.data.extra).toMatchObject({ host: 'db' });
    expect(structuredClone(record.outcome)).toEqual(JSON.parse(JSON.stringify(record.outcome)));
    expect(failure?.toError()).toMatchObject({ name: 'TypeError', cause: { message: 'refused' } });
  });

  it('[J-43] can be asked for its type, let through by it, and shown in three levels of detail', async () => {
    const fail = defineJob({
      name: 'fail',
      run: () => {
        throw Object.assign(new TypeError('no answer'), { code: 'E_NONE', host: 'db' });
      },
    });
    const { box } = await open([fail]);
    const failure = (await box.call(fail())) as Failure;

    expect([failure.check('TypeError'), failure.check('E_NONE'), failure.check('RangeError')]).toEqual([
      true,
      true,
      false,
    ]);
    expect(failure.trap('RangeError', 'TypeError')).toBe('TypeError');
    expect(() => failure.trap('RangeError')).toThrow(
      expect.objectContaining({ name: 'TypeError', message: 'no answer' }),
    );
    const [brief, normal, verbose] = (['brief', 'default', 'verbose'] as const).map((detail) =>
      failure.text(detail),
    ) as [string, string, string];
    const [title, frame] = brief.split('\n');
    expect(title).toBe('TypeError: no answer');
    expect(frame).toMatch(/^ {2}\S.* job-failures\.test\.ts:\d+$/);
    expect(brief.split('\n')).toHaveLength(normal.split('\n').length);
    expect(normal).toContain('    at ');
    expect(normal).not.toContain('host');
    expect(verbose).toContain(normal);
    expect(verbose).toContain('host = "db"');
  });

  it('[J-44] of a worker that is stopped passes through: torn down, no policy asked, nothing stored, the job left ACTIVE', async () => {
    const asked: string[] = [];
    const tornDown: unknown[] = [];
    const stoppable = defineJob({
      name: 'stoppable',
      retry: listening(asked),
      setUp: () => 'tools',
      tearDown: (tools) => void tornDown.push(tools),
      run: async () => {
        if (tornDown.length > 0) return 'second time';
        await local.getQueue().put(seven);
        return new Promise<string>((_, reject) => {
          const { signal } = local;
          signal.addEventListener('abort', () => reject(signal.reason));
        });
      },
    });
    const testBox = await open([stoppable]);
    await testBox.box.start();
    const job = await testBox.box.queue().put(stoppable);
    await testBox.reactor.runUntilIdle();

    await declareDead(testBox);
    await testBox.reactor.runUntilIdle();

    expect(tornDown).toEqual(['tools']);
    expect(asked).toEqual([]);
    expect(await job.refresh()).toMatchObject({ status: 'ACTIVE', outcome: null });
    expect((await testBox.box.queue().jobs()).map(({ name }) => name)).toEqual(['signalbox.handleInterrupt']);
    await testBox.reactor.advance('5s');
    expect(await job.result()).toBe('second time');
  });
});
