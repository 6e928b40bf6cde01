import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { initialTransition, transition } from 'xstate';
import { getShortestPaths } from 'xstate/graph';
import type { JobContext, JobInput } from '../../machines/job.context.ts';
import type { JobEvent } from '../../machines/job.events.ts';
import { jobMachine } from '../../machines/job.machine.ts';
import { BadStatusError } from '../../src/errors.ts';
import { compileChart } from '../../src/model/chart/compile.ts';
import { afterStep, canStepJob, newJobRecord, statusOfState, stepJob } from '../../src/model/jobs/step.ts';
import type { JobRecord } from '../../src/model/records/records.ts';
import { jobEvents } from '../../src/testing/models/job-events.ts';
import { type Edge, edgesOf, takingsOf, without } from './altered.ts';
import { closeStores, opened, stores } from './durable-stores.ts';

afterEach(closeStores);

// The table of behaviours.md §2.2. `row` is its order there; `to` names the state within ACTIVE where the table does.
const statusMoves: readonly {
  readonly from: string;
  readonly to: string;
  readonly by: string;
  readonly row: number;
}[] = [
  { row: 2, from: 'new', to: 'pending', by: 'job.put' },
  { row: 3, from: 'pending', to: 'new', by: 'job.pull' },
  { row: 4, from: 'pending', to: 'assigned', by: 'job.claim' },
  { row: 5, from: 'assigned', to: 'pending', by: 'job.unassign' },
  { row: 6, from: 'new', to: 'active.running', by: 'job.start' },
  { row: 6, from: 'assigned', to: 'active.running', by: 'job.start' },
  { row: 7, from: 'active.running', to: 'active.waiting', by: 'job.wait' },
  { row: 8, from: 'active.running', to: 'callbacks', by: 'job.finish' },
  { row: 8, from: 'active.waiting', to: 'callbacks', by: 'job.finish' },
  { row: 9, from: 'active.running', to: 'pending', by: 'job.reschedule' },
  { row: 9, from: 'active.waiting', to: 'pending', by: 'job.reschedule' },
  { row: 10, from: 'active.running', to: 'callbacks', by: 'job.abort' },
  { row: 10, from: 'active.waiting', to: 'callbacks', by: 'job.abort' },
  { row: 11, from: 'new', to: 'callbacks', by: 'job.fail' },
  { row: 11, from: 'pending', to: 'callbacks', by: 'job.fail' },
  { row: 11, from: 'assigned', to: 'callbacks', by: 'job.fail' },
  { row: 12, from: 'callbacks', to: 'completed', by: 'job.complete' },
  { row: 13, from: 'active.running', to: 'new', by: 'callback.reset' },
  { row: 13, from: 'active.waiting', to: 'new', by: 'callback.reset' },
  // Version 2: cancel, time limits, snooze and an orderly stop.
  { row: 14, from: 'new', to: 'callbacks', by: 'job.cancel' },
  { row: 14, from: 'pending', to: 'callbacks', by: 'job.cancel' },
  { row: 14, from: 'assigned', to: 'callbacks', by: 'job.cancel' },
  { row: 14, from: 'active.running', to: 'active.cancelling', by: 'job.cancel' },
  { row: 14, from: 'active.timingOut', to: 'active.cancelling', by: 'job.cancel' },
  { row: 14, from: 'active.waiting', to: 'callbacks', by: 'job.cancel' },
  { row: 14, from: 'active.waiting', to: 'active.cancelling', by: 'job.cancel' },
  { row: 15, from: 'active.cancelling', to: 'callbacks', by: 'job.cancelled' },
  { row: 16, from: 'active.running', to: 'active.timingOut', by: 'job.timeout' },
  { row: 16, from: 'active.waiting', to: 'active.timingOut', by: 'job.timeout' },
  { row: 17, from: 'active.waiting', to: 'callbacks', by: 'job.expire' },
  { row: 18, from: 'active.timingOut', to: 'callbacks', by: 'job.finish' },
  { row: 18, from: 'active.cancelling', to: 'callbacks', by: 'job.finish' },
  { row: 19, from: 'active.timingOut', to: 'pending', by: 'job.reschedule' },
  { row: 19, from: 'active.timingOut', to: 'new', by: 'callback.reset' },
  { row: 20, from: 'active.running', to: 'pending', by: 'job.snooze' },
  { row: 21, from: 'active.running', to: 'pending', by: 'job.handBack' },
];

// Events that do not change the status: the place (decisions.md 24), a retry in the same call (J-48), settings
// (J-10, J-14, J-25 to J-31), and the move of a callback to the job that its proxy chose (J-98).
const everywhere = [
  'new',
  'pending',
  'assigned',
  'active.running',
  'active.waiting',
  'active.timingOut',
  'active.cancelling',
  'callbacks',
  'completed',
];
const active = everywhere.filter((state) => state.startsWith('active'));
const inPlace: Readonly<Record<string, readonly string[]>> = {
  'job.claim': ['callbacks', 'completed'],
  'job.interrupt': [...active, 'callbacks'],
  'job.retry': ['active.running'],
  'job.file': ['completed'],
  'callable.set': ['new'],
  'args.set': ['new', 'pending', 'assigned'],
  'args.append': ['new', 'pending', 'assigned', ...active],
  'beginAfter.set': ['new'],
  'beginBy.set': ['new', 'pending'],
  'quotaNames.set': ['new', 'pending'],
  'priority.set': ['new', 'pending'],
  'keys.set': ['pending'],
  'job.defer': ['pending'],
  'callback.move': ['new'],
  'tags.set': everywhere,
  'failureLogLevel.set': everywhere,
  'retryPolicy.set': everywhere,
};

const legal: readonly Edge[] = [
  ...statusMoves.map(({ from, to, by }) => ({ from, event: by, to })),
  ...Object.entries(inPlace).flatMap(([event, states]) => states.map((from) => ({ from, event, to: null }))),
];

const text = ({ from, event, to }: Edge): string => `${from} — ${event} → ${to ?? 'the same'}`;
const texts = (edges: readonly Edge[]): string[] => edges.map(text).sort();

const kinds: Readonly<Record<string, JobInput>> = {
  'a job': { name: 'index' },
  'a callback': { name: 'then', parent: { job: 'j1' }, line: 'callback' },
  'a branch of a proxy': { name: 'then', parent: { proxy: 'x1' }, line: 'callback' },
};

/** What guards and assigns read. Counters and settings do not make another state. */
const steering = ({ parent, line, quotas, waitingOn, stop, outcome }: JobContext): unknown => [
  parent && Object.keys(parent),
  line,
  quotas.length,
  waitingOn,
  stop?.cause,
  outcome?.ok,
];

function shortestPaths(input: JobInput) {
  return getShortestPaths(jobMachine, {
    input,
    events: jobEvents,
    limit: 100_000,
    serializeState: ({ value, context }) => JSON.stringify([value, steering(context)]),
  });
}

type Path = ReturnType<typeof shortestPaths>[number];

function leafOf(value: unknown): string {
  return typeof value === 'string'
    ? value
    : Object.entries(value as object)
        .flat()
        .join('.');
}

/** The context of a record, without what only the store sets. */
function contextOf(record: JobRecord): JobContext {
  const {
    id: _i,
    v: _v,
    rev: _r,
    lastSeq: _l,
    createdSeq: _c,
    position: _p,
    state: _s,
    uniqueKey,
    reply,
    ...context
  } = record;
  expect([uniqueKey, reply]).toEqual([null, null]);
  return context;
}

/** The result of a path in XState itself: the reference for what stores keep. */
function expected(path: Path, input: JobInput): { state: string; context: JobContext } {
  let [snapshot] = initialTransition(jobMachine, input);
  for (const { event } of path.steps.slice(1))
    [snapshot] = transition(jobMachine, snapshot, event as JobEvent);
  return { state: leafOf(snapshot.value), context: snapshot.context };
}

describe('the job chart', () => {
  it('has the transitions of behaviours.md §2.2, and no others', () => {
    expect(texts(edgesOf(jobMachine))).toEqual(texts(legal));
  });

  it('differs from the table whichever transition is taken away', () => {
    const unnoticed = takingsOf(jobMachine).filter(
      ([path, event]) => texts(edgesOf(without(jobMachine, path, event))).join() === texts(legal).join(),
    );

    expect(unnoticed).toEqual([]);
  });

  it('lets only jobs be put, rescheduled and handed to a system job, and only callbacks be reset and moved', () => {
    const refused = (input: JobInput): string[] => {
      const seen = new Set<string>();
      for (const state of everywhere) {
        const record = { ...newJobRecord('j', input), state: state as JobRecord['state'] };
        for (const event of jobEvents) if (canStepJob(record, event)) seen.add(event.type);
      }
      return [...new Set(jobEvents.map(({ type }) => type))].filter((type) => !seen.has(type)).sort();
    };

    // Only a job that waits for another one expires.
    expect(refused({ name: 'index' })).toEqual(['callback.move', 'callback.reset', 'job.expire']);
    for (const parent of [{ job: 'j1' }, { proxy: 'x1' }]) {
      expect(refused({ name: 'then', parent })).toEqual([
        'job.expire',
        'job.handBack',
        'job.interrupt',
        'job.put',
        'job.reschedule',
        'job.snooze',
      ]);
    }
  });

  it.each(Object.entries(kinds))('reaches each of its states for %s by a shortest path', (name, input) => {
    const reached = new Set(shortestPaths(input).map(({ state }) => leafOf(state.value)));
    const unreachable = name === 'a job' ? [] : ['assigned', 'pending'];

    expect([...reached].sort()).toEqual(everywhere.filter((state) => !unreachable.includes(state)).sort());
  });
});

describe.each(Object.entries(stores))(
  'every shortest path of the job chart, kept by the %s store',
  (name, makeStore) => {
    it.each(Object.entries(kinds))(
      'for %s step by step, reads back as the machine has it',
      async (_name, input) => {
        const keeping = makeStore();
        const store = await opened(keeping);
        const paths = shortestPaths(input);

        const tickets: Promise<void>[] = [];
        for (const [at, path] of paths.entries()) {
          let record = newJobRecord(`job-${at}`, input);
          const { parent = null, line = null } = record;
          const patch = { name: record.name, parent, line } as never;
          const born = {
            kind: 'job',
            id: record.id,
            event: 'job.new',
            from: null,
            to: 'new',
            patch,
          } as const;
          tickets.push(store.commit({ by: 'test', changes: [born], expect: [] }).synced);
          for (const { event } of path.steps.slice(1)) {
            const step = stepJob(record, event as JobEvent);
            const { rev } = (await store.get('job', record.id)) as JobRecord;
            const expect = [{ check: 'rev', kind: 'job', id: record.id, rev }] as const;
            tickets.push(store.commit({ by: 'test', changes: [step], expect }).synced);
            record = afterStep(record, step);
          }
        }
        await Promise.all(tickets);

        const read = async (from: typeof store) => {
          const records = await Promise.all(paths.map((_path, at) => from.get('job', `job-${at}`)));
          return records.map((record) => ({ state: record?.state, context: contextOf(record as JobRecord) }));
        };
        const wanted = paths.map((path) => expected(path, input));
        expect(paths.length).toBeGreaterThan(5);
        expect(await read(store)).toEqual(wanted);
        await store.close();
        if (name === 'json') expect(await read(await opened(keeping))).toEqual(wanted);
      },
    );
  },
);

describe('a store', () => {
  it.each(Object.keys(stores))(
    'of kind %s refuses a step from a state that the job has left',
    async (name) => {
      const store = await opened((stores[name] as () => ReturnType<(typeof stores)['memory']>)());
      const record = newJobRecord('j', { name: 'index' });
      const put = stepJob(record, jobEvents[0] as JobEvent);
      await store.commit({
        by: 'test',
        changes: [{ ...put, patch: { name: 'index', ...put.patch } }],
        expect: [],
      }).synced;
      const before = await store.get('job', 'j');

      await expect(store.commit({ by: 'test', changes: [put], expect: [] }).synced).rejects.toThrow(
        'Expected job/j',
      );

      expect(await store.get('job', 'j')).toBe(before);
    },
  );
});

describe('whatever happens to a job', () => {
  const chart = compileChart(jobMachine);
  const sequences = fc.array(fc.constantFrom(...jobEvents), { minLength: 1, maxLength: 80, size: 'max' });
  const property = (check: (walk: readonly Walked[]) => void) =>
    fc.assert(
      fc.property(fc.constantFrom(...Object.values(kinds)), sequences, (input, sequence) => {
        check(walk(input, sequence));
      }),
      { numRuns: 400 },
    );

  interface Walked {
    readonly event: JobEvent;
    readonly before: JobRecord;
    readonly after: JobRecord;
    readonly moved: boolean;
  }

  function walk(input: JobInput, sequence: readonly JobEvent[]): Walked[] {
    const walked: Walked[] = [];
    let record = newJobRecord('j', input);
    for (const event of sequence) {
      const before = record;
      const moved = canStepJob(record, event);
      if (moved) record = afterStep(record, stepJob(record, event));
      walked.push({ event, before, after: record, moved });
    }
    return walked;
  }

  it('it moves along the table only (I8)', () => {
    const allowed = new Set(legal.map(text));

    property((walked) => {
      for (const { event, before, after, moved } of walked) {
        const to = before.state === after.state ? null : after.state;
        if (moved) expect(allowed).toContain(text({ from: before.state, event: event.type, to }));
      }
    });
  });

  it('it has at most one outcome, from its end on (I4)', () => {
    property((walked) => {
      for (const { before, after } of walked) {
        const isEnded = ['CALLBACKS', 'COMPLETED'].includes(statusOfState(after.state));
        expect(after.outcome !== null).toBe(isEnded);
        expect(after.ending !== null).toBe(isEnded);
        expect(after.activeEnd !== null).toBe(isEnded);
        if (before.outcome === null) continue;
        expect([after.outcome, after.ending, after.activeEnd]).toEqual([
          before.outcome,
          before.ending,
          before.activeEnd,
        ]);
      }
    });
  });

  it('nothing leads out of COMPLETED, and its code is not called again once it has an outcome', () => {
    property((walked) => {
      for (const { event, before, after, moved } of walked) {
        if (before.state === 'completed') expect(after.state).toBe('completed');
        if (before.outcome === null || !moved) continue;
        const step = stepJob(before, event);
        expect(step.effects.map(({ type }) => type)).not.toContain('callHandler');
      }
    });
  });

  it('it starts once for each attempt that is counted (I5)', () => {
    property((walked) => {
      let starts = 0;
      for (const { event, before, after, moved } of walked) {
        if (moved && stepJob(before, event).effects.some(({ type }) => type === 'callHandler')) starts += 1;
        if (moved && event.type === 'job.retry') starts += 1;
        expect(after.attempts).toBe(starts);
        expect(after.attempts).toBeGreaterThanOrEqual(before.attempts);
      }
    });
  });

  it('its claim grows with each change of holder and nothing else, and neither it nor the epoch goes back (I6)', () => {
    const holderOf = ({ parent }: JobRecord): string =>
      parent !== null && 'agent' in parent ? JSON.stringify(parent) : 'none';
    // An interrupted callback goes to the process that resumes it.
    const takes = [
      'job.claim',
      'job.unassign',
      'job.reschedule',
      'job.snooze',
      'job.handBack',
      'job.interrupt',
      'callback.reset',
    ];
    const leaves = ['job.cancel', 'job.expire'];

    property((walked) => {
      for (const { event, before, after, moved } of walked) {
        const takesAway = leaves.includes(event.type) && holderOf(before) !== holderOf(after);
        expect(after.claim).toBe(before.claim + (moved && (takes.includes(event.type) || takesAway) ? 1 : 0));
        expect(after.epoch).toBeGreaterThanOrEqual(before.epoch);
        if (holderOf(before) !== holderOf(after)) expect(after.claim).toBeGreaterThan(before.claim);
      }
    });
  });

  it('a put-back job keeps its quota slots, and one that ends, waits for later or is pulled gives them up', () => {
    property((walked) => {
      for (const { event, before, after, moved } of walked) {
        if (!moved) continue;
        const gives = after.outcome !== null || event.type === 'job.pull' || after.line === 'held';
        // Slots under names and keys that it no longer has are free.
        const renames = event.type === 'keys.set' || event.type === 'quotaNames.set';
        if (renames) expect(before.quotas).toEqual(expect.arrayContaining([...after.quotas]));
        else if (gives && event.type !== 'job.claim') expect(after.quotas).toEqual([]);
        else if (event.type !== 'job.claim') expect(after.quotas).toEqual(before.quotas);
      }
    });
  });

  it('a refused event changes nothing: neither the compiled step nor the record', () => {
    property((walked) => {
      for (const { event, before, after, moved } of walked) {
        if (moved) continue;
        expect(after).toBe(before);
        expect(chart.step(before.state, before, event)).toMatchObject({ moved: false, state: before.state });
        const refusal = (() => {
          try {
            return stepJob(before, event);
          } catch (error) {
            return error;
          }
        })();
        expect(refusal).toBeInstanceOf(BadStatusError);
        expect(String(refusal)).toContain(
          `Expected job j to accept ${event.type}, got status ${statusOfState(before.state)}`,
        );
      }
    });
  });

  it('it expires only from a status in which its code has not been called', () => {
    property((walked) => {
      for (const { event, before, moved } of walked)
        if (moved && event.type === 'job.fail') expect(before.state).toMatch(/^(new|pending|assigned)$/);
    });
  });
});
