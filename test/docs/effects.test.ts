import {
  actorMachine,
  agentMachine,
  deliveryMachine,
  dispatcherMachine,
  jobMachine,
  representationMachine,
  scheduleMachine,
  supervisorMachine,
} from 'signalbox/machines';
import { expect, it } from 'vitest';
import { read } from './examples.ts';

const machines = [
  actorMachine,
  agentMachine,
  deliveryMachine,
  dispatcherMachine,
  jobMachine,
  representationMachine,
  scheduleMachine,
  supervisorMachine,
];

it('docs/architecture.md names for every effect the stored state from which it is found again', () => {
  const page = read('docs/architecture.md');
  const rows = page.slice(page.indexOf('## Effects, and how they come back')).split('\n');
  // The first column of the tables names the effects.
  const listed = rows
    .filter((row) => row.startsWith('| `'))
    .flatMap((row) => [...(row.split('|')[1] ?? '').matchAll(/`(\w+)`/g)].map((match) => match[1]));

  const effects = machines.flatMap((machine) => effectsOf(machine.implementations.actions));

  expect(effects.filter((effect) => !listed.includes(effect))).toEqual([]);
  expect(effects.length).toBeGreaterThan(20);
});

/** XState's own actions, such as assigns, have a type; the runtime carries out the others. */
function effectsOf(actions: object): readonly string[] {
  return Object.entries(actions)
    .filter(([, action]) => !(typeof action === 'function' && 'type' in action))
    .map(([name]) => name);
}
