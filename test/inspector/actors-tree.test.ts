import { describe, expect, it } from 'vitest';
import type { ActorsView, AgentNode, DispatcherNode, HeldJob } from '../../src/inspector/protocol/actors.ts';
import { itemsOf, openAgents, treeKey } from '../../src/inspector/ui/pages/actors/tree-items.ts';

const job = (id: string): HeldJob => ({
  id,
  name: 'work',
  state: 'active.running',
  ending: null,
  forMs: 1,
  waitingOn: null,
});
const agent = (id: string, held: number, jobs: readonly HeldJob[] | null): AgentNode => ({
  id,
  name: id,
  queue: 'q',
  state: 'working',
  record: 'at work',
  held,
  size: 100,
  failure: null,
  jobs,
});
const dispatcher = (id: string, state: string | null, agents: readonly AgentNode[]): DispatcherNode => ({
  id,
  uuid: id,
  state,
  record: state === null ? 'dead' : 'at work',
  health: null,
  lastSignAt: null,
  pollAgeMs: null,
  pollIntervalMs: null,
  polls: [],
  agents,
});
const view: ActorsView = {
  supervisor: { id: 'supervisor', state: 'running' },
  dispatchers: [
    dispatcher('d1', 'waiting', [agent('agent:a', 3, [job('1'), job('2')]), agent('agent:b', 0, null)]),
    dispatcher('d2', null, [agent('agent:c', 1, null)]),
  ],
  notLive: null,
};
const lines = (folds: ReadonlyMap<string, boolean>, chosen: string | null = null): readonly string[] =>
  itemsOf(view, folds, chosen).map(({ id, level, isOpen }) => `${level} ${id} ${isOpen}`);

describe('The tree of actors', () => {
  it('unfolds what works, and the agent that is chosen', () => {
    expect(lines(new Map(), 'agent:a')).toEqual([
      '1 supervisor true',
      '2 d1 true',
      '3 agent:a true',
      '4 job:1 null',
      '4 job:2 null',
      '4 more:agent:a null',
      '3 agent:b null',
      '2 d2 false',
    ]);
  });

  it('folds as a person does', () => {
    const folds = new Map([
      ['d1', false],
      ['d2', true],
    ]);

    expect(lines(folds, 'agent:a')).toEqual([
      '1 supervisor true',
      '2 d1 false',
      '2 d2 true',
      '3 agent:c false',
    ]);
    expect(lines(new Map([['supervisor', false]]))).toEqual(['1 supervisor false']);
  });

  it('has no top where the supervisor is not recorded', () => {
    expect(itemsOf({ ...view, supervisor: null }, new Map(), null)[0]).toMatchObject({
      id: 'd1',
      parent: null,
    });
  });

  it('asks for the jobs of agents that are unfolded', () => {
    expect(openAgents(view, new Map([['agent:c', true]]), 'agent:a')).toEqual(['agent:a', 'agent:c']);
    expect(openAgents(view, new Map([['agent:a', false]]), 'agent:a')).toEqual([]);
    expect(openAgents(null, new Map(), 'agent:a')).toEqual(['agent:a']);
  });

  const items = itemsOf(view, new Map(), 'agent:a');

  it.each([
    ['ArrowDown', 'supervisor', { focus: 'd1' }],
    ['ArrowUp', 'd1', { focus: 'supervisor' }],
    ['ArrowUp', 'supervisor', null],
    ['Home', 'job:2', { focus: 'supervisor' }],
    ['End', 'supervisor', { focus: 'd2' }],
    ['ArrowRight', 'd2', { fold: 'd2', isOpen: true }],
    ['ArrowRight', 'agent:a', { focus: 'job:1' }],
    ['ArrowRight', 'job:1', null],
    ['ArrowRight', 'agent:b', null],
    ['ArrowLeft', 'agent:a', { fold: 'agent:a', isOpen: false }],
    ['ArrowLeft', 'job:2', { focus: 'agent:a' }],
    ['ArrowLeft', 'd2', { focus: 'supervisor' }],
    ['x', 'd1', null],
    ['ArrowDown', 'gone', null],
  ] as const)('answers %s on %s', (key, focused, done) => {
    expect(treeKey(key, items, focused)).toEqual(done);
  });
});
