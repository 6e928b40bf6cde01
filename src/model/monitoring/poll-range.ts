import { SignalboxError, shown } from '../../errors.ts';
import { checkKnown } from '../checks/check-options.ts';
import { isAtOrBefore, isBefore, type PollInfo, type Polls } from './polls.ts';

/** A range of polls, by keys or instants. `at` and `before` exclude each other; `since` is inclusive. */
export interface PollRange {
  readonly at?: bigint | Date;
  readonly before?: bigint | Date;
  readonly since?: bigint | Date;
  readonly count?: number;
}

/**
 * Returns the latest poll, or the latest at or before `at`, or the latest strictly before `before`.
 * @throws SignalboxError `NO_POLL`, `INVALID_OPTION`.
 */
export function pollAt(polls: Polls, range: Pick<PollRange, 'at' | 'before'>): PollInfo {
  checkKnown(range, ['at', 'before']);
  checkRange(range);
  const { at, before } = range;
  const poll = at !== undefined ? polls.at(at) : before !== undefined ? polls.before(before) : polls.newest();
  if (poll !== undefined) return poll;
  const wanted = at !== undefined ? `at ${at}` : before !== undefined ? `before ${before}` : 'at all';
  throw new SignalboxError('NO_POLL', { wanted });
}

/**
 * Yields the polls of a range, newest first, as they are at the first step. @throws SignalboxError
 * `INVALID_OPTION`.
 */
export function* pollsIn(polls: Polls, range: PollRange): Generator<PollInfo> {
  checkKnown(range, ['at', 'before', 'since', 'count']);
  checkRange(range);
  let remaining = range.count ?? Number.POSITIVE_INFINITY;
  for (const poll of polls.toArray()) {
    if (range.at !== undefined && !isAtOrBefore(poll, range.at)) continue;
    if (range.before !== undefined && !isBefore(poll, range.before)) continue;
    // The polls behind this one need not be older: the clock may have been set back.
    if (range.since !== undefined && isBefore(poll, range.since)) continue;
    if (remaining <= 0) return;
    remaining -= 1;
    yield poll;
  }
}

function checkRange(range: Pick<PollRange, 'at' | 'before' | 'since'>): void {
  for (const option of ['at', 'before', 'since'] as const) {
    const bound: unknown = range[option];
    if (bound === undefined || typeof bound === 'bigint') continue;
    // An invalid Date would be ignored in silence: it is neither before nor after any instant.
    if (bound instanceof Date && !Number.isNaN(bound.getTime())) continue;
    throw new SignalboxError('INVALID_OPTION', {
      option,
      expected: 'the key of a poll or a Date',
      actual: shown(bound),
      repair: 'Make a Date of epoch milliseconds or of text: new Date(value).',
    });
  }
  if (range.at === undefined || range.before === undefined) return;
  throw new SignalboxError('INVALID_OPTION', {
    option: 'at',
    expected: 'given without `before`',
    actual: 'both',
  });
}
