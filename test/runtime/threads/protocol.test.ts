import {
  BadStatusError,
  ConflictError,
  Failure,
  ReassignedError,
  RetryAfterError,
  SignalboxError,
  UnrecoverableError,
} from 'signalbox';
import { describe, expect, it } from 'vitest';
import { isUnrecoverable } from '../../../src/model/jobs/retry-errors.ts';
import { errorData, errorOf, thrown } from '../../../src/runtime/threads/protocol.ts';

const sent = <Value>(value: Value): Value => JSON.parse(JSON.stringify(value)) as Value;

describe('An error on its way between a thread and its process', () => {
  it.each([
    [new ConflictError({ subject: 'job/1', expected: '1', actual: '2' }), ConflictError],
    [new ReassignedError({ id: '1' }), ReassignedError],
    [new BadStatusError({ what: 'job 1', status: 'NEW', event: 'x', guards: [] }), BadStatusError],
    [new SignalboxError('QUEUE_NOT_FOUND', { name: 'a', known: ['b'] }), SignalboxError],
    [new TypeError('no'), TypeError],
  ])('is one of its class again: %s', (error, Class) => {
    const found = errorOf(sent(errorData(error)));

    expect(found).toBeInstanceOf(Class);
    expect([found.name, found.message, found.stack]).toEqual([error.name, error.message, error.stack]);
    expect((found as { code?: unknown }).code).toBe((error as { code?: unknown }).code);
  });

  it('keeps what a retry policy reads of it', () => {
    const after = thrown(sent(errorData(new RetryAfterError('5s', { limit: 'host' }))));
    const never = thrown(sent(errorData(new UnrecoverableError('stolen'))));

    expect((after as Failure).data.extra).toMatchObject({ retryAfter: { ms: 5000, limit: 'host' } });
    expect(isUnrecoverable(never as Failure)).toBe(true);
  });

  it('tells by its class that the job was reassigned', () => {
    expect(thrown(sent(errorData(new ReassignedError({ id: '1' }))))).toBeInstanceOf(ReassignedError);
    expect(thrown(sent(errorData(new Error('other'))))).toBeInstanceOf(Failure);
  });

  it('may be any value', () => {
    expect((thrown(sent(errorData('text'))) as Failure).message).toBe('text');
    expect((thrown(sent(errorData(undefined))) as Failure).name).toBe('NonError');
  });
});
