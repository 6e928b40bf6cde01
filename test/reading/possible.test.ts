import { describe, expect, it } from 'vitest';
import { jobChart } from '../../src/model/jobs/machine-version.ts';
import { canStepJob, newJobRecord } from '../../src/model/jobs/step.ts';
import type { JobRecord } from '../../src/model/records/records.ts';
import { edgesAt } from '../../src/reading/chart-edges.ts';
import { possible } from '../../src/reading/possible.ts';
import { jobEvents } from '../../src/testing/models/job-events.ts';

const facts = { now: 100, unstarted: 0 };

/** A job in a state, waiting in a queue when that is where such a job is. */
function jobIn(state: string, more: Partial<JobRecord> = {}): JobRecord {
  const parent = state === 'pending' ? { queue: 'q' } : null;
  return { ...newJobRecord('j', { name: 'work', parent }), state, ...more } as JobRecord;
}

const openOf = (job: JobRecord, unstarted = 0): string[] =>
  possible(job, { ...facts, unstarted })
    .filter(({ isOpen }) => isOpen)
    .map(({ event, to }) => `${event} → ${to}`)
    .sort();

describe('What can happen next to a job', () => {
  it('has every edge of the chart, in the state that has it', () => {
    const asked = jobChart.states.flatMap((state) =>
      possible(jobIn(state), facts).map(({ event, to }) => `${state} ${event} ${to}`),
    );

    expect(asked.sort()).toEqual(
      jobChart
        .edges()
        .map(({ from, event, to }) => `${from} ${event} ${to}`)
        .sort(),
    );
    expect(new Set(asked.map((text) => text.split(' ')[1]))).toEqual(new Set(jobChart.events));
  });

  it('names each edge as the picture of the chart does', () => {
    const reschedule = possible(jobIn('active.waiting'), facts).find(
      ({ event }) => event === 'job.reschedule',
    );

    expect(reschedule).toMatchObject({
      source: 'active.waiting',
      target: 'pending',
      to: 'pending',
      by: 'runtime',
    });
    for (const { from, event } of jobChart.edges())
      expect(edgesAt(from, event).map(({ guard }) => guard)).toEqual(
        jobChart
          .edges()
          .filter((edge) => edge.from === from && edge.event === event)
          .map((edge) => edge.guards[0] ?? null),
      );
  });

  it('of a waiting job is what you and the runtime can do', () => {
    const next = possible(jobIn('pending'), facts);

    expect(next.filter(({ by }) => by === 'runtime').map(({ event }) => event)).toEqual(['job.claim']);
    expect(
      next
        .filter(({ by }) => by === 'operator')
        .map(({ event }) => event)
        .sort(),
    ).toEqual([
      'args.set',
      'beginBy.set',
      'failureLogLevel.set',
      'job.cancel',
      'job.defer',
      'job.fail',
      'job.pull',
      'keys.set',
      'priority.set',
      'quotaNames.set',
      'retryPolicy.set',
      'tags.set',
    ]);
  });

  it('names the guard that says no', () => {
    const next = possible(jobIn('active.running', { parent: { job: 'p' } }), facts);

    expect(next.find(({ event }) => event === 'job.reschedule')).toMatchObject({
      isOpen: false,
      guards: [{ guard: 'not isCallback', answer: false }],
    });
    expect(next.find(({ event }) => event === 'callback.reset')).toMatchObject({
      isOpen: true,
      guards: [{ guard: 'isCallback', answer: true }],
    });
  });

  it('is not the end of a job with a callback that has not begun', () => {
    expect(openOf(jobIn('callbacks'), 1)).not.toContain('job.complete → completed');
    expect(openOf(jobIn('callbacks'), 0)).toContain('job.complete → completed');
  });

  it('for a job that waits for another one is the end that it waits for', () => {
    expect(openOf(jobIn('active.waiting', { waitingOn: 'other' }))).toContain('job.finish → callbacks');
  });

  it('is nothing for a job that this version cannot read', () => {
    expect(possible(jobIn('paused'), facts)).toEqual([]);
    expect(possible(jobIn('pending', { unsound: [['size', 3]] }), facts)).toEqual([]);
  });

  it('is open where a step with the same event moves the job', () => {
    for (const state of jobChart.states) {
      for (const event of jobEvents) {
        const job = jobIn(state);
        const answers = jobChart.ask(state, job, event);

        expect(answers.some(({ answer }) => answer)).toBe(canStepJob(job, event));
      }
    }
  });
});
