import type { HistoryEntry } from 'signalbox';
import { expect, it } from 'vitest';
import type { ReplayedRecord } from '../../src/testing/simulate/audit/replayed-record.ts';
import { ScheduleAudit } from '../../src/testing/simulate/audit/schedules.ts';

const everySecond: ReplayedRecord = {
  kind: 'schedule',
  id: '/hourly',
  state: 'active',
  rev: 1,
  lastSeq: 1,
  fields: {
    figures: { every: 1000, from: 0, overlap: 'allow', maxRuns: null },
    nextTick: 1000,
    nextAt: 1000,
  },
};

function entryOf(commit: number, of: Pick<HistoryEntry, 'kind' | 'id' | 'event' | 'to' | 'patch'>) {
  return { ...of, from: null, gone: false, q: 0, seq: commit, commit, at: 1000, by: 'd', mv: '2' };
}

const tick = (commit: number, job: string) =>
  entryOf(commit, {
    kind: 'schedule',
    id: '/hourly',
    event: 'schedule.tick',
    to: 'active',
    patch: { lastTick: 1000, lastJob: job, nextTick: 2000, nextAt: 2000, runs: 1 },
  });

const put = (commit: number, id: string) =>
  entryOf(commit, { kind: 'job', id, event: 'job.put', to: 'pending', patch: {} });

function problemsOf(entries: readonly HistoryEntry[]): string[] {
  const audit = new ScheduleAudit(new Map());
  return entries.flatMap((entry) => [
    ...audit.follow(entry, entry.kind === 'schedule' ? everySecond : undefined),
  ]);
}

it('A commit that has a tick puts its job, wherever the puts of the commit stand', () => {
  expect(problemsOf([tick(1, 'a'), put(1, 'a'), put(2, 'b')])).toEqual([]);
  expect(problemsOf([put(1, 'other'), put(1, 'a'), tick(1, 'a'), put(2, 'b')])).toEqual([]);
});

it('A tick whose commit does not put its job is found, also beside another tick', () => {
  const missing = (job: string) => [`I24 the commit before was a tick, and did not put its job ${job}`];

  expect(problemsOf([tick(1, 'a'), put(2, 'a')])).toEqual(missing('a'));
  expect(problemsOf([tick(1, 'a'), tick(1, 'b'), put(1, 'b'), put(2, 'c')])).toEqual(missing('a'));
});
