import { agent, createSignalbox, defineJob, type Job } from 'signalbox';
import { expect, it } from 'vitest';
import { makeControlledJobs } from './controlled-jobs.ts';
import { forEachStore, makeBox } from './stores.ts';

const note = defineJob({ name: 'note', run: (text: string) => text });
const fail = defineJob({
  name: 'fail',
  failureLogLevel: 'DEBUG',
  run: (kind: string) => {
    if (kind === 'type') throw new TypeError('no such customer', { cause: new RangeError('7 of 5') });
    if (kind === 'all') throw new AggregateError([new SyntaxError('one'), 'two'], 'both');
    throw Object.assign(new Error('mine'), { name: 'CustomerError', code: 'E_CUSTOMER' });
  },
});

/** What a promise rejects with. */
function errorOf(promise: Promise<unknown>): Promise<Error & { code?: string }> {
  return promise.then(
    () => expect.fail('no error'),
    (error) => error,
  );
}

forEachStore('What errors say', (makeStore, kind) => {
  it('a second start names the dispatcher of the first one', async () => {
    const { box } = await makeBox({ store: makeStore() });
    await box.start();

    const error = await errorOf(box.start());

    expect(error.code).toBe('DISPATCHER_STATE');
    expect(error.message).toContain('Expected this Signalbox to accept start(), got state started');
    expect(error.message).toContain('box.getDispatcher() returns the dispatcher that the first call started');
  });

  it.runIf(kind !== 'postgres')(
    'a store that this process holds already is said to be, with what to do',
    async () => {
      const store = makeStore();
      await makeBox({ store });

      const error = await errorOf(createSignalbox({ store }));

      expect(error.code).toBe('STORE_LOCKED');
      expect(error.message).toMatch(
        kind === 'memory' ? /^Expected the store in memory to be free, got/ : /got one held by pid \d+ on/,
      );
      expect(error.message).toContain('in this process: await stop() of its Signalbox first');
      expect(error.message).not.toContain('Stop that process');
    },
  );

  it('to fail a job whose code runs is refused with what can fail it', async () => {
    const { hold, open } = makeControlledJobs();
    const { box } = await makeBox({ store: makeStore(), jobs: [hold] });
    await box.start();
    const job = await box.queue().put(hold('x'));
    await job.waitFor('ACTIVE');

    const running = await errorOf(job.fail());
    open('x');
    await job.waitFor('COMPLETED');
    const over = await errorOf(job.fail());

    expect([running.code, over.code]).toEqual(['BAD_STATUS', 'BAD_STATUS']);
    expect(running.message).toContain('Its code runs, and only that can fail it now');
    expect(over.message).toContain('It is over, and its outcome stays');
  });

  it('what is put in place of a job is named, and only a function is called one', async () => {
    const { box } = await makeBox({ store: makeStore(), queues: [''] });

    const missing = await errorOf(box.queue().put(undefined as never));
    const bare = await errorOf(box.queue().put((() => 1) as never));

    expect([missing.code, bare.code]).toEqual(['ANONYMOUS_FUNCTION', 'ANONYMOUS_FUNCTION']);
    expect(missing.message).toContain('got undefined (undefined). Pass what defineJob');
    expect(missing.message).not.toContain('bare function');
    expect(bare.message).toContain('A bare function cannot be stored');
  });

  it('the error of a job is of its class again when the language has it, also in its causes and parts', async () => {
    const { box } = await makeBox({ store: makeStore(), jobs: [fail] });
    await box.start();
    const errors: Error[] = [];
    for (const what of ['type', 'all', 'own'])
      errors.push(await errorOf((await box.queue().put(fail(what))).result()));

    const [type, all, own] = errors;
    expect(type).toBeInstanceOf(TypeError);
    expect(type).toMatchObject({ name: 'TypeError', cause: expect.any(RangeError) });
    expect(type?.message).toContain('failed: no such customer');
    expect(all).toBeInstanceOf(AggregateError);
    expect((all as AggregateError).errors).toEqual([expect.any(SyntaxError), 'two']);
    expect(own).toBeInstanceOf(Error);
    expect(own).not.toBeInstanceOf(TypeError);
    expect(own).toMatchObject({ name: 'CustomerError', code: 'E_CUSTOMER' });
  });

  it('that agents refuse system jobs is said once one is needed, once, and not before', async () => {
    const { box, reactor, logged } = await makeBox({ store: makeStore(), jobs: [note], queues: ['', 'b'] });
    await box.start({ agent: agent({ filter: { jobs: ['other'] } }) });
    const job: Job<unknown> = await box.queue('b').put(note('x'), { beginBy: '1m' });
    await reactor.advance('30s');
    const before = logged('ERROR');

    await reactor.advance('10m');

    expect(before).toEqual([]);
    expect(logged('ERROR')).toEqual([
      `every agent of queue 'b' refuses system jobs, and one is needed: job ${job.id} is late and cannot expire. Let the filter of one agent accept 'signalbox.*'.`,
    ]);
  });

  it('a wait that was too short says status, attempts and why the job is not further', async () => {
    const { hold, open } = makeControlledJobs();
    const { box, reactor } = await makeBox({ store: makeStore(), jobs: [note, hold], queues: [''] });
    const queue = box.queue();
    await queue.quotas.ensure('disk', { size: 1 });
    const said = async (job: Job<unknown>): Promise<string> =>
      (await errorOf(reactor.until(job.result({ timeout: '1s' })))).message;
    const early = await queue.put(hold('early'));
    const notStarted = await said(early);
    const later = await said(await queue.put(note('later'), { beginAfter: { after: '1h' } }));
    await reactor.until(box.start({ agent: agent({ size: 1, filter: { jobs: ['hold'] } }) }));
    await early.waitFor('ACTIVE');
    const running = await said(early);
    const refused = await said(await queue.put(note('refused')));
    const full = await said(await queue.put(hold('full')));
    const { agents } = await queue.dispatchers.get(box.uuid);
    await agents.set('main', agent({ size: 5 }));
    await reactor.advance('5s');
    const one = await queue.put(hold('one'), { quotaNames: ['disk'] });
    await one.waitFor('ACTIVE');
    const quota = await said(await queue.put(hold('two'), { quotaNames: ['disk'] }));
    const [, late] = await Promise.all([
      reactor.advance('2s'),
      errorOf(one.waitFor('COMPLETED', { timeout: '1s' })),
    ]);
    for (const text of ['early', 'full', 'one', 'two']) open(text);

    expect(notStarted).toMatch(
      /^Expected a result of job \S+ within 1 second, got status PENDING after 0 attempts: no dispatcher is at work in queue ''. Call box.start\(\) in a process that knows the job.$/,
    );
    expect(later).toContain('got status PENDING after 0 attempts: it begins at 20');
    expect(running).toMatch(/got status ACTIVE after 1 attempt: its code has not ended after \d/);
    expect(refused).toContain(
      "no agent of queue '' accepts it: 'main' (jobs: hold does not match note). Change a filter",
    );
    expect(full).toContain("every agent that accepts it is full: 'main' (1 of 1). Wait longer");
    expect(quota).toContain("quota 'disk' is full: 1 of 1. Wait");
    expect(late).toMatchObject({ name: 'TimeoutError', code: 'TIMEOUT' });
    expect(late.message).toContain('got status ACTIVE after 1 attempt: its code has not ended');
  });
});
