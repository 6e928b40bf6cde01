import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ScheduledJob, ScheduleFigures } from '../../machines/schedule.context.ts';
import { type ScheduleEvent, scheduleMachine } from '../../machines/schedule.machine.ts';
import { BadStatusError } from '../../src/errors.ts';
import { compileChart } from '../../src/model/chart/compile.ts';
import { machineVersion, scheduleChart, versionFor } from '../../src/model/jobs/machine-version.ts';
import type { ScheduleRecord } from '../../src/model/records/records.ts';
import { newScheduleRecord, stepSchedule } from '../../src/model/schedules/step.ts';
import { expectSameSteps } from '../model/chart/equality.ts';
import { type Edge, edgesOf, takingsOf, without } from './altered.ts';

// features.md §4.7: what may happen to a schedule, by state. `to` null: it stays.
const legal: readonly Edge[] = [
  { from: 'ended', event: 'schedule.set', to: 'active' },
  { from: 'ended', event: 'schedule.set', to: null },
  { from: 'active', event: 'schedule.set', to: null },
  { from: 'active', event: 'schedule.set', to: 'ended' },
  { from: 'active', event: 'schedule.tick', to: null },
  { from: 'active', event: 'schedule.tick', to: 'ended' },
  { from: 'active', event: 'schedule.skip', to: null },
  { from: 'active', event: 'schedule.skip', to: 'ended' },
  { from: 'active', event: 'schedule.pause', to: 'paused' },
  { from: 'paused', event: 'schedule.set', to: null },
  { from: 'paused', event: 'schedule.pause', to: null },
  { from: 'paused', event: 'schedule.resume', to: 'active' },
  { from: 'paused', event: 'schedule.resume', to: 'ended' },
  ...['active', 'paused', 'ended'].flatMap((from) => [
    { from, event: 'schedule.trigger', to: null },
    { from, event: 'schedule.end', to: 'ended' },
  ]),
];
const texts = (edges: readonly Edge[]): string[] =>
  edges.map(({ from, event, to }) => `${from} — ${event} → ${to ?? 'the same'}`).sort();

const figures: ScheduleFigures = {
  cron: null,
  tz: 'UTC',
  every: 60_000,
  from: 0,
  overlap: 'skip',
  misfire: 'once',
  misfireWindow: 86_400_000,
  jitter: 0,
  until: null,
  maxRuns: 2,
};
const job: ScheduledJob = { content: { name: 'report' }, delay: null, deadline: null, annotations: null };
const next = { tick: 60_000, at: 60_007 };
const samples: readonly ScheduleEvent[] = [
  { type: 'schedule.set', at: 1, by: 'u', figures, job, next },
  { type: 'schedule.set', at: 1, by: 'u', figures: { ...figures, maxRuns: null }, job, next },
  { type: 'schedule.set', at: 1, by: 'u', figures, job, next: null },
  { type: 'schedule.tick', tick: 60_000, next, job: 'a', missed: 0 },
  { type: 'schedule.tick', tick: 60_000, next: null, job: 'b', missed: 3 },
  { type: 'schedule.skip', tick: 60_000, next, why: 'overlap', missed: 0 },
  { type: 'schedule.skip', tick: 60_000, next: null, why: 'missed', missed: 2 },
  { type: 'schedule.pause', at: 5, by: 'u', reason: null },
  { type: 'schedule.resume', next },
  { type: 'schedule.resume', next: null },
  { type: 'schedule.trigger', job: 'c' },
  { type: 'schedule.end' },
];

function afterEvent(record: ScheduleRecord, event: ScheduleEvent): ScheduleRecord {
  const { to, patch } = stepSchedule(record, event);
  return { ...record, ...patch, rev: record.rev + 1, state: to as ScheduleRecord['state'] };
}

const accepts = (record: ScheduleRecord, event: ScheduleEvent): boolean =>
  scheduleChart.step(record.state, record, event).moved;

describe('the schedule chart', () => {
  it('has the transitions of its table, and no others', () => {
    expect(texts(edgesOf(scheduleMachine))).toEqual(texts(legal));
  });

  it('differs from the table whichever transition is taken away', () => {
    const unnoticed = takingsOf(scheduleMachine).filter(
      ([path, event]) => texts(edgesOf(without(scheduleMachine, path, event))).join() === texts(legal).join(),
    );

    expect(unnoticed).toEqual([]);
  });

  it('has a sample of every event it knows', () => {
    expect([...new Set(samples.map(({ type }) => type))].sort()).toEqual(
      compileChart(scheduleMachine).events,
    );
  });

  it('takes the same steps as machine.transition', () => {
    const walked = expectSameSteps(scheduleMachine, {
      events: samples,
      cellOf: ({ figures: { maxRuns }, paused, nextAt, lastSkip, runs }: ScheduleRecord) => [
        maxRuns,
        paused !== null,
        nextAt,
        lastSkip?.why,
        Math.min(runs, 3),
      ],
      limit: 10_000,
      sequences: 300,
      length: 60,
    });

    expect(walked.cells).toBeLessThan(10_000);
    expect(walked.states).toHaveLength(3);
  });
});

describe('whatever happens to a schedule', () => {
  const property = (check: (before: ScheduleRecord, event: ScheduleEvent) => void): void =>
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...samples), { maxLength: 60, size: 'max' }), (sequence) => {
        let record = newScheduleRecord('q/s');
        for (const event of sequence) {
          check(record, event);
          if (accepts(record, event)) record = afterEvent(record, event);
        }
      }),
      { numRuns: 300 },
    );

  it('it has a next tick exactly while it is active', () => {
    property((before, event) => {
      const after = accepts(before, event) ? afterEvent(before, event) : before;

      expect(after.nextAt !== null).toBe(after.state === 'active');
      expect(after.nextTick !== null).toBe(after.state === 'active');
    });
  });

  it('it knows who paused it exactly while it is paused, unless it has ended since', () => {
    property((before, event) => {
      const after = accepts(before, event) ? afterEvent(before, event) : before;

      if (after.state === 'paused') expect(after.paused).not.toBeNull();
      if (after.state === 'active' && before.state === 'paused') expect(after.paused).toBeNull();
    });
  });

  it('no tick makes more runs than its figures allow', () => {
    property((before, event) => {
      if (event.type !== 'schedule.tick' || !accepts(before, event)) return;
      const { runs, figures: now, state } = afterEvent(before, event);

      if (state === 'active') expect(runs).toBeLessThan(now.maxRuns ?? Number.POSITIVE_INFINITY);
      expect(runs).toBe(before.runs + 1);
    });
  });

  it('each tick is counted as a run, as skipped or as missed', () => {
    property((before, event) => {
      if (!('tick' in event) || !accepts(before, event)) return;
      const after = afterEvent(before, event);
      const counted =
        after.runs + after.skipped + after.missed - before.runs - before.skipped - before.missed;
      const isCounted = event.type === 'schedule.skip' && event.why === 'missed';

      expect(counted).toBe(event.missed + (isCounted ? 0 : 1));
      expect(after.lastTick).toBe(event.tick);
    });
  });

  it('a refused event changes nothing and says where it was refused', () => {
    property((before, event) => {
      if (accepts(before, event)) return;

      expect(() => stepSchedule(before, event)).toThrow(BadStatusError);
      expect(() => stepSchedule(before, event)).toThrow(`got status ${before.state}, which refuses it`);
    });
  });
});

it('A line of the journal names the chart of schedules only if it is about one', () => {
  expect(machineVersion).toMatch(/^job@2\.\w+,representation@1\.\w+$/);
  expect(versionFor([{ kind: 'job' }], machineVersion)).toBe(machineVersion);
  expect(versionFor([{ kind: 'job' }, { kind: 'schedule' }], machineVersion)).toBe(
    `${machineVersion},schedule@1.${scheduleChart.hash}`,
  );
});
