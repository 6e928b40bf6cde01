import { agent, defineFilter, defineJob, type Explanation, type Job, local, SignalboxError } from 'signalbox';
import { expect, it } from 'vitest';
import { explainJob } from '../../src/reading/explain.ts';
import { forEachStore, type MakeStore, makeBox } from '../behaviours/stores.ts';

const send = defineJob({ name: 'send', run: () => 'sent' });
const stuck = defineJob({ name: 'stuck', quotas: [], run: () => new Promise<void>(() => {}) });
const later = defineJob({ name: 'later', run: () => local.snooze('10m', 'not ready') });
const day = 86_400_000;

async function boxOf(makeStore: MakeStore, jobs: Parameters<typeof makeBox>[0]['jobs'] = [send, stuck]) {
  const testBox = await makeBox({ store: makeStore(), jobs, queues: ['mail'] });
  const { box, reactor } = testBox;
  const put = async (job: Job<unknown>, options = {}): Promise<string> => {
    const { id } = await box.queue('mail').put(job, options);
    await reactor.runUntilIdle();
    return id ?? '';
  };
  const verdictOf = async (id: string) => (await box.explain(id)).verdict;
  return { ...testBox, put, verdictOf };
}

forEachStore('An explanation', (makeStore) => {
  it('names a filter that refuses, by the part of it', async () => {
    const { box, put, verdictOf } = await boxOf(makeStore);
    await box.start({ agent: agent({ filter: { jobs: ['report.*'] } }) });

    const { code, text, remedy } = await verdictOf(await put(send()));

    expect(code).toBe('agents');
    expect(text).toBe("no agent of queue 'mail' accepts it: 'main' (jobs: report.* does not match send)");
    expect(remedy).toBe('Change a filter, or add an agent that accepts it.');
  });

  it('names a filter of code that refuses', async () => {
    const { box, put, verdictOf } = await boxOf(makeStore);
    await box.start({ agent: agent({ filter: defineFilter('small', () => false) }) });

    expect((await verdictOf(await put(send()))).text).toContain("'main' (filter 'small' refuses it)");
  });

  it('names the unique name of a job, and the job that has it', async () => {
    const { box, put, reactor } = await boxOf(makeStore);
    await box.start();
    const unique = { until: 'started', within: '1m' } as const;
    const uniqueOf = async (id: string) => (await box.explain(id)).unique;
    const first = await put(send(), { unique, beginAfter: '10s' });
    const key = (await box.job(first).refresh()).record.uniqueKey;
    expect(key).toMatch(/^mail\/send\/[0-9a-f]{64}$/);
    const [at, end] = [reactor.now(), new Date(reactor.now() + 60_000).toISOString()];

    expect(await uniqueOf(first)).toEqual({
      key,
      holder: first,
      text: `it has the unique name ${key}, until its code is called first and at least until ${end}`,
    });
    await reactor.advance('11s');
    expect(await uniqueOf(first)).toMatchObject({
      holder: first,
      text: expect.stringMatching(`, until ${end}$`),
    });
    await reactor.advance(at + 61_000 - reactor.now());
    expect(await uniqueOf(first)).toEqual({
      key,
      holder: null,
      text: `its unique name ${key} is free: the next put takes it`,
    });
    const second = await put(send(), { unique: {}, beginAfter: '1h' });
    expect(await uniqueOf(first)).toMatchObject({
      holder: second,
      text: `its unique name ${key} is that of job ${second}, until it has its outcome`,
    });
    expect(await uniqueOf(await put(send()))).toBeNull();
  });

  it('names a full quota and its holders', async () => {
    const { box, put } = await boxOf(makeStore);
    await box.queue('mail').quotas.create('smtp', { size: 1 });
    await box.start();
    const holder = await put(stuck(), { quotaNames: ['smtp'] });
    const id = await put(send(), { quotaNames: ['smtp'] });

    const { verdict, conditions } = await box.explain(id);

    expect(verdict).toEqual({
      code: 'quota:mail/smtp',
      text: "quota 'smtp' is full: 1 of 1",
      remedy: 'Wait until a holder ends, or enlarge it: queue.quotas.set.',
    });
    expect(conditions.find(({ code }) => code === verdict.code)?.refs).toContainEqual({
      kind: 'job',
      id: holder,
    });
  });

  it('names the instant at which a job begins', async () => {
    const { box, put, verdictOf } = await boxOf(makeStore);
    await box.start();
    const id = await put(send(), { beginAfter: { after: 30 * day } });

    const { code, text, remedy } = await verdictOf(id);

    expect([code, remedy]).toEqual(['due', 'Wait until then.']);
    expect(text).toMatch(/^it begins at .*Z, in 30 days/);
  });

  it('names agents that are full', async () => {
    const { box, put, verdictOf } = await boxOf(makeStore);
    await box.start({ agent: agent({ size: 1 }) });
    await put(stuck());

    expect(await verdictOf(await put(send()))).toEqual({
      code: 'room',
      text: "every agent that accepts it is full: 'main' (1 of 1)",
      remedy: 'Wait longer, or enlarge one: agents.set.',
    });
  });

  it('names a queue without an agent', async () => {
    const { box, put, verdictOf } = await boxOf(makeStore);
    await box.start({ agent: null });

    expect(await verdictOf(await put(send()))).toEqual({
      code: 'agents',
      text: "queue 'mail' has no agent at work",
      remedy: 'Add one: box.start({ agent }), installAgent or agents.set.',
    });
  });

  it('names a box that was not started', async () => {
    const { put, verdictOf } = await boxOf(makeStore);

    expect(await verdictOf(await put(send()))).toEqual({
      code: 'dispatchers',
      text: "no dispatcher is at work in queue 'mail'",
      remedy: 'Call box.start() in a process that knows the job.',
    });
  });

  it('names a dispatcher that was stopped', async () => {
    const { box, put, verdictOf } = await boxOf(makeStore);
    const dispatcher = await box.start();
    await dispatcher.deactivate();

    const { code, text, remedy } = await verdictOf(await put(send()));

    expect([code, remedy]).toEqual(['dispatchers', 'Start one: box.start().']);
    expect(text).toBe(`no dispatcher is at work in queue 'mail': ${box.uuid} is stopped`);
  });

  it('names a dispatcher that died, and since when it gave no sign of life', async () => {
    const { box, put, reactor, verdictOf } = await boxOf(makeStore);
    const dispatcher = await box.start();
    dispatcher.abandon();
    const id = await put(send());
    await reactor.advance('2m');

    expect((await verdictOf(id)).text).toMatch(/has given no sign of life since \d{4}-.*Z$/);
  });

  it('names a definition that no process knows, or none that is known', async () => {
    const store = makeStore();
    const client = await makeBox({ store, jobs: [send], queues: ['mail'] });
    const { id } = await client.box.queue('mail').put(send());
    await client.stop();
    const { box } = await makeBox({ store, jobs: [stuck] });
    await box.start();

    const { verdict, conditions } = await box.explain(id ?? '');

    const condition = conditions.find(({ code }) => code === 'definition');
    expect(condition?.text).toMatch(/^its definition 'send' is not known to this process/);
    expect(condition?.remedy).toBe('Pass it to createSignalbox({ jobs }), or start a process that knows it.');
    expect(verdict.code).toBe('definition');
  });

  it('says of a job that nothing stops that an agent can take it, with its place', async () => {
    const { box, put, reactor } = await boxOf(makeStore);
    const ids = [await put(send()), await put(send())];
    const dispatcher = await box.start({ agent: null });
    const representation = await box.queue('mail').dispatchers.get(dispatcher.uuid);
    await representation.agents.set('main', agent({ size: 2 }));

    const [first, second] = await Promise.all(ids.map((id) => box.explain(id)));

    expect([first?.verdict.code, second?.verdict.code]).toEqual(['offered', 'offered']);
    expect([first, second].map((each) => placeOf(each))).toEqual([
      'it is the next in its queue',
      '1 job is offered before it',
    ]);
    await reactor.advance('10s');
    expect((await box.explain(ids[0] ?? '')).verdict.text).toBe('it succeeded');
  });

  it('knows the place of a job that is far behind without walking to it', async () => {
    const { box } = await boxOf(makeStore);
    const jobs = await box.queue('mail').putAll(Array.from({ length: 1500 }, () => send()));
    const asked: string[] = [];
    const counting = new Proxy(box.store, {
      get(target, call) {
        const value = Reflect.get(target, call, target) as unknown;
        asked.push(String(call));
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });

    const explanation = await explainJob(counting, jobs.at(-1)?.id ?? '', box.known);

    expect(placeOf(explanation)).toBe('1,499 jobs are offered before it');
    expect(asked).not.toContain('waiting');
    expect(asked.length).toBeLessThan(20);
  });

  it('follows a job to the one that it waits for', async () => {
    const outer = defineJob({ name: 'outer', run: () => stuck() });
    const { box, put } = await boxOf(makeStore, [outer, stuck]);
    await box.start();
    const id = await put(outer());

    const { verdict, because } = await box.explain(id);

    expect(verdict.text).toMatch(/^it waits for job /);
    expect(because[0]?.name).toBe('stuck');
    expect(because[0]?.status).toBe('NEW');
  });

  it('says who cancelled a job that runs, why, and until when its code may go on', async () => {
    const { box, put, reactor, verdictOf } = await boxOf(makeStore);
    await box.start();
    const id = await put(stuck());
    const at = reactor.now();
    await box.job(id).cancel({ reason: 'wrong month' });
    await reactor.advance('3s');

    const { code, text, remedy } = await verdictOf(id);

    expect([code, text]).toEqual([
      'cancelling',
      `it was cancelled by ${box.uuid} 3 seconds ago: wrong month; its code may go on until ${instantOf(at + 5000)}`,
    ]);
    expect(remedy).toMatch(/^Wait: it ends when its code stops/);
    expect((await explainJob(box.store, id))?.verdict.text).toMatch(/; its code may go on for its grace$/);
    await reactor.advance('3s');
    expect(await verdictOf(id)).toEqual({
      code: 'completed',
      text: `it was cancelled by ${box.uuid} 6 seconds ago: wrong month`,
      remedy: 'Put it again if it is wanted after all.',
    });
  });

  it('says which limit has passed while code has not stopped', async () => {
    const { box, put, reactor, verdictOf } = await boxOf(makeStore);
    await box.start();
    const at = reactor.now();
    const timed = await put(stuck(), { timeout: '1m', deadline: '1h' });
    const late = await put(stuck(), { deadline: '1m' });

    expect((await verdictOf(timed)).text).toContain(`; its timeout is at ${instantOf(at + 60_000)}`);
    expect((await verdictOf(late)).text).toContain(`; its deadline is at ${instantOf(at + 60_000)}`);
    await reactor.advance('62s');

    expect(await verdictOf(timed)).toMatchObject({
      code: 'timingOut',
      text: `its timeout of 1 minute passed 2 seconds ago; its code may go on until ${instantOf(at + 65_000)}`,
      remedy: expect.stringMatching(/^Wait: its retry policy then decides/),
    });
    expect(await verdictOf(late)).toMatchObject({
      code: 'timingOut',
      text: expect.stringContaining(`its deadline, ${instantOf(at + 60_000)}, passed 2 seconds ago`),
      remedy: expect.stringMatching(/^Wait: it then ends as expired/),
    });
  });

  it('says how often its code has put a job off, and why last', async () => {
    const { box, put, reactor, verdictOf } = await boxOf(makeStore, [later]);
    await box.start();
    const id = await put(later());

    expect((await verdictOf(id)).text).toMatch(
      /in 10 minutes; its code has put it off once, because: not ready$/,
    );
    await reactor.advance('11m');
    expect((await verdictOf(id)).text).toMatch(/put it off 2 times, the last time because: not ready$/);
  });

  it('names the deadline of a job that waits, and says that it has passed', async () => {
    const { box, put, reactor } = await boxOf(makeStore);
    await box.start({ agent: null });
    const at = reactor.now();
    const id = await put(send(), { deadline: '1m' });
    const lateOf = async () => (await box.explain(id)).conditions.find(({ code }) => code === 'late');

    expect(await lateOf()).toMatchObject({
      holds: true,
      text: `its deadline is at ${instantOf(at + 60_000)}`,
    });
    await reactor.advance('2m');
    expect(await lateOf()).toMatchObject({
      holds: false,
      text: `its deadline, ${instantOf(at + 60_000)}, has passed: the next claim fails it`,
    });
  });

  it('of code that runs names the call that ends it', async () => {
    const { box, put, verdictOf } = await boxOf(makeStore);
    await box.start();

    expect((await verdictOf(await put(stuck()))).remedy).toBe('Wait longer, or end it: await job.cancel().');
  });

  it('is refused for an id that the store does not have', async () => {
    const { box } = await boxOf(makeStore);

    await expect(box.explain('nowhere')).rejects.toBeInstanceOf(SignalboxError);
  });
});

function placeOf(explanation: Explanation | undefined): string | undefined {
  return explanation?.conditions.find(({ code }) => code === 'place')?.text;
}

function instantOf(at: number): string {
  return new Date(at).toISOString();
}
