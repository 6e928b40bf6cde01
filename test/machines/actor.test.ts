import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ActorParent } from '../../machines/actor.machine.ts';
import { type ActorEvent, actorMachine } from '../../machines/actor.machine.ts';
import { BadStatusError } from '../../src/errors.ts';
import { compileChart } from '../../src/model/chart/compile.ts';
import { newActorRecord, stepActor } from '../../src/model/jobs/actors/actor-step.ts';
import {
  actorChart,
  machineVersion,
  scheduleChart,
  versionFor,
} from '../../src/model/jobs/machine-version.ts';
import type { ActorRecord } from '../../src/model/records/records.ts';
import { expectSameSteps } from '../model/chart/equality.ts';
import { type Edge, edgesOf, takingsOf, without } from './altered.ts';

// machines-for-users.md §4: what may happen to an actor, by status. `to` null: it stays.
const legal: readonly Edge[] = [
  ...['absent', 'done', 'failed', 'stopped'].flatMap((from) =>
    ['active', 'done', 'failed'].map((to) => ({ from, event: 'actor.start', to })),
  ),
  { from: 'active', event: 'actor.step', to: null },
  { from: 'active', event: 'actor.step', to: 'done' },
  { from: 'active', event: 'actor.step', to: 'failed' },
  { from: 'active', event: 'actor.migrate', to: null },
  { from: 'active', event: 'actor.suspend', to: 'suspended' },
  { from: 'active', event: 'actor.stop', to: 'stopped' },
  { from: 'suspended', event: 'actor.resume', to: 'active' },
  { from: 'suspended', event: 'actor.stop', to: 'stopped' },
];
const texts = (edges: readonly Edge[]): string[] =>
  edges.map(({ from, event, to }) => `${from} — ${event} → ${to ?? 'the same'}`).sort();

const failure = { name: 'Error', message: 'no', stack: '', code: null, cause: null, extra: {} };
const parent: ActorParent = { actor: 'order/1', machine: 'order', child: 'parcel', run: 2 };
const about = { machine: 'order', version: '1', hash: 'h' };
const timers = { wait: [20, 1, { type: 'late' }, null] } as const;
const child = { parcel: { kind: 'job', src: 'parcel', id: 'order/1/parcel/1', run: 1 } } as const;
const samples: readonly ActorEvent[] = [
  { type: 'actor.start', at: 1, parent: null, ending: null, patch: { ...about, timers, dueAt: 20 } },
  { type: 'actor.start', at: 2, parent, ending: null, patch: about },
  { type: 'actor.start', at: 3, parent: null, ending: 'done', patch: { ...about, output: 1 } },
  { type: 'actor.start', at: 3, parent, ending: 'failed', patch: { ...about, failure } },
  { type: 'actor.step', at: 4, ending: null, patch: { timers: null, dueAt: null, children: child } },
  { type: 'actor.step', at: 5, ending: null, patch: {} },
  { type: 'actor.step', at: 6, ending: 'done', patch: { output: { n: 1 } } },
  { type: 'actor.step', at: 6, ending: 'failed', patch: { failure } },
  { type: 'actor.migrate', patch: { version: '2', hash: 'i' } },
  { type: 'actor.suspend', failure },
  { type: 'actor.resume' },
  { type: 'actor.stop', at: 7 },
];

const change = { event: 'order.go', from: 'a', to: 'b' };

function afterEvent(record: ActorRecord, event: ActorEvent): ActorRecord {
  const { to, patch } = stepActor(record, event, change);
  return { ...record, ...patch, rev: record.rev + 1, state: to } as ActorRecord;
}

const accepts = (record: ActorRecord, event: ActorEvent): boolean =>
  actorChart.step(record.status, record, event).moved;

describe('the actor chart', () => {
  it('has the transitions of its table, and no others', () => {
    expect(texts(edgesOf(actorMachine))).toEqual(texts(legal));
  });

  it('differs from the table whichever transition is taken away', () => {
    const unnoticed = takingsOf(actorMachine).filter(
      ([path, event]) => texts(edgesOf(without(actorMachine, path, event))).join() === texts(legal).join(),
    );

    expect(unnoticed).toEqual([]);
  });

  it('has a sample of every event it knows', () => {
    expect([...new Set(samples.map(({ type }) => type))].sort()).toEqual(compileChart(actorMachine).events);
  });

  it('takes the same steps as machine.transition', () => {
    const walked = expectSameSteps(actorMachine, {
      events: samples,
      limit: 10_000,
      sequences: 300,
      length: 60,
    });

    expect(walked.cells).toBeLessThan(10_000);
    expect(walked.states).toHaveLength(6);
  });
});

describe('whatever happens to an actor', () => {
  const property = (check: (before: ActorRecord, event: ActorEvent) => void): void =>
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...samples), { maxLength: 60, size: 'max' }), (sequence) => {
        let record = newActorRecord('order/1');
        for (const event of sequence) {
          check(record, event);
          if (accepts(record, event)) record = afterEvent(record, event);
        }
      }),
      { numRuns: 300 },
    );

  it('it has an instant of its end, and neither timers nor children, exactly when it has ended', () => {
    property((before, event) => {
      if (!accepts(before, event)) return;
      const { status, finishedAt, timers: pending, dueAt, children } = afterEvent(before, event);
      const hasEnded = status === 'done' || status === 'failed' || status === 'stopped';

      expect(finishedAt !== null).toBe(hasEnded);
      if (hasEnded) expect([pending, dueAt, children]).toEqual([null, null, null]);
    });
  });

  it('a suspended one has the failure for which it was suspended, until it goes on', () => {
    property((before, event) => {
      if (!accepts(before, event)) return;
      const after = afterEvent(before, event);

      if (after.status === 'suspended') expect(after.failure).toEqual(failure);
      if (before.status === 'suspended' && after.status === 'active') expect(after.failure).toBeNull();
    });
  });

  it('a start leaves nothing of what there was before', () => {
    property((before, event) => {
      if (event.type !== 'actor.start' || !accepts(before, event)) return;
      const { rev: _one, lastSeq: _other, ...after } = afterEvent(before, event);
      const { rev: _rev, lastSeq: _seq, ...first } = afterEvent(newActorRecord('order/1'), event);

      expect(after).toEqual(first);
    });
  });

  it('a refused event changes nothing and says where it was refused', () => {
    property((before, event) => {
      if (accepts(before, event)) return;

      expect(() => stepActor(before, event, change)).toThrow(BadStatusError);
      expect(() => stepActor(before, event, change)).toThrow(`got status ${before.status}, which refuses it`);
    });
  });
});

describe('the change of a step', () => {
  const [start] = samples as [Extract<ActorEvent, { type: 'actor.start' }>];
  const fresh = newActorRecord('order/1');
  const active = afterEvent(fresh, start);

  it('has the event, the states and what was carried of the machine, and the status that the chart gives', () => {
    const { dueAt } = active;
    const suspended = stepActor(active, { type: 'actor.suspend', failure }, { ...change, arg: { n: 1 } });

    expect(dueAt).toBe(20);
    expect(suspended).toEqual({
      kind: 'actor',
      id: 'order/1',
      ...change,
      arg: { n: 1 },
      patch: { failure, status: 'suspended' },
    });
  });

  it('says nothing of a state before the first', () => {
    expect(stepActor(fresh, start, change).from).toBeNull();
    expect(stepActor(active, { type: 'actor.stop', at: 1 }, change).from).toBe('a');
  });

  it('has in its patch only what is not so already', () => {
    expect(stepActor(fresh, start, change).patch).toEqual({
      ...about,
      timers,
      dueAt: 20,
      startedAt: 1,
      status: 'active',
    });
    const again: ActorEvent = { type: 'actor.step', at: 9, ending: null, patch: { dueAt: 20 } };
    expect(stepActor(active, again, change).patch).toBeNull();
  });

  it('clears the context of an actor that begins anew, but for what its machine sets', () => {
    const old = { ...active, status: 'done', 'c:n': 1, 'c:m': 2 } as ActorRecord;
    const patch = { ...about, 'c:m': 3 };
    const anew = { ...start, patch };

    expect(stepActor(old, anew, change).patch).toMatchObject({ 'c:n': null, 'c:m': 3 });
  });
});

it('A line of the journal names the chart of actors only if it is about one', () => {
  const named = `actor@1.${actorChart.hash}`;
  expect(versionFor([{ kind: 'message' }], machineVersion)).toBe(machineVersion);
  expect(versionFor([{ kind: 'job' }, { kind: 'actor' }], machineVersion)).toBe(`${machineVersion},${named}`);
  expect(versionFor([{ kind: 'actor' }, { kind: 'schedule' }], machineVersion)).toBe(
    `${machineVersion},schedule@1.${scheduleChart.hash},${named}`,
  );
});
