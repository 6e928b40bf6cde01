import { defineJob, type Failure, local } from 'signalbox';
import { getPoll, waitForAnnotation, waitForResult } from 'signalbox/testing';
import { describe, expect, it } from 'vitest';
import { converse, handOff, multiply, opening, remainder, stores, virtualOpening } from './document.ts';

describe.each(stores)('The dispatcher performs a job, on a %s store:', (_, makeStore) => {
  it('14 × 3 is put and has no result yet', async () => {
    const { box } = await opening(makeStore());

    const outcome = await box.transaction(async (tx) => (await tx.queue().put(multiply(14, 3))).outcome);

    expect(outcome).toBeNull();
  });

  it('nothing is visible before the commit', async () => {
    const { box, dispatcher, queue } = await opening(makeStore());

    const job = await box.transaction(async (tx) => {
      const put = await tx.queue().put(multiply(14, 3));
      await getPoll(dispatcher);
      expect(await queue.length()).toBe(0);
      expect(await box.store.list('job', '')).toEqual([]);
      expect(dispatcher.getPollInfo().queues['']?.main?.newJobs).toEqual([]);
      return put;
    });

    expect(await box.store.get('job', job.id ?? '')).toBeDefined();
    expect(await waitForResult(job)).toBe(42);
  });

  it('once committed, it is performed: 42', async () => {
    const { queue } = await opening(makeStore());

    const job = await queue.put(multiply(14, 3));

    expect(await waitForResult(job)).toBe(42);
  });

  it('a poll has a record of it', async () => {
    const { box, dispatcher, queue } = await opening(makeStore());
    const job = await queue.put(multiply(14, 3));
    await waitForResult(job);

    const poll = [...dispatcher.polls].find((one) => one.queues['']?.main?.newJobs.length);

    expect(poll?.queues['']).toEqual({
      main: { activeJobs: [], error: null, len: 0, newJobs: [[job.id, box.store.name]], claimed: 1, size: 3 },
    });
  });

  it('the trace log has three entries of it: starting, succeeded with its result, completed', async () => {
    const { log, queue } = await opening(makeStore());
    const job = await queue.put(multiply(14, 3));
    await waitForResult(job);

    const messages = log.of('signalbox.trace', 'DEBUG').map((entry) => entry.message);

    const text = `<Job (id ${job.id}, store 'main') multiply(14, 3)>`;
    expect(messages.filter((message) => !message.startsWith('poll '))).toEqual([
      `starting in thread main:0: ${text}`,
      `${text} succeeded with result:\n42`,
      `completed in thread main:0: ${text}`,
    ]);
  });

  it('the trace log has the poll that claimed it', async () => {
    const { dispatcher, log, queue } = await opening(makeStore());
    const job = await queue.put(multiply(14, 3));
    await waitForResult(job);
    const poll = dispatcher.getPollInfo({ at: dispatcher.getJobInfo(job.id ?? '').pollId ?? 0n });
    await getPoll(dispatcher);

    const messages = log.of('signalbox.trace', 'DEBUG').map((entry) => entry.message);

    const heading = `poll ${poll.key}:\n`;
    const last = messages.findLast((message) => message.startsWith(heading))?.slice(heading.length) ?? '';
    expect(JSON.parse(last)).toEqual({
      '': { main: { activeJobs: [], error: null, newJobs: [[job.id, 'main']], claimed: 1, len: 0, size: 3 } },
    });
  });

  it('the dispatcher has information about the job', async () => {
    const { dispatcher, queue } = await opening(makeStore());
    const before = Date.now();
    const job = await queue.put(multiply(14, 3));
    await waitForResult(job);
    const poll = [...dispatcher.polls].find((one) => one.queues['']?.main?.newJobs.length);
    const [name] = poll?.queues['']?.main?.newJobs ?? [];

    const info = dispatcher.getJobInfo(...(name ?? ['', '']));

    expect(info).toEqual({
      agent: 'main',
      call: `<Job (id ${job.id}, store 'main') multiply(14, 3)>`,
      completed: expect.any(Date),
      failed: false,
      pollId: poll?.key,
      queue: '',
      quotaNames: [],
      reassigned: false,
      result: '42',
      started: expect.any(Date),
      thread: 'main:0',
    });
    const [started, completed] = [Number(info.started), Number(info.completed)];
    expect(before <= started && started <= completed && completed <= Date.now()).toBe(true);
  });

  it('the result in this information is a repr', async () => {
    const { dispatcher, queue } = await opening(makeStore());
    const text = defineJob({ name: 'text', run: () => 'some text' });
    dispatcher.box.define(text);
    const job = await queue.put(text());
    await waitForResult(job);

    expect(dispatcher.getJobInfo(job.id ?? '').result).toBe("'some text'");
  });

  it('a failure in this information is a very verbose traceback', async () => {
    const { dispatcher, queue } = await opening(makeStore());
    const job = await queue.put(multiply(14, null));
    await waitForResult(job);

    const info = dispatcher.getJobInfo(job.id ?? '');

    expect([info.failed, info.completed]).toEqual([true, expect.any(Date)]);
    expect(info.result).toMatch(/^\*--- Failure ---\nTypeError: unsupported operand[\s\S]*\n {4}at /);
    expect(info.result).toMatch(/document\.ts/);
    expect(info.result).toMatch(/\*--- End of Failure ---$/);
  });

  it('footnote: a job that fails gives its failure, the event log has the error, the trace log the verbose traceback', async () => {
    const { log, queue } = await opening(makeStore());
    const job = await queue.put(multiply(14, null));

    const failure = (await waitForResult(job)) as Failure;

    expect(String(failure)).toMatch(/^<Failure TypeError: unsupported operand/);
    const logged = log.of('signalbox.events', 'ERROR').at(-1);
    expect(logged?.message).toMatch(/^multiply .* failed in \d+ ms: TypeError: unsupported operand/);
    expect(logged?.err?.stack).toMatch(/document\.ts/);
    const last = log.of('signalbox.trace', 'DEBUG').find(({ message }) => / failed with /.test(message));
    expect(last?.message).toMatch(
      /^<Job \(id .*, store 'main'\) multiply\(14, null\)> failed with traceback:\n\*--- Failure ---/,
    );
    expect(last?.message).toMatch(
      /TypeError: unsupported operand type\(s\) for \*: 'number' and 'null'\n[\s\S]*\n\*--- End of Failure ---$/,
    );
  });
});

describe.each(stores)('A job that is completed when it is handed out, on a %s store:', (_, makeStore) => {
  async function handedOut() {
    const opened = await opening(makeStore());
    const { box, queue } = opened;
    const [badJob, waited, status] = await box.transaction(async (tx) => {
      const put = await tx.queue().put(multiply(21, 2));
      const before = put.status;
      await put.fail();
      return [put, before, put.status] as const;
    });
    // As other handles see it, now that the transaction is over.
    const seen = await box.job(badJob.id ?? '').refresh();
    const flagJob = await queue.put(multiply(21, 2));
    const result = await waitForResult(flagJob);
    return { ...opened, badJob, statuses: [waited, status, seen.status], seen, result };
  }

  it('a waiting job that is failed is COMPLETED', async () => {
    const { statuses, seen } = await handedOut();

    expect(statuses).toEqual(['PENDING', 'COMPLETED', 'COMPLETED']);
    expect([seen.ending, seen.activeStart]).toEqual(['failed', null]);
    expect(seen.outcome).toMatchObject({ ok: false, failure: { name: 'TimeoutError' } });
  });

  it('the dispatcher is OK with it and moves on', async () => {
    const { result } = await handedOut();

    expect(result).toBe(42);
  });

  it("the problem is an ERROR in the event log: 'job already completed?', a BadStatusError", async () => {
    const { badJob, log } = await handedOut();

    const entry = log.of('signalbox.events', 'ERROR').at(-1);

    expect(entry?.message).toMatch(/^multiply .*: job already completed\?/);
    expect(entry?.job).toBe(badJob.id);
    expect(entry?.err).toMatchObject({ name: 'BadStatusError', code: 'BAD_STATUS' });
    expect(entry?.err?.message).toContain('COMPLETED');
  });

  it('importantly, the job is also moved off of the agent', async () => {
    const { badJob, dispatcher, representation } = await handedOut();

    const parent = (await badJob.refresh()).record.parent;
    const main = await representation.agents.get('main');
    const completed = (await main?.completed())?.map((job) => job.id);

    expect(parent).toEqual({ queue: '', dispatcher: dispatcher.uuid, agent: 'main' });
    expect(await main?.length()).toBe(0);
    expect(completed).toContain(badJob.id);
  });

  it('it counts as failed in the information about it', async () => {
    const { badJob, dispatcher } = await handedOut();

    expect(dispatcher.getJobInfo(badJob.id ?? '')).toMatchObject({
      failed: true,
      completed: expect.any(Date),
    });
  });
});

describe.each(stores)('A job reaches out with local, on a %s store:', (_, makeStore) => {
  it('it can access the queue, put another job in, and return it', async () => {
    const { box, queue } = await opening(makeStore());

    const job = await queue.put(handOff());

    expect(await waitForResult(job)).toBe(42);
    const names = (await box.store.list('job', '')).map((record) => record.name);
    expect(names.sort()).toEqual(['handOff', 'multiply']);
  });

  it('it can access the job: its annotations as they were when it began', async () => {
    const { box, queue } = await opening(makeStore());
    const read = defineJob({ name: 'read', run: () => local.getJob()?.annotations.before as string });
    box.define(read);

    const job = await queue.put(read().with({ annotations: { before: 'set before' } }));

    expect(await waitForResult(job)).toBe('set before');
  });

  it('it sets an annotation live: it can be read while the job runs', async () => {
    const { queue } = await opening(makeStore());
    const job = await queue.put(converse());

    expect(await waitForAnnotation(job, 'hello')).toBe('from inside!');

    expect((await job.refresh()).status).toBe('ACTIVE');
    await job.setAnnotation('reply', 'done');
    await waitForResult(job);
  });

  it("it gets an annotation live: reply is 'HIYA'. Locally it is MISSING.", async () => {
    const { queue } = await opening(makeStore());
    const job = await queue.put(converse());
    await waitForAnnotation(job, 'hello');

    await job.setAnnotation('reply', 'HIYA');

    expect(await waitForResult(job)).toBe("reply is 'HIYA'. Locally it is MISSING.");
  });
});

describe.each(stores)('A dispatcher is incorrectly regarded as dead, on a %s store:', (_, makeStore) => {
  const yearMs = 365 * 24 * 60 * 60 * 1000;

  async function declaredDead() {
    const opened = await virtualOpening(makeStore());
    const { reactor, representation } = opened;
    const heard: string[] = [];
    opened.box.listen(({ name, representation: of }) => heard.push(`${name} '${of.queue}' ${of.uuid}`));
    await representation.setActivated(new Date(reactor.now() - yearMs));
    const wasDead = representation.dead;
    await representation.deactivate();
    return { ...opened, heard, wasDead };
  }

  it('it is dead when its activation and last ping lie a year back', async () => {
    const { wasDead } = await declaredDead();

    expect(wasDead).toBe(true);
  });

  it('it can be deactivated from outside', async () => {
    const { representation } = await declaredDead();

    expect((await representation.refresh()).activated).toBeNull();
  });

  it('a deactivated dispatcher claims nothing', async () => {
    const { queue, reactor } = await declaredDead();

    const job = await queue.put(remainder(85, 43));
    await reactor.runUntilIdle();

    expect((await job.refresh()).status).toBe('PENDING');
  });

  it('it polls before it gets jobs, which informs the queue that it is not actually dead', async () => {
    const { dispatcher, reactor, representation } = await declaredDead();

    await reactor.until(getPoll(dispatcher));

    await representation.refresh();
    expect([representation.activated, representation.dead]).toEqual([expect.any(Date), false]);
  });

  it('the queue fires an event to announce the reactivation', async () => {
    const { dispatcher, heard, reactor } = await declaredDead();

    await reactor.until(getPoll(dispatcher));

    expect(heard).toEqual([
      `dispatcherDeactivated '' ${dispatcher.uuid}`,
      `dispatcherReactivated '' ${dispatcher.uuid}`,
    ]);
  });

  it('then the agent is still willing to claim jobs, in the same poll', async () => {
    const { dispatcher, queue, reactor } = await declaredDead();
    const job = await queue.put(remainder(85, 43));

    const poll = await reactor.until(getPoll(dispatcher));

    expect(poll.queues['']?.main?.newJobs).toEqual([[job.id, 'main']]);
    expect((await job.refresh()).status).not.toBe('PENDING');
    expect(await reactor.until(waitForResult(job))).toBe(42);
  });
});
