import { defineMachine } from 'signalbox';
import { createTestBox, VirtualReactor } from 'signalbox/testing';
import { describe, expect, it } from 'vitest';
import { setup } from 'xstate';
import { jobChart, representationChart, scheduleChart } from '../../src/model/jobs/machine-version.ts';
import { chartsOf, ownCharts } from '../../src/reading/coverage/charts.ts';
import { compareCoverage, newestCharts } from '../../src/reading/coverage/compare/compare-coverage.ts';
import type { CoverageChart } from '../../src/reading/coverage/compare/coverage-chart.ts';
import { coverageIn, coverageText } from '../../src/reading/coverage/compare/coverage-file.ts';
import { TakenWays } from '../../src/reading/coverage/compare/taken-ways.ts';
import { journalCoverage } from '../../src/reading/coverage/journal-coverage.ts';

const machine = setup({
  types: { events: {} as { type: string } },
  guards: { isSmall: () => true, isOdd: () => true },
}).createMachine({
  id: 'order',
  version: '1',
  initial: 'approval',
  on: { cancel: '.over' },
  states: {
    approval: {
      on: {
        approve: [{ guard: 'isSmall', target: 'paying' }, { target: 'review' }],
        change: {},
        'note.*': { reenter: false },
        'note.urgent': { target: 'review' },
      },
      after: { 1000: { target: 'approval', reenter: true } },
    },
    review: { on: { approve: 'paying', cancel: { guard: 'isOdd', target: 'approval' } } },
    paying: { always: { guard: 'isSmall', target: 'sending' } },
    sending: {
      type: 'parallel',
      states: {
        goods: {
          initial: 'moving',
          states: { moving: { on: { ready: 'there' } }, there: { type: 'final' } },
        },
        papers: {
          initial: 'writing',
          states: { writing: { on: { ready: 'sent', print: 'sent' } }, sent: { type: 'final' } },
        },
      },
      onDone: 'over',
    },
    over: { type: 'final' },
  },
});
const order = defineMachine(machine);
const [orderChart] = chartsOf([order]) as [CoverageChart];

/** The ways that a row takes, each as `source event → targets`. */
function ways(from: string, event: string, to: string, chart = orderChart): readonly string[] {
  const taken = new TakenWays(chart).of({ machine: chart.machine, version: chart.version, from, event, to });
  return chart.states.flatMap((state) =>
    state.ways
      .filter((way) => taken.includes(way))
      .map((way) => `${state.path} ${way.event} → ${way.targets.join(' + ')}`),
  );
}

const both = (goods: string, papers: string) => `sending.goods.${goods}|sending.papers.${papers}`;

describe('A row takes', () => {
  it.each([
    [
      'the way whose target is where it is after',
      'approval',
      'approve',
      'review',
      ['approval approve → review'],
    ],
    ['a way that changes no state', 'approval', 'change', 'approval', ['approval change → ']],
    [
      'a way back to the same state',
      'approval',
      'xstate.after.1000.order.approval',
      'approval',
      ['approval xstate.after.1000.order.approval → approval'],
    ],
    ['a way of the chart itself', 'approval', 'cancel', 'over', [' cancel → over']],
    [
      'the way of a state around it, where a guard refused its own',
      'review',
      'cancel',
      'over',
      [' cancel → over'],
    ],
    [
      'its own way before that of a state around it',
      'review',
      'cancel',
      'approval',
      ['review cancel → approval'],
    ],
    [
      'a closer description before a wildcard',
      'approval',
      'note.urgent',
      'review',
      ['approval note.urgent → review'],
    ],
    ['a wildcard', 'approval', 'note.later', 'approval', ['approval note.* → ']],
    [
      'each way without an event on its route',
      'approval',
      'approve',
      both('moving', 'writing'),
      ['approval approve → paying', 'paying  → sending'],
    ],
    [
      'the way of one region',
      both('moving', 'writing'),
      'print',
      both('moving', 'sent'),
      ['sending.papers.writing print → sending.papers.sent'],
    ],
    [
      'the ways of both regions, and that of the end of both',
      both('moving', 'writing'),
      'ready',
      'over',
      [
        'sending xstate.done.state.order.sending → over',
        'sending.goods.moving ready → sending.goods.there',
        'sending.papers.writing ready → sending.papers.sent',
      ],
    ],
    ['nothing, when it changes nothing and no way does', 'review', 'approve', 'review', []],
    [
      'all that fit the event, when none leads there',
      'review',
      'approve',
      'approval',
      ['review approve → paying'],
    ],
    ['nothing, when the chart has no such event', 'review', 'ship', 'over', []],
    ['nothing, when it was in a state that the chart does not have', 'gone', 'approve', 'paying', []],
    ['no way by its start', '', 'signalbox.start', 'approval', []],
  ])('%s', (_, from, event, to, expected) => {
    expect(ways(from, event, to)).toEqual(expected);
  });

  it('the ways without an event that follow a start', () => {
    const begun = defineMachine(
      setup({ guards: { isNew: () => true } }).createMachine({
        id: 'begun',
        version: '1',
        type: 'parallel',
        states: {
          goods: {
            initial: 'asking',
            states: {
              asking: { always: [{ guard: 'isNew', target: 'fresh' }, { target: 'stale' }] },
              fresh: {},
              stale: {},
            },
          },
          papers: { initial: 'writing', states: { writing: {} } },
        },
      }),
    );
    const [chart] = chartsOf([begun]) as [CoverageChart];
    const start = 'signalbox.start';
    expect(ways('', start, 'goods.fresh|papers.writing', chart)).toEqual(['goods.asking  → goods.fresh']);
    expect(ways('', start, 'goods.asking|papers.writing', chart)).toEqual([]);
    const row = {
      machine: 'begun',
      version: '1',
      from: '',
      event: start,
      to: 'goods.fresh|papers.writing',
      count: 2,
    };
    const [covered] = compareCoverage({ charts: [chart], tests: [row], production: [], dwell: [] });
    expect(covered?.verdicts).toEqual({ untaken: 1, tested: 1, untested: 0 });
    expect(covered?.rows).toEqual([]);
  });

  it('exactly one way of a chart of the engine, whichever edge of it was compiled', () => {
    const odd = [jobChart, representationChart, scheduleChart].flatMap((compiled, at) =>
      compiled
        .edges()
        .filter(({ from, event, to }) => ways(from, event, to, ownCharts[at]).length !== 1)
        .map(({ from, event, to }) => `${from} ${event} ${to}`),
    );

    expect(odd).toEqual([]);
  });
});

describe('Compared with production', () => {
  const row = (from: string, event: string, to: string, count: number, version = '1', name = 'order') => ({
    ...{ machine: name, version, from, event, to },
    count,
  });

  it('a way is untaken, tested, or taken in production alone', () => {
    const [compared] = compareCoverage({
      charts: [orderChart],
      tests: [row('', 'signalbox.start', 'approval', 9), row('approval', 'change', 'approval', 2)],
      production: [
        row('approval', 'change', 'approval', 5),
        row('approval', 'approve', 'review', 7),
        row('approval', 'approve', 'review', 1, '0'),
        row('approval', 'sell', 'sold', 3, '0'),
      ],
      dwell: [{ machine: 'order', path: 'approval', count: 13, p50: 10, p95: 20 }],
    });

    const taken = compared?.states.flatMap((state) =>
      state.ways.filter(({ verdict }) => verdict !== 'untaken'),
    );
    expect(taken).toEqual([
      {
        source: 'approval',
        event: 'approve',
        guard: null,
        targets: ['review'],
        tests: 0,
        production: 8,
        verdict: 'untested',
      },
      {
        source: 'approval',
        event: 'change',
        guard: null,
        targets: [],
        tests: 2,
        production: 5,
        verdict: 'tested',
      },
    ]);
    expect(compared?.states[1]?.dwell).toEqual({ count: 13, p50: 10, p95: 20 });
    expect(compared?.rows).toEqual([
      {
        version: '0',
        from: 'approval',
        event: 'sell',
        to: 'sold',
        tests: 0,
        production: 3,
        verdict: 'untested',
      },
    ]);
    // A row of an older version is no way of today: it is listed, and not judged.
    expect(compared?.verdicts).toEqual({ untaken: 12, tested: 1, untested: 1 });
  });

  it('a machine whose chart is not known is judged by its rows', () => {
    const [compared] = compareCoverage({
      charts: [],
      tests: [row('a', 'go', 'b', 1)],
      production: [row('a', 'go', 'b', 4), row('b', 'go', 'a', 2)],
      dwell: [],
    });

    expect(compared).toMatchObject({
      machine: 'order',
      version: null,
      verdicts: { untaken: 0, tested: 1, untested: 1 },
    });
    expect(compared?.rows.map(({ from, verdict }) => [from, verdict])).toEqual([
      ['a', 'tested'],
      ['b', 'untested'],
    ]);
  });

  it('commands of the engine move an actor and not its machine, so no test has to take them', () => {
    const [compared] = compareCoverage({
      charts: [orderChart],
      tests: [],
      production: [row('approval', 'signalbox.suspend', 'approval', 2)],
      dwell: [],
    });

    expect([compared?.rows, compared?.verdicts.untested]).toEqual([[], 0]);
  });

  it('the newest chart of a machine counts', () => {
    const of = (version: string) => ({ machine: 'order', version, states: [] });

    expect(newestCharts([of('9'), of('10'), of('2')])).toEqual([of('10')]);
  });
});

describe('A journal', () => {
  it('has the rows of its machines, and how long stays lasted', async () => {
    const reactor = new VirtualReactor();
    const { box, tearDown } = await createTestBox({ machines: [order], reactor });
    const start = reactor.now();
    for (const key of ['a', 'b']) {
      const actor = await box.actor(order, key).start();
      await reactor.advance(300);
      await actor.send({ type: 'approve' });
      await actor.send({ type: 'ready' });
    }

    const { rows, dwell, entries } = await journalCoverage(box.store);

    expect(reactor.now() - start).toBe(600);
    expect(rows.filter(({ machine: name }) => name === 'order')).toEqual([
      { machine: 'order', version: '1', from: '', event: 'signalbox.start', to: 'approval', count: 2 },
      {
        machine: 'order',
        version: '1',
        from: 'approval',
        event: 'approve',
        to: both('moving', 'writing'),
        count: 2,
      },
      {
        machine: 'order',
        version: '1',
        from: both('moving', 'writing'),
        event: 'ready',
        to: 'over',
        count: 2,
      },
    ]);
    expect(dwell.find(({ path }) => path === 'approval')).toEqual({
      machine: 'order',
      path: 'approval',
      count: 2,
      p50: 300,
      p95: 300,
    });
    expect(dwell.map(({ path }) => path)).toContain('sending.goods');
    expect(entries).toBeGreaterThanOrEqual(6);
    await tearDown();
  });
});

describe('A file of tests', () => {
  const rows = [{ machine: 'job', version: '2', from: 'new', event: 'job.put', to: 'pending', count: 3 }];

  it('is read as it was written', () => {
    const written = coverageText({ rows, machines: [orderChart] });

    expect(coverageIn(JSON.parse(written))).toEqual({ rows, machines: [orderChart] });
  });

  it.each([
    [null, 'is no file of collectCoverage'],
    [{ format: 'lcov' }, 'is no file of collectCoverage'],
    [{ format: 'signalbox-coverage', v: 2 }, 'has version 2 of the format'],
    [
      { format: 'signalbox-coverage', v: 1, rows: [['job', '2', 'new', 'job.put', 'pending']], machines: [] },
      'has rows that are none',
    ],
    [
      {
        format: 'signalbox-coverage',
        v: 1,
        rows: [['job', '2', 'new', 'job.put', 'pending', -1]],
        machines: [],
      },
      'has rows that are none',
    ],
    [
      {
        format: 'signalbox-coverage',
        v: 1,
        rows: [],
        machines: [{ machine: 'order', version: '1', states: [{}] }],
      },
      'has machines that are none',
    ],
  ])('is refused where it is another one: %j', (content, why) => {
    expect(coverageIn(content)).toContain(why);
  });
});
