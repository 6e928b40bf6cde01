import { describe, expect, it } from 'vitest';
import {
  newRepresentationContext,
  type RepresentationEvent,
  type RepresentationState,
} from '../../../machines/representation.machine.ts';
import { stepJob, stepRepresentation } from '../../../src/model/jobs/step.ts';
import { type RepresentationRecord, recordVersion } from '../../../src/model/records/records.ts';
import {
  announcementOf,
  type DispatcherEventName,
} from '../../../src/runtime/dispatchers/lifecycle-hooks.ts';
import { failedAt25, jobIn } from '../made-jobs.ts';

function representationIn(state: RepresentationState): RepresentationRecord {
  const context = newRepresentationContext({ queue: 'q', dispatcher: 'd' });
  return { id: 'd/q', v: recordVersion, rev: 1, lastSeq: 1, state, ...context };
}

const activate: RepresentationEvent = { type: 'representation.activate', at: 10, epoch: 1 };
const reactivate: RepresentationEvent = { type: 'representation.reactivate', at: 10, epoch: 1 };
const deactivate: RepresentationEvent = { type: 'representation.deactivate' };
const unregister: RepresentationEvent = { type: 'representation.unregister' };
const ping: RepresentationEvent = { type: 'ping', at: 10 };
const setActivated: RepresentationEvent = { type: 'activated.set', at: 10 };
const setIntervals: RepresentationEvent = {
  type: 'pingIntervals.set',
  pingInterval: 1,
  pingDeathInterval: 2,
};

describe('a representation', () => {
  it.each<[RepresentationState, DispatcherEventName, type: string, RepresentationEvent]>([
    ['registered', 'dispatcherActivated', 'activate', activate],
    ['registered', 'dispatcherReactivated', 'reactivate', reactivate],
    ['registered', 'dispatcherUnregistered', 'unregister', unregister],
    ['activated', 'dispatcherDeactivated', 'deactivate', deactivate],
    ['deactivated', 'dispatcherActivated', 'activate', activate],
    ['deactivated', 'dispatcherReactivated', 'reactivate', reactivate],
    ['deactivated', 'dispatcherUnregistered', 'unregister', unregister],
  ])('that is %s announces %s at event %s', (state, name, _type, event) => {
    expect(announcementOf(stepRepresentation(representationIn(state), event))).toBe(name);
  });

  it.each<[RepresentationState, type: string, RepresentationEvent]>([
    ['registered', 'ping', ping],
    ['registered', 'pingIntervals.set', setIntervals],
    ['activated', 'ping', ping],
    ['activated', 'activated.set', setActivated],
    ['activated', 'pingIntervals.set', setIntervals],
    ['deactivated', 'ping', ping],
    ['deactivated', 'pingIntervals.set', setIntervals],
  ])('that is %s announces nothing at event %s', (state, _type, event) => {
    expect(announcementOf(stepRepresentation(representationIn(state), event))).toBeNull();
  });
});

describe('the step of a job', () => {
  it.each([
    ['without effects', stepJob(jobIn('active.running'), { type: 'job.retry', failed: failedAt25 })],
    [
      'with effects',
      stepJob(jobIn('new'), { type: 'job.put', queue: 'q', at: 10, beginAfter: 10, assigner: null }),
    ],
  ])('%s announces nothing', (_which, step) => {
    expect(announcementOf(step)).toBeNull();
  });
});
