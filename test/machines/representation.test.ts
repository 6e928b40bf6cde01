import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { initialTransition, transition } from 'xstate';
import { getShortestPaths } from 'xstate/graph';
import {
  newRepresentationContext,
  type RepresentationEvent,
  representationMachine,
} from '../../machines/representation.machine.ts';
import { BadStatusError } from '../../src/errors.ts';
import { representationChart } from '../../src/model/jobs/machine-version.ts';
import { stepRepresentation } from '../../src/model/jobs/step.ts';
import type { RepresentationRecord } from '../../src/model/records/records.ts';
import type { OpenStore } from '../../src/store/store.ts';
import { type Edge, edgesOf, takingsOf, without } from './altered.ts';
import { closeStores, opened, stores } from './durable-stores.ts';

afterEach(closeStores);

// DR-1 to DR-6, DR-8, DR-10: what may happen to a representation, by state. `to` null: it stays.
const legal: readonly Edge[] = [
  { from: 'registered', event: 'representation.activate', to: 'activated' },
  { from: 'registered', event: 'representation.reactivate', to: 'activated' },
  { from: 'registered', event: 'representation.unregister', to: null },
  { from: 'activated', event: 'representation.deactivate', to: 'deactivated' },
  { from: 'activated', event: 'activated.set', to: null },
  { from: 'deactivated', event: 'representation.activate', to: 'activated' },
  { from: 'deactivated', event: 'representation.reactivate', to: 'activated' },
  { from: 'deactivated', event: 'representation.unregister', to: null },
  ...['registered', 'activated', 'deactivated'].flatMap((from) => [
    { from, event: 'ping', to: null },
    { from, event: 'pingIntervals.set', to: null },
  ]),
];
const texts = (edges: readonly Edge[]): string[] =>
  edges.map(({ from, event, to }) => `${from} — ${event} → ${to ?? 'the same'}`).sort();

const input = { queue: 'q', dispatcher: 'd' };
const samples: readonly RepresentationEvent[] = [
  { type: 'representation.activate', at: 10, epoch: 1 },
  { type: 'representation.reactivate', at: 20, epoch: 1 },
  { type: 'representation.deactivate' },
  { type: 'representation.unregister' },
  { type: 'ping', at: 30 },
  { type: 'activated.set', at: 5 },
  { type: 'pingIntervals.set', pingInterval: 1000, pingDeathInterval: 5000 },
];

function newRecord(id = 'q/d'): RepresentationRecord {
  return { id, v: 1, rev: 0, lastSeq: 0, state: 'registered', ...newRepresentationContext(input) };
}

function afterEvent(record: RepresentationRecord, event: RepresentationEvent): RepresentationRecord {
  const { to, patch } = stepRepresentation(record, event);
  return { ...record, ...patch, state: to as RepresentationRecord['state'] };
}

function accepts(record: RepresentationRecord, event: RepresentationEvent): boolean {
  return representationChart.step(record.state, record, event).moved;
}

const paths = () => getShortestPaths(representationMachine, { input, events: samples, limit: 100_000 });

describe('the representation chart', () => {
  it('has the transitions of behaviours.md §6, and no others', () => {
    expect(texts(edgesOf(representationMachine))).toEqual(texts(legal));
  });

  it('differs from the table whichever transition is taken away', () => {
    const unnoticed = takingsOf(representationMachine).filter(
      ([path, event]) =>
        texts(edgesOf(without(representationMachine, path, event))).join() === texts(legal).join(),
    );

    expect(unnoticed).toEqual([]);
  });

  it('reaches every state by a shortest path', () => {
    const reached = new Set(paths().map(({ state }) => state.value));

    expect([...reached].sort()).toEqual(['activated', 'deactivated', 'registered']);
  });
});

describe.each(Object.entries(stores))(
  'every shortest path of the chart, kept by the %s store',
  (name, makeStore) => {
    it('reads back as the machine has it', async () => {
      const keeping = makeStore();
      const store = await opened(keeping);
      const all = paths();
      const wanted = all.map(({ steps }) => {
        let [snapshot] = initialTransition(representationMachine, input);
        for (const { event } of steps.slice(1))
          [snapshot] = transition(representationMachine, snapshot, event as RepresentationEvent);
        return { state: snapshot.value, ...snapshot.context };
      });

      for (const [at, path] of all.entries()) {
        let record = newRecord(`q/d${at}`);
        const { queue, dispatcher, pingInterval, pingDeathInterval } = record;
        const patch = { queue, dispatcher, pingInterval, pingDeathInterval };
        const event = 'representation.register';
        const born = {
          kind: 'representation',
          id: record.id,
          event,
          from: null,
          to: 'registered',
          patch,
        } as const;
        store.commit({ by: 'test', changes: [born], expect: [] });
        for (const step of path.steps.slice(1)) {
          const change = stepRepresentation(record, step.event as RepresentationEvent);
          store.commit({ by: 'test', changes: [change], expect: [] });
          record = afterEvent(record, step.event as RepresentationEvent);
        }
      }
      await store.settled();

      const read = async (from: OpenStore) =>
        Promise.all(
          all.map(async (_path, at) => {
            const {
              id: _i,
              v: _v,
              rev: _r,
              lastSeq: _l,
              ...kept
            } = (await from.get('representation', `q/d${at}`)) as RepresentationRecord;
            return kept;
          }),
        );
      expect(await read(store)).toEqual(wanted);
      await store.close();
      if (name === 'json') expect(await read(await opened(keeping))).toEqual(wanted);
    });
  },
);

describe('whatever happens to a representation', () => {
  const at = fc.nat(1000);
  const event: fc.Arbitrary<RepresentationEvent> = fc.oneof(
    fc.record({
      type: fc.constantFrom('representation.activate', 'representation.reactivate'),
      at,
      epoch: fc.nat(9),
    }),
    fc.record({ type: fc.constantFrom('representation.deactivate', 'representation.unregister') }),
    fc.record({ type: fc.constantFrom('ping', 'activated.set'), at }),
    fc.record({ type: fc.constant('pingIntervals.set'), pingInterval: at, pingDeathInterval: at }),
  ) as fc.Arbitrary<RepresentationEvent>;

  const property = (check: (before: RepresentationRecord, event: RepresentationEvent) => void) =>
    fc.assert(
      fc.property(fc.array(event, { maxLength: 60, size: 'max' }), (sequence) => {
        let record = newRecord();
        for (const next of sequence) {
          check(record, next);
          if (accepts(record, next)) record = afterEvent(record, next);
        }
      }),
      { numRuns: 300 },
    );

  it('it has an activation instant exactly while it is activated', () => {
    property((before, next) => {
      const record = accepts(before, next) ? afterEvent(before, next) : before;

      expect(record.activated !== null).toBe(record.state === 'activated');
    });
  });

  it('a late ping never makes it look older', () => {
    property((before, next) => {
      if (next.type === 'ping')
        expect(afterEvent(before, next).lastPing ?? 0).toBeGreaterThanOrEqual(before.lastPing ?? 0);
    });
  });

  it('activation, deactivation and its end clean its agents first, reactivation does not (DR-2, DR-4 to DR-6)', () => {
    property((before, next) => {
      if (!accepts(before, next)) return;
      const effects = stepRepresentation(before, next).effects.map(({ type }) => type);
      const cleans = /\.(activate|deactivate|unregister)$/.test(next.type);

      expect(effects.includes('cleanAgents')).toBe(cleans);
      if (cleans) expect(effects.at(-1)).toMatch(/^announce(Activation|Deactivation|Unregistration)$/);
    });
  });

  it('a refused event changes nothing and says where it was refused', () => {
    property((before, next) => {
      if (accepts(before, next)) return;

      expect(() => stepRepresentation(before, next)).toThrow(BadStatusError);
      expect(() => stepRepresentation(before, next)).toThrow(`got status ${before.state}, which refuses it`);
    });
  });
});
