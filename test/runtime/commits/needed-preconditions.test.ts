import { describe, expect, it } from 'vitest';
import {
  limitKey,
  neededPreconditions,
  type UnitKnowledge,
} from '../../../src/runtime/commits/needed-preconditions.ts';
import { ifHeldBy, ifUnchanged } from '../../../src/runtime/commits/preconditions.ts';
import type { Precondition } from '../../../src/store/store.ts';
import { jobIn } from '../made-jobs.ts';

const stored = jobIn('active.running', { rev: 5 });
const unstored = jobIn('pending');
const holder = ifHeldBy(stored);
const unchanged = ifUnchanged(stored);
const quotaUnchanged = ifUnchanged({ id: 'q/disk', rev: 2 }, 'quota');
const noUnstarted: Precondition = { check: 'noUnstartedCallback', id: 'j1' };
const exists: Precondition = { check: 'exists', id: 'j1' };
const notCompleted: Precondition = { check: 'notCompleted', id: 'j1' };
const notAwaited: Precondition = { check: 'notAwaitedBy', id: 'j1', on: 'j2' };
const holds: Precondition = { check: 'holds', id: 'd/q', queue: 'q', dispatcher: 'd', count: 1 };
const fewCallbacks: Precondition = { check: 'atMost', of: 'callbacks', id: 'j1', most: 10 };
const fewAnnotations: Precondition = { check: 'atMost', of: 'annotations', id: 'j1', most: 10 };
const fewWaiting: Precondition = { check: 'atMost', of: 'waiting', id: 'q', most: 10 };

interface Call {
  readonly own?: UnitKnowledge['own'];
  readonly revs?: UnitKnowledge['revs'];
  readonly limited?: UnitKnowledge['limited'];
  readonly added?: ReadonlySet<string>;
}

const changedBefore = new Map([['job/j1', stored]]);
const putBefore = new Map([['job/j1', unstored]]);
const droppedBefore = new Map([['job/j1', undefined]]);
const changedNow = new Set(['job/j1']);

function needed(
  { own, revs, limited, added }: Call,
  expect: readonly Precondition[],
): readonly Precondition[] {
  const known = { own: own ?? new Map(), revs: revs ?? new Map(), limited: limited ?? new Set<string>() };
  return neededPreconditions(known, added ?? new Set(), expect);
}

describe('a unit of work names', () => {
  it.each<[fact: string, precondition: Precondition, call: Call]>([
    ['the rev of a job that it has not changed', unchanged, {}],
    [
      'the rev of a job that the same call changes first',
      unchanged,
      { own: changedBefore, added: changedNow },
    ],
    [
      'the rev of a job beside another record of that id',
      unchanged,
      { own: new Map([['queue/j1', undefined]]) },
    ],
    ['the rev of a quota beside a job that was changed', quotaUnchanged, { own: changedBefore }],
    ['the rev of a job beside another read record', unchanged, { revs: new Map([['quota/q/disk', 2]]) }],
    ['the holder of a job that it has not changed', holder, {}],
    [
      'the holder of a job that the same call changes first',
      holder,
      { own: changedBefore, added: changedNow },
    ],
    ['the holder of a job that was read', holder, { revs: new Map([['job/j1', 5]]) }],
    ['that a job exists', exists, {}],
    [
      'that a job exists, in the call that changes it first',
      exists,
      { own: changedBefore, added: changedNow },
    ],
    ['that a job exists, after it was read', exists, { revs: new Map([['job/j1', 5]]) }],
    ['that a job is not completed', notCompleted, {}],
    ['that another job does not wait for a job', notAwaited, {}],
    ['how many jobs a representation holds', holds, {}],
    [
      'how many jobs a changed representation holds',
      holds,
      { own: new Map([['representation/d/q', undefined]]) },
    ],
    ['that an unchanged job has no unstarted callback', noUnstarted, {}],
    [
      'that a stored job has no unstarted callback, after an earlier call changed it',
      noUnstarted,
      { own: changedBefore },
    ],
    ['that a dropped job has no unstarted callback', noUnstarted, { own: droppedBefore }],
    ['that a job which was read has no unstarted callback', noUnstarted, { revs: new Map([['job/j1', 5]]) }],
    ['the first limit of a job', fewCallbacks, {}],
    ['the limit of a job that it changed before', fewCallbacks, { own: changedBefore }],
    ['another limit of the same job', fewAnnotations, { limited: new Set([limitKey(fewCallbacks)]) }],
    [
      'the same limit of another job',
      { ...fewCallbacks, id: 'j2' },
      { limited: new Set([limitKey(fewCallbacks)]) },
    ],
    ['the limit of a queue', fewWaiting, { limited: new Set([limitKey(fewCallbacks)]) }],
  ])('%s', (_fact, precondition, call) => {
    expect(needed(call, [precondition])).toEqual([precondition]);
  });
});

describe('a unit of work does not name', () => {
  it.each<[fact: string, precondition: Precondition, call: Call]>([
    ['the rev of a job that an earlier call changed', unchanged, { own: changedBefore }],
    ['the rev of a job that an earlier call put', ifUnchanged(unstored), { own: putBefore }],
    ['the rev of a job that an earlier call dropped', unchanged, { own: droppedBefore }],
    [
      'the rev of a quota that an earlier call changed',
      quotaUnchanged,
      { own: new Map([['quota/q/disk', undefined]]) },
    ],
    ['a rev that was read', unchanged, { revs: new Map([['job/j1', 5]]) }],
    [
      'a rev that was read, even in the call that changes the job first',
      unchanged,
      { own: changedBefore, added: changedNow, revs: new Map([['job/j1', 5]]) },
    ],
    ['the holder of a job that an earlier call changed', holder, { own: changedBefore }],
    ['that a job exists, after an earlier call put it', exists, { own: putBefore }],
    ['that a job is not completed, after an earlier call changed it', notCompleted, { own: changedBefore }],
    [
      'that another job does not wait for a job, after an earlier call changed it',
      notAwaited,
      { own: changedBefore },
    ],
    ['that a job which an earlier call put has no unstarted callback', noUnstarted, { own: putBefore }],
    [
      'that a job which the same call puts has no unstarted callback',
      noUnstarted,
      { own: putBefore, added: changedNow },
    ],
    ['a limit that is named already', fewCallbacks, { limited: new Set([limitKey(fewCallbacks)]) }],
    [
      'a named limit with another number',
      { ...fewCallbacks, most: 3 },
      { limited: new Set([limitKey(fewCallbacks)]) },
    ],
  ])('%s', (_fact, precondition, call) => {
    expect(needed(call, [precondition])).toEqual([]);
  });
});

describe('of several preconditions in one call a unit of work names', () => {
  it.each<[fact: string, given: readonly Precondition[], named: readonly Precondition[]]>([
    ['nothing when nothing is given', [], []],
    [
      'each limit once, the first',
      [fewCallbacks, { ...fewCallbacks, most: 3 }, fewCallbacks],
      [fewCallbacks],
    ],
    [
      'different limits in their order',
      [fewWaiting, fewCallbacks, fewAnnotations],
      [fewWaiting, fewCallbacks, fewAnnotations],
    ],
    [
      'the needed ones in their order',
      [holder, fewCallbacks, unchanged, fewCallbacks],
      [holder, fewCallbacks, unchanged],
    ],
  ])('%s', (_fact, given, named) => {
    expect(needed({}, given)).toEqual(named);
  });

  it('those that its own changes do not cover', () => {
    const named = needed({ own: changedBefore }, [
      unchanged,
      quotaUnchanged,
      holder,
      fewCallbacks,
      noUnstarted,
    ]);

    expect(named).toEqual([quotaUnchanged, fewCallbacks, noUnstarted]);
  });

  it('a limit without remembering it', () => {
    const limited = new Set<string>();
    needed({ limited }, [fewCallbacks]);

    expect(limited.size).toBe(0);
  });
});
