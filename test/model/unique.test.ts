import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JobState } from '../../machines/job.context.ts';
import { afterStep, newJobRecord, stepJob } from '../../src/model/jobs/step.ts';
import {
  answerOn,
  debounced,
  holdsName,
  type OnConflict,
  type UniqueUntil,
} from '../../src/model/jobs/unique/name-answer.ts';
import { replacingEvents } from '../../src/model/jobs/unique/replacing-events.ts';
import type { JobRecord } from '../../src/model/records/records.ts';
import { canonicalJson } from '../../src/model/values/canonical-json.ts';

const name = 'q/feed/ab';
const now = 1_000_000;
const ok = { ok: true, value: null } as const;

function jobIn(state: JobState, more: Partial<JobRecord> = {}): JobRecord {
  const begun = state.startsWith('active') ? { attempts: 1 } : {};
  const over = state === 'callbacks' || state === 'completed' ? { attempts: 1, outcome: ok } : {};
  const place = state === 'pending' ? { parent: { queue: 'q' } } : {};
  return {
    ...newJobRecord('holder', { name: 'feed', beginAfter: now - 1 }),
    uniqueKey: name,
    ...place,
    ...begun,
    ...over,
    ...more,
    state,
  };
}

const waits = jobIn('pending');
const held = jobIn('pending', { attempts: 1 });
const states: readonly (readonly [string, JobRecord])[] = [
  ['is NEW again', jobIn('new')],
  ['waits', waits],
  ['is assigned', jobIn('assigned')],
  ['runs', jobIn('active.running')],
  ['waits for another job', jobIn('active.waiting')],
  ['times out', jobIn('active.timingOut')],
  ['is being cancelled', jobIn('active.cancelling')],
  ['waits for its second attempt', held],
  ['has its outcome', jobIn('callbacks')],
  ['is over', jobIn('completed')],
];

/** What a put answers, for each state of the job that took the name, in the order of `states`. */
const answers: readonly (readonly [OnConflict, UniqueUntil, string])[] = [
  ['return', 'ended', 'free existing existing existing existing existing existing existing free free'],
  ['reject', 'ended', 'free duplicate duplicate duplicate duplicate duplicate duplicate duplicate free free'],
  ['replace', 'ended', 'free replaced existing existing existing existing existing existing free free'],
  ['return', 'started', 'free existing existing free free free free free free free'],
  ['reject', 'started', 'free duplicate duplicate free free free free free free free'],
  ['replace', 'started', 'free replaced existing free free free free free free free'],
  [
    { debounce: 5, maxWait: null },
    'ended',
    'free debounced existing existing existing existing existing existing free free',
  ],
  [{ debounce: 5, maxWait: null }, 'started', 'free debounced existing free free free free free free free'],
];

const answer = (
  onConflict: OnConflict,
  until: UniqueUntil,
  job: JobRecord | undefined,
  record: { readonly until?: number | null; readonly job?: string } = {},
) =>
  answerOn(
    { until, onConflict },
    { record: { id: name, job: 'holder', at: now - 100, until: null, ...record }, job },
    { id: 'mine', beginAfter: null },
    now,
  ).answer;

describe('A unique name', () => {
  const cells = answers.flatMap(([onConflict, until, row]) =>
    row.split(' ').map((expected, at) => {
      const [state, job] = states[at] as readonly [string, JobRecord];
      return { onConflict, until, state, job, expected };
    }),
  );

  it.each(cells)('until $until with $onConflict, of a job that $state: $expected', (cell) => {
    expect(answer(cell.onConflict, cell.until, cell.job)).toBe(cell.expected);
  });

  it('is free when there is no record of it', () => {
    const facts = { record: undefined, job: undefined };

    expect(
      answerOn({ until: 'ended', onConflict: 'reject' }, facts, { id: 'mine', beginAfter: null }, now),
    ).toEqual({
      answer: 'free',
    });
  });

  it('is free when its job was dropped, or put again without it or under another one', () => {
    expect(answer('return', 'ended', undefined)).toBe('free');
    expect(answer('return', 'ended', { ...waits, uniqueKey: null })).toBe('free');
    expect(answer('return', 'ended', { ...waits, uniqueKey: 'other/feed/ab' })).toBe('free');
  });

  it('is free for the job that has taken it, which was pulled', () => {
    expect(answer('reject', 'ended', jobIn('new'), { job: 'mine', until: now + 1 })).toBe('free');
  });

  it.each([...states, ['was dropped', undefined] as const])(
    'with a window that lasts is taken by a job that %s, and free when it has passed',
    (_state, job) => {
      const isHeld = job !== undefined && holdsName(job, name, 'ended');

      expect(answer('reject', 'ended', job, { until: now + 1 })).toBe('duplicate');
      expect(answer('reject', 'ended', job, { until: now })).toBe(isHeld ? 'duplicate' : 'free');
    },
  );

  it('lets nothing of a job be replaced that only its window keeps there, or that this version cannot read', () => {
    expect(answer('replace', 'ended', jobIn('completed'), { until: now + 1 })).toBe('existing');
    expect(answer('replace', 'ended', { ...waits, unsound: [['size', 3]] })).toBe('existing');
  });
});

describe('A debounced put', () => {
  it.each([
    ['begins after the delay', { debounce: 10, maxWait: null }, 0, null, 110],
    ['begins no later than maxWait after the first', { debounce: 10, maxWait: 40 }, 65, null, 105],
    ['begins at once when maxWait has passed', { debounce: 10, maxWait: 40 }, 0, null, 40],
    ['begins when it was put for, if that is later', { debounce: 10, maxWait: null }, 0, 150, 150],
    ['begins no later than that when it was put for later', { debounce: 10, maxWait: 40 }, 100, 150, 140],
  ] as const)('%s', (_what, rule, firstAt, beginAfter, expected) => {
    expect(debounced(rule, firstAt, beginAfter, 100)).toBe(expected);
  });

  it('leaves a job where it is that may wait no longer, so that it keeps its place', () => {
    const job = { ...waits, beginAfter: now - 60 };
    const record = { id: name, job: 'holder', at: now - 100, until: null };
    const rule = { until: 'ended', onConflict: { debounce: 10, maxWait: 40 } } as const;

    expect(answerOn(rule, { record, job }, { id: 'mine', beginAfter: null }, now)).toEqual({
      answer: 'debounced',
      beginAfter: null,
    });
  });
});

describe('What replaces', () => {
  const wanted = { args: [2], priority: 0, keys: null, tags: null };
  const at = { beginAfter: null, at: now };

  it('is only what differs', () => {
    const job = { ...waits, args: [{ a: 1, b: 2 }] };

    expect(replacingEvents(job, { args: [{ b: 2, a: 1 }], priority: 0, keys: null, tags: null }, at)).toEqual(
      [],
    );
    expect(
      replacingEvents(
        job,
        { ...wanted, priority: -5, keys: ['k/1'], tags: ['x'] },
        { beginAfter: now + 9, at: now },
      ),
    ).toEqual([
      { type: 'args.set', args: [2] },
      { type: 'priority.set', priority: -5 },
      { type: 'keys.set', keys: ['k/1'] },
      { type: 'tags.set', tags: ['x'] },
      { type: 'job.defer', at: now, beginAfter: now + 9 },
    ]);
  });

  it('frees the slots of keys that are no longer there, and no others', () => {
    const job = {
      ...waits,
      keys: ['k/1', 'k/2'],
      quotaNames: ['disk'],
      quotas: ['q/k/1', 'q/k/2', 'q/disk'],
    };

    const after = afterStep(job, stepJob(job, { type: 'keys.set', keys: ['k/2', 'k/3'] }));

    expect([after.keys, after.quotas]).toEqual([
      ['k/2', 'k/3'],
      ['q/k/2', 'q/disk'],
    ]);
  });
});

it('The canonical text is the same for equal values, and another one for others', () => {
  const shuffled = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(shuffled);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value)
        .reverse()
        .map(([key, part]) => [key, shuffled(part)]),
    );
  };
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (one, other) => {
      const text = canonicalJson(one as never);
      expect(canonicalJson(shuffled(one) as never)).toBe(text);
      expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(one)));
      if (text === canonicalJson(other as never)) expect(one).toEqual(other);
    }),
  );
});
