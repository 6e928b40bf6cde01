import { defineJob, type Job } from 'signalbox';
import { expect, it } from 'vitest';
import { makeRecordingJobs } from './recording-jobs.ts';
import { forEachStore, type MakeStore, makeBox } from './stores.ts';

async function setUp(makeStore: MakeStore) {
  const recording = makeRecordingJobs();
  const { note, give, raise } = recording;
  const testBox = await makeBox({ store: makeStore(), jobs: [note, give, raise] });
  await testBox.box.start();
  const of = (job: Job<unknown>) => testBox.entries.filter((entry) => entry.job === job.id);
  const failures = (job: Job<unknown>) =>
    of(job).filter(
      ({ stream, message }) => stream === 'signalbox.events' && / failed in \d+ ms: /.test(message),
    );
  return { ...testBox, ...recording, of, failures, queue: testBox.box.queue() };
}

forEachStore('The log of jobs', (makeStore) => {
  it('[J-135] a failure is logged with the job and its traceback: ERROR, or CRITICAL of a callback', async () => {
    const { raise, queue, reactor, of, failures } = await setUp(makeStore);
    const job = raise('broken');
    const callback = await job.addCallback(raise.partial('broken callback'));

    await queue.put(job);
    await reactor.runUntilIdle();

    const [failure] = failures(job);
    const { id } = job;
    expect(failures(job)).toMatchObject([
      { level: 'ERROR', message: `raise ${id} failed in 0 ms: Error: broken` },
    ]);
    expect(failure?.fields.err?.stack).toMatch(/at .*recording-jobs\.ts/);
    expect(failures(callback)).toMatchObject([{ level: 'CRITICAL', stream: 'signalbox.events' }]);
    const traced = of(job).filter(({ message }) => message.includes('failed with traceback'));
    expect(traced).toMatchObject([{ level: 'DEBUG', stream: 'signalbox.trace' }]);
    expect(traced[0]?.message).toContain(String(job));
    expect(traced[0]?.message).toMatch(/Error: broken\n.*at .*recording-jobs\.ts/s);
  });

  it('[J-136] the level is set on the job, or given to put, addCallback and addCallbacks, which overrides it', async () => {
    const { raise, queue, reactor, failures } = await setUp(makeStore);
    const onJob = raise('a').with({ failureLogLevel: 'INFO' });
    const onPut = raise('b').with({ failureLogLevel: 'INFO' });
    const onCallback = await onJob.addCallback(raise.partial('c'), { failureLogLevel: 'WARNING' });
    const pair = raise.partial('d').with({ failureLogLevel: 'INFO' });
    await onJob.addCallbacks({ failure: pair }, { failureLogLevel: 'DEBUG' });

    await queue.put(onJob);
    await queue.put(onPut, { failureLogLevel: 'WARNING' });
    await reactor.runUntilIdle();

    const levels = [onJob, onPut, onCallback, pair].map((job) => failures(job).map(({ level }) => level));
    expect(levels).toEqual([['INFO'], ['WARNING'], ['WARNING'], ['DEBUG']]);
  });

  it('[J-137] a success is logged at INFO in trace, and with its call and result at DEBUG', async () => {
    const { give, queue, reactor, of } = await setUp(makeStore);
    const job = await queue.put(give({ total: 42 }));
    await reactor.runUntilIdle();

    const success = of(job).filter(({ message }) => message.includes('succeeded'));

    expect(success.map(({ level, stream, message }) => [level, stream, message])).toEqual([
      ['DEBUG', 'signalbox.trace', `${job} succeeded with result:\n{"total":42}`],
      ['INFO', 'signalbox.trace', `give ${job.id} succeeded in 0 ms`],
    ]);
  });

  it('[J-138] the start of a callback is logged at DEBUG in trace, naming callback and parent', async () => {
    const { give, note, queue, reactor, of } = await setUp(makeStore);
    const job = give(1);
    const callback = await job.addCallback(note.partial('called'));
    await queue.put(job);
    await reactor.runUntilIdle();

    const start = of(callback).filter(({ message }) => message.startsWith('starting callback'));

    expect(start).toMatchObject([{ level: 'DEBUG', stream: 'signalbox.trace' }]);
    expect(start[0]?.message).toContain(String(callback));
    expect(start[0]?.message).toContain(String(job));
  });

  it('[J-139] a callback that receives a Failure and returns is a success', async () => {
    const { raise, note, queue, reactor, of, failures } = await setUp(makeStore);
    const job = raise('broken');
    const callback = await job.addCallback(note.partial('mended'));
    await queue.put(job);
    await reactor.runUntilIdle();

    const success = of(callback).filter(({ level }) => level === 'INFO');

    expect(success).toMatchObject([
      { stream: 'signalbox.trace', message: expect.stringContaining('succeeded') },
    ]);
    expect(failures(callback)).toEqual([]);
    expect((await callback.refresh()).ending).toBe('succeeded');
  });

  it('[J-140] a job reads as its id, its store and its call; before it is stored both are unknown', async () => {
    const { box, queue, note } = await setUp(makeStore);
    const other = note('inner');
    const job = note('text', 14, { list: [true, null] }, other);
    const draft = String(job);

    await queue.put(job);

    expect(draft).toMatch(/^<Job \(id \?, store \?\) note\('text', 14, \{"list":\[true,null\]\}, .*\)>$/);
    expect(String(job)).toContain(`<Job (id ${job.id}, store '${box.store.name}') note('text', 14, `);
    expect(String(job)).toContain(`id ${other.id}`);
  });

  it('[J-140] text in arguments and results begins no line of the log', async () => {
    const { give, queue, reactor, of, entries } = await setUp(makeStore);
    const forged = 'signalbox.events CRITICAL forged';
    const job = await queue.put(give(`a\r\n${forged}`));
    await reactor.runUntilIdle();

    const lines = entries.flatMap(({ message }) => message.split('\n'));

    expect(of(job)).toHaveLength(4);
    expect(lines.filter((line) => line.includes(forged)).length).toBeGreaterThan(3);
    expect(lines.filter((line) => line.startsWith(forged))).toEqual([]);
    expect(String(job)).not.toContain('\n');
  });

  it('[J-140] rendering never throws, for any arguments', async () => {
    const any = defineJob({ name: 'any', run: (..._input: unknown[]) => null });
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    const thrower = {
      get broken(): never {
        throw new TypeError('no such attribute');
      },
    };
    const circular: unknown[] = [];
    circular.push(circular);

    for (const arg of [proxy, thrower, circular, 5n, () => 1, Symbol('s'), undefined, Number.NaN])
      expect(String(any(arg))).toMatch(/^<Job \(id \?, store \?\) any\(.*\)>$/);
  });
});
