import { AsyncLocalStorage } from 'node:async_hooks';
import { createSignalbox, defineJob, type Instrument, local, memoryStore } from 'signalbox';
import { VirtualReactor } from 'signalbox/testing';
import { expect, it } from 'vitest';

async function setUp(instrument: Instrument) {
  const messages: string[] = [];
  const log = (_fields: unknown, message: string): void => void messages.push(message);
  let fails = 1;
  const work = defineJob({ name: 'work', run: (text: string) => `${text} in ${trace.getStore() ?? 'none'}` });
  const flaky = defineJob({
    name: 'flaky',
    retry: { maxAttempts: 2, delay: '1s', jitter: 0 },
    run: () => {
      fails -= 1;
      if (fails >= 0) throw new Error('once');
      return 'done';
    },
  });
  const sleeper = defineJob({ name: 'sleeper', timeout: '1m', run: () => local.sleep('1h') });
  const reactor = new VirtualReactor();
  const box = await createSignalbox({
    store: memoryStore(),
    jobs: [work, flaky, sleeper],
    reactor,
    instrument,
    logger: { debug: log, info: log, warn: log, error: log, fatal: log },
  });
  reactor.attach(box);
  await box.start();
  return { box, reactor, work, flaky, sleeper, messages, queue: box.queue() };
}

const trace = new AsyncLocalStorage<string>();

it('An instrument sees each put and each attempt, and what its put gave goes with the job to its code', async () => {
  const seen: string[] = [];
  const { box, reactor, queue, work, flaky, sleeper } = await setUp({
    put: ({ name, queue }) => {
      seen.push(`put ${name} in '${queue}'`);
      return name === 'work' ? 'trace-1' : undefined;
    },
    start: ({ name, attempt, carried, agent }, call) => {
      seen.push(`start ${name} ${attempt} ${carried} ${agent}`);
      trace.run(carried ?? 'nothing', call);
    },
    end: ({ name, attempt, ending, failure }) =>
      void seen.push(`end ${name} ${attempt} ${ending} ${failure?.name ?? ''}`),
  });

  const job = await queue.put(work('code'));
  await reactor.runUntilIdle();
  await queue.put(flaky());
  await reactor.advance('5s');
  await queue.put(sleeper());
  const cancelled = await queue.put(sleeper());
  await reactor.runUntilIdle();
  await cancelled.cancel();
  await reactor.advance('2m');

  expect(await job.result()).toBe('code in trace-1');
  expect(seen).toEqual([
    "put work in ''",
    'start work 1 trace-1 main',
    'end work 1 succeeded ',
    "put flaky in ''",
    'start flaky 1 null main',
    'end flaky 1 failed Error',
    'start flaky 2 null main',
    'end flaky 2 succeeded ',
    "put sleeper in ''",
    "put sleeper in ''",
    'start sleeper 1 null main',
    'start sleeper 1 null main',
    'end sleeper 1 cancelled CancelledError',
    'end sleeper 1 failed TimeoutError',
  ]);
  await box.stop();
});

it('An instrument that fails, or forgets the call, changes nothing but the log', async () => {
  const broken = (): never => {
    throw new Error('broken');
  };
  const { box, reactor, queue, work, messages } = await setUp({ put: broken, start: broken, end: broken });

  const job = await queue.put(work('code'));
  await reactor.runUntilIdle();

  expect(await job.result()).toBe('code in none');
  for (const hook of ['put', 'start', 'end'])
    expect(messages.filter((text) => text.includes(`instrument.${hook} failed`))).toHaveLength(1);
  await box.stop();
});

it('An instrument with an unknown hook is refused', async () => {
  const refused = createSignalbox({ store: memoryStore(), instrument: { begin: () => {} } as Instrument });

  await expect(refused).rejects.toMatchObject({ code: 'INVALID_OPTION' });
});

it('An intercept decides what the code of a job gives, and calls it or not', async () => {
  const reactor = new VirtualReactor();
  const double = defineJob({ name: 'double', run: (n: number) => 2 * n });
  const seen: unknown[] = [];
  const box = await createSignalbox({
    store: memoryStore(),
    jobs: [double],
    reactor,
    intercept: ({ name, args, attempt }, call) => {
      seen.push([name, args, attempt, local.getJob()?.name]);
      if (args[0] === 1) return 'one';
      if (args[0] === 2) throw new Error('two');
      return call();
    },
  });
  reactor.attach(box);
  await box.start();

  const jobs = await box.queue().putAll([1, 2, 3].map((n) => double(n)));
  await reactor.advance('1m');

  expect(await Promise.all(jobs.map(async (job) => (await job.refresh()).outcome))).toMatchObject([
    { ok: true, value: 'one' },
    { ok: false, failure: { message: 'two' } },
    { ok: true, value: 6 },
  ]);
  expect(seen).toContainEqual(['double', [3], 1, 'double']);
  await box.stop();
});

it('An intercept that is no function is refused', async () => {
  const refused = createSignalbox({ store: memoryStore(), intercept: 'charge' as never });

  await expect(refused).rejects.toMatchObject({ code: 'INVALID_OPTION' });
});
