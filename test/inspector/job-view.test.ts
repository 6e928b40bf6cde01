import { agent, defineCondition, defineJob, local, NeverRetry } from 'signalbox';
import { expect, it } from 'vitest';
import type { CallbackView, JobView } from '../../src/inspector/protocol/job.ts';
import { jobHistory, jobView } from '../../src/inspector/views/job/job-view.ts';
import { forEachStore, makeBox, type TestBox, type TestBoxOptions } from '../behaviours/stores.ts';

const flaky = defineJob({
  name: 'flaky',
  retry: { maxAttempts: 3, delay: '5s', backoff: 'fixed', jitter: 0 },
  run: () => {
    throw Object.assign(new Error('connect ECONNRESET 10.0.0.7:443'), { code: 'ECONNRESET' });
  },
});
const stuck = defineJob({ name: 'stuck', run: () => new Promise<void>(() => {}) });
const work = defineJob({ name: 'work', run: (value: unknown) => value as string });
const failing = defineJob({
  name: 'failing',
  retry: NeverRetry,
  redact: ['0.card'],
  run: ({ card }: { card: string }): string => {
    throw new Error(`${card} is refused`);
  },
});
const secretive = defineJob({
  name: 'secretive',
  retry: NeverRetry,
  redact: ['failure'],
  run: (): string => {
    throw new Error('canary-4711');
  },
});

const importing = defineJob({
  name: 'importing',
  redact: ['0'],
  run: (token: string) => local.progress(30, 120, `rows with ${token}`),
});
const jobs = [importing, flaky, stuck, work, failing, secretive];

forEachStore('The view of a job', (makeStore) => {
  const boxOf = (options: Partial<TestBoxOptions> = {}) =>
    makeBox({ store: makeStore(), jobs, queues: ['mail'], ...options });
  const viewOf = async ({ box }: Pick<TestBox, 'box'>, id: string | null): Promise<JobView> => {
    const view = await jobView(box.store, id ?? '', { explain: (of) => box.explain(of) });
    if (view === undefined) throw new Error(`there is no job ${id}`);
    return view;
  };
  const statesOf = (view: JobView) =>
    Object.fromEntries(view.states.filter(({ visits }) => visits > 0).map((each) => [each.state, each]));

  it('says where a job comes from, and under what it is found', async () => {
    const testBox = await boxOf();
    const queue = testBox.box.queue('mail');
    await testBox.box.start();
    const old = await queue.put(work('x'), { tags: ['a', 'b'] });
    const plain = await queue.put(work('y'));
    await testBox.reactor.runUntilIdle();
    const again = await old.retry();

    const none = { tags: [], keys: [], schedule: null, actor: null, retryOf: null, retriedAs: null };
    expect((await viewOf(testBox, plain.id)).origin).toEqual(none);
    expect((await viewOf(testBox, old.id)).origin).toEqual({
      ...none,
      tags: ['a', 'b'],
      retriedAs: again.id,
    });
    expect((await viewOf(testBox, again.id)).origin).toEqual({ ...none, tags: ['a', 'b'], retryOf: old.id });
  });

  it('says how far its code has come, without what its definition hides', async () => {
    const testBox = await boxOf();
    await testBox.box.start();
    const { id } = await testBox.box.queue().put(importing('canary-4711'));
    const silent = await testBox.box.queue().put(work('x'));
    await testBox.reactor.runUntilIdle();

    const { progress } = await viewOf(testBox, id);

    expect(progress).toMatchObject({ done: 30, total: 120 });
    expect(progress?.note).not.toContain('canary');
    expect((await viewOf(testBox, silent.id)).progress).toBeNull();
  });

  it('counts visits, time and edges of a job that failed three times', async () => {
    const testBox = await boxOf();
    await testBox.box.start();
    const { id } = await testBox.box.queue().put(flaky());
    await testBox.reactor.advance('1m');

    const view = await viewOf(testBox, id);

    const states = statesOf(view);
    expect(Object.keys(states)).toEqual([
      'pending',
      'assigned',
      'active',
      'active.running',
      'callbacks',
      'completed',
    ]);
    expect([states.pending?.visits, states['active.running']?.visits]).toEqual([3, 3]);
    expect(states.pending?.ms).toBeGreaterThanOrEqual(10_000);
    expect(view.states.filter(({ isNow }) => isNow).map(({ state }) => state)).toEqual(['completed']);
    expect(
      view.taken.map(({ source, event, target, count, isLast }) => [source, event, target, count, isLast]),
    ).toEqual([
      ['new', 'job.put', 'pending', 1, false],
      ['pending', 'job.claim', 'assigned', 3, false],
      ['assigned', 'job.start', 'active', 3, false],
      ['active.running', 'job.reschedule', 'pending', 2, false],
      ['active.running', 'job.finish', 'callbacks', 1, false],
      ['callbacks', 'job.complete', 'completed', 1, true],
    ]);
    expect(view).toMatchObject({
      status: 'COMPLETED',
      state: 'completed',
      ending: 'failed',
      attempts: 3,
      queue: '',
    });
    expect(view.machine.name).toBe('job@2');
  });

  it('has a line of history for each entry, with its note, its edge and what it changed', async () => {
    const testBox = await boxOf();
    await testBox.box.start();
    const { id } = await testBox.box.queue().put(flaky());
    await testBox.reactor.advance('1m');

    const { history, taken } = await viewOf(testBox, id);

    expect(history.lines.map(({ event, to }) => `${event} ${to}`).slice(0, 5)).toEqual([
      'job.put pending',
      'job.claim assigned',
      'job.start active.running',
      'job.reschedule pending',
      'job.claim assigned',
    ]);
    const [put, claim, start, again] = history.lines;
    expect([put?.note, claim?.note, again?.note]).toEqual([
      "into queue ''",
      'agent main',
      'ECONNRESET, again in 5 seconds',
    ]);
    expect(history.lines.at(-2)?.note).toBe('ECONNRESET');
    expect(history.lines.map(({ edge }) => taken[edge ?? -1]?.event)).toEqual(
      history.lines.map(({ event }) => event),
    );
    expect(put?.afterMs).toBeNull();
    expect(again?.afterMs).toBe((again?.at ?? 0) - (start?.at ?? 0));
    expect(put?.changes).toContainEqual({
      key: 'name',
      before: null,
      after: { is: 'text', text: 'flaky', more: 0 },
    });
    expect(start?.changes).toContainEqual({
      key: 'attempts',
      before: { is: 'number', value: 0 },
      after: { is: 'number', value: 1 },
    });
    expect(history).toMatchObject({ count: history.lines.length, before: null, isCut: false });
  });

  it('puts the attempts side by side: held, waiting and running', async () => {
    const testBox = await boxOf();
    await testBox.box.start();
    const { id } = await testBox.box.queue().put(flaky());
    await testBox.reactor.advance('1m');

    const { tries } = await viewOf(testBox, id);

    expect(tries.map(({ n, heldMs, ending }) => [n, heldMs, ending])).toEqual([
      [1, 0, 'failed'],
      [2, 5000, 'failed'],
      [3, 5000, 'failed'],
    ]);
    expect(tries[0]?.failure).toMatchObject({
      name: 'Error',
      code: 'ECONNRESET',
      message: 'connect ECONNRESET 10.0.0.7:443',
    });
    expect(tries[0]?.failure?.frames[0]).toMatchObject({
      isOwn: true,
      place: expect.stringMatching(/^job-view\.test\.ts:\d+$/),
    });
  });

  it('of a cancelled job says who asked for it and why, and shows no failure', async () => {
    const testBox = await boxOf();
    await testBox.box.start();
    const { id } = await testBox.box.queue().put(stuck(), { timeout: '5m', priority: -2 });
    await testBox.reactor.runUntilIdle();
    const at = testBox.reactor.now();
    await testBox.box.job(id ?? '').cancel({ reason: 'wrong month' });

    const asked = await viewOf(testBox, id);

    expect(asked).toMatchObject({ state: 'active.cancelling', timeoutMs: 300_000, priority: -2 });
    expect(asked.stop).toEqual({ cause: 'cancel', at, by: testBox.box.uuid, reason: 'wrong month' });
    expect(asked.history.lines.at(-1)).toMatchObject({
      event: 'job.cancel',
      note: `wrong month, by ${testBox.box.uuid}`,
    });
    await testBox.reactor.advance('6s');
    const ended = await viewOf(testBox, id);
    expect(ended).toMatchObject({ state: 'completed', ending: 'cancelled' });
    expect(ended.tries).toMatchObject([{ n: 1, ending: 'cancelled' }]);
  });

  it('of a job that its code puts off says how often, and why in its history', async () => {
    const later = defineJob({ name: 'later', run: () => local.snooze('10m', 'not ready') });
    const testBox = await boxOf({ jobs: [later] });
    await testBox.box.start();
    const { id } = await testBox.box.queue().put(later(), { deadline: '1d' });
    await testBox.reactor.advance('11m');

    const view = await viewOf(testBox, id);

    expect(view).toMatchObject({ snoozes: 2, stop: null, deadline: expect.any(Number) });
    expect(view.tries.map(({ ending }) => ending)).toEqual(['snoozed', 'snoozed']);
    expect(view.history.lines.at(-1)?.note).toBe('again in 10 minutes: not ready');
  });

  it('says what can happen next to a waiting job, and why a claim does not take it', async () => {
    const testBox = await boxOf();
    await testBox.box.queue('mail').quotas.create('smtp', { size: 1 });
    await testBox.box.start();
    await testBox.box.queue('mail').put(stuck(), { quotaNames: ['smtp'] });
    const { id } = await testBox.box.queue('mail').put(stuck(), { quotaNames: ['smtp'] });
    await testBox.reactor.runUntilIdle();

    const { next, explanation, states } = await viewOf(testBox, id);

    expect(explanation.verdict.code).toBe('quota:mail/smtp');
    expect(next.find(({ event }) => event === 'job.claim')).toMatchObject({
      isOpen: false,
      by: 'runtime',
      why: "quota 'smtp' is full: 1 of 1",
    });
    expect(next.find(({ event }) => event === 'job.pull')).toMatchObject({
      isOpen: true,
      by: 'operator',
      why: null,
    });
    expect(states.find(({ isNow }) => isNow)?.state).toBe('pending');
  });

  it('lets the present state last until now', async () => {
    const testBox = await boxOf();
    await testBox.box.start();
    const { id } = await testBox.box.queue().put(stuck());
    await testBox.reactor.advance('7s');

    const view = await viewOf(testBox, id);

    expect(statesOf(view)['active.running']?.ms).toBeGreaterThanOrEqual(7000);
    expect(view.totalMs).toBeGreaterThanOrEqual(7000);
    expect(view.agent).toMatchObject({ name: 'main' });
    expect(view.tries).toMatchObject([{ n: 1, runMs: null, ending: null }]);
  });

  it('shows callbacks as a tree, and the branch that was chosen', async () => {
    const testBox = await boxOf();
    const isLong = defineCondition('isLong', (value) => String(value).length > 3);
    await testBox.box.start();
    const job = work('a long text');
    const first = await job.addCallback(work.partial());
    await first.addCallback(work.partial());
    await job.addConditionalCallbacks([[isLong, work.partial()]], { otherwise: work.partial() });
    const { id } = await testBox.box.queue().put(job);
    await testBox.reactor.runUntilIdle();

    const { callbacks } = await viewOf(testBox, id);

    const [inner, proxy] = callbacks.nodes as [CallbackView, CallbackView];
    expect(inner).toMatchObject({
      is: 'job',
      name: 'work',
      status: 'COMPLETED',
      ending: 'succeeded',
      outcome: { ok: true, value: { is: 'text', text: 'a long text' } },
      callbacks: { nodes: [{ is: 'job', name: 'work' }], more: 0 },
    });
    expect(proxy).toMatchObject({
      is: 'proxy',
      branches: [
        { when: 'isLong', isChosen: true, job: { state: 'completed' } },
        { when: null, isChosen: false, job: { state: 'new' } },
      ],
    });
  });

  it('hides secrets everywhere, the explanation included', async () => {
    const testBox = await boxOf();
    await testBox.box.start();
    const one = await testBox.box.queue().put(failing({ card: 'canary-4711' }));
    const other = await testBox.box.queue().put(secretive());
    await testBox.reactor.runUntilIdle();

    const view = await viewOf(testBox, one.id);
    const hidden = await viewOf(testBox, other.id);

    expect(JSON.stringify([view, hidden])).not.toContain('canary');
    expect(view.args).toEqual([
      { is: 'object', entries: [['card', { is: 'hidden', why: 'redacted' }]], more: 0 },
    ]);
    expect(view.explanation.verdict.text).toBe('it failed after 1 attempt: Error: [redacted] is refused');
    expect(hidden.explanation.verdict.text).toBe('it failed after 1 attempt: Error: [redacted]');
  });

  it('hides the secrets of earlier arguments in a failure and in its explanation', async () => {
    const echo = defineJob({
      name: 'echo',
      retry: NeverRetry,
      redact: ['0.card'],
      run: (_given: { card: string }): string => {
        throw new Error('canary-4711');
      },
    });
    const testBox = await boxOf({ jobs: [echo] });
    const job = await testBox.box.queue('mail').put(echo({ card: 'canary-4711' }));
    await job.setArgs([{ card: 'other-4711' }]);
    await testBox.box.start();
    await testBox.reactor.runUntilIdle();

    const view = await viewOf(testBox, job.id);

    expect(view.ending).toBe('failed');
    expect(JSON.stringify(view)).not.toContain('canary');
  });

  it('has annotations with the time of each', async () => {
    const testBox = await boxOf();
    const job = await testBox.box.queue('mail').put(work(1));
    await job.setAnnotation('note', { token: 'canary', text: 'hi' });

    const { annotations } = await viewOf(testBox, job.id);

    expect(annotations).toEqual([
      {
        name: 'note',
        at: testBox.box.store.now(),
        value: {
          is: 'object',
          entries: [
            ['token', { is: 'hidden', why: 'redacted' }],
            ['text', { is: 'text', text: 'hi', more: 0 }],
          ],
          more: 0,
        },
      },
    ]);
  });

  it('gives the history in pages of 200 lines, newest first', async () => {
    const testBox = await boxOf();
    const job = await testBox.box.queue('mail').put(work(1));
    for (let count = 0; count < 250; count += 1)
      await job.setFailureLogLevel(count % 2 === 0 ? 'ERROR' : 'INFO');

    const { history } = await viewOf(testBox, job.id);
    const earlier = await jobHistory(testBox.box.store, job.id ?? '', history.before ?? undefined);

    expect([history.count, history.lines.length, earlier?.lines.length, earlier?.before]).toEqual([
      251,
      200,
      51,
      null,
    ]);
    expect(history.lines.at(-1)?.note).toBe('ERROR → INFO');
    expect(earlier?.lines.at(-1)?.seq).toBeLessThan(history.lines[0]?.seq ?? 0);
  });

  it('is nothing for an unknown id', async () => {
    const { box } = await boxOf();

    expect(await jobView(box.store, 'nothing')).toBeUndefined();
    expect(await jobHistory(box.store, 'nothing')).toBeUndefined();
  });

  it('holds no place of an agent that refuses, whatever it is asked with', async () => {
    const testBox = await boxOf();
    await testBox.box.start({ agent: agent({ filter: { jobs: ['none'] } }) });
    const { id } = await testBox.box.queue().put(work(1));
    await testBox.reactor.runUntilIdle();

    const closed = await jobView(testBox.box.store, id ?? '');

    expect(closed?.explanation.verdict.code).toBe('agents');
  });
});
