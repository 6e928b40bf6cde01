import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { perform } from '../../../src/model/chart/actions.ts';
import { compileWith, type Parts, parts } from '../../../src/model/chart/compile.ts';
import { initialsOf } from '../../../src/model/chart/route.ts';
import { expectSameSteps, type Walked } from './equality.ts';
import { type ChartPlan, chartPlan, machineOf, sampleEvents } from './random-chart.ts';

const charts = 2_500;
const wildcards = [...new Set(sampleEvents.map(({ type }) => type))];

function prove(plan: ChartPlan, rules: Parts): Walked {
  const machine = machineOf(plan);
  const chart = compileWith(rules, machine, { events: wildcards });
  return expectSameSteps(machine, {
    events: sampleEvents as never,
    chart: chart as never,
    limit: 12,
    sequences: 2,
    length: 10,
  });
}

describe('the proof that a compiled chart is the chart', () => {
  it(`takes the same steps as machine.transition on ${charts} random charts`, { timeout: 60_000 }, () => {
    const total = { cells: 0, steps: 0, moves: 0 };

    fc.assert(
      fc.property(chartPlan, (plan) => {
        const walked = prove(plan, parts);
        total.cells += walked.cells;
        total.steps += walked.steps;
        total.moves += walked.moves;
      }),
      { numRuns: charts, seed: 20 },
    );

    expect(total.moves).toBeGreaterThan(charts * 10);
    expect(total.steps - total.moves).toBeGreaterThan(charts);
  });
});

const mutants: Record<string, Partial<Parts>> = {
  'exit actions run from the outside in': {
    exitsOf: (leaf, domain) => [...parts.exitsOf(leaf, domain)].reverse(),
  },
  'entry actions of nested initial states are skipped': {
    entriesOf: (transition, target, domain) => {
      const nested = new Set(initialsOf(target));
      return parts.entriesOf(transition, target, domain).filter(({ node }) => !nested.has(node));
    },
  },
  'actions of `initial` are skipped': {
    entriesOf: (transition, target, domain) =>
      parts.entriesOf(transition, target, domain).map(({ node }) => ({ node, byDefault: false })),
  },
  '`not` is ignored': { guardJoins: { ...parts.guardJoins, not: (guard) => guard.test } },
  '`or` is read as `and`': { guardJoins: { ...parts.guardJoins, or: parts.guardJoins.and } },
  'the first candidate is taken without asking its guard': { choose: ([first]) => first },
  'the second assign sees the old context': {
    perform: (actions, given) => {
      const alone = actions.map((action) => perform([action], given));
      const patches = alone.flatMap(({ patch }) => (patch === null ? [] : [patch]));
      return {
        patch: patches.length === 0 ? null : Object.assign({}, ...patches),
        effects: alone.flatMap(({ effects }) => effects),
      };
    },
  },
  'wildcards come before exact events': {
    transitionsOf: (node, type) => {
      const exact = node.transitions.get(type) ?? [];
      return [...parts.transitionsOf(node, type).filter((one) => !exact.includes(one)), ...exact];
    },
  },
  'a short wildcard comes before a long one': {
    transitionsOf: (node, type) => {
      const exact = node.transitions.get(type) ?? [];
      return [...exact, ...parts.transitionsOf(node, type).slice(exact.length).reverse()];
    },
  },
  'a transition without target leaves and enters its state': {
    routeOf: (leaf, transition, rules) => {
      if (transition.target !== undefined) return parts.routeOf(leaf, transition, rules);
      return { to: leaf, exits: [leaf], entries: [{ node: leaf, byDefault: true }] };
    },
  },
  'transitions of parent states are not inherited': { lineOf: (node) => [node] },
  'parent states are asked before their children': { lineOf: (node) => [...parts.lineOf(node)].reverse() },
  '`reenter` is ignored': {
    domainOf: (transition, target) => parts.domainOf({ ...transition, reenter: false }, target),
  },
  'every transition reenters': {
    domainOf: (transition, target) => parts.domainOf({ ...transition, reenter: true }, target),
  },
  'a target is entered without its initial state': {
    routeOf: (leaf, transition, rules) => ({
      ...parts.routeOf(leaf, transition, rules),
      to: transition.target?.[0] ?? leaf,
    }),
  },
};

describe('the proof notices when', () => {
  it.each(Object.entries(mutants))('%s', (_name, broken) => {
    const found = fc.check(
      fc.property(chartPlan, (plan) => void prove(plan, { ...parts, ...broken })),
      { numRuns: charts, seed: 20, endOnFailure: true },
    );

    expect(found.failed).toBe(true);
    expect(found.errorInstance).toHaveProperty('name', 'AssertionError');
  });
});
