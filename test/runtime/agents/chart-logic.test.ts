import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createActor, setup } from 'xstate';
import { type AgentEvent, agentMachine } from '../../../machines/agent.machine.ts';
import { chartLogic } from '../../../src/runtime/agents/chart-logic.ts';

const count = fc.integer({ min: 0, max: 4 });
const event: fc.Arbitrary<AgentEvent> = fc.oneof(
  fc.constantFrom<AgentEvent>(
    { type: 'work.available' },
    { type: 'claim.due' },
    { type: 'agent.drain' },
    { type: 'agent.resume' },
  ),
  count.map((held): AgentEvent => ({ type: 'claim.done', held })),
  count.map((held): AgentEvent => ({ type: 'slots.freed', held })),
  count.map((size): AgentEvent => ({ type: 'agent.resized', size })),
);

describe('an actor on the step table of its chart', () => {
  it('goes the way of the machine: the same states, data and effects after each event', () => {
    const seen = new Set<string>();

    fc.assert(
      fc.property(count, fc.array(event, { maxLength: 60, size: 'max' }), (size, events) => {
        const claims = { machine: [] as null[], table: [] as null[] };
        const provided = agentMachine.provide({ actions: { claim: () => claims.machine.push(null) } });
        const machine = createActor(provided, { input: { size } }).start();
        const logic = chartLogic(agentMachine, { claim: () => claims.table.push(null) });
        const table = createActor(logic, { input: { size } }).start();
        for (const each of [null, ...events]) {
          if (each !== null) {
            machine.send(each);
            table.send(each);
          }
          const { status, value, context } = machine.getSnapshot();
          expect(table.getSnapshot()).toEqual({
            status,
            value,
            context,
            output: undefined,
            error: undefined,
          });
          expect(claims.table.length).toBe(claims.machine.length);
          seen.add(value);
        }
      }),
      { numRuns: 1000 },
    );
    expect([...seen].sort()).toEqual(Object.keys(agentMachine.states).sort());
  });

  it('carries out an effect once the step is made, and takes what that sends after it', () => {
    const states: unknown[] = [];
    const actor = createActor(
      chartLogic(agentMachine, {
        claim: () => {
          states.push(actor.getSnapshot().value);
          actor.send({ type: 'claim.done', held: 0 });
          states.push(actor.getSnapshot().value);
        },
      }),
      { input: { size: 1 } },
    ).start();

    actor.send({ type: 'work.available' });

    expect([...states, actor.getSnapshot().value]).toEqual(['claiming', 'claiming', 'idle']);
  });

  it('tells observers of every event, also of one that changes nothing', () => {
    const actor = createActor(chartLogic(agentMachine, { claim: () => {} }), { input: { size: 1 } }).start();
    const told: unknown[] = [];
    actor.subscribe(({ value }) => told.push(value));

    for (const type of ['agent.resume', 'work.available'] as const) actor.send({ type });

    expect(told).toEqual(['idle', 'claiming']);
  });

  it('fails at an effect that nothing carries out', () => {
    const machine = setup({
      types: { events: {} as { type: 'go' } },
      actions: { call: () => {} },
    }).createMachine({
      id: 'one',
      initial: 'here',
      states: { here: { on: { go: { actions: 'call' } } } },
    });
    const actor = createActor(chartLogic(machine, {})).start();
    const errors: unknown[] = [];
    actor.subscribe({ error: (error) => errors.push(String(error)) });

    actor.send({ type: 'go' });

    expect(errors).toEqual(['Error: Nothing carries out the effect call.']);
  });
});
