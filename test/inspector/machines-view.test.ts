import { agent, defineJob, type HistoryEntry, type StoreReader } from 'signalbox';
import { createInspector } from 'signalbox/inspector';
import { describe, expect, it } from 'vitest';
import type { EdgeHeat, MachineView } from '../../src/inspector/protocol/machines.ts';
import {
  edgeName,
  heatOf,
  type MachinesSource,
  machinesView,
  machineView,
} from '../../src/inspector/views/machines/machines-view.ts';
import {
  countTraffic,
  mostEntries,
  type RangeAsked,
} from '../../src/inspector/views/machines/traffic-window.ts';
import { jobGraph } from '../../src/reading/chart-edges.ts';
import { forEachStore, makeBox } from '../behaviours/stores.ts';

const flaky = defineJob({
  name: 'flaky',
  retry: { maxAttempts: 2, delay: '1h', jitter: 0 },
  run: (fails: boolean) => {
    if (fails) throw Object.assign(new Error('connect ECONNRESET'), { code: 'ECONNRESET' });
  },
});
const stuck = defineJob({ name: 'stuck', run: () => new Promise<void>(() => {}) });
const jobs = [flaky, stuck];

const newest = { from: null, to: null };

/** What a view is made from, and how many entries it has read. */
function sightOf(reader: StoreReader) {
  let read = 0;
  const counting = new Proxy(reader, {
    get: (target, key) => {
      if (key === 'entries')
        return async function* (from: number) {
          for await (const entry of target.entries(from)) {
            read += 1;
            yield entry;
          }
        };
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  const sight: MachinesSource = {
    reader: counting,
    pause: async () => {},
    live: null,
    notLive: 'They are seen in their own process.',
  };
  return { sight, read: () => read };
}

const taken = ({ machine }: MachineView): readonly string[] =>
  machine.edges
    .filter(({ count, target }) => target !== null && (count ?? 0) > 0)
    .map(({ event, count }) => `${event} ${count}`)
    .sort();
const isReschedule = ({ event }: EdgeHeat): boolean => event === 'job.reschedule';

forEachStore('The machines', (makeStore) => {
  async function story() {
    const { box, reactor } = await makeBox({ store: makeStore(), jobs });
    await box.start({ agent: agent({ size: 2 }) });
    const ids: string[] = [];
    for (const job of [flaky(false), flaky(true), stuck(), stuck(), flaky(false)]) {
      const { id } = await box.queue().put(job);
      ids.push(id ?? '');
      await reactor.advance('1s');
    }
    return { box, reactor, ids, ...sightOf(box.store) };
  }

  it('show where all jobs are, and how long they stay there', async () => {
    const { sight } = await story();

    const view = await machineView(sight, 'job', { ...newest, edge: null });

    expect(
      Object.fromEntries(view?.machine.states.map(({ state, population }) => [state, population?.n]) ?? []),
    ).toEqual({
      new: 0,
      pending: 2,
      assigned: 0,
      active: 2,
      'active.running': 2,
      'active.waiting': 0,
      'active.timingOut': 0,
      'active.cancelling': 0,
      callbacks: 0,
      completed: 1,
    });
    expect(view?.machine).toMatchObject({ name: 'job', kind: 'stored', population: { n: 5, more: false } });
    expect(view?.machine.states.find(({ state }) => state === 'pending')?.dwell?.count).toBe(4);
  });

  it('show which ways jobs took how often', async () => {
    const { sight, box } = await story();

    const view = await machineView(sight, 'job', { ...newest, edge: null });

    expect(taken(view as MachineView).filter((each) => !each.startsWith('job.start'))).toEqual([
      'job.claim 4',
      'job.complete 1',
      'job.finish 1',
      'job.put 5',
      'job.reschedule 1',
    ]);
    const { never, ways } = view?.machine ?? { never: 0, ways: 0 };
    expect(never).toBe(ways - taken(view as MachineView).length);
    expect(view?.range).toMatchObject({ to: (await box.store.position()).seq, isCut: false });
  });

  it('show which jobs took a way last, and why', async () => {
    const { sight, ids } = await story();
    const plain = await machineView(sight, 'job', { ...newest, edge: null });
    const edge = plain?.machine.edges.find((each) => isReschedule(each) && each.count === 1);

    const view = await machineView(sight, 'job', { ...newest, edge: edgeName(edge as EdgeHeat) });

    expect(plain?.picked).toBeNull();
    expect(view?.picked).toMatchObject({
      event: 'job.reschedule',
      count: 1,
      takers: [{ id: ids[1], name: 'flaky', isJob: true, note: 'ECONNRESET, again in 1 hour' }],
    });
  });

  it('show every other chart, with the traffic of those whose subjects are records', async () => {
    const { sight } = await story();

    const { machines } = await machinesView(sight, newest);
    const view = await machineView(sight, 'representation', { ...newest, edge: null });

    expect(machines.map(({ name, kind, traffic }) => [name, kind, traffic !== null])).toEqual([
      ['job', 'stored', true],
      ['representation', 'stored', true],
      ['supervisor', 'live', false],
      ['dispatcher', 'live', false],
      ['agent', 'live', false],
    ]);
    expect(view?.machine.population).toEqual({ n: 1, more: false });
    expect(taken(view as MachineView)).toEqual(['representation.activate 1']);
  });

  it('show what live machines do since a page looks at them, where they can be seen', async () => {
    const { sight, box, reactor } = await story();
    const inspector = createInspector(box);
    const asked = async (name: string): Promise<MachineView> => {
      const answer = await inspector.fetch(new Request(`http://127.0.0.1/api/v1/machines/${name}`));
      return ((await answer.json()) as { readonly data: MachineView }).data;
    };
    const { machine: before } = await asked('agent');
    await reactor.advance('15s');

    const { machine, machines } = await asked('agent');
    const unseen = await machineView(sight, 'agent', { ...newest, edge: null });

    expect(machine).toMatchObject({ kind: 'live', population: { n: 1 }, never: null, since: before.since });
    expect(machine.states.find(({ state }) => state === 'full')?.population?.n).toBe(1);
    expect(machines.find(({ name }) => name === 'dispatcher')?.traffic).toBeGreaterThan(3);
    expect(unseen?.machine).toMatchObject({
      ...{ population: null, traffic: null, never: null, since: null },
      remark: 'They are seen in their own process.',
    });
  });

  it('say which of the representations give no sign of life', async () => {
    const { box, reactor } = await makeBox({ store: makeStore(), jobs });
    const dispatcher = await box.start();
    dispatcher.abandon();
    await reactor.advance('5m');

    const { machines } = await machinesView(sightOf(box.store).sight, newest);

    expect(machines.find(({ name }) => name === 'representation')?.remark).toBe(
      '1 of those that are activated gives no sign of life.',
    );
  });

  it('count the new entries only when they are asked for again', async () => {
    const { sight, box, reactor, read } = await story();
    await machinesView(sight, newest);
    const before = read();

    await machinesView(sight, newest);
    expect(read()).toBe(before);
    await box.queue().put(flaky(false));
    await reactor.runUntilIdle();
    const { seq } = await box.store.position();
    const { range } = await machinesView(sight, newest);

    expect(range.to).toBe(seq);
    expect(read() - before).toBeLessThan(6);
  });

  it('count a part of the journal when that is asked for', async () => {
    const { sight, box } = await story();
    const { seq } = await box.store.position();
    const seqs: number[] = [];
    for await (const entry of box.store.entries(1)) seqs.push(entry.seq);
    const last = { from: seqs.at(-4) ?? 0, to: seqs.at(-2) ?? 0 };

    const view = await machineView(sight, 'job', { ...last, edge: null });
    const beyond = await machinesView(sight, { from: 1, to: seq + 1000 });

    expect(view?.range).toMatchObject({ ...last, entries: 3, isCut: false });
    expect(view?.range.toAt).not.toBeNull();
    expect(beyond.range.to).toBe(seq);
  });

  it('count nothing in a store where nothing happened', async () => {
    const { box } = await makeBox({ store: makeStore(), jobs });

    const view = await machineView(sightOf(box.store).sight, 'job', { ...newest, edge: null });

    expect(view?.machine).toMatchObject({ traffic: 0, population: { n: 0 }, unknown: [] });
    expect(view?.machine.never).toBe(view?.machine.ways);
  });

  it('have no chart of another name', async () => {
    const { box } = await makeBox({ store: makeStore(), jobs });

    expect(await machineView(sightOf(box.store).sight, 'none', { ...newest, edge: 'x' })).toBeUndefined();
  });
});

/** A journal of so many puts, one a millisecond, that grows when it is asked to. `step`: from one seq to the next. */
function longJournal(length: number, oldest = 1, step = 1) {
  const journal = { length, read: 0, pauses: 0 };
  const entryAt = (seq: number): HistoryEntry => ({
    ...{ kind: 'job', id: `j${seq}`, event: 'job.put', from: 'new', to: 'pending', patch: null },
    ...{ gone: false, q: 0, seq: seq * step, commit: seq * step, at: seq, by: 'client#1', mv: 'job@1' },
  });
  const reader = {
    exclusive: step === 1,
    now: () => journal.length,
    oldestSeq: () => oldest * step,
    position: async () => ({ seq: journal.length * step, at: journal.length }),
    async *entries(from: number) {
      for (let seq = Math.ceil(from / step); seq <= journal.length; seq += 1) {
        journal.read += 1;
        yield entryAt(seq);
      }
    },
  } as unknown as StoreReader;
  const pause = async (): Promise<void> => {
    journal.pauses += 1;
  };
  return { journal, count: (asked: RangeAsked = newest) => countTraffic(reader, asked, pause) };
}

it('A state that the chart of today does not have is shown while something is in it', () => {
  const states = new Map([
    ['pending', { n: 2, more: false }],
    ['asleep', { n: 1, more: false }],
  ]);

  const heat = heatOf(jobGraph, { states, remark: null }, null);

  expect(heat.states.filter(({ population }) => (population?.n ?? 0) > 0)).toMatchObject([
    { state: 'pending', isKnown: true },
    { state: 'asleep', isKnown: false, population: { n: 1 } },
  ]);
  expect(heat).toMatchObject({ population: { n: 3 }, traffic: null, never: null });
});

describe('The traffic of a long journal', () => {
  it('is that of its newest entries, read in pieces, and says that it is cut', async () => {
    const { journal, count } = longJournal(1_000_000);

    const { range, traffic } = await count();

    expect([range.entries, range.to - range.from + 1]).toEqual([mostEntries, traffic.of('job').total]);
    expect(range).toMatchObject({ to: 1_000_000, fromAt: range.from, toAt: 1_000_000, isCut: true });
    expect(traffic.of('job').total).toBeGreaterThan(40_000);
    expect(journal.read).toBeLessThanOrEqual(mostEntries + 1);
    expect(journal.pauses).toBeGreaterThan(40);
  });

  it('goes on with what is new, and forgets what the range no longer holds', async () => {
    const { journal, count } = longJournal(100_000);
    await count();
    const before = journal.read;

    journal.length += 20_000;
    const { range, traffic } = await count();

    expect(journal.read - before).toBeLessThan(20_010);
    expect(range.to - range.from + 1).toBe(traffic.of('job').total);
    expect(traffic.of('job').total).toBeLessThanOrEqual(mostEntries);
  });

  it('is counted once for all who ask at the same time', async () => {
    const { journal, count } = longJournal(30_000);

    await Promise.all([count(), count(), count()]);

    expect(journal.read).toBe(30_000);
  });

  it('begins where history begins, and is cut when more was asked for', async () => {
    const { count } = longJournal(12_000, 11_500);

    expect((await count()).range).toMatchObject({ from: 11_500, to: 12_000, entries: 501, isCut: false });
    expect((await count({ from: 11_000, to: null })).range).toMatchObject({ from: 11_500, isCut: true });
  });

  it('is of as many entries where seqs have gaps', async () => {
    const step = 4096;
    const { journal, count } = longJournal(100_000, 1, step);

    const first = await count();
    const read = journal.read;
    journal.length += 20_000;
    const second = await count();
    const whole = await longJournal(500, 1, step).count();

    expect(first.range).toMatchObject({ entries: mostEntries, to: 100_000 * step, isCut: true });
    expect(first.range.from).toBe((100_000 - mostEntries + 1) * step);
    expect(first.traffic.of('job').total).toBe(mostEntries);
    expect(read).toBeLessThan(2 * mostEntries + 5000);
    expect(second.range).toMatchObject({ entries: mostEntries, to: 120_000 * step, isCut: true });
    expect(journal.read - read).toBeLessThan(2 * 20_000 + 5000);
    expect(whole.range).toMatchObject({ from: step, to: 500 * step, entries: 500, isCut: false });
  });

  it('begins anew when more is new than can be counted', async () => {
    for (const step of [1, 4096]) {
      const { journal, count } = longJournal(10_000, 1, step);
      await count();

      journal.length += 200_000;
      const { range, traffic } = await count();

      const from = 160_001 * step;
      expect(range).toMatchObject({ from, to: 210_000 * step, entries: mostEntries, isCut: true });
      expect(traffic.of('job').total).toBe(mostEntries);
    }
  });

  it('of a range that is too long is that of its end', async () => {
    const { count } = longJournal(1_000_000);

    const { range } = await count({ from: 100, to: 900_000 });
    const short = await count({ from: 100, to: 900 });

    expect(range).toMatchObject({ to: 900_000, isCut: true });
    expect(range.from).toBeGreaterThan(850_000);
    expect(short.range).toMatchObject({ from: 100, to: 900, isCut: false });
  });

  it('of an earlier moment has nothing of what came later', async () => {
    const { journal, count } = longJournal(9000);
    await count();

    journal.length = 4000;
    const { range, traffic } = await count();

    expect([range.to, traffic.of('job').total]).toEqual([4000, 4000]);
  });
});
