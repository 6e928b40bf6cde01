import { memoryStore, type OpenStore } from 'signalbox';
import { describe, expect, it } from 'vitest';
import { HeldPasts, type PastQuestion, refuseTooMany } from '../../src/inspector/server/past/pasts.ts';
import { questionOf } from '../../src/inspector/views/views.ts';
import type { Past } from '../../src/store/reader.ts';
import { RandomProgram } from '../reading/random-journal.ts';
import { openByHand } from '../store/open-by-hand.ts';

/** A store with a journal of so many puts. */
async function storeWith(puts: number): Promise<{ store: OpenStore; put: () => Promise<void> }> {
  const clock = { now: 1000 };
  const store = await openByHand(memoryStore(), () => clock.now);
  const program = new RandomProgram(store, clock);
  for (let count = 0; count < puts; count += 1) await program.make([0, 3 * count, 1]);
  return { store, put: () => program.make([0, 0, 1]) };
}

/** Pasts of a store, what was made and moved for them, and timers that fire by hand. */
async function held(puts: number, reach = 5) {
  const { store, put } = await storeWith(puts);
  const moves: string[] = [];
  let made = 0;
  const watched = (past: Past): Past => {
    made += 1;
    const name = `past ${made}`;
    const { moveTo, fork } = past;
    return Object.assign(past, {
      moveTo: async (seq: number) => {
        moves.push(`${name} to ${seq}`);
        await moveTo.call(past, seq);
      },
      fork: async () => watched(await fork.call(past)),
    });
  };
  const timers = new Set<() => void>();
  const pasts = new HeldPasts(
    {
      hidden: async () => ({}),
      open: async () => watched((await store.past?.()) as Past),
      sight: { place: 'memory', source: 'live', noPast: null, pause: async () => {} },
      after: (_ms, run) => {
        timers.add(run);
        return () => timers.delete(run);
      },
    },
    { most: 2, reach, idleMs: 60_000 },
  );
  const ask = async (path: string, at: number) => {
    const answer = await pasts.answer({ ...questionOf(path), at } as PastQuestion);
    return answer === undefined ? undefined : JSON.parse(answer.text);
  };
  const fire = () => {
    for (const run of [...timers]) {
      timers.delete(run);
      run();
    }
  };
  return { store, put, pasts, ask, moves, timers, fire };
}

const waiting = ({
  data,
}: {
  readonly data: { readonly waiting: { readonly count: { readonly n: number } } };
}) => data.waiting.count.n;

describe('The pasts of a store', () => {
  it('answer with the moment that was asked for, to two people at once', async () => {
    const { ask, moves } = await held(40);

    const answers = await Promise.all([12, 34, 12, 34, 12].map((at) => ask('overview', at)));

    expect(answers.map((answer) => [answer.seq, waiting(answer)])).toEqual([
      [12, 12],
      [34, 34],
      [12, 12],
      [34, 34],
      [12, 12],
    ]);
    expect(moves).toEqual(['past 1 to 12', 'past 2 to 34']);
  });

  it('never mix two moments, however many are asked for at once', async () => {
    const { ask } = await held(40, 100);
    const asked = Array.from({ length: 60 }, (_, index) => 1 + ((index * 7) % 40));

    const answers = await Promise.all(asked.map((at) => ask('overview', at)));

    expect(answers.map((answer) => [answer.seq, waiting(answer)])).toEqual(asked.map((at) => [at, at]));
  });

  it('move when the next moment is near, and take another past when it is far', async () => {
    const { ask, moves, pasts } = await held(40);

    await ask('overview', 10);
    await ask('overview', 11);
    await ask('overview', 9);
    expect([moves, pasts.count]).toEqual([['past 1 to 10', 'past 1 to 11', 'past 1 to 9'], 1]);
    await ask('overview', 30);
    await ask('overview', 31);
    await ask('overview', 8);

    expect(moves.slice(3)).toEqual(['past 2 to 30', 'past 2 to 31', 'past 1 to 8']);
  });

  it('take the one that was asked least recently for the moment of a third person', async () => {
    const { ask, moves } = await held(40);

    await ask('overview', 30);
    await ask('overview', 10);
    await ask('overview', 30);
    await ask('overview', 20);

    expect(moves).toEqual(['past 1 to 30', 'past 2 to 10', 'past 2 to 20']);
  });

  it('are dropped after a minute without a question, and made again', async () => {
    const { ask, moves, pasts, timers, fire } = await held(40);

    expect(timers.size).toBe(0);
    await ask('overview', 10);
    await ask('overview', 30);
    expect([pasts.count, timers.size]).toEqual([2, 2]);
    fire();
    expect([pasts.count, timers.size]).toEqual([0, 0]);
    expect((await ask('overview', 10)).seq).toBe(10);

    expect(moves.at(-1)).toBe('past 3 to 10');
  });

  it('go on after a moment that history does not have', async () => {
    const { ask, put } = await held(10);

    await expect(ask('overview', 11)).rejects.toMatchObject({ code: 'INVALID_OPTION' });
    expect((await ask('overview', 10)).seq).toBe(10);
    await expect(ask('overview', 11)).rejects.toMatchObject({ code: 'INVALID_OPTION' });
    expect((await ask('overview', 9)).seq).toBe(9);
    await expect(ask('overview', 11)).rejects.toMatchObject({ code: 'INVALID_OPTION' });
    await put();
    expect((await ask('overview', 11)).seq).toBe(11);
  });

  it('explain with what is written, and not with the code of today', async () => {
    const { ask, store } = await held(10);
    const [first] = await store.waiting('');

    const { data } = await ask(`jobs/${first?.id}`, 5);

    expect(data.explanation.conditions.map(({ code }: { code: string }) => code)).not.toContain('definition');
    expect(await ask('jobs/none', 5)).toBeUndefined();
  });
});

it('A store with too many jobs to hold them twice is refused, with what to do', async () => {
  const { store } = await storeWith(3);

  await expect(refuseTooMany(store, 2)).rejects.toMatchObject({
    code: 'PAST_UNAVAILABLE',
    message: expect.stringContaining('one of 3 jobs, where at most 2 are held a second time'),
  });
  await refuseTooMany(store, 3);
});
