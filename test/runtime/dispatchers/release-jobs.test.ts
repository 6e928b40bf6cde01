import { describe, expect, it } from 'vitest';
import type { JobState } from '../../../machines/job.context.ts';
import { newRepresentationContext } from '../../../machines/representation.machine.ts';
import { BadStatusError } from '../../../src/errors.ts';
import { afterStep, type Transition } from '../../../src/model/jobs/step.ts';
import { type RepresentationRecord, recordVersion } from '../../../src/model/records/records.ts';
import { systemNames } from '../../../src/model/records/system-names.ts';
import { releaseChanges } from '../../../src/runtime/dispatchers/release-jobs.ts';
import { jobIn } from '../made-jobs.ts';

const representation: RepresentationRecord = {
  id: 'd/q',
  v: recordVersion,
  rev: 3,
  lastSeq: 3,
  state: 'activated',
  ...newRepresentationContext({ queue: 'q', dispatcher: 'd' }),
};

function newInput(): Parameters<typeof releaseChanges>[2] {
  let count = 0;
  return { at: 90, assigner: 'p2', newId: () => `s${++count}` };
}

const holds = (count: number) => ({ check: 'holds', id: 'd/q', queue: 'q', dispatcher: 'd', count });

describe('a released job', () => {
  it.each<[fact: string, state: JobState, events: readonly string[], after: object]>([
    [
      'that has not started goes to the end of its queue',
      'assigned',
      ['job.unassign'],
      { state: 'pending', parent: { queue: 'q' }, line: 'now', claim: 2, quotas: ['q/disk'] },
    ],
    [
      'that runs is under a system job',
      'active.running',
      ['job.put', 'job.interrupt'],
      { state: 'active.running', parent: { system: 's1' }, line: null, claim: 2 },
    ],
    [
      'that waits is under a system job, and still waits',
      'active.waiting',
      ['job.put', 'job.interrupt'],
      { state: 'active.waiting', parent: { system: 's1' }, claim: 2, waitingOn: 'j2' },
    ],
    [
      'in CALLBACKS is under a system job, and keeps its outcome',
      'callbacks',
      ['job.put', 'job.interrupt'],
      { state: 'callbacks', parent: { system: 's1' }, claim: 2, ending: 'succeeded' },
    ],
    [
      'that is completed is filed in the history of its agent',
      'completed',
      ['job.file'],
      { state: 'completed', parent: { queue: 'q', dispatcher: 'd', agent: 'a' }, callbacksEnd: 90 },
    ],
  ])('%s', (_fact, state, events, after) => {
    const job = jobIn(state, { rev: 5, quotas: ['q/disk'] });

    const { changes, expect: preconditions } = releaseChanges(representation, [job], newInput());

    expect(changes.map(({ event }) => event)).toEqual(events);
    expect(afterStep(job, changes.at(-1) as Transition)).toMatchObject(after);
    expect(preconditions).toEqual([holds(1), { check: 'rev', kind: 'job', id: 'j1', rev: 5 }]);
  });

  it.each([
    ['active.running', systemNames.handleInterrupt],
    ['active.waiting', systemNames.handleInterrupt],
    ['callbacks', systemNames.resumeCallbacks],
  ] as const)('in state %s gets system job %s in its queue', (state, name) => {
    const [put] = releaseChanges(representation, [jobIn(state)], newInput()).changes;

    expect(put).toMatchObject({
      id: 's1',
      event: 'job.put',
      to: 'pending',
      patch: { name, args: [{ $job: 'j1' }], parent: { queue: 'q' }, beginAfter: 90, assigner: 'p2' },
    });
  });

  it.each(['new', 'pending'] as const)('is refused in state %s', (state) => {
    expect(() => releaseChanges(representation, [jobIn(state)], newInput())).toThrow(BadStatusError);
  });
});

describe('the release of a representation', () => {
  it.each<[fact: string, states: readonly JobState[], changes: readonly string[]]>([
    ['without jobs changes nothing', [], []],
    ['with two jobs in one state releases both', ['assigned', 'assigned'], ['unassign j1', 'unassign j2']],
    [
      'releases its jobs in their order, each interrupted one with a system job of its own',
      ['assigned', 'active.running', 'completed', 'active.waiting', 'callbacks'],
      [
        'unassign j1',
        'put s1',
        'interrupt j2',
        'file j3',
        'put s2',
        'interrupt j4',
        'put s3',
        'interrupt j5',
      ],
    ],
  ])('%s', (_fact, states, expected) => {
    const held = states.map((state, at) => jobIn(state, { id: `j${at + 1}`, rev: 10 + at }));

    const { changes, expect: preconditions } = releaseChanges(representation, held, newInput());

    expect(changes.map(({ event, id }) => `${event.replace('job.', '')} ${id}`)).toEqual(expected);
    expect(preconditions).toEqual([
      holds(states.length),
      ...held.map(({ id, rev }) => ({ check: 'rev', kind: 'job', id, rev })),
    ]);
  });

  it.each([
    ['queue', { queue: 'q2' }, { queue: 'q2' }],
    ['dispatcher', { dispatcher: 'd2' }, { dispatcher: 'd2' }],
    ['id', { id: 'd2/q' }, { id: 'd2/q' }],
  ])('counts the jobs of its own %s', (_what, parts, expected) => {
    const { expect: preconditions } = releaseChanges({ ...representation, ...parts }, [], newInput());

    expect(preconditions).toEqual([{ ...holds(0), ...expected }]);
  });

  it('puts jobs into its own queue', () => {
    const held = [jobIn('assigned'), jobIn('active.running', { id: 'j2' })];
    const { changes } = releaseChanges({ ...representation, queue: 'q2' }, held, newInput());

    expect(changes.map(({ patch }) => patch?.parent)).toEqual([
      { queue: 'q2' },
      { queue: 'q2' },
      { system: 's1' },
    ]);
  });
});
