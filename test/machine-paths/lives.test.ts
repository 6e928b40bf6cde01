import { defineJob, defineMachine, fromJob, NeverRetry } from 'signalbox';
import { machinePaths } from 'signalbox/testing';
import { describe, expect, it } from 'vitest';
import { assign, setup } from 'xstate';
import { counter, parcel, player } from './machines.ts';

const jobs = {
  weigh: [{ output: 40 }, { error: new Error('no scale') }],
  greet: [{ output: 'hello' }, { output: 'welcome' }],
};
const sending = [{ type: 'parcel.send' }, { type: 'scan.found' }] as const;

interface Gone {
  readonly name: string;
  readonly run: () => Promise<void>;
}

/** Goes all ways. Returns the message of each that fails, up to its trace. */
async function failuresOf(ways: Iterable<Gone>): Promise<readonly string[]> {
  const failed: string[] = [];
  for (const { run } of ways)
    await run().catch((error: Error) =>
      failed.push(error.message.split('. Read what happened')[0] as string),
    );
  return failed;
}

/** A machine whose only job may fail, and that says nothing of that. */
function careless(onError: 'suspend' | 'fail') {
  const work = defineJob({ name: 'work', retry: { maxAttempts: 5 }, run: () => 'done' });
  return defineMachine(
    setup({ actors: { work: fromJob(work) } }).createMachine({
      id: 'careless',
      version: '1',
      initial: 'working',
      states: {
        working: { invoke: { id: 'work', src: 'work', input: [], onDone: { target: 'over' } } },
        over: { type: 'final' },
      },
    }),
    { onError },
  );
}

describe('The engine goes each path as the machine gives it', () => {
  it('with guards, and in each life anew', async () => {
    const paths = await machinePaths(counter, { events: [{ type: 'add' }, { type: 'reset' }] });

    expect(await failuresOf(paths)).toEqual([]);
    expect(await failuresOf(paths)).toEqual([]);
  });

  it('with regions and history', async () => {
    const paths = await machinePaths(player, {
      events: [{ type: 'next' }, { type: 'mute' }, { type: 'off' }, { type: 'on' }],
    });

    expect(await failuresOf(paths)).toEqual([]);
  });

  it('with jobs, a child that is a machine, and timers', async () => {
    const paths = await machinePaths(parcel, { events: sending, jobs, paths: 'simple' });

    expect(await failuresOf(paths)).toEqual([]);
  });

  it.each(['suspend', 'fail'] as const)('when it cannot take an outcome and is to %s', async (onError) => {
    const seen: string[] = [];
    const paths = await machinePaths(careless(onError), {
      jobs: { work: [{ error: new Error('no') }] },
      invariant: ({ snapshot, jobs }) => void seen.push(`${snapshot.status} ${jobs.work[0]?.attempts}`),
    });

    expect(await failuresOf(paths)).toEqual([]);
    // The error is for good: the policy of the job does not try again. A suspended actor is stopped after its path.
    expect(seen.at(-1)).toBe(onError === 'fail' ? 'error 1' : 'stopped 1');
  });

  it('and calls no code of a job', async () => {
    const called: string[] = [];
    const work = defineJob({ name: 'work', run: () => void called.push('work') });
    const machine = defineMachine(
      setup({ actors: { work: fromJob(work) } }).createMachine({
        id: 'calling',
        version: '1',
        initial: 'working',
        states: {
          working: { invoke: { id: 'work', src: 'work', input: [], onDone: { target: 'over' } } },
          over: { type: 'final' },
        },
      }),
    );
    const paths = await machinePaths(machine, { jobs: { work: [{ output: null }] }, perturb: ['kill'] });

    expect(await failuresOf(paths)).toEqual([]);
    expect(called).toEqual([]);
  });
});

describe('Each commit of a path', () => {
  it('is struck once, and no path strikes again what it has in common with an earlier one', async () => {
    const paths = await machinePaths(counter, {
      events: [{ type: 'add' }, { type: 'reset' }],
      perturb: ['kill', 'twice'],
    });

    expect([...paths].map(({ name }) => name)).toEqual([
      'add → reset',
      'add → reset · kill at commit 1 (signalbox.start of counter/1)',
      'add → reset · kill at commit 2 (add of counter/1)',
      'add → reset · sent twice at commit 2 (add of counter/1)',
      'add → reset · kill at commit 3 (reset of counter/1)',
      'add → reset · sent twice at commit 3 (reset of counter/1)',
      'add → reset · kill at commit 4 (signalbox.stop of counter/1)',
      'add → add → add',
      'add → add → add · kill at commit 3 (add of counter/1)',
      'add → add → add · sent twice at commit 3 (add of counter/1)',
      'add → add → add · kill at commit 4 (add of counter/1)',
      'add → add → add · sent twice at commit 4 (add of counter/1)',
    ]);
    expect(await failuresOf(paths)).toEqual([]);
  });

  it('may change the end of a job that is started once only', async () => {
    const states = new Set<string>();
    const pay = defineJob({ name: 'pay', retry: NeverRetry, run: () => 'paid' });
    const machine = defineMachine(
      setup({ actors: { pay: fromJob(pay) } }).createMachine({
        id: 'payment',
        version: '1',
        initial: 'paying',
        states: {
          paying: {
            invoke: {
              id: 'pay',
              src: 'pay',
              input: [],
              onDone: { target: 'paid' },
              onError: { target: 'unclear' },
            },
          },
          paid: { type: 'final' },
          unclear: { type: 'final' },
        },
      }),
    );
    const paths = await machinePaths(machine, {
      jobs: { pay: [{ output: 'paid' }] },
      perturb: ['kill'],
      invariant: ({ snapshot }) => void states.add(String(snapshot.value)),
    });

    expect(await failuresOf(paths)).toEqual([]);
    expect([...states]).toEqual(['paying', 'paid', 'unclear']);
  });
});

describe('A way fails', () => {
  it('when an invariant does, and says where', async () => {
    const paths = await machinePaths(parcel, {
      events: sending,
      jobs,
      invariant: ({ snapshot, jobs }) => {
        if (snapshot.matches('greeting') && jobs.weigh.length === 1) throw new Error('weighed once');
      },
    });

    const failures = await failuresOf(paths);

    expect(failures).toHaveLength(2);
    expect(failures[0]).toMatch(
      /on the way "weight done → send → found to scan → greeting done", got \d+ broken: invariant: weighed once/,
    );
  });

  it('when the engine comes to something else than the machine, and says after which step', async () => {
    let isBroken = false;
    const machine = defineMachine(
      setup({
        types: { context: {} as { n: number }, events: {} as { type: 'add' } },
        actions: { add: assign({ n: ({ context }) => context.n + (isBroken ? 2 : 1) }) },
      }).createMachine({
        id: 'sum',
        version: '1',
        context: { n: 0 },
        initial: 'low',
        states: {
          low: {
            on: {
              add: [
                { guard: () => isBroken, target: 'high' },
                { actions: 'add', target: 'middle' },
              ],
            },
          },
          middle: { on: { add: { actions: 'add', target: 'high' } } },
          high: { type: 'final' },
        },
      }),
    );
    const paths = await machinePaths(machine, { events: [{ type: 'add' }] });
    isBroken = true;

    const failures = await failuresOf(paths);

    expect(failures).toHaveLength(1);
    expect(failures[0]).toContain(
      'after "add": step 2 of actor sum/1: expected add → "middle", got add → "high"',
    );
  });

  it('when an actor has something else in its context', async () => {
    let by = 1;
    const machine = defineMachine(
      setup({
        types: { context: {} as { n: number }, events: {} as { type: 'add' } },
        actions: { add: assign({ n: ({ context }) => context.n + by }) },
      }).createMachine({
        id: 'sum',
        version: '1',
        context: { n: 0 },
        initial: 'open',
        states: {
          open: { on: { add: { actions: 'add', target: 'closed' } } },
          closed: { after: { 1000: { target: 'open' } } },
        },
      }),
    );
    const paths = await machinePaths(machine, {
      events: [{ type: 'add' }],
      until: ({ context }) => context.n === 2,
    });
    by = 2;

    const failures = await failuresOf(paths);

    expect(failures[0]).toContain('actor sum/1: context: expected [["c:n",1]], got [["c:n",2]]');
  });

  it('when its machine throws at an event', async () => {
    const machine = defineMachine(
      setup({ types: { events: {} as { type: 'go' } } }).createMachine({
        id: 'brittle',
        version: '1',
        initial: 'here',
        states: {
          here: {
            on: {
              go: {
                guard: () => {
                  throw new Error('no ticket');
                },
                target: 'there',
              },
            },
          },
          there: {},
        },
      }),
    );
    const paths = await machinePaths(machine, { events: [{ type: 'go' }] });

    const failures = await failuresOf(paths);

    expect(failures).toHaveLength(1);
    expect(failures[0]).toMatch(/take or to ignore the last event of "go", got an error: .*no ticket/s);
  });
});
