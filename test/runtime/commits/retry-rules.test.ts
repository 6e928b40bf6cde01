import { describe, expect, it } from 'vitest';
import {
  AbortedError,
  BadStatusError,
  ConflictError,
  ReassignedError,
  SignalboxError,
  TimeoutError,
} from '../../../src/errors.ts';
import {
  endsTransaction,
  isAboutJobs,
  isStoreAway,
  isStoreClosed,
  retryRules,
  type Verdict,
} from '../../../src/runtime/commits/retry-rules.ts';

const call = 'put';
const outcome = 'unknown' as const;
const full = new SignalboxError('STORE_FULL', { path: '/data', needed: 10 });
const disconnected = new SignalboxError('STORE_DISCONNECTED', { call, reason: 'timeout', outcome });
const statement = new SignalboxError('STORE_STATEMENT', { call, reason: 'a type that no table has' });
const io = new SignalboxError('STORE_IO', { call, file: 'journal', reason: 'EIO', outcome });
const closed = new SignalboxError('STORE_CLOSED', { call });
const fenced = new SignalboxError('STORE_FENCED', { path: '/data', evidence: 'another writer' });
const stopped = new SignalboxError('BOX_STOPPED', { call });
const notFound = new SignalboxError('JOB_NOT_FOUND', { id: 'j1' });
const quarantined = new SignalboxError('JOB_QUARANTINED', { id: 'j1' });
const queueNotFound = new SignalboxError('QUEUE_NOT_FOUND', { name: 'q', known: [] });
const ordinary = new Error('no');

function conflictAbout(subject: string, options?: ErrorOptions): ConflictError {
  return new ConflictError({ subject, expected: 'rev 1', actual: 'rev 2' }, options);
}

function withCode(code: string): Error {
  return Object.assign(new Error('no'), { code });
}

const refused = new BadStatusError({
  what: 'job j1',
  status: 'COMPLETED',
  event: 'job.finish',
  guards: [],
});

/** What each rule says of each error. */
const verdicts: readonly [error: string, thrown: unknown, step: Verdict, load: Verdict, store: Verdict][] = [
  ['a ConflictError', conflictAbout('job/j1'), 'conflict', 'conflict', 'conflict'],
  [
    'a ConflictError of the database',
    conflictAbout('job/j1', { cause: ordinary }),
    'conflict',
    'conflict',
    'conflict',
  ],
  ['a ReassignedError', new ReassignedError({ id: 'j1' }), 'ends', 'ends', 'ends'],
  ['a BadStatusError', refused, 'ends', 'ends', 'later'],
  ['a TimeoutError', new TimeoutError({ what: 'the wait', limit: '1 s' }), 'later', 'ends', 'later'],
  ['an AbortedError', new AbortedError({ id: 'j1' }), 'later', 'ends', 'later'],
  ['STORE_FULL', full, 'full', 'later', 'later'],
  ['STORE_DISCONNECTED', disconnected, 'later', 'later', 'later'],
  ['STORE_STATEMENT', statement, 'later', 'later', 'later'],
  ['STORE_IO', io, 'ends', 'ends', 'ends'],
  ['STORE_CLOSED', closed, 'ends', 'ends', 'ends'],
  ['STORE_FENCED', fenced, 'ends', 'ends', 'ends'],
  ['BOX_STOPPED', stopped, 'ends', 'ends', 'later'],
  ['JOB_NOT_FOUND', notFound, 'ends', 'ends', 'later'],
  ['JOB_QUARANTINED', quarantined, 'ends', 'ends', 'later'],
  ['QUEUE_NOT_FOUND', queueNotFound, 'later', 'ends', 'later'],
  ['an ordinary Error', ordinary, 'later', 'ends', 'later'],
  ['an Error with code ECONNRESET', withCode('ECONNRESET'), 'later', 'later', 'later'],
  ['an Error with code ECONNREFUSED', withCode('ECONNREFUSED'), 'later', 'later', 'later'],
  ['an Error with code EPIPE', withCode('EPIPE'), 'later', 'later', 'later'],
  ['an Error with code ETIMEDOUT', withCode('ETIMEDOUT'), 'later', 'later', 'later'],
  ['an Error with code ENOENT', withCode('ENOENT'), 'later', 'ends', 'later'],
  ['an Error of the program with code CONFLICT', withCode('CONFLICT'), 'later', 'conflict', 'later'],
  ['an Error of the program with code STORE_CLOSED', withCode('STORE_CLOSED'), 'later', 'ends', 'later'],
  ['an Error of the program with code STORE_FULL', withCode('STORE_FULL'), 'later', 'ends', 'later'],
  ['thrown text', 'no', 'later', 'ends', 'later'],
  ['thrown undefined', undefined, 'later', 'ends', 'later'],
];

describe('the verdict', () => {
  it.each(verdicts.map(([error, thrown, verdict]) => [error, verdict, thrown] as const))(
    'about %s in a step is "%s"',
    (_error, verdict, thrown) => {
      expect(retryRules.step.judge(thrown)).toBe(verdict);
    },
  );

  it.each(verdicts.map(([error, thrown, , verdict]) => [error, verdict, thrown] as const))(
    'about %s in a load is "%s"',
    (_error, verdict, thrown) => {
      expect(retryRules.load.judge(thrown)).toBe(verdict);
    },
  );

  it.each(verdicts.map(([error, thrown, , , verdict]) => [error, verdict, thrown] as const))(
    'about %s, of what must be stored, is "%s"',
    (_error, verdict, thrown) => {
      expect(retryRules.store.judge(thrown)).toBe(verdict);
    },
  );
});

describe('after an error', () => {
  it.each([
    [1, 5000, 'CRITICAL'],
    [2, 10_000, null],
    [9, 45_000, null],
    [10, 50_000, 'CRITICAL'],
    [11, 55_000, null],
    [12, 60_000, null],
    [13, 60_000, null],
    [20, 60_000, 'CRITICAL'],
    [1000, 60_000, 'CRITICAL'],
  ] as const)('number %d a step waits %d ms; its log level is %s', (count, waitMs, level) => {
    expect(retryRules.step.after(ordinary, count)).toEqual({ waitMs, level });
  });

  it.each([
    ['an ordinary Error', 'CRITICAL', ordinary],
    ['QUEUE_NOT_FOUND', 'CRITICAL', queueNotFound],
    ['an Error of the program with code STORE_FULL', 'CRITICAL', withCode('STORE_FULL')],
    ['thrown undefined', 'CRITICAL', undefined],
    ['STORE_DISCONNECTED', 'ERROR', disconnected],
    ['STORE_STATEMENT', 'ERROR', statement],
    ['an Error with code ECONNRESET', 'ERROR', withCode('ECONNRESET')],
  ] as const)('a step logs %s at %s', (_error, level, thrown) => {
    expect([1, 2, 10].map((count) => retryRules.step.after(thrown, count).level)).toEqual([
      level,
      null,
      level,
    ]);
  });

  it.each([
    [1, 5000],
    [2, 10_000],
    [9, 45_000],
    [10, 50_000],
    [12, 60_000],
    [13, 60_000],
  ])('number %d a load waits %d ms; its log level is INFO', (count, waitMs) => {
    expect(retryRules.load.after(disconnected, count)).toEqual({ waitMs, level: 'INFO' });
  });

  it.each([
    [1, 'ERROR'],
    [2, 'ERROR'],
    [9, 'ERROR'],
    [10, 'CRITICAL'],
    [12, 'ERROR'],
    [13, 'ERROR'],
    [20, 'CRITICAL'],
  ] as const)('number %d what must be stored waits a second; its log level is %s', (count, level) => {
    expect(retryRules.store.after(ordinary, count)).toEqual({ waitMs: 1000, level });
  });

  it.each([
    ['step', 3, 'error 3', false],
    ['load', 3, 'store away', true],
    ['store', 3, 'error 3', false],
  ] as const)(
    'rule %s names number %d "%s"; it logs a first conflict: %s',
    (rule, count, name, logsFirst) => {
      expect(retryRules[rule].named(count)).toBe(name);
      expect(retryRules[rule].logsFirstConflict).toBe(logsFirst);
    },
  );
});

describe('a store', () => {
  it.each([
    ['STORE_IO', 'closed', io],
    ['STORE_CLOSED', 'closed', closed],
    ['STORE_FENCED', 'closed', fenced],
    ['STORE_FULL', 'away', full],
    ['STORE_DISCONNECTED', 'away', disconnected],
    ['STORE_STATEMENT', 'away', statement],
    ['BOX_STOPPED', 'neither', stopped],
    ['JOB_NOT_FOUND', 'neither', notFound],
    ['a ConflictError', 'neither', conflictAbout('job/j1')],
    ['an ordinary Error', 'neither', ordinary],
    ['an Error of the program with code STORE_CLOSED', 'neither', withCode('STORE_CLOSED')],
    ['an Error of the program with code STORE_FULL', 'neither', withCode('STORE_FULL')],
    ['an Error with code ECONNRESET', 'away', withCode('ECONNRESET')],
    ['an Error with code ENOENT', 'neither', withCode('ENOENT')],
  ])('that throws %s is %s', (_error, expected, thrown) => {
    expect([isStoreClosed(thrown), isStoreAway(thrown)]).toEqual([
      expected === 'closed',
      expected === 'away',
    ]);
  });
});

describe('a conflict', () => {
  it.each([
    ['of the database ends its transaction', conflictAbout('job/j1', { cause: ordinary }), true],
    ['that a store finds ends no transaction', conflictAbout('job/j1'), false],
  ])('%s', (_fact, conflict, expected) => {
    expect(endsTransaction(conflict)).toBe(expected);
  });

  it.each([
    ['job/j1', true],
    ['the jobs of d in q', true],
    ['job', false],
    ['queue/job/', false],
    ['queue/q', false],
    ['quota/q/disk', false],
    ['agent/job', false],
    ['annotation/j1/note', false],
  ])('about %s is about jobs: %s', (subject, expected) => {
    expect(isAboutJobs(conflictAbout(subject))).toBe(expected);
  });
});
