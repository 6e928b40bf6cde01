import { describe, expect, it } from 'vitest';
import { actorMachine } from '../../machines/actor.machine.ts';
import { agentMachine } from '../../machines/agent.machine.ts';
import { describeMachine } from '../../machines/describe.ts';
import { dispatcherMachine } from '../../machines/dispatcher.machine.ts';
import { jobMachine } from '../../machines/job.machine.ts';
import { representationMachine } from '../../machines/representation.machine.ts';
import { scheduleMachine } from '../../machines/schedule.machine.ts';
import { supervisorMachine } from '../../machines/supervisor.machine.ts';
import { takingsOf } from './altered.ts';

const machines = [
  jobMachine,
  representationMachine,
  scheduleMachine,
  actorMachine,
  agentMachine,
  dispatcherMachine,
  supervisorMachine,
];

describe('A chart as data', () => {
  it('has the states in their order, those inside a state behind it', () => {
    const { id, version, initial, nodes } = describeMachine(jobMachine);

    expect([id, version, initial]).toEqual(['job', '2', 'new']);
    expect(nodes.map(({ path }) => path)).toEqual([
      '',
      'new',
      'pending',
      'assigned',
      'active',
      'active.running',
      'active.waiting',
      'active.timingOut',
      'active.cancelling',
      'callbacks',
      'completed',
    ]);
    expect(nodes.find(({ path }) => path === 'active.running')).toEqual({
      key: 'running',
      path: 'active.running',
      parent: 'active',
      initial: null,
      entry: ['callHandler'],
      exit: [],
    });
    expect(nodes.find(({ path }) => path === 'active')).toMatchObject({
      parent: '',
      initial: 'active.running',
    });
  });

  it('has a transition with its guard, its target and its actions', () => {
    const { edges } = describeMachine(jobMachine);

    expect(edges.find(({ event }) => event === 'job.reschedule')).toEqual({
      source: 'active.running',
      event: 'job.reschedule',
      guard: 'not isCallback',
      target: 'pending',
      actions: ['rejoinQueue'],
      targetless: false,
    });
    expect(edges.find(({ event }) => event === 'retryPolicy.set')).toEqual({
      source: '',
      event: 'retryPolicy.set',
      guard: null,
      target: null,
      actions: ['setRetryPolicy'],
      targetless: true,
    });
  });

  it.each(machines)('of $id has every place that takes an event', (machine) => {
    const places = describeMachine(machine).edges.map(({ source, event }) => `${source} ${event}`);

    expect([...new Set(places)].sort()).toEqual(
      takingsOf(machine)
        .map(([path, event]) => `${path} ${event}`)
        .sort(),
    );
  });
});
