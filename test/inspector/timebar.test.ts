import { createSignalbox, defineJob, memoryStore } from 'signalbox';
import { VirtualReactor } from 'signalbox/testing';
import { describe, expect, it } from 'vitest';
import type { Moment } from '../../src/inspector/protocol/timeline.ts';
import { Samples, seqsAt } from '../../src/inspector/views/timebar/samples.ts';
import { timebarView } from '../../src/inspector/views/timebar/timebar-view.ts';

const pause = async () => {};

/** A journal whose entries have these instants, and how often it was read. */
function journal(instants: readonly number[]) {
  let reads = 0;
  const moments = instants.map((at, index): Moment => ({ seq: index + 1, at }));
  return {
    first: moments[0] as Moment,
    last: moments.at(-1) as Moment,
    reads: () => reads,
    read: async (seq: number) => {
      reads += 1;
      return instants[seq - 1] ?? null;
    },
    countAt: (at: number) => instants.filter((each) => each <= at).length,
  };
}

describe('The samples of a journal', () => {
  it('say how much happened when, without reading it as a whole', async () => {
    // An hour of one entry a second, an hour of nothing, and an hour of ten a second.
    const steady = Array.from({ length: 3600 }, (_, index) => index * 1000);
    const busy = Array.from({ length: 36_000 }, (_, index) => 7_200_000 + index * 100);
    const { first, last, reads, read, countAt } = journal([...steady, ...busy]);
    const samples = new Samples();
    samples.extend(first, last);

    await samples.refine(54_000, read, pause);

    expect(reads()).toBeLessThanOrEqual(240);
    const instants = Array.from({ length: 200 }, (_, step) => step * 54_000);
    const off = seqsAt(samples.known, instants).map((seq, step) => Math.abs(seq - countAt(step * 54_000)));
    // Within a tenth of what a step of the busy hour holds.
    expect(Math.max(...off)).toBeLessThanOrEqual(54);
  });

  it('are kept: what was read is not read again, and what is new is', async () => {
    const instants = Array.from({ length: 5000 }, (_, index) => index * 1000);
    const { first, reads, read } = journal(instants);
    const samples = new Samples();

    samples.extend(first, { seq: 4000, at: 3_999_000 });
    await samples.refine(20_000, read, pause);
    await samples.refine(20_000, read, pause);
    const before = reads();
    samples.extend(first, { seq: 4000, at: 3_999_000 });
    await samples.refine(20_000, read, pause);
    expect(reads()).toBe(before);
    samples.extend(first, { seq: 4100, at: 4_099_000 });
    await samples.refine(20_000, read, pause);

    expect(reads() - before).toBeLessThan(12);
  });

  it('find the newest entry that is not after an instant, and none before the first', async () => {
    const instants = [10, 10, 20, 35, 35, 35, 90];
    const { first, last, read, countAt } = journal(instants);
    const samples = new Samples();
    samples.extend(first, last);

    const found = [];
    for (const instant of [9, 10, 19, 20, 34, 35, 36, 89, 90, 500])
      found.push(await samples.seqAt(instant, read));

    expect(found).toEqual([null, ...[10, 19, 20, 34, 35, 36, 89, 90, 500].map(countAt)]);
  });

  it('stay few, however long a journal grows', async () => {
    const samples = new Samples();
    for (let hour = 1; hour <= 40; hour += 1) {
      samples.extend({ seq: 1, at: 0 }, { seq: hour * 3600, at: hour * 3_600_000 });
      await samples.refine(hour * 18_000, async (seq) => seq * 1000, pause);
    }

    expect(samples.known.length).toBeLessThanOrEqual(1000);
  });
});

describe('The time bar', () => {
  it('shows each entry in its step, what failed, and the entry of an instant', async () => {
    const reactor = new VirtualReactor({ now: 1_000_000 });
    const fail = defineJob({
      name: 'fail',
      retry: { maxAttempts: 1 },
      run: () => {
        throw new Error('no');
      },
    });
    const box = await createSignalbox({ store: memoryStore(), reactor, jobs: [fail], queues: ['mail'] });
    reactor.attach(box);
    await box.start();
    const sight = { reader: box.store, noPast: null, pause };
    await reactor.advance('10m');
    await box.queue('mail').put(fail());
    await reactor.advance('10m');

    const view = await timebarView(sight, 1_000_000 + 599_999);
    const to = await box.store.position();
    let before = 0;
    for await (const { seq, at } of box.store.entries(1)) if (at < 1_600_000) before = seq;

    const { from, seqs, failed, stepMs } = view;
    expect([from?.seq, view.to, seqs.length, failed.length]).toEqual([1, to, 201, 200]);
    expect([seqs[0], seqs.at(-1)]).toEqual([0, to.seq]);
    expect(seqs).toEqual(seqs.toSorted((one, other) => one - other));
    expect(failed.reduce((sum, count) => sum + count, 0)).toBe(1);
    const step = failed.indexOf(1);
    const failedAt = (from?.at ?? 0) + step * stepMs;
    expect(failedAt).toBeGreaterThan(1_590_000);
    expect((seqs[step + 2] ?? 0) - (seqs[step - 1] ?? 0)).toBeGreaterThan(3);
    expect(view.seqAt).toBe(before);
    await box.stop();
  });

  it('of a store in which nothing has happened is empty', async () => {
    const store = await memoryStore().open({
      now: () => 5,
      defer: (run) => run(),
      newId: () => 'one',
      report: () => {},
    });

    expect(await timebarView({ reader: store, noPast: null, pause })).toMatchObject({
      from: null,
      seqs: [],
      missing: null,
    });
  });
});
