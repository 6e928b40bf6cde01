import { defineMachine } from 'signalbox';
import { explore } from 'signalbox/testing';
import { expect, it } from 'vitest';
import { assign, setup } from 'xstate';

/** Counts the events that it gets, and gives up after an hour. */
function newCounter() {
  return defineMachine(
    setup({
      types: { context: {} as { told: number }, events: {} as { type: 'tell' } },
      actions: { count: assign({ told: ({ context }) => context.told + 1 }) },
    }).createMachine({
      id: 'counter',
      version: '1',
      context: { told: 0 },
      initial: 'open',
      states: {
        open: { on: { tell: { actions: 'count' } }, after: { 3600000: { target: 'shut' } } },
        shut: { type: 'final' },
      },
    }),
  );
}

const counted = (told: number[]) =>
  explore({
    pollInterval: '10m',
    pingInterval: '10m',
    deathInterval: '30m',
    scenario: (run) => {
      const counter = newCounter();
      return {
        machines: [counter],
        act: async ({ start, send }) => {
          await start(counter, '1');
          await send(counter, '1', { type: 'tell' });
        },
        check: async (box) => {
          told.push((await box.actor(counter, '1').snapshot()).context.told);
          expect(run.actor('counter/1')?.state).toBe('shut');
        },
      };
    },
  });

it('A message is taken once on every way, also when it is sent twice; a timer that comes first leaves none to take it', async () => {
  const told: number[] = [];
  const ways = await counted(told);
  told.length = 0;

  const counts = new Map<string, number | undefined>();
  for (const { name, run } of ways) {
    await run();
    counts.set(name, told.at(-1));
  }

  expect(counts.get('commit 2 tell of counter/1 · sent twice')).toBe(1);
  expect(counts.get('commit 2 tell of counter/1 · power cut')).toBe(1);
  expect(counts.get('commit 1 signalbox.start of counter/1 · next timer of counter/1 first')).toBe(0);
  expect([...new Set(counts.values())].sort()).toEqual([0, 1]);
  expect(ways.coverage('counter')).toMatchObject({
    taken: ['open tell open', 'open xstate.after.3600000.counter.open shut'],
    missed: [],
  });
  expect(ways.coverage('job')).toMatchObject({
    missed: [],
    outOfReach: { 'new job.put pending': 'no job is put' },
  });
});
