import { agent, defineFilter, defineJob, type Job } from 'signalbox';
import { expect, it } from 'vitest';
import type { QueueView } from '../../src/inspector/protocol/queues.ts';
import { queuesView, queueView } from '../../src/inspector/views/queues/queues-view.ts';
import { forEachStore, type MakeStore, makeBox } from '../behaviours/stores.ts';

const send = defineJob({ name: 'mail.send', run: () => 'sent' });
const bulk = defineJob({ name: 'mail.bulk', quotas: ['smtp'], run: () => 'sent' });
const stuck = defineJob({ name: 'stuck', quotas: ['smtp'], run: () => new Promise<void>(() => {}) });
const jobs = [send, bulk, stuck];

async function boxOf(makeStore: MakeStore) {
  const testBox = await makeBox({ store: makeStore(), jobs, queues: ['', 'mail'] });
  const { box, reactor } = testBox;
  const mail = box.queue('mail');
  await mail.quotas.create('smtp', { size: 9 });
  const put = async (job: Job<unknown>, options = {}): Promise<string> => {
    const { id } = await mail.put(job, options);
    await reactor.runUntilIdle();
    return id ?? '';
  };
  const look = async (names = box.known): Promise<QueueView> =>
    (await queueView(box.store, 'mail', names)) as QueueView;
  return { ...testBox, mail, put, look };
}

/** Each waiting job by its line, and what blocks it. */
function orderOf({ order }: QueueView): readonly string[] {
  return order.map(({ name, line, blocker }) => `${name} ${line}: ${blocker.text}`);
}

forEachStore('A queue', (makeStore) => {
  it('shows its jobs in the order in which claims take them', async () => {
    const { box, mail, put, look, reactor } = await boxOf(makeStore);
    await box.start({ agent: null });
    await put(send(), { beginAfter: '1h' });
    const first = await put(bulk());
    await put(send());
    await put(send(), { beginAfter: '10s' });
    await put(bulk());
    await reactor.advance('20s');

    const shown = (await look()).order.map(({ id }) => id);
    const claimed: string[] = [];
    for (let job = await mail.claim(); job !== null; job = await mail.claim()) claimed.push(job.id ?? '');

    expect(shown.slice(0, -1)).toEqual(claimed);
    expect(claimed).toContain(first);
  });

  it('names the one condition that blocks each job', async () => {
    const { box, mail, put, look } = await boxOf(makeStore);
    await mail.quotas.set('smtp', { size: 1 });
    await box.start({ agent: agent({ size: 2, filter: { notJobs: ['mail.send'] } }) });
    await put(stuck());
    for (const job of [send(), bulk()]) await put(job);
    await put(bulk(), { beginAfter: '1h' });

    const { order, lines } = await look();

    expect(order.map(({ blocker: { code, holds, text } }) => [code, holds, text])).toEqual([
      ['agents', false, 'agent main refuses it'],
      ['quota:mail/smtp', false, 'quota smtp full'],
      ['due', false, 'held until due'],
    ]);
    expect(order[2]?.blocker.until).toBe(order[2]?.dueAt);
    for (const { id, blocker } of order) expect((await box.explain(id)).verdict.code).toBe(blocker.code);
    expect(lines).toEqual({ putBack: 0, now: 2, held: 1 });
  });

  it('says that no dispatcher is at work, and that no agent is', async () => {
    const { box, put, look } = await boxOf(makeStore);
    await put(send());

    const before = await look();
    await box.start({ agent: null });
    const after = await look();

    expect([orderOf(before), before.state]).toEqual([
      ['mail.send now: no dispatcher at work'],
      'no agent at work',
    ]);
    expect(orderOf(after)).toEqual(['mail.send now: no agent at work']);
  });

  it('says which agent has no room, and to which one a job is offered', async () => {
    const { box, look, put } = await boxOf(makeStore);
    await box.start({ agent: agent({ size: 1 }) });
    await put(stuck());
    await put(send());

    const full = await look();
    const representation = await box.queue('mail').dispatchers.get(box.uuid);
    await representation.agents.set('big', agent({ size: 8 }));
    const offered = await look();

    expect(orderOf(full)).toEqual(['mail.send now: agent main has no room']);
    expect(orderOf(offered)).toEqual(['mail.send now: offered to big']);
  });

  it('says of a filter of code that it is not known where the code is not', async () => {
    const { box, put, look } = await boxOf(makeStore);
    await box.start({ agent: agent({ filter: defineFilter('small', () => false) }) });
    await put(send());

    const there = await look();
    const elsewhere = await look(null as never);

    expect(there.lanes.rows.map(({ agents }) => agents)).toEqual([['some']]);
    expect(orderOf(there)).toEqual(['mail.send now: agent main refuses it']);
    expect(elsewhere.lanes.rows.map(({ agents }) => agents)).toEqual([['unknown']]);
    expect(elsewhere.order[0]?.blocker.holds).toBe(null);
    expect(there.agents[0]?.takes).toBe("what filter 'small' accepts");
  });

  it('has lanes with their length, who accepts them, and which quota is full', async () => {
    const { box, mail, put, look } = await boxOf(makeStore);
    await mail.quotas.set('smtp', { size: 1 });
    await box.start({ agent: agent({ size: 1, filter: { jobs: ['mail.bulk', 'stuck'] } }) });
    await put(stuck());
    for (const job of [bulk(), bulk(), send()]) await put(job);
    await put(bulk(), { beginAfter: '1h', beginBy: '1h' });

    const { lanes, agents } = await look();

    expect(lanes.columns).toEqual([{ label: 'main', count: 1, takes: 'mail.bulk, stuck' }]);
    expect(lanes.rows).toEqual([
      {
        name: 'mail.bulk',
        quotaNames: ['smtp'],
        waiting: 3,
        agents: ['full'],
        quotas: [expect.objectContaining({ name: 'smtp', taken: 1, size: 1 })],
      },
      { name: 'mail.send', quotaNames: [], waiting: 1, agents: ['refuses'], quotas: [] },
    ]);
    expect(agents).toMatchObject([{ name: 'main', held: 1, size: 1, state: 'at work' }]);
  });

  it('says of a quota who holds it, how long, and since when it is full', async () => {
    const { box, mail, put, look, reactor } = await boxOf(makeStore);
    await mail.quotas.set('smtp', { size: 2 });
    await box.start();
    const first = await put(stuck());
    await reactor.advance('30s');
    const second = await put(stuck());
    await reactor.advance('40s');
    await put(bulk());

    const [quota] = (await look()).quotas;

    expect(quota).toMatchObject({ name: 'smtp', taken: 2, size: 2, waiting: 1 });
    expect(quota?.holders.map(({ id, name }) => [id, name])).toEqual([
      [first, 'stuck'],
      [second, 'stuck'],
    ]);
    const [one, other] = quota?.holders ?? [];
    expect((other?.since ?? 0) - (one?.since ?? 0)).toBeGreaterThanOrEqual(29_000);
    expect(quota?.fullSince).toBe(other?.since);
  });

  it('counts what began in the last minute, and knows the median run of a quota', async () => {
    const { box, put, look, reactor } = await boxOf(makeStore);
    await box.start();
    await put(bulk());
    await reactor.advance('2m');
    for (const job of [bulk(), bulk(), stuck()]) await put(job);

    const { startsPerMinute, quotas } = await look();

    expect(startsPerMinute).toBe(3);
    expect(quotas[0]?.medianMs).toBeLessThan(1000);
  });

  it('names its pauses, and those of its agents, as long as they last', async () => {
    const { box, mail, look, reactor } = await boxOf(makeStore);
    await box.start();
    const ada = box.operate({ user: 'Ada', reason: 'it moves' });
    await ada.pause('mail', { job: 'mail.*', until: { after: '1m' } });
    await ada.pauseAgent('mail', box.uuid, 'main');

    const view = await look();
    expect([view.state, view.pauses]).toMatchObject([
      'open',
      [{ job: 'mail.*', by: 'Ada', reason: 'it moves' }],
    ]);
    expect(view.agents).toMatchObject([{ name: 'main', paused: { by: 'Ada' } }]);
    await mail.pause();
    await ada.resumeAgent('mail', box.uuid, 'main');
    await reactor.advance('2m');

    const later = await look();
    expect([later.state, later.pauses]).toMatchObject(['paused', [{ job: null, by: box.uuid }]]);
    expect(later.agents).toMatchObject([{ paused: null }]);
  });

  it('names limits by keys and rates in words, and until when one is closed', async () => {
    const { box, mail, look, reactor } = await boxOf(makeStore);
    await box.start();
    await mail.quotas.create('tenant', { size: 2, keyed: true });
    await mail.quotas.create('api', { rate: { limit: 100, per: '1m', burst: 5 } });
    await mail.pause({ key: ['api'], until: { after: '1h' } });
    await mail.pause({ key: ['smtp'] });

    const { quotas, limits } = await look();

    expect(quotas.map(({ name }) => name)).toEqual(['smtp']);
    expect(limits).toEqual([
      {
        name: 'api',
        words: '100 in 1 minute, 5 of them at once',
        closed: { until: reactor.now() + 3_600_000 },
      },
      { name: 'smtp', words: '9 at a time', closed: { until: null } },
      { name: 'tenant', words: '2 at a time, each key for itself', closed: null },
    ]);
    await reactor.advance('2h');
    expect((await look()).limits[0]).toMatchObject({ name: 'api', closed: null });
  });

  it('stands in the list of all with what blocks its first job', async () => {
    const { box, put } = await boxOf(makeStore);
    await put(send());
    await put(bulk());

    const { queues } = await queuesView(box.store, box.known);

    expect(queues).toEqual([
      expect.objectContaining({ name: '', waiting: { n: 0, more: false }, oldestMs: null, first: null }),
      expect.objectContaining({
        name: 'mail',
        waiting: { n: 2, more: false },
        lanes: { n: 2, more: false },
        first: expect.objectContaining({ text: 'no dispatcher at work' }),
      }),
    ]);
  });

  it('is looked at by reading its first jobs alone, and agents and quotas once', async () => {
    const { box, mail } = await boxOf(makeStore);
    await mail.quotas.set('smtp', { size: 1 });
    await box.start();
    await mail.putAll(Array.from({ length: 300 }, (_, index) => (index % 2 === 0 ? stuck() : bulk())));
    const asked: string[] = [];
    const { store } = box;
    const counting = new Proxy(store, {
      get(target, call) {
        const value = Reflect.get(target, call, target) as unknown;
        if (typeof value !== 'function') return value;
        return (...args: unknown[]) => {
          asked.push(`${String(call)} ${args.filter((arg) => typeof arg !== 'object').join(' ')}`);
          return Reflect.apply(value, target, args) as unknown;
        };
      },
    });

    const view = await queueView(counting, 'mail', box.known);

    const count = (call: string): number => asked.filter((each) => each.startsWith(call)).length;
    expect(view?.order.length).toBe(100);
    expect(asked).toContain('waiting mail 100');
    expect([count('waiting '), count('quotaHolders'), count('place')]).toEqual([1, 1, 0]);
    expect(asked.length).toBeLessThan(30);
  });

  it('does not exist under a name that no queue has', async () => {
    const { box } = await boxOf(makeStore);

    expect(await queueView(box.store, 'none', null)).toBe(undefined);
  });
});
