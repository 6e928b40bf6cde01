import fc from 'fast-check';
import { defineJob, defineMachine, local, NeverRetry, SignalboxError } from 'signalbox';
import {
  type BoxCommand,
  boxCommands,
  runCommands,
  StoryError,
  type StoryReport,
} from 'signalbox/testing/fast-check';
import { describe, expect, it } from 'vitest';
import { assign, fromTransition, setup } from 'xstate';
import { lineOf } from '../../../src/testing/fast-check/command.ts';

const put = (job: string, ...args: readonly unknown[]): BoxCommand => ({ do: 'put', job, args });
const putLater = (after: string, job: string): BoxCommand => ({ do: 'put', job, args: [], after });
const send = (actor: string, type: string): BoxCommand => ({ do: 'send', actor, event: { type } });
const ask = (actor: string, type: string): BoxCommand => ({ do: 'ask', actor, event: { type } });
const advance = (by: string): BoxCommand => ({ do: 'advance', by });

describe('A story of jobs', () => {
  const sleep = defineJob({ name: 'sleep', run: (minutes: number) => local.sleep(minutes * 60_000) });
  const once = defineJob({ name: 'once', retry: NeverRetry, run: () => local.sleep('10s') });
  const scenario = () => ({ jobs: [sleep, once] });

  it.each<[string, readonly BoxCommand[], readonly string[], processes?: number]>([
    ['ends when its jobs have', [put('sleep', 2)], ['sleep COMPLETED succeeded 1']],
    [
      'kills the process at once',
      [put('sleep', 1), advance('30s'), { do: 'kill', at: null }],
      ['sleep COMPLETED succeeded 2'],
      2,
    ],
    [
      'kills the process when a commit is written',
      [{ do: 'kill', at: 'job.start' }, put('once')],
      ['once COMPLETED aborted 1'],
      2,
    ],
    [
      'cuts the power before a claim is synced',
      [{ do: 'power cut', at: 'job.claim' }, put('once')],
      ['once COMPLETED succeeded 1'],
      2,
    ],
    [
      'loses the answer to a put, which is put again',
      [{ do: 'lose an answer', at: 'job.put' }, put('sleep', 1)],
      ['sleep COMPLETED succeeded 1'],
      2,
    ],
    ['lets code throw', [{ do: 'fail the next call' }, put('once')], ['once COMPLETED failed 1']],
    [
      'cancels the job that was put before the last one',
      [put('sleep', 3), put('sleep', 1), advance('30s'), { do: 'cancel', job: 2 }],
      ['sleep COMPLETED cancelled 1', 'sleep COMPLETED succeeded 1'],
    ],
    [
      'takes a job out that waits for room',
      [put('sleep', 1), put('sleep', 1), put('sleep', 9), { do: 'pull', job: 1 }],
      ['sleep COMPLETED succeeded 1', 'sleep COMPLETED succeeded 1', 'sleep NEW null 0'],
    ],
    [
      'takes a job out that begins later',
      [putLater('20m', 'once'), advance('1m'), { do: 'pull', job: 1 }],
      ['once NEW null 0'],
    ],
    [
      'takes no job out that runs',
      [put('sleep', 1), advance('30s'), { do: 'pull', job: 1 }],
      ['sleep COMPLETED succeeded 1'],
    ],
    [
      'goes on without a job to cancel',
      [{ do: 'cancel', job: 1 }, put('once')],
      ['once COMPLETED succeeded 1'],
    ],
  ])('%s', async (_what, commands, jobs, processes = 1) => {
    const report = await runCommands(scenario, commands);

    expect(jobsOf(report)).toEqual(jobs);
    expect(processesOf(report)).toBe(processes);
  });

  it('lets time pass between its commands, and before a job that begins later', async () => {
    const { entries } = await runCommands(scenario, [put('once'), advance('2m'), putLater('3m', 'once')]);
    const at = (event: string): number[] =>
      entries.filter((entry) => entry.event === event).map((entry) => entry.at);

    const [[first = 0, second = 0], [, claimed = 0]] = [at('job.put'), at('job.claim')];

    expect(second - first).toBeGreaterThanOrEqual(120_000);
    expect(claimed - second).toBeGreaterThanOrEqual(180_000);
  });

  it('has its journal in its report, the same each time', async () => {
    const commands = [{ do: 'power cut', at: 'job.claim' }, put('sleep', 1), put('once')] as const;

    const [one, other] = [await runCommands(scenario, commands), await runCommands(scenario, commands)];

    expect(one.hash).toBe(other.hash);
    expect(one.entries.map(({ seq }) => seq)).toEqual(one.entries.map((_entry, index) => index + 1));
    expect(one.entries.map(({ event }) => event)).toContain('job.put');
    expect(one.commands).toBe(commands);
  });
});

describe('A story of actors', () => {
  it.each<[string, readonly BoxCommand[], readonly string[]]>([
    [
      'starts an actor with its input when it is first told something',
      [send('door/a', 'open')],
      ['door/a active open'],
    ],
    [
      'tells an actor what it ignores',
      [send('door/a', 'close'), ask('door/a', 'close')],
      ['door/a active closed'],
    ],
    ['lets its timers fire', [send('door/a', 'open'), advance('11m')], ['door/a active closed']],
    [
      'goes on after a kill',
      [{ do: 'kill', at: 'open' }, send('door/a', 'open'), ask('door/a', 'lock')],
      ['door/a done locked'],
    ],
    [
      'asks what has ended',
      [send('door/a', 'lock'), ask('door/a', 'open'), send('door/b', 'open')],
      ['door/a done locked', 'door/b active open'],
    ],
  ])('%s', async (_what, commands, actors) => {
    const scenario = () => ({ machines: [door], inputs: { door: (key: string) => key } });

    const report = await runCommands(scenario, commands, { within: '1m' });

    expect(processesOf(report)).toBe(commands.some((command) => command.do === 'kill') ? 2 : 1);
    expect(report.actors.map(({ id, status, state }) => `${id} ${status} ${state}`)).toEqual(actors);
    expect(report.entries.find(({ event }) => event === 'signalbox.start')?.patch?.['c:key']).toBe('a');
  });
});

describe('A seeded bug is found, and its story is short:', () => {
  /** Charges without looking whether this order was charged: after a crash its code is called again. */
  const charging = () => {
    const charges: (string | null | undefined)[] = [];
    const pay = defineJob({ name: 'pay', run: () => void charges.push(local.getJob()?.id) });
    return {
      jobs: [pay],
      invariant: () => {
        if (new Set(charges).size < charges.length) throw new Error('charged twice');
      },
    };
  };

  it('a job without idempotency', async () => {
    const { story, error } = await shortest(
      charging,
      boxCommands({ jobs: { pay: [[]] }, advance: ['1s'] }),
      5,
    );

    expect(story).toEqual(['put pay()', 'power cut at the next job.finish']);
    expect(error.message).toBe(
      [
        'Expected the story to go as its model says, got 1 difference:',
        '  invariant: charged twice',
        'The story:',
        '  put pay()',
        '  power cut at the next job.finish',
        'Tell it again, with the same trace: runCommands(scenario, error.report.commands).',
      ].join('\n'),
    );
    expect(error.report.entries.filter(({ event }) => event === 'job.finish')).toHaveLength(1);
    await expect(runCommands(charging, error.report.commands)).rejects.toThrow('charged twice');
  });

  it('a machine that keeps its state in memory', async () => {
    const remembering = () => {
      let sum = 0;
      const counter = defineMachine(
        fromTransition((_sum: number, _event: { type: 'add' }) => {
          sum += 1;
          return sum;
        }, 0),
        { name: 'counter' },
      );
      return { machines: [counter] };
    };
    const stories = boxCommands({
      machines: { counter: ['a', 'b'] },
      events: { counter: [{ type: 'add' }] },
    });

    const { story, error } = await shortest(remembering, stories, 1);

    expect(story).toEqual(['send counter/a add']);
    expect(error.report.violations[0]).toMatch(/^actor counter\/a add: has c: 1, and its machine gives \d$/);
  });

  it('a promise that `check` looks at when all is over', async () => {
    const scenario = () => {
      const calls: string[] = [];
      const work = defineJob({ name: 'work', retry: NeverRetry, run: () => void calls.push('called') });
      return {
        jobs: [work],
        check: () => {
          if (calls.length !== 2) throw new Error(`${calls.length} calls`);
        },
      };
    };

    await expect(runCommands(scenario, [put('work')])).rejects.toThrow('check: 1 calls');
    await expect(runCommands(scenario, [put('work'), put('work')])).resolves.toMatchObject({
      violations: [],
    });
  });
});

describe('runCommands refuses, before anything is done,', () => {
  const calls: string[] = [];
  const work = defineJob({ name: 'work', run: () => void calls.push('called') });
  const scenario = () => ({ jobs: [work], machines: [door] });

  it.each<[string, readonly unknown[], RegExp]>([
    [
      'a job that the scenario does not have',
      [put('work'), put('wrok')],
      /puts of jobs of the scenario: work, got wrok/,
    ],
    [
      'a machine that it does not have',
      [send('gate/a', 'open')],
      /events for machines of the scenario: door, got gate\/a/,
    ],
    [
      'an event that no state takes',
      [put('work'), send('door/a', 'opne')],
      /events of machine "door": .*open.*, got opne/,
    ],
    ['nothing', [null], /commands as `boxCommands` makes them, got null/],
    [
      'a put without arguments',
      [{ do: 'put', job: 'work' }],
      /a list of arguments for "work", got undefined/,
    ],
    ['an event without a type', [{ do: 'send', actor: 'door/a' }], /events with a type, got undefined/],
    ['an event for nobody', [{ do: 'ask', event: { type: 'open' } }], /events for machines .*got undefined/],
    ['a time that is none', [advance('soon')], /soon/],
    [
      'a job before the last one',
      [{ do: 'pull', job: 0 }],
      /`commands.pull` to be a whole number from 1 up, got 0/,
    ],
    [
      'a kill at a number',
      [{ do: 'kill', at: 3 }],
      /`commands.kill` to be at an event, such as `job.finish`, got 3/,
    ],
    [
      'a lost answer now',
      [{ do: 'lose an answer', at: null }],
      /at an event, such as `job.finish`, got null/,
    ],
    [
      'a command that it does not know',
      [put('work'), { do: 'wait' }],
      /commands as `boxCommands` makes them, got {"do":"wait"}/,
    ],
  ])('%s', async (_what, commands, message) => {
    const told = runCommands(scenario, commands as readonly BoxCommand[]);

    await expect(told).rejects.toThrow(SignalboxError);
    await expect(told).rejects.toThrow(message);
    expect(calls).toEqual([]);
  });

  it('options and scenarios that are none', async () => {
    await expect(runCommands(scenario, [], { seed: 1 } as never)).rejects.toThrow(/`seed` to be absent/);
    await expect(runCommands({} as never, [])).rejects.toThrow(/`scenario` to be a function/);
    await expect(runCommands((() => null) as never, [])).rejects.toThrow(/`scenario` to be an object/);
    await expect(runCommands(scenario, 'put' as never)).rejects.toThrow(
      /`commands` to be a list of commands, got put/,
    );
  });
});

const door = defineMachine(
  setup({
    types: {
      input: {} as string,
      context: {} as { key: string; times: number },
      events: {} as { type: 'open' } | { type: 'close' } | { type: 'lock' },
    },
    actions: { count: assign({ times: ({ context }) => context.times + 1 }) },
  }).createMachine({
    id: 'door',
    version: '1',
    context: ({ input }) => ({ key: input, times: 0 }),
    initial: 'closed',
    on: { lock: { target: '.locked' } },
    states: {
      closed: { on: { open: { target: 'open', actions: 'count' } } },
      open: { on: { close: { target: 'closed' } }, after: { 600000: { target: 'closed' } } },
      locked: { type: 'final' },
    },
  }),
);

function jobsOf({ jobs }: StoryReport): string[] {
  return jobs
    .filter(({ name }) => !name.startsWith('signalbox.'))
    .map(({ name, status, ending, attempts }) => `${name} ${status} ${ending} ${attempts}`);
}

/** How many processes it took. */
function processesOf({ trace }: StoryReport): number {
  return trace.filter((line) => / starts as /.test(line)).length;
}

/** What fast-check makes of the first story that fails. */
async function shortest(
  scenario: Parameters<typeof runCommands>[0],
  stories: fc.Arbitrary<readonly BoxCommand[]>,
  seed: number,
): Promise<{ readonly story: readonly string[]; readonly error: StoryError }> {
  const told = fc.asyncProperty(stories, async (commands) => void (await runCommands(scenario, commands)));
  const { counterexample, errorInstance } = await fc.check(told, { seed });
  expect(errorInstance).toBeInstanceOf(StoryError);
  return { story: (counterexample?.[0] ?? []).map(lineOf), error: errorInstance as StoryError };
}
