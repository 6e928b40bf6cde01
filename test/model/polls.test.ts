import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type JobInfo, JobInfos } from '../../src/model/monitoring/job-infos.ts';
import { pollsIn } from '../../src/model/monitoring/poll-range.ts';
import { type AgentPoll, PollInfo, Polls } from '../../src/model/monitoring/polls.ts';
import { statisticsOf } from '../../src/model/monitoring/statistics.ts';

const start = Date.UTC(2030, 0, 1);
/** Instants of polls: many at the same one, and a clock that may even be set back. */
const instants = fc.array(fc.integer({ min: -3, max: 20 }), { minLength: 1, maxLength: 60, size: 'max' });

function pollsAt(times: readonly number[], size = 1000): Polls {
  const polls = new Polls(size);
  let at = start;
  for (const [note, step] of times.entries()) {
    at += step;
    polls.add(new PollInfo(note), at);
  }
  return polls;
}

describe('the polls of a dispatcher', () => {
  it('are in order, newest first, under keys that decrease with time and are never shared', () => {
    fc.assert(
      fc.property(instants, (times) => {
        const polls = [...pollsAt(times)];

        expect(polls.map(({ note }) => note)).toEqual(times.map((_time, at) => times.length - 1 - at));
        for (const [at, poll] of polls.entries()) {
          const older = polls[at + 1];
          if (older !== undefined) expect(poll.key < older.key).toBe(true);
        }
      }),
    );
  });

  it('are found at and before each key and instant as a simple search finds them', () => {
    fc.assert(
      fc.property(instants, fc.integer({ min: -5, max: 400 }), (times, offset) => {
        const polls = pollsAt(times);
        const all = [...polls];
        for (const poll of all) {
          expect(polls.at(poll.key)).toBe(poll);
          expect(polls.before(poll.key)).toBe(all[all.indexOf(poll) + 1]);
        }
        const bound = new Date(start + offset);

        expect(polls.at(bound)).toBe(all.find(({ timestamp }) => timestamp <= bound));
        expect(polls.before(bound)).toBe(all.find(({ timestamp }) => timestamp < bound));
      }),
    );
  });

  it('of a range are those whose instants lie in it, also those from before the clock was set back', () => {
    fc.assert(
      fc.property(instants, fc.integer({ min: -5, max: 400 }), fc.nat(400), (times, offset, length) => {
        const polls = pollsAt(times);
        const since = new Date(start + offset);
        const at = new Date(start + offset + length);

        const found = [...pollsIn(polls, { since, at })];

        expect(found).toEqual([...polls].filter(({ timestamp }) => timestamp >= since && timestamp <= at));
      }),
    );
  });

  it('beyond their number drop the oldest', () => {
    fc.assert(
      fc.property(instants, fc.integer({ min: 1, max: 20 }), (times, size) => {
        const notes = [...pollsAt(times, size)].map(({ note }) => note);

        expect(notes).toEqual(times.map((_time, at) => times.length - 1 - at).slice(0, size));
      }),
    );
  });
});

describe('the remembered jobs of a dispatcher', () => {
  it('are the newest of their number, newest first, each once', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(15), { maxLength: 60, size: 'max' }),
        fc.integer({ min: 1, max: 10 }),
        (ids, size) => {
          const infos = new JobInfos<number>(size);
          for (const [at, id] of ids.entries()) infos.set(String(id), at);
          const newest = [...new Set(ids.toReversed())].map(String);

          expect([...infos].map(([id]) => id)).toEqual(newest.slice(0, size));
          for (const [id, at] of infos) expect(at).toBe(ids.lastIndexOf(Number(id)));
        },
      ),
    );
  });
});

describe('statistics', () => {
  const outcome = fc.constantFrom('successful', 'failed', 'active', 'forgotten');
  const claims = fc.array(fc.array(fc.tuple(outcome, fc.nat(1000)), { maxLength: 6 }), {
    minLength: 1,
    maxLength: 8,
  });

  it('count every job that was started in the polls once, by its outcome', () => {
    fc.assert(
      fc.property(claims, (polled) => {
        const jobs = new JobInfos(1000);
        const polls = new Polls(100);
        const durations: Record<string, [string, number][]> = {
          successful: [],
          failed: [],
          active: [],
          forgotten: [],
        };
        const now = start + 10_000;
        for (const [at, claimed] of polled.entries()) {
          const poll = new PollInfo();
          const newJobs = claimed.map(([became, duration], index) => {
            const id = `${at}-${index}`;
            durations[became]?.push([id, duration]);
            if (became !== 'forgotten') jobs.set(id, infoOf(became, duration, now));
            return [id, 'main'] as const;
          });
          const entry: AgentPoll = {
            size: 9,
            len: 0,
            error: null,
            newJobs,
            claimed: newJobs.length,
            activeJobs: [],
          };
          poll.queues[''] = { main: entry };
          polls.add(poll, start + at);
        }

        const statistics = statisticsOf([...polls], jobs, now);

        expect(statistics.started).toBe(polled.flat().length);
        expect(statistics.successful).toBe(durations.successful?.length);
        expect(statistics.failed).toBe(durations.failed?.length);
        expect(statistics.unknown).toBe(durations.forgotten?.length);
        for (const kind of ['Successful', 'Failed', 'Active'] as const) {
          const of = new Map(durations[kind.toLowerCase()]);
          const values = [...of.values()];
          const [longest, shortest] = [statistics[`longest${kind}`], statistics[`shortest${kind}`]];
          expect(of.get(longest?.[0] ?? '')).toBe(values.length === 0 ? undefined : Math.max(...values));
          expect(of.get(shortest?.[0] ?? '')).toBe(values.length === 0 ? undefined : Math.min(...values));
        }
        expect(statisticsOf([...polls], jobs, now, { queue: 'b' }).started).toBe(0);
        expect(statisticsOf([...polls], jobs, now, { agent: 'main' }).started).toBe(statistics.started);
      }),
    );
  });
});

function infoOf(became: string, duration: number, now: number): JobInfo {
  return {
    result: null,
    failed: became === 'failed',
    agent: 'main',
    queue: '',
    pollId: null,
    quotaNames: [],
    call: 'x()',
    started: new Date(became === 'active' ? now - duration : start),
    completed: became === 'active' ? null : new Date(start + duration),
    thread: null,
    reassigned: false,
  };
}
