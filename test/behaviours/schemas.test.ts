import {
  defineJob,
  detached,
  type Job,
  local,
  memoryStore,
  NeverRetry,
  type RetryPolicy,
  type SignalboxError,
  type StandardSchemaV1,
} from 'signalbox';
import * as v from 'valibot';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { forEachStore, type MakeStore, makeBox } from './stores.ts';

/** A retry policy that notes what it is asked about, and tries once again. */
function askedPolicy() {
  const asked: unknown[] = [];
  const policy: RetryPolicy = {
    ...NeverRetry,
    name: 'asked',
    jobError: (failure) => {
      asked.push(failure.code);
      return asked.length < 2;
    },
  };
  return { asked, policy };
}

const order = z.object({
  sku: z.string().min(2),
  count: z.number().default(1),
  due: z.iso.datetime().transform((text) => new Date(text)),
});

async function setUp(makeStore: MakeStore) {
  const { asked, policy } = askedPolicy();
  const calls: unknown[] = [];
  let giveWrong = true;
  const pack = defineJob({
    name: 'pack',
    input: order,
    retry: policy,
    run: (given) => {
      calls.push(given);
      return given.due.getUTCFullYear();
    },
  });
  const mail = defineJob({
    name: 'mail',
    // Each look takes some turns, as a look-up in a database does.
    input: v.pipeAsync(
      v.string(),
      v.checkAsync(async (to) => {
        await new Promise(setImmediate);
        return to.includes('@');
      }, 'no address'),
    ),
    run: (to) => {
      calls.push(to);
      return to.length;
    },
  });
  const total = defineJob({
    name: 'total',
    output: z.object({ sum: z.number(), state: z.string().default('small') }),
    retry: policy,
    run: async (how: string) => {
      if (how === 'detached')
        return detached(Promise.resolve({ sum: 'three' } as unknown as { sum: number }));
      await local.getQueue().put(note('put'));
      if (how === 'once') giveWrong = !giveWrong;
      return { sum: (giveWrong ? 'three' : 3) as number };
    },
  });
  const note = defineJob({ name: 'note', run: (text: string) => calls.push(text) });
  const outer = defineJob({ name: 'outer', run: (inner: Job<number>) => inner.status });
  const giver = defineJob({ name: 'giver', run: (text: string) => text });
  const testBox = await makeBox({
    store: makeStore(),
    jobs: [pack, mail, total, note, outer, giver],
    queues: [''],
  });
  const queue = testBox.box.queue();
  return { ...testBox, pack, mail, total, note, outer, giver, queue, asked, calls };
}

const due = '2031-05-01T00:00:00Z';
const codeOf = (error: unknown) => Reflect.get(error as object, 'code');
const refusal = (promise: Promise<unknown>) =>
  promise.then(
    () => null,
    (error: SignalboxError<'ARGS_INVALID'>) => error,
  );

forEachStore('A job whose input has a schema', (makeStore) => {
  it('is stored as it was given, and its code gets what the schema makes of that', async () => {
    const { box, queue, pack, calls, reactor } = await setUp(makeStore);
    const job = await queue.put(pack({ sku: 'ab', due }));
    expect(job.record.args).toEqual([{ sku: 'ab', due }]);

    await box.start();
    await reactor.runUntilIdle();

    expect(calls).toEqual([{ sku: 'ab', count: 1, due: new Date(due) }]);
    expect(await job.result()).toBe(2031);
  });

  it('is refused at put, with what is wrong and where, and nothing is written', async () => {
    const { box, queue, pack } = await setUp(makeStore);
    const before = await box.store.position();

    const error = await refusal(queue.put(pack({ sku: 'a', due: 'tomorrow' })));

    expect(error).toMatchObject({
      code: 'ARGS_INVALID',
      details: {
        name: 'pack',
        at: 'put',
        issues: [
          { path: 'input.sku', message: expect.any(String) },
          { path: 'input.due', message: expect.any(String) },
        ],
      },
    });
    expect(error?.message).toMatch(
      /^Expected the input of job "pack" to be what its schema accepts, got input\.sku: /,
    );
    expect(await queue.length()).toBe(0);
    expect(await box.store.position()).toEqual(before);
  });

  it('is refused by an asynchronous schema before anything is written, alone and among many', async () => {
    const { box, queue, mail } = await setUp(makeStore);
    const before = await box.store.position();

    expect(codeOf(await refusal(queue.put(mail('nobody'))))).toBe('ARGS_INVALID');
    expect(codeOf(await refusal(queue.put(mail('nobody'), { id: 'm1' })))).toBe('ARGS_INVALID');
    expect(codeOf(await refusal(box.storeNew(mail('nobody'))))).toBe('ARGS_INVALID');
    expect(codeOf(await refusal(box.call(mail('nobody'))))).toBe('ARGS_INVALID');
    const many = await refusal(queue.putAll([mail('a@b'), mail('nobody'), mail('c@d')]));

    expect(many?.message).toMatch(/^items\[1\]: Expected the input of job "mail"/);
    expect(await box.store.position()).toEqual(before);
    await queue.put(mail('a@b'));
    expect(await queue.length()).toBe(1);
  });

  it('is refused in the arguments of another job, and when its arguments are set', async () => {
    const { box, queue, mail, outer } = await setUp(makeStore);

    expect(codeOf(await refusal(queue.put(outer(mail('nobody')))))).toBe('ARGS_INVALID');
    const job = await box.storeNew(mail('a@b'));
    expect(codeOf(await refusal(job.setArgs(['nobody'])))).toBe('ARGS_INVALID');
    await job.setArgs(['c@d']);

    expect((await job.refresh()).args).toEqual(['c@d']);
  });

  it('takes one argument', async () => {
    const { queue, pack } = await setUp(makeStore);
    const loose = pack as unknown as (...args: unknown[]) => ReturnType<typeof pack>;

    const error = await refusal(queue.put(loose({ sku: 'ab', due }, 2)));

    expect(error?.message).toContain('input: 2 arguments, where a job with a schema takes one');
    expect(codeOf(await refusal(queue.put(pack as never)))).toBe('ARGS_INVALID');
  });

  it('that was put before its schema changed fails at the start, is not called, and no policy is asked', async () => {
    const older = defineJob({ name: 'pack', run: (given: { sku: string }) => given.sku });
    const store = makeStore();
    const first = await makeBox({ store, jobs: [older], queues: [''] });
    const { id } = await first.box.queue().put(older({ sku: 'ab' }));
    await first.stop();
    const { box, asked, calls, reactor } = await setUp(() => store);

    await box.start();
    await reactor.advance('1h');

    const job = await box.job(id ?? '').refresh();
    expect(job).toMatchObject({ status: 'COMPLETED', ending: 'failed' });
    expect(job.outcome).toMatchObject({ failure: { code: 'ARGS_INVALID' } });
    expect([asked, calls]).toEqual([[], []]);
    expect(job.record.attempts).toBe(1);
  });

  it('gets as a callback what the schema makes of the outcome, or fails', async () => {
    const { box, queue, giver, mail, calls, reactor } = await setUp(makeStore);
    await box.start();
    const good = giver('a@b');
    const bad = giver('nobody');
    const called = await good.addCallbacks({ success: mail });
    const refused = await bad.addCallbacks({ success: mail });

    await queue.putAll([good, bad]);
    await reactor.runUntilIdle();

    expect(await called.outcome()).toEqual({ ok: true, value: 3 });
    expect(await refused.outcome()).toMatchObject({ ok: false, failure: { code: 'ARGS_INVALID' } });
    expect(calls).toEqual(['a@b']);
  });
});

forEachStore('A job whose result has a schema', (makeStore) => {
  it('has the result that the schema makes of what its code gave', async () => {
    const { box, queue, total, asked, reactor } = await setUp(makeStore);
    await box.start();

    const job = await queue.put(total('once'));
    await reactor.runUntilIdle();

    expect(asked).toEqual([]);
    expect(await job.result()).toEqual({ sum: 3, state: 'small' });
  });

  it('whose code gives another one is a matter of its retry policy, and what the attempt put is dropped', async () => {
    const { box, queue, total, asked, calls, reactor } = await setUp(makeStore);
    await box.start();

    const job = await queue.put(total('never'));
    await reactor.runUntilIdle();

    expect(asked).toEqual(['RESULT_INVALID', 'RESULT_INVALID']);
    expect((await job.refresh()).outcome).toMatchObject({
      ok: false,
      failure: { code: 'RESULT_INVALID', message: expect.stringContaining('got result.sum: ') },
    });
    expect(calls).toEqual([]);
  });

  it('is looked at when it comes from a detached promise', async () => {
    const { box, queue, total, reactor } = await setUp(makeStore);
    await box.start();

    const job = await queue.put(total('detached'));
    await reactor.runUntilIdle();

    expect((await job.refresh()).outcome).toMatchObject({ failure: { code: 'RESULT_INVALID' } });
  });
});

it('What is no schema is refused where the job is defined', () => {
  const make = (option: object) => () => defineJob({ name: 'wrong', run: () => null, ...option } as never);

  for (const wrong of [
    {},
    'text',
    () => true,
    { '~standard': { version: 2, validate: () => ({ value: 1 }) } },
  ]) {
    expect(make({ input: wrong })).toThrow(/`input` to be a schema with the Standard Schema interface/);
    expect(make({ output: wrong })).toThrow(/`output` to be a schema with the Standard Schema interface/);
  }
});

it('A schema may be a function, and its keys and texts are shown within bounds', async () => {
  const issues = Array.from({ length: 80 }, (_, n) => ({
    message: 'x'.repeat(1000),
    path: ['a b', { key: n }],
  }));
  const schema = Object.assign(() => {}, {
    '~standard': { version: 1, vendor: 'test', validate: () => ({ issues }) },
  } satisfies StandardSchemaV1<string>);
  const odd = defineJob({ name: 'odd', input: schema, run: () => null });
  const { box } = await makeBox({
    store: memoryStore(),
    jobs: [odd],
    queues: [''],
  });

  const error = await refusal(box.queue().put(odd('text')));

  const shown = error?.details.issues ?? [];
  expect([shown.length, shown[2]?.path, shown[2]?.message.length]).toEqual([50, 'input["a b"][2]', 300]);
  expect(error?.message).toContain('; 47 more. Nothing was written');
});
