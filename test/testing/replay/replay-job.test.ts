import { defineJob, type HistoryEntry, local, memoryStore, UnrecoverableError } from 'signalbox';
import { createTestBox, type JobDeed, replay, VirtualReactor } from 'signalbox/testing';
import { describe, expect, it } from 'vitest';
import { length } from '../../actors/machines.ts';

const calls: unknown[] = [];
const pay = defineJob({
  name: 'pay',
  run: async (cents: number) => {
    calls.push([local.getJob()?.attempts ?? null, cents]);
    await local.sleep('2s');
    if (cents === 13) throw new UnrecoverableError('unlucky');
    return { receipt: `r-${cents}` };
  },
});

type Story = readonly (readonly [`+${string}`, JobDeed])[];
const thrown = { name: 'Error', message: 'declined' };

describe('A job that is led through a story', () => {
  it('runs its real code where the story lets it return', async () => {
    const run = await replay(pay, {
      args: [42],
      story: [
        ['+1h', 'claim'],
        ['+1h1s', 'return'],
      ],
    });

    expect(run).toMatchObject({
      ending: 'succeeded',
      value: { receipt: 'r-42' },
      failure: null,
      attempts: 1,
    });
    expect(run.states).toEqual(['pending', 'assigned', 'active.running', 'callbacks', 'completed']);
  });

  it('goes another way when its real code does', async () => {
    const run = await replay(pay, {
      args: [13],
      story: [
        ['+0s', 'claim'],
        ['+2s', 'return'],
      ],
    });

    expect([run.ending, run.failure?.message]).toEqual(['failed', 'unlucky']);
  });

  it.each<[string, Story, string | null, string]>([
    [
      'throws and is made again',
      [
        ['+0s', 'claim'],
        ['+3s', { throw: thrown, again: '+13s' }],
        ['+13s', 'claim'],
        ['+20s', 'return'],
      ],
      'succeeded',
      'running pending assigned running callbacks completed',
    ],
    [
      'throws and is made again at once',
      [
        ['+0s', 'claim'],
        ['+3s', { throw: thrown, again: 'at once' }],
        ['+9s', 'return'],
      ],
      'succeeded',
      'running callbacks completed',
    ],
    [
      'throws and is given up',
      [
        ['+0s', 'claim'],
        ['+3s', { throw: thrown }],
      ],
      'failed',
      'running callbacks completed',
    ],
    [
      'is killed and made again',
      [
        ['+0s', 'claim'],
        ['+3s', { kill: true, again: '+3s' }],
        ['+4s', 'claim'],
        ['+9s', 'return'],
      ],
      'succeeded',
      'running pending assigned running callbacks completed',
    ],
    [
      'is killed and given up',
      [
        ['+0s', 'claim'],
        ['+3s', { kill: true }],
      ],
      'aborted',
      'running callbacks completed',
    ],
    [
      'is handed on',
      [
        ['+0s', 'claim'],
        ['+3s', 'hand on'],
        ['+9s', 'claim'],
        ['+12s', 'return'],
      ],
      'succeeded',
      'running pending assigned running callbacks completed',
    ],
    [
      'puts itself off',
      [
        ['+0s', 'claim'],
        ['+3s', { snooze: '+1m', reason: 'later' }],
        ['+1m', 'claim'],
        ['+2m', 'return'],
      ],
      'succeeded',
      'running pending assigned running callbacks completed',
    ],
    ['is cancelled while it waits', [['+3s', { cancel: 'of no use' }]], 'cancelled', 'callbacks completed'],
    [
      'is cancelled while it runs',
      [
        ['+0s', 'claim'],
        ['+3s', { cancel: null }],
        ['+4s', 'stop'],
      ],
      'cancelled',
      'running cancelling callbacks completed',
    ],
    ['is made to fail', [['+3s', { fail: thrown }]], 'failed', 'callbacks completed'],
    ['is left running', [['+0s', 'claim']], null, 'running'],
    ['waits', [], null, ''],
  ])('that %s ends as it did', async (_name, story, ending, states) => {
    const run = await replay(pay, { args: [42], story, until: '+1h' });

    const begun = story.some(([, deed]) => deed === 'claim') ? 'pending assigned ' : 'pending ';
    expect([run.ending, run.states.join(' ').replaceAll('active.', '')]).toEqual([
      ending,
      `${begun}${states}`.trim(),
    ]);
    expect(run.refused).toEqual([]);
  });

  it('says what of the story could not happen', async () => {
    const story: Story = [
      ['+0s', 'return'],
      ['+1s', 'claim'],
      ['+2s', 'claim'],
      ['+3s', { throw: thrown }],
      ['+4s', 'return'],
      ['+5s', { cancel: null }],
      ['+6s', { fail: thrown }],
      ['+7s', 'claim'],
    ];
    const put = Date.UTC(2030, 0, 1);

    const run = await replay(pay, { args: [42], story });

    expect(run.refused).toEqual(
      [
        [0, 'pending'],
        [2, 'active.running'],
        [4, 'completed'],
        [5, 'completed'],
        [6, 'completed'],
        [7, 'completed'],
      ].map(([place, state]) => ({
        at: new Date(put + Number(place) * 1000),
        deed: story[Number(place)]?.[1],
        state,
      })),
    );
  });

  it('comes too late when no agent takes it in time', async () => {
    const run = await replay(pay, {
      args: [1],
      put: { beginBy: '1m' },
      story: [['+2m', 'claim']],
      until: '+3m',
    });

    expect(run.ending).toBe('expired');
  });

  it('calls the code of an attempt that is killed, and not of one that is made to throw', async () => {
    calls.length = 0;
    await replay(pay, {
      args: [7],
      story: [
        ['+0s', 'claim'],
        ['+1s', { throw: thrown, again: '+1s' }],
        ['+1s', 'claim'],
        ['+9s', { kill: true, again: '+9s' }],
        ['+9s', 'claim'],
        ['+20s', 'return'],
      ],
    });

    expect(calls.map((call) => (call as unknown[])[1])).toEqual([7, 7]);
  });

  it('may use other jobs and machines', async () => {
    const mailed: string[] = [];
    const mail = defineJob({ name: 'mail', run: (to: string) => void mailed.push(to) });
    const ship = defineJob({
      name: 'ship',
      run: async (to: string) => {
        await local.getQueue().put(mail(to));
        await local.actor(length, 'parcels').send({ type: 'change', by: 1 }, { start: undefined });
      },
    });

    const run = await replay(ship, {
      ...{ args: ['Ada'], jobs: [mail], machines: [length] },
      story: [
        ['+0s', 'claim'],
        ['+1s', 'return'],
      ],
      until: '+1m',
    });

    expect([run.ending, mailed]).toEqual(['succeeded', ['Ada']]);
  });

  it('has the policy of its definition decide, where it has one', async () => {
    const stubborn = defineJob({
      name: 'stubborn',
      retry: { maxAttempts: 2, delay: '1s' },
      run: () => 'done',
    });
    const story: Story = [
      ['+0s', 'claim'],
      ['+1s', { throw: thrown }],
      ['+5s', 'claim'],
      ['+6s', { throw: thrown, again: '+7s' }],
      ['+7s', 'claim'],
    ];

    const run = await replay(stubborn, { args: [], story });

    expect([run.ending, run.attempts]).toEqual(['failed', 2]);
  });

  it.each<[string, object, RegExp]>([
    ['arguments that are no list', { args: 7, story: [] }, /list of arguments/],
    ['an unknown deed', { args: [1], story: [['+0s', 'explode']] }, /'claim', 'return'/],
    ['a deed that is nothing', { args: [1], story: [['+0s', null]] }, /'claim', 'return'/],
    ['a wrong option', { args: [1], story: [], input: 1 }, /input/],
  ])('is refused %s', async (_name, given, message) => {
    await expect(replay(pay, given as never)).rejects.toThrow(message);
  });
});

/** Histories of jobs of an earlier release, which gave up after the first error. */
async function earlier(): Promise<{ readonly entries: readonly HistoryEntry[]; readonly id: string }> {
  const flaky = defineJob({
    ...{ name: 'flaky', retry: 'NeverRetry' },
    run: (n: number) => {
      if (n === 2) throw new Error('declined');
      return n;
    },
  });
  const reactor = new VirtualReactor();
  const { box, tearDown } = await createTestBox({ reactor, store: memoryStore(), jobs: [flaky], log: null });
  const [, two] = [
    await box.queue().put(flaky(1)),
    await box.queue().put(flaky(2)),
    await box.queue().put(flaky(3)),
  ];
  await reactor.advance('1m');
  const entries: HistoryEntry[] = [];
  for await (const entry of box.entries()) entries.push(entry);
  await tearDown();
  return { entries, id: two?.id ?? '' };
}

describe('Histories of jobs that are held against a version', () => {
  it('show nothing where its code and its policy go the same way', async () => {
    const { entries } = await earlier();
    const same = defineJob({ name: 'flaky', retry: 'NeverRetry', run: (n: number) => n });

    expect(await replay(same, entries)).toMatchObject({
      histories: 3,
      steps: 15,
      skipped: 0,
      divergences: [],
    });
  });

  it('name the first entry of each that would be another', async () => {
    const { entries, id } = await earlier();
    const patient = defineJob({
      name: 'flaky',
      retry: { maxAttempts: 3, delay: '1s' },
      run: (n: number) => n,
    });

    const { divergences } = await replay(patient, entries);

    expect(divergences).toMatchObject([{ id, event: 'job.finish', from: 'active.running', to: 'callbacks' }]);
    expect(divergences[0]?.what).toMatch(
      /^it went pending, .* \(failed\), and would go .*active\.running, pending$/,
    );
  });

  it('name a step that the chart of this version makes otherwise', async () => {
    const { entries, id } = await earlier();
    const changed = entries.map((entry) =>
      entry.id === id && entry.event === 'job.start'
        ? { ...entry, patch: { ...entry.patch, attempts: 2 } }
        : entry,
    );
    const same = defineJob({ name: 'flaky', retry: 'NeverRetry', run: (n: number) => n });

    expect((await replay(same, changed)).divergences).toMatchObject([
      { id, event: 'job.start', what: 'the chart of jobs sets attempts to 1' },
    ]);
  });
});
