import fc from 'fast-check';
import { SignalboxError } from 'signalbox';
import { type BoxCommand, boxCommands } from 'signalbox/testing/fast-check';
import { describe, expect, it } from 'vitest';
import { lineOf } from '../../../src/testing/fast-check/command.ts';

describe('A command', () => {
  it.each<[BoxCommand, string]>([
    [{ do: 'put', job: 'pay', args: ['17', 4200] }, 'put pay("17", 4200)'],
    [{ do: 'put', job: 'pay', args: [], after: '1m' }, 'put pay() to begin after 1m'],
    [{ do: 'send', actor: 'order/17', event: { type: 'approve' } }, 'send order/17 approve'],
    [{ do: 'ask', actor: 'order/17', event: { type: 'add', by: 4 } }, 'ask order/17 add {"by":4}'],
    [{ do: 'advance', by: '1h' }, 'advance 1h'],
    [{ do: 'advance', by: 250 }, 'advance 250 ms'],
    [{ do: 'pull', job: 1 }, 'pull the last job'],
    [{ do: 'cancel', job: 3 }, 'cancel the third last job'],
    [{ do: 'cancel', job: 7 }, 'cancel the 7th last job'],
    [{ do: 'kill', at: null }, 'kill'],
    [{ do: 'power cut', at: 'job.finish' }, 'power cut at the next job.finish'],
    [{ do: 'lose an answer', at: 'approve' }, 'lose an answer at the next approve'],
    [{ do: 'fail the next call' }, 'fail the next call'],
  ])('%j is one line', (command, line) => {
    expect(lineOf(command)).toBe(line);
  });
});

describe('boxCommands', () => {
  const stories = boxCommands({
    jobs: { pay: [['17'], ['18']], mail: fc.tuple(fc.nat({ max: 9 })) },
    machines: { order: ['a', 'b'] },
    events: { order: [{ type: 'approve' }] },
    advance: ['5s'],
    maxCommands: 30,
  });

  it('makes commands of all kinds, of what it is given', () => {
    const lines = new Set(fc.sample(stories, { seed: 1, numRuns: 300 }).flat().map(lineOf));

    for (const line of [
      'put pay("17")',
      'put pay("18")',
      'put mail(9)',
      'put pay("17") to begin after 5s',
      'send order/a approve',
      'ask order/b approve',
      'advance 5s',
      'pull the last job',
      'cancel the second last job',
      'kill',
      'power cut at the next job.finish',
      'power cut at the next job.claim',
      'lose an answer at the next job.put',
      'kill at the next signalbox.start',
      'kill at the next approve',
      'fail the next call',
    ])
      expect(lines).toContain(line);
    expect(lines).not.toContain('advance 1m');
  });

  it('makes none of jobs where there are none', () => {
    const commands = fc.sample(
      boxCommands({ machines: { order: ['a'] }, events: { order: [{ type: 'go' }] } }),
      {
        seed: 1,
        numRuns: 100,
      },
    );

    expect(new Set(commands.flat().map((command) => command.do))).toEqual(
      new Set(['send', 'ask', 'advance', 'kill', 'power cut', 'lose an answer']),
    );
  });

  it('makes plain data, which prints as its line', () => {
    const [command] = fc.sample(stories, { seed: 1, numRuns: 50 }).flat();

    expect(structuredClone({ ...command })).toEqual(command);
    expect(fc.stringify([command])).toBe(`[${lineOf(command as BoxCommand)}]`);
  });

  it.each([
    [{}, /`jobs` to be jobs by name, unless `machines` has some, got none/],
    [{ jobs: {} }, /`jobs` to be jobs by name/],
    [{ jobs: { pay: [] } }, /`jobs.pay` to be a list with something in it, got an empty one/],
    [{ jobs: { pay: 'all' } }, /`jobs.pay` to be a list, or an arbitrary of fast-check, got all/],
    [{ machines: { order: ['a'] } }, /`events.order` to be a list with something in it/],
    [
      { machines: { order: [] }, events: { order: [{ type: 'go' }] } },
      /`machines.order` to be a list with something/,
    ],
    [
      { jobs: { pay: [[]] }, events: { order: [] } },
      /`events.order` to be absent: `machines` has no "order"/,
    ],
    [{ jobs: { pay: [[]] }, advance: ['soon'] }, /soon/],
    [{ jobs: { pay: [[]] }, maxCommands: 0 }, /`maxCommands` to be a whole number from 1 up, got 0/],
    [{ jobs: { pay: [[]] }, commands: 3 }, /`commands` to be absent/],
  ])('refuses %j', (options, message) => {
    expect(() => boxCommands(options as never)).toThrow(SignalboxError);
    expect(() => boxCommands(options as never)).toThrow(message);
  });
});
