import { agent, defineJob, NeverRetry } from 'signalbox';
import { describe, expect, it } from 'vitest';
import type { AgentSlots, QueueRow } from '../../src/inspector/protocol/overview.ts';
import {
  type AttentionFacts,
  attentionOf,
  attentionRules,
} from '../../src/inspector/views/overview/attention.ts';
import { overviewView } from '../../src/inspector/views/overview/overview-view.ts';
import { forEachStore, makeBox } from '../behaviours/stores.ts';

const work = defineJob({ name: 'work', run: (value: unknown) => value as string });
const stuck = defineJob({ name: 'stuck', run: () => new Promise<void>(() => {}) });
const refused = defineJob({
  name: 'refused',
  retry: NeverRetry,
  run: (port: number): string => {
    throw Object.assign(new Error(`connect ECONNRESET 10.0.0.7:${port}`), { code: 'ECONNRESET' });
  },
});
const jobs = [work, stuck, refused];

forEachStore('The overview', (makeStore) => {
  it('names nothing while all is well', async () => {
    const { box, reactor } = await makeBox({ store: makeStore(), jobs });
    await box.start();
    await box.queue().putAll([work(1), work(2)]);
    await reactor.advance('10s');

    const view = await overviewView(box.store, { explain: (id) => box.explain(id) });

    expect(view.attention).toEqual([]);
    expect(view.rules).toBe(attentionRules.length);
    expect(view.waiting).toEqual({ count: { n: 0, more: false }, oldestMs: null });
    expect(view.ended.succeeded.reduce((sum, n) => sum + n, 0)).toBe(2);
    expect(view.ended.runMs).not.toBeNull();
    expect(view.dispatchers).toMatchObject([
      { uuid: box.uuid, state: 'at work', agents: ['/main'], held: 0 },
    ]);
  });

  it('groups failures by cause and place', async () => {
    const { box, reactor } = await makeBox({ store: makeStore(), jobs });
    await box.start();
    await box.queue().putAll([1, 2, 3, 4, 5].map((port) => refused(port)));
    await reactor.advance('10s');

    const { failing, attention } = await overviewView(box.store);

    expect(failing).toEqual([
      expect.objectContaining({
        count: 5,
        code: 'ECONNRESET',
        names: ['refused'],
        place: expect.stringMatching(/^overview-view\.test\.ts:\d+$/),
      }),
    ]);
    expect(attention).toMatchObject([{ rule: 'failures.same', level: 'fails', count: 5 }]);
  });

  it('counts what was cancelled apart: it is no failure', async () => {
    const { box, reactor } = await makeBox({ store: makeStore(), jobs });
    await box.start();
    const put = await box.queue().putAll([work(1), stuck(), stuck()]);
    await reactor.runUntilIdle();
    for (const job of put.slice(1)) await job.cancel();
    await reactor.advance('10s');

    const { ended, failing } = await overviewView(box.store);

    const sum = (counts: readonly number[]) => counts.reduce((total, n) => total + n, 0);
    expect([sum(ended.succeeded), sum(ended.failed), ended.cancelled]).toEqual([1, 0, 2]);
    expect(failing).toEqual([]);
  });

  it('says why the first job of a queue waits', async () => {
    const { box, reactor } = await makeBox({ store: makeStore(), jobs, queues: ['mail'] });
    await box.start({ agent: agent({ filter: { jobs: ['other'] } }) });
    await box.queue('mail').put(work(1));
    await reactor.advance('2m');

    const { attention, queues } = await overviewView(box.store, { explain: (id) => box.explain(id) });

    expect(attention).toMatchObject([
      {
        rule: 'queue.stuck',
        level: 'warns',
        title: [
          'Queue ',
          { name: 'mail' },
          ": no agent of queue 'mail' accepts it: 'main' (jobs: other does not match work).",
        ],
      },
    ]);
    expect(queues.find(({ name }) => name === 'mail')).toMatchObject({
      waiting: { n: 1 },
      held: 0,
      agents: [{ name: 'main', state: 'at work' }],
    });
  });

  it('names what is held longest, with its slots', async () => {
    const { box, reactor } = await makeBox({ store: makeStore(), jobs });
    await box.start({ agent: agent({ size: 4 }) });
    const { id } = await box.queue().put(stuck());
    await reactor.advance('1m');

    const { heldLongest, slots } = await overviewView(box.store);

    expect(heldLongest).toMatchObject([{ id, name: 'stuck', timesMedian: null }]);
    expect(heldLongest[0]?.heldMs).toBeGreaterThanOrEqual(59_000);
    expect([slots.held, slots.size]).toEqual([1, 4]);
  });

  it('finds jobs that wait without an agent', async () => {
    const { box } = await makeBox({ store: makeStore(), jobs, queues: ['mail'] });
    await box.queue('mail').put(work(1));

    const { attention } = await overviewView(box.store);

    expect(attention).toMatchObject([{ rule: 'queue.noAgent', count: 1 }]);
  });
});

describe('A rule of what needs a person', () => {
  const slots: AgentSlots = {
    queue: 'q',
    dispatcher: 'd1',
    name: 'main',
    held: 1,
    size: 3,
    state: 'at work',
    failure: null,
  };
  const queue: QueueRow = {
    name: 'q',
    waiting: { n: 3, more: false },
    held: 1,
    oldestMs: 120_000,
    quotas: [],
    agents: [slots],
  };
  const nothing: AttentionFacts = {
    now: 1_000_000,
    quarantined: 0,
    suspended: [],
    queues: [],
    dispatchers: [],
    heldLongest: [],
    failing: [],
    firstWaiting: new Map(),
  };
  const dispatcher = {
    uuid: 'd1',
    state: 'dead',
    lastSignAt: 940_000,
    lateMs: null,
    held: 2,
    agents: ['q/main'],
    queues: ['q'],
  } as const;

  it.each([
    ['dispatcher.dead', { dispatchers: [dispatcher] }],
    ['dispatcher.stuck', { dispatchers: [{ ...dispatcher, state: 'at work', lateMs: 12_000 }] }],
    ['queue.noAgent', { queues: [{ ...queue, agents: [] }] }],
    ['agent.failed', { queues: [{ ...queue, agents: [{ ...slots, failure: 'Error: no' }] }] }],
    ['job.longer', { heldLongest: [{ id: 'j', name: 'work', heldMs: 60_000, timesMedian: 40 } as never] }],
    ['jobs.quarantined', { quarantined: 2 }],
    ['actors.suspended', { suspended: [{ machine: 'order', n: 2, first: 'order/1' }] }],
  ] as const)('%s finds it', (name, facts) => {
    expect(attentionOf({ ...nothing, ...facts }).map(({ rule }) => rule)).toEqual([name]);
  });

  it.each([
    ['a dispatcher at work', { dispatchers: [{ ...dispatcher, state: 'at work' }] }],
    ['a queue with an agent', { queues: [queue] }],
    ['a run a little longer than usual', { heldLongest: [{ timesMedian: 3 } as never] }],
  ] as const)('finds nothing in %s', (_what, facts) => {
    expect(attentionOf({ ...nothing, ...facts } as AttentionFacts)).toEqual([]);
  });

  it('says what fails before what warns', () => {
    const found = attentionOf({ ...nothing, quarantined: 9, dispatchers: [dispatcher] });

    expect(found.map(({ level }) => level)).toEqual(['fails', 'warns']);
  });
});
