import { defineJob, Failure, Job, local, parallel, serial } from 'signalbox';
import { expect, it } from 'vitest';
import { conflict } from './faulty-store.ts';
import { forEachStore, makeBox } from './stores.ts';

const add = defineJob({
  name: 'add',
  run: (...numbers: number[]) => numbers.reduce((sum, one) => sum + one, 0),
});
const seven = defineJob({ name: 'seven', run: () => 7 });
const count = defineJob({ name: 'count', run: (...args: unknown[]) => args.length });
const look = defineJob({
  name: 'look',
  run: async (job: Job) => (await job.refresh()).annotations.note ?? null,
});
const itself = defineJob({
  name: 'itself',
  run: async (self: Job, ...rest: unknown[]) => {
    await self.refresh();
    return [self.id === local.getJob()?.id, self.status, rest];
  },
});
const values = defineJob({
  name: 'values',
  run: (...jobs: Job<number>[]) => jobs.map((job) => (job.outcome?.ok ? job.outcome.value : null)),
});

forEachStore('A job is made', (makeStore) => {
  const open = (jobs: Parameters<typeof makeBox>[0]['jobs'] = []) =>
    makeBox({ store: makeStore(), jobs: [add, seven, count, look, itself, values, ...jobs], queues: [''] });

  it('[J-1] a definition called with values makes a job of it with these as arguments, to be changed at will', async () => {
    const { box } = await open();
    const job = add(1, 2);

    (job.args as number[]).push(39);

    expect(job).toBeInstanceOf(Job);
    expect(job.name).toBe('add');
    expect(job.args).toEqual([1, 2, 39]);
    await box.start();
    expect(await (await box.queue().put(job)).result()).toBe(42);
  });

  it('[J-2] a fresh job is NEW and has nothing but its code and its arguments', async () => {
    const { box } = await open();
    const job = add(1);
    const fresh = {
      status: 'NEW',
      outcome: null,
      ending: null,
      annotations: {},
      quotaNames: [],
      beginAfter: null,
      beginBy: null,
      activeStart: null,
      activeEnd: null,
      callbacksEnd: null,
      failureLogLevel: null,
      retryPolicy: null,
    };

    expect(job).toMatchObject(fresh);
    expect(await job.callbacks()).toEqual([]);
    await box.queue().put(look.partial(job));
    expect(await job.refresh()).toMatchObject(fresh);
    expect(job.record).toMatchObject({ assigner: null, parent: null, retryData: null });
    expect(await job.callbacks()).toEqual([]);
  });

  it('[J-3] a bare definition is taken as a job of it without arguments, and a job as itself', async () => {
    const { box, reactor } = await open();
    await box.start();
    const given = { put: seven(), callback: seven(), branch: count() };

    const put = await box.queue().put(seven);
    const callback = await put.addCallback(count);
    const pair = await put.addCallbacks({ success: count });
    const joined = [
      await box.queue().put(serial([seven, seven()], { postprocess: values })),
      await box.queue().put(parallel([seven(), seven], { postprocess: values })),
    ];
    expect(await box.queue().put(given.put)).toBe(given.put);
    expect(await put.addCallback(given.callback)).toBe(given.callback);
    await put.addCallbacks({ success: given.branch });
    await reactor.runUntilIdle();

    expect([await put.result(), await callback.result(), await (await pair.job())?.result()]).toEqual([
      7, 1, 1,
    ]);
    expect(await Promise.all(joined.map((job) => job.result()))).toEqual([
      [7, 7],
      [7, 7],
    ]);
    expect([await given.put.result(), await given.callback.result(), await given.branch.result()]).toEqual([
      7, 7, 1,
    ]);
  });

  it('[J-4] a function without a registered name is refused when it is put, and nothing is stored', async () => {
    const { box } = await open();
    const stranger = defineJob({ name: 'stranger', run: () => 1 });

    await expect(box.queue().put((() => 1) as never)).rejects.toMatchObject({ code: 'ANONYMOUS_FUNCTION' });
    await expect(box.queue().put(stranger)).rejects.toMatchObject({ code: 'UNKNOWN_DEFINITION' });

    expect(await box.queue().length()).toBe(0);
  });

  it('[J-5] code is found by its name and owners by their id when the job runs, as they are then', async () => {
    const store = makeStore();
    const owner = add(1);
    const first = await makeBox({
      store,
      jobs: [add, look, defineJob({ name: 'greet', run: () => 'before' })],
      queues: [''],
    });
    const greet = await first.box
      .queue()
      .put(defineJob({ name: 'greet', run: () => '' })())
      .catch(() => null);
    expect(greet).toBeNull();
    await first.stop();
    const before = defineJob({ name: 'greet', run: () => 'before' });
    const second = await makeBox({ store, jobs: [add, look, before], queues: [''] });
    const byName = await second.box.queue().put(before());
    const byId = await second.box.queue().put(look(owner));
    await owner.setAnnotation('note', 'set after the put');
    await second.stop();

    const third = await makeBox({
      store,
      jobs: [add, look, defineJob({ name: 'greet', run: () => 'after' })],
    });
    await third.box.start();

    expect(await third.box.job(byName.id as string).result()).toBe('after');
    expect(await third.box.job(byId.id as string).result()).toBe('set after the put');
  });

  it('[J-6] functions of the language and methods of its objects can be the code of a job', async () => {
    const largest = defineJob({ name: 'largest', run: Math.max });
    const text = defineJob({ name: 'text', run: JSON.stringify as (value: unknown) => string });
    const shout = defineJob({ name: 'shout', run: 'signal'.toUpperCase.bind('signal') });
    const { box } = await open([largest, text, shout]);
    await box.start();

    const jobs = [
      await box.queue().put(largest(3, 9, 4)),
      await box.queue().put(text({ a: [1] })),
      await box.queue().put(shout),
    ];

    expect(await Promise.all(jobs.map((job) => job.result()))).toEqual([9, '{"a":[1]}', 'SIGNAL']);
  });

  it('[J-7] a system job becomes the parent of a job that has no place, and leaves the place of any other', async () => {
    const store = makeStore();
    const never = defineJob({ name: 'never', run: () => new Promise<never>(() => {}) });
    const first = await makeBox({ store, jobs: [seven, never], queues: [''] });
    await first.box.start();
    const placed = await first.box.queue().put(seven);
    await placed.waitFor('COMPLETED');
    const { parent } = (await placed.refresh()).record;
    void placed.addCallback(never);
    await first.reactor.runUntilIdle();
    const late = await first.box.queue().put(seven, { beginAfter: '1m', beginBy: '1s' });
    await first.stop();

    const second = await makeBox({ store, jobs: [seven, defineJob({ name: 'never', run: () => 'now' })] });
    second.reactor.run();
    await second.reactor.advance('1h');
    await second.box.start();
    await second.reactor.runUntilIdle();

    const adopted = await second.box.job(late.id as string).refresh();
    const system = (adopted.record.parent as { system: string }).system;
    expect((await second.box.job(system).refresh()).name).toBe('signalbox.fail');
    expect(adopted.ending).toBe('expired');
    const left = await second.box.job(placed.id as string).refresh();
    const [callback] = await left.callbacks();
    expect(await (callback as Job).result()).toBe('now');
    expect(parent).toHaveProperty('agent');
    expect(left.record.parent).toEqual(parent);
  });

  it('[J-8] a job that is its own argument has its status at every stage', async () => {
    const { box, reactor } = await open();
    const job = itself.bind();
    expect(job.status).toBe('NEW');
    expect(String(job)).toContain('itself(');

    await box.queue().put(job);
    expect((await job.refresh()).status).toBe('PENDING');
    expect((await box.queue().claim())?.id).toBe(job.id);
    expect((await job.refresh()).status).toBe('ASSIGNED');
    expect(await box.call(job)).toEqual([true, 'ACTIVE', []]);
    await reactor.runUntilIdle();
    expect((await job.refresh()).status).toBe('COMPLETED');
  });

  it('[J-9] a bound job receives itself, before its other arguments', async () => {
    const { box } = await open();
    await box.start();

    const job = await box.queue().put(itself.bind('x', 1));

    expect(await job.result()).toEqual([true, 'ACTIVE', ['x', 1]]);
  });

  it('[J-10] arguments can be changed until the job is called, also to hold other jobs and the job itself', async () => {
    const { box } = await open();
    const other = seven();
    const job = await box.queue().put(count(1));

    await job.setArgs([...job.args, other, job, { deep: [job] }]);
    expect((await job.refresh()).args.map((arg) => (arg instanceof Job ? arg.id : arg))).toEqual([
      1,
      other.id,
      job.id,
      { deep: [expect.any(Job)] },
    ]);
    await box.queue().claim();
    await job.setArgs([...job.args, 'assigned']);
    expect(await box.call(job)).toBe(5);

    await expect(job.setArgs([])).rejects.toMatchObject({ name: 'BadStatusError' });
  });

  it('[J-11] arguments given with the call are appended to those of the job', async () => {
    const { box } = await open();
    const list = defineJob({ name: 'list', run: (...args: unknown[]) => args });
    box.define(list);

    expect(await box.call(list('a', 'b'), 'c', { d: 1 })).toEqual(['a', 'b', 'c', { d: 1 }]);
  });

  it('[J-12] all attempts of one call get the arguments with which the call began', async () => {
    const seen: string[] = [];
    const tally = defineJob({
      name: 'tally',
      run: async (mutable: { n: number }, input: number) => {
        seen.push(JSON.stringify([mutable, input]));
        mutable.n += 1;
        const job = box.job(local.getJob()?.id as string);
        await expect(job.setArgs([{ n: 100 }])).rejects.toMatchObject({ code: 'BAD_STATUS' });
        await job.appendArgs([9]);
        if (seen.length < 3) throw conflict();
        return seen.length;
      },
    });
    const { box } = await open([tally]);

    expect(await box.call(tally.partial({ n: 1 }), 8)).toBe(3);

    expect(seen).toEqual(['[{"n":1},8]', '[{"n":1},8]', '[{"n":1},8]']);
  });

  it('[J-13] a worker adds nothing to the arguments of a queued job, and the outcome to those of a callback', async () => {
    const { box } = await open();
    await box.start();
    const list = defineJob({ name: 'list', run: (...args: unknown[]) => args });
    box.define(list);
    const job = list('own');
    const callback = await job.addCallback(list('first'));

    await box.queue().put(job);

    expect(await job.result()).toEqual(['own']);
    expect(await callback.result()).toEqual(['first', ['own']]);
  });

  it('[J-14] the code of a job can be replaced while it is NEW, and in no other status', async () => {
    const { box } = await open();
    const draft = add(1, 2, 3);
    await draft.setCallable(count);
    const stored = add(4);
    await box.queue().put(look.partial(stored));
    await stored.setCallable(count);

    expect([draft.name, (await stored.refresh()).name]).toEqual(['count', 'count']);
    await box.queue().put(draft);
    await expect(draft.setCallable(add)).rejects.toMatchObject({
      name: 'BadStatusError',
      details: { status: 'PENDING' },
    });
    await box.queue().claim((job) => job.id === draft.id);
    await expect(draft.setCallable(add)).rejects.toMatchObject({
      name: 'BadStatusError',
      details: { status: 'ASSIGNED' },
    });
    expect(await box.call(draft)).toBe(3);
    await expect(draft.setCallable(add)).rejects.toMatchObject({
      name: 'BadStatusError',
      details: { status: 'COMPLETED' },
    });
  });

  it('[J-15] annotations can be read and written in every status', async () => {
    const inside: unknown[] = [];
    const note = defineJob({
      name: 'note',
      run: async (_input?: unknown) => {
        const job = await box.job((local.getJob() as Job).id as string).refresh();
        await job.setAnnotation(job.status, true);
        inside.push(job.status);
        return null;
      },
    });
    const peek = defineJob({
      name: 'peek',
      run: async (job: Job, _input?: unknown) => {
        await box.job((await job.refresh()).id as string).setAnnotation(job.status, true);
      },
    });
    const { box } = await open([note, peek]);
    const job = note().with({ annotations: { draft: { at: 1 } } });
    expect(job.annotations).toEqual({ draft: { at: 1 } });
    await box.queue().put(look.partial(job));
    await job.addCallback(peek.partial(job));

    await job.setAnnotation('NEW', true);
    await box.queue().put(job);
    await job.setAnnotation('PENDING', true);
    await box.queue().claim((waiting) => waiting.id === job.id);
    await job.setAnnotation('ASSIGNED', true);
    await box.call(job);
    await job.setAnnotation('COMPLETED', true);

    expect(inside).toEqual(['ACTIVE']);
    expect({ ...(await job.refresh()).annotations }).toEqual({
      draft: { at: 1 },
      NEW: true,
      PENDING: true,
      ASSIGNED: true,
      ACTIVE: true,
      CALLBACKS: true,
      COMPLETED: true,
    });
  });

  it('[J-16] a kind of job with settings and data of its own keeps them, and behaves like any other', async () => {
    const store = makeStore();
    const mail = defineJob({
      name: 'mail',
      run: (to: string) => `to ${to}`,
      quotas: ['post'],
      failureLogLevel: 'WARNING',
    });
    const urgentMail = (to: string) => mail(to).with({ annotations: { priority: 'urgent', copies: [to] } });
    const first = await makeBox({ store, jobs: [mail], queues: [''] });
    await first.box.queue().quotas.create('post');
    const { id } = await first.box.queue().put(urgentMail('Ada'));
    await first.stop();

    const second = await makeBox({ store, jobs: [mail] });
    await second.box.start();
    const job = second.box.job<string>(id as string);

    expect(await job.result()).toBe('to Ada');
    await second.reactor.runUntilIdle();
    expect(await job.refresh()).toMatchObject({ status: 'COMPLETED', quotaNames: ['post'] });
    expect({ ...job.annotations }).toEqual({ priority: 'urgent', copies: ['Ada'] });
    const callback = await job.addCallback(mail.partial());
    expect(await callback.result()).toBe('to to Ada');
    expect(await second.box.call(mail.partial(), 'Bo')).not.toBeInstanceOf(Failure);
  });
});
