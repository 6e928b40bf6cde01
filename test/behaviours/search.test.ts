import {
  agent,
  type Codec,
  defineJob,
  type Job,
  type JobsFilter,
  type Json,
  type Signalbox,
  SignalboxError,
} from 'signalbox';
import { expect, it } from 'vitest';
import { forEachStore, type MakeStore, makeBox } from './stores.ts';

const refused = Object.assign(new Error('connect ECONNREFUSED 10.0.0.1'), { code: 'ECONNREFUSED' });

function definitions() {
  const send = defineJob({
    name: 'mail.send',
    redact: ['1.card'],
    retry: { maxAttempts: 1 },
    tags: (to: { tenant: string }) => ['mail', `tenant:${to.tenant}`],
    concurrency: { name: 'tenant', limit: 10, key: (to: { tenant: string }) => to.tenant },
    run: (to: { tenant: string; n: number }, _card?: { card: string }) => {
      if (to.n % 3 === 0) throw refused;
      if (to.n % 3 === 1) throw new Error(`no address in ${to.tenant}`);
      return to.n;
    },
  });
  const report = defineJob({ name: 'report', run: (n: number) => n });
  return { send, report };
}

async function setUp(makeStore: MakeStore) {
  const { send, report } = definitions();
  const testBox = await makeBox({ store: makeStore(), jobs: [send, report], queues: ['a', 'b'] });
  return { ...testBox, send, report };
}

async function found(box: Signalbox, filter: JobsFilter): Promise<(string | null)[]> {
  const ids: (string | null)[] = [];
  for await (const job of box.jobs(filter)) ids.push(job.id);
  return ids;
}

/** What a person would say of a job. */
interface Put {
  readonly job: Job<unknown>;
  readonly queue: string;
  readonly tenant: string | null;
  readonly n: number;
}

forEachStore('A search', (makeStore, kind) => {
  /** Ids begin with their time, and a database has no other order: of one millisecond any may be the newest. */
  const inOrder = (ids: readonly (string | null)[]): readonly (string | null)[] =>
    kind === 'postgres' ? [...ids].sort().reverse() : ids;

  it('finds what a simple look at each job finds, newest first', async () => {
    const { box, reactor, send, report } = await setUp(makeStore);
    const puts: Put[] = [];
    for (let n = 0; n < 48; n += 1) {
      const queue = n % 5 === 0 ? 'b' : 'a';
      const tenant = n % 4 === 0 ? null : `t${n % 3}`;
      const draft = tenant === null ? report(n) : send({ tenant, n });
      const job = await box.queue(queue).put(draft, n % 7 === 0 ? { beginAfter: '9h' } : {});
      puts.unshift({ job, queue, tenant, n });
    }
    for (const { job, n } of puts) if (n % 11 === 7) await job.cancel();
    await box.start({ agent: agent({ size: 3 }) });
    await reactor.runUntilIdle();
    const cold = await box.queue('a').put(report(99), { beginAfter: '9h' });
    puts.unshift({ job: cold, queue: 'a', tenant: null, n: 99 });
    for (const { job } of puts) await job.refresh();
    const messageOf = ({ job: { outcome } }: Put) => (outcome?.ok === false ? outcome.failure.message : '');

    const cases: readonly (readonly [JobsFilter, (put: Put) => boolean])[] = [
      [{}, () => true],
      [{ queue: 'b' }, ({ queue }) => queue === 'b'],
      [{ job: 'mail.*' }, ({ tenant }) => tenant !== null],
      [{ job: ['report', 'none'] }, ({ tenant }) => tenant === null],
      [{ status: 'PENDING' }, ({ job }) => job.status === 'PENDING'],
      [{ status: ['PENDING', 'COMPLETED'] }, () => true],
      [{ status: 'ACTIVE' }, () => false],
      [{ ending: 'failed' }, ({ job }) => job.ending === 'failed'],
      [
        { ending: ['succeeded', 'cancelled'] },
        ({ job }) => ['succeeded', 'cancelled'].includes(`${job.ending}`),
      ],
      [{ ending: 'cancelled', queue: 'a' }, ({ job, queue }) => job.ending === 'cancelled' && queue === 'a'],
      [{ tag: 'tenant:t1' }, ({ tenant }) => tenant === 't1'],
      [{ tag: 'mail', status: 'PENDING' }, ({ job, tenant }) => tenant !== null && job.status === 'PENDING'],
      [{ key: ['tenant', 't2'] }, ({ tenant }) => tenant === 't2'],
      [{ key: ['tenant'] }, ({ tenant }) => tenant !== null],
      [{ error: 'ECONN*' }, (put) => messageOf(put).includes('ECONN')],
      [{ error: 'ECONNREFUSED' }, (put) => messageOf(put).includes('ECONN')],
      [{ error: '*in t1' }, (put) => messageOf(put) === 'no address in t1'],
      [{ args: { '0.tenant': 't0' } }, ({ tenant }) => tenant === 't0'],
      [{ args: { '0.tenant': 't0', '0.n': 9 } }, ({ n }) => n === 9],
      [{ args: { '0': 8 } }, ({ n }) => n === 8],
      [{ since: '1h' }, () => true],
      [{ until: '1h' }, () => false],
      [
        { queue: 'a', job: 'mail.*', ending: 'failed', error: 'no *', args: { '0.tenant': 't1' } },
        (put) => put.queue === 'a' && messageOf(put) === 'no address in t1',
      ],
    ];

    for (const [filter, is] of cases)
      expect([filter, await found(box, filter)]).toEqual([
        filter,
        inOrder(puts.filter(is).map(({ job }) => job.id)),
      ]);
    const sizes = cases.map(([, is]) => puts.filter(is).length);
    expect(sizes.filter((size) => size === 0).length).toBe(2);
  });

  it('gives pages that another process can go on from, with jobs as they were', async () => {
    const { box, report } = await setUp(makeStore);
    const jobs = await box.queue('a').putAll([1, 2, 3, 4, 5].map((n) => report(n)));
    const ids = inOrder(jobs.map(({ id }) => id).reverse());

    const first = await box.jobs({ queue: 'a' }).page({ limit: 2 });
    await box.queue('a').put(report(6));
    await jobs[3]?.cancel();
    const second = await box.jobs({ queue: 'a' }).page({ limit: 2, after: first.next ?? '' });
    const third = await box.jobs({ queue: 'a' }).page({ limit: 9, after: second.next ?? '' });

    expect([first, second, third].map((page) => page.jobs.map(({ id }) => id))).toEqual([
      ids.slice(0, 2),
      ids.slice(2, 4),
      ids.slice(4),
    ]);
    expect(third.next).toBeNull();
    expect(first.jobs[0]).toMatchObject({ name: 'report', status: 'PENDING', args: [expect.any(Number)] });
  });

  it('leaves out jobs of Signalbox itself, unless a pattern names them, and shows callbacks', async () => {
    const { box, reactor, report, send } = await setUp(makeStore);
    const draft = report(1);
    const callback = await draft.addCallback(send.partial({ tenant: 't9', n: 2 }));
    await box.queue('a').put(draft);
    await box.start();
    await reactor.runUntilIdle();
    const op = await box.bulk('retry', { tag: 'none' });
    await reactor.runUntilIdle();

    expect(await found(box, { ending: 'succeeded' })).toEqual(inOrder([callback.id, draft.id]));
    expect(await found(box, { job: 'signalbox.*' })).toEqual([op.id]);
  });

  it('knows when a job was put, and which schedule put it', async () => {
    const { box, reactor, report } = await setUp(makeStore);
    await box.start({ agent: null });
    const first = await box.queue('a').put(report(1));
    await reactor.advance('2m');
    const at = reactor.now();
    const second = await box.queue('a').put(report(2));
    await reactor.advance('30s');
    await box.queue('a').schedules.set('nightly', { every: '1h' }, report(3));
    const ticked = await box.queue('a').schedules.trigger('nightly');

    expect(await found(box, { since: '1m' })).toEqual([ticked.id, second.id]);
    expect(await found(box, { since: at })).toEqual([ticked.id, second.id]);
    expect(await found(box, { since: at + 1, schedule: 'nightly' })).toEqual([ticked.id]);
    expect(await found(box, { until: new Date(at) })).toEqual([first.id]);
    expect(await found(box, { since: at, until: at + 1 })).toEqual([second.id]);
    expect(await found(box, { schedule: 'a/nightly' })).toEqual([ticked.id]);
    expect(await found(box, { schedule: 'b/nightly' })).toEqual([]);
  });

  it('refuses what is no filter, and what it must not look at, and names the part', async () => {
    const { box } = await setUp(makeStore);
    const wrong: readonly (readonly [string, unknown])[] = [
      ['filter', 'mail'],
      ['state', { state: 'failed' }],
      ['queue', { queue: '-' }],
      ['status', { status: 'DONE' }],
      ['ending', { ending: [] }],
      ['job', { job: 7 }],
      ['tag', { tag: '' }],
      ['key', { key: 'tenant/42' }],
      ['schedule', { schedule: null }],
      ['since', { since: '2026-01-01' }],
      ['until', { until: 'soon' }],
      ['error', { error: /E/ }],
      ['args', { args: ['acme'] }],
      ['args', { args: { tenant: 'acme' } }],
      ['args', { args: { '0': new Date(0) } }],
    ];
    for (const [part, filter] of wrong)
      expect(() => box.jobs(filter as JobsFilter)).toThrow(
        expect.objectContaining({ code: 'INVALID_FILTER', details: expect.objectContaining({ part }) }),
      );
    for (const path of ['1.card', '1', '1.card.number', '0.password']) {
      const page = box.jobs({ args: { [path]: 'x' } }).page();
      await expect(page).rejects.toMatchObject({ code: 'INVALID_FILTER', details: { part: `args.${path}` } });
    }
    await expect(box.jobs({ args: { '0': { token: 'x' } } }).page()).rejects.toThrow(SignalboxError);
    expect(await found(box, { job: 'report', args: { '1.card': 'x' } })).toEqual([]);
  });

  it('refuses to look into what a codec has encoded', async () => {
    const codec: Codec = {
      encode: (value) => [value],
      decode: (value) => (value as readonly Json[])[0] ?? null,
    };
    const { send, report } = definitions();
    const { box } = await makeBox({
      store: makeStore(),
      jobs: [send, report],
      queues: ['a'],
      codec,
    } as never);
    const job = await box.queue('a').put(report(1));

    await expect(box.jobs({ args: { '0': 1 } }).page()).rejects.toMatchObject({ code: 'INVALID_FILTER' });
    await expect(box.jobs({ error: 'x' }).page()).rejects.toMatchObject({ details: { part: 'error' } });
    expect(await found(box, { job: 'report' })).toEqual([job.id]);
  });
});
