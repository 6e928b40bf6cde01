import fc from 'fast-check';
import { defineJob, type HistoryEntry } from 'signalbox';
import { createTestBox, VirtualReactor } from 'signalbox/testing';
import { describe, expect, it } from 'vitest';
import type { JobEvent } from '../../../machines/job.events.ts';
import { jobChart } from '../../../src/model/jobs/machine-version.ts';
import { newJobRecord } from '../../../src/model/jobs/step.ts';
import type { JobRecord } from '../../../src/model/records/records.ts';
import { eventOf } from '../../../src/reading/replay/event-of.ts';
import { jobSteps } from '../../../src/reading/replay/job-steps.ts';
import { jobEvents } from '../../../src/testing/models/job-events.ts';
import { World } from '../../runtime/life-world.ts';
import { anyAct } from '../../runtime/random-lives.ts';

/** Steps the chart from the job before an entry, with the event that is read from it. */
function madeAgain(entry: HistoryEntry, before: JobRecord): unknown {
  const event = eventOf(entry, before);
  if (event === null) return null;
  const step = jobChart.step(before.state, before, event);
  // The first entry of a job holds what it was made with as well.
  const patch = step.moved && entry.q === 0 ? { ...entry.patch, ...step.patch } : step.moved && step.patch;
  return step.moved ? { from: step.from, to: step.to, patch } : step;
}

function recorded({ from, to, patch }: HistoryEntry): unknown {
  return { from, to, patch };
}

const root = newJobRecord('j1', { name: 'bill', args: [1], quotaNames: ['disk'] });
const callback = newJobRecord('j1', { name: 'bill', args: [1], parent: { job: 'j0' } });
const waiting: JobRecord = { ...root, state: 'active.waiting', waitingOn: 'j2' };

/** Leads a job by random events that the chart takes, and gives its entries. */
function walk(start: JobRecord, choices: readonly number[]): HistoryEntry[] {
  const entries: HistoryEntry[] = [];
  let job = start;
  for (const choice of choices) {
    const open = jobEvents.filter((event) => jobChart.step(job.state, job, event).moved);
    const event = open[choice % open.length];
    if (event === undefined) break;
    const step = jobChart.step(job.state, job, event);
    if (!step.moved) break;
    const seq = entries.length + 2;
    const { from, to, patch } = step;
    entries.push({
      ...{ kind: 'job', id: 'j1', event: event.type, from, to, gone: false, arg: null },
      ...{ patch: patch as HistoryEntry['patch'], q: seq - 1, seq, commit: seq, by: 'client#1', mv: '' },
      at: 'at' in event ? event.at : 1,
    });
    job = { ...job, ...patch, state: to as JobRecord['state'] };
  }
  return entries;
}

describe('The event that is read from an entry', () => {
  it('steps to the same state and patch, after any series of events that the chart takes', () => {
    const seen = new Set<string>();
    fc.assert(
      fc.property(
        fc.constantFrom(root, callback, waiting),
        fc.array(fc.nat(9999), { minLength: 20, maxLength: 40 }),
        (start, choices) => {
          let job = start;
          for (const entry of walk(job, choices)) {
            expect(madeAgain(entry, job)).toEqual(recorded(entry));
            seen.add(entry.event);
            job = { ...job, ...entry.patch, state: entry.to as JobRecord['state'] };
          }
        },
      ),
      { seed: 22, numRuns: 300 },
    );

    expect([...seen].sort()).toEqual([...new Set(jobEvents.map(({ type }) => type))].sort());
  });

  it('steps to the same state and patch in the journals of random lives', { timeout: 60_000 }, async () => {
    const seen = new Set<string>();
    const lives = fc.sample(fc.array(anyAct, { minLength: 10, maxLength: 40, size: 'max' }), {
      seed: 22,
      numRuns: 8,
    });
    for (const life of lives) {
      for (const history of (await historiesOf(life)).values()) {
        for (const { entry, before, event } of jobSteps(history)) {
          if (event === null) continue;
          seen.add(entry.event);
          expect(madeAgain(entry, before)).toEqual(recorded(entry));
        }
      }
    }

    expect(seen.size).toBeGreaterThan(10);
  });

  it('steps to what the chart has set, without what the runtime adds', async () => {
    const bill = defineJob({ name: 'bill', unique: {}, run: (n: number) => n });
    const { box, tearDown } = await createTestBox({ reactor: new VirtualReactor(), jobs: [bill] });
    const job = await box.queue().put(bill(1), { beginAfter: '1h' });
    await job.setArgs([2]);
    await box.queue().remove(job);
    await box.queue().put(job);
    const entries: HistoryEntry[] = [];
    for await (const entry of box.store.history('job', job.id ?? '')) entries.unshift(entry);
    await tearDown();

    const steps = [...jobSteps(entries)];

    expect(entries.at(-1)?.patch).toHaveProperty('uniqueKey');
    for (const { before, event, patch } of steps)
      expect(jobChart.step(before.state, before, event as JobEvent)).toMatchObject({ moved: true, patch });
  });

  it.each(['job.new', 'callback.add', 'evicted', 'toString'])(
    'is none for %s, which is none of the chart',
    (event) => {
      expect(
        eventOf({ event, at: 1, patch: { name: 'bill' } }, newJobRecord('j1', { name: 'bill' })),
      ).toBeNull();
    },
  );
});

async function historiesOf(
  life: readonly Parameters<World['perform']>[0][],
): Promise<Map<string, HistoryEntry[]>> {
  const world = new World('memory');
  const histories = new Map<string, HistoryEntry[]>();
  try {
    await world.open();
    for (const act of life) await world.perform(act);
    await world.rest();
  } finally {
    await world.close();
  }
  for (const entry of world.entries) {
    if (entry.kind !== 'job') continue;
    const history = histories.get(entry.id) ?? [];
    histories.set(entry.id, history);
    history.push(entry);
  }
  for (const [id, [first]] of histories) if (first?.q !== 0) histories.delete(id);
  return histories;
}
