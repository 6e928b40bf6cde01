import { describe, expect, it } from 'vitest';
import { type AwaitedJob, likelyReason, type PossibleAgent } from '../../src/model/jobs/likely-reason.ts';
import { newJobRecord } from '../../src/model/jobs/step.ts';
import type { JobRecord } from '../../src/model/records/records.ts';

const now = Date.parse('2030-01-01T00:00:00Z');
const inQueue = { queue: 'mail' };
const inAgent = { queue: 'mail', dispatcher: 'd1', agent: 'main' };

function record(fields: Partial<JobRecord>): JobRecord {
  return { ...newJobRecord('j1', { name: 'send' }), ...fields };
}

const waiting = record({ state: 'pending', parent: inQueue });
const free: PossibleAgent = { name: 'main', size: 3, held: 1, accepts: true, selection: 'any job' };
const full = { ...free, held: 3 };
const refusing = { ...free, name: 'pack', accepts: false, selection: 'filter jobs: pack' };
const waits = { queue: 'mail', dispatchers: 1, agents: [free], fullQuotas: [] };
const holder = { agent: 'main', dispatcher: 'd1', isAlive: true };
const base = { now, isKnown: true, waits: null, holder: null } as const;
const pending = { ...base, job: waiting, status: 'PENDING' } as const;
const active = {
  ...base,
  job: record({ state: 'active.running', parent: inAgent }),
  status: 'ACTIVE',
  holder,
} as const;

const rows: readonly (readonly [what: string, about: AwaitedJob, reason: string])[] = [
  [
    'a job of another version',
    { ...pending, job: record({ state: 'later' as never }) },
    'it is in quarantine',
  ],
  ['a job that was not put', { ...base, job: record({}), status: 'NEW' }, 'it is in no queue'],
  [
    'a callback',
    { ...base, job: record({ parent: { job: 'j0' } }), status: 'PENDING' },
    'it is a callback, and its job is not over',
  ],
  [
    'a job for later, before all else',
    { ...pending, job: { ...waiting, beginAfter: now + 1 }, waits: { ...waits, dispatchers: 0 } },
    'it begins at 2030-01-01T00:00:00.001Z',
  ],
  [
    'a queue without a dispatcher',
    { ...pending, waits: { ...waits, dispatchers: 0, agents: [] } },
    "no dispatcher is at work in queue 'mail'",
  ],
  ['a queue without an agent', { ...pending, waits: { ...waits, agents: [] } }, "queue 'mail' has no agent"],
  [
    'a queue whose agents refuse it',
    { ...pending, waits: { ...waits, agents: [refusing], fullQuotas: ['disk'] } },
    "no agent of queue 'mail' accepts it: 'pack' (filter jobs: pack)",
  ],
  [
    'a full quota',
    { ...pending, waits: { ...waits, agents: [full], fullQuotas: ['disk'] } },
    "quota 'disk' is full",
  ],
  [
    'full agents, of which others refuse it',
    { ...pending, waits: { ...waits, agents: [refusing, full] } },
    "every agent that accepts it is full: 'main' (3 of 3)",
  ],
  [
    'a name that is not known here',
    { ...pending, isKnown: false, waits },
    "this process has no definition of 'send'",
  ],
  ['a job that can be taken', { ...pending, waits }, 'an agent can take it'],
  [
    'a job whose dispatcher is dead',
    { ...active, holder: { ...holder, isAlive: false } },
    'dispatcher d1, which has it, gives no sign of life',
  ],
  [
    'a job that is claimed',
    { ...active, job: record({ state: 'assigned', parent: inAgent }), status: 'ASSIGNED' },
    "agent 'main' holds it and has not called it",
  ],
  [
    'a job that waits for another one',
    { ...active, job: { ...active.job, waitingOn: 'j2' } },
    'it waits for job j2',
  ],
  [
    'code that runs',
    { ...active, job: { ...active.job, activeStart: now - 90_000 } },
    'its code has not ended after 1 minute 30 seconds',
  ],
  [
    'callbacks that run',
    { ...active, job: record({ state: 'callbacks', parent: inAgent }), status: 'CALLBACKS' },
    'its callbacks have not ended',
  ],
  [
    'a job that is over',
    { ...active, job: record({ state: 'completed' }), status: 'COMPLETED' },
    'it is over by now',
  ],
];

describe('The likely reason why a job is not further', () => {
  it.each(rows)('of %s', (_what, about, reason) => {
    const [found, repair] = likelyReason(about);

    expect(found).toBe(reason);
    expect(repair).toMatch(/^[A-Z].*\.$/);
  });
});
