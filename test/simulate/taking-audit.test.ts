import { defineMachine, type HistoryEntry } from 'signalbox';
import { expect, it } from 'vitest';
import { assign, setup } from 'xstate';
import { newActorRecord } from '../../src/model/jobs/actors/actor-step.ts';
import type { ActorRecord } from '../../src/model/records/records.ts';
import { ActorLine } from '../../src/testing/simulate/audit/actors/line.ts';
import { takingIn } from '../../src/testing/simulate/audit/actors/taking.ts';
import { Oracle } from '../../src/testing/simulate/oracle/oracle.ts';

const door = defineMachine(
  setup({ types: { context: {} as { n: number } } }).createMachine({
    id: 'door',
    version: '1',
    context: { n: 0 },
    initial: 'shut',
    states: {
      shut: { on: { open: 'ajar' } },
      ajar: { on: { push: { actions: assign({ n: ({ context }) => context.n + 1 }) } } },
    },
  }),
);
const { prepared } = door;

function doorIn(state: string, n: number): ActorRecord {
  const { name: machine, version, hash } = prepared;
  return { ...newActorRecord('door/1'), status: 'active', state, machine, version, hash, 'c:n': n };
}

function entryOf(kind: HistoryEntry['kind'], id: string, event: string, to: string): HistoryEntry {
  const place = { gone: false, q: 0, seq: 1, commit: 1, at: 1000, by: 'd', mv: '2' };
  return { ...place, kind, id, event, from: null, to, patch: {} };
}

/** What the audit finds in a commit that takes these messages, with these steps of the door. */
function findings(messages: readonly string[], steps: readonly string[]): string[] {
  const line = new ActorLine(1);
  const states = [doorIn('shut', 0), doorIn('ajar', 0), doorIn('ajar', 1), doorIn('ajar', 2)];
  line.steps.set(
    'door/1',
    steps.map((event, at) => ({
      entry: entryOf('actor', 'door/1', event, 'ajar'),
      made: null,
      before: states[at],
      after: states[at + 1],
    })),
  );
  line.ended.set(
    'door/1',
    messages.map((type, at) => ({
      entry: entryOf('message', `door/1#${at}`, 'message.taken', 'taken'),
      message: {
        kind: 'message',
        id: `door/1#${at}`,
        state: 'waiting',
        rev: 1,
        lastSeq: 1,
        fields: { actor: 'door/1', machine: 'door', event: { type }, at: 900, run: null },
      },
    })),
  );
  const facts = { oracle: new Oracle([door]), now: states[steps.length], hasPeers: false };
  return [...takingIn(line, 'door/1', facts)].map(([, problem]) => problem);
}

it('A message that its machine ignores is no problem, also before one that is alike and moves the actor', () => {
  expect(findings(['push', 'open', 'push'], ['open', 'push'])).toEqual([]);
  expect(findings(['push', 'push', 'open'], ['open'])).toEqual([]);
  expect(findings(['open', 'push', 'open', 'push'], ['open', 'push', 'push'])).toEqual([]);
});

it('A message that is taken and has not moved its actor, though its machine does not ignore it, is a problem', () => {
  const lost = (type: string) => `I26 was taken, and ${type} has moved nothing`;

  expect(findings(['open', 'push', 'push'], ['open', 'push'])).toEqual([lost('push')]);
  expect(findings(['open'], [])).toEqual([lost('open')]);
});
