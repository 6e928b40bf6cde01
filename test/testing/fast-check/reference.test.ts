import { defineMachine, type HistoryEntry } from 'signalbox';
import { describe, expect, it } from 'vitest';
import { assign, setup } from 'xstate';
import { Reference } from '../../../src/testing/fast-check/reference.ts';
import { runCommands } from '../../../src/testing/fast-check/run-commands.ts';
import { Oracle } from '../../../src/testing/simulate/oracle/oracle.ts';

const door = defineMachine(
  setup({
    types: { context: {} as { times: number }, events: {} as { type: 'open' } | { type: 'close' } },
  }).createMachine({
    id: 'door',
    version: '1',
    context: { times: 0 },
    initial: 'closed',
    states: {
      closed: {
        on: { open: { target: 'open', actions: assign({ times: ({ context }) => context.times + 1 }) } },
      },
      open: { on: { close: { target: 'closed' } } },
    },
  }),
);

describe('The model of jobs', () => {
  const went = (...steps: readonly (readonly [event: string, to: string | null])[]): Reference => {
    const reference = new Reference(new Oracle([]));
    for (const [event, to] of steps) reference.follow({ kind: 'job', id: 'j', event, to } as HistoryEntry);
    return reference;
  };
  const waiting = [['job.put', 'pending']] as const;
  const running = [...waiting, ['job.claim', 'assigned'], ['job.start', 'active.running']] as const;
  const over = [...running, ['job.finish', 'callbacks'], ['job.complete', 'completed']] as const;

  it.each([
    ['follows the rows of the chart', went(...over), []],
    [
      'finds a way that is no row of the chart',
      went(...waiting, ['job.finish', 'callbacks']),
      ['job j goes from pending to callbacks by job.finish, which is no row of its chart'],
    ],
    ['passes by what is no event of the chart', went(...waiting, ['job.annotated', null]), []],
  ])('%s', (_what, { differences }, expected) => {
    expect(differences).toEqual(expected);
  });

  it.each([
    [true, waiting, []],
    [false, waiting, ['job j was not taken out, and the model has it pending']],
    [true, running, ['job j was taken out, and the model has it active.running']],
    [false, running, []],
  ])('says whether a pull may answer %s after %j', (isTaken, steps, expected) => {
    const reference = went(...steps);

    reference.pulled('j', reference.markJob('j'), isTaken);

    expect(reference.differences).toEqual(expected);
  });

  it.each([
    ['cancelled', waiting, true],
    ['cancelling', waiting, false],
    ['cancelled', running, false],
    ['cancelling', running, true],
    ['ended', running, false],
    ['ended', over, true],
    ['cancelled', over, false],
  ])('says whether a cancel may answer "%s" after %j', (answer, steps, mayBe) => {
    const reference = went(...steps);

    reference.cancelled('j', reference.markJob('j'), answer);

    expect(reference.differences.length === 0).toBe(mayBe);
  });

  it('knows in which status a job is at the end', () => {
    const reference = went(...over);

    reference.endedJob('j', 'COMPLETED');
    reference.endedJob('j', 'ACTIVE');

    expect(reference.differences).toEqual(['job j is ACTIVE, and the model has it COMPLETED']);
  });
});

describe('The model of actors', () => {
  /** Follows the journal of a door that was opened. */
  const opened = async (): Promise<Reference> => {
    const reference = new Reference(new Oracle([door]));
    const { entries } = await runCommands(
      () => ({ machines: [door] }),
      [{ do: 'send', actor: 'door/a', event: { type: 'open' } }],
    );
    for (const entry of entries) reference.follow(entry);
    return reference;
  };
  const snapshot = { status: 'active', value: 'open', context: { times: 1 } };

  it('has what pure steps give', async () => {
    const reference = await opened();

    reference.answered('door/a', 1, { type: 'open' }, snapshot);
    reference.endedActor('door/a', snapshot);
    reference.ignored('door/a', 2, { type: 'open' }, 0);

    expect(reference.differences).toEqual([]);
  });

  it('says how an answer, an end and a refusal differ from that', async () => {
    const reference = await opened();

    reference.answered('door/a', 1, { type: 'open' }, { ...snapshot, context: { times: 2 } });
    reference.answered('door/a', 2, { type: 'open' }, snapshot);
    reference.endedActor('door/a', { ...snapshot, value: 'closed' });
    reference.ignored('door/a', 2, { type: 'close' }, 0);

    expect(reference.differences).toEqual([
      'actor door/a answers open with "open" {"times":2}, and the model has "open" {"times":1}',
      'actor door/a answers open with "open" {"times":1}, and the model has nothing',
      'actor door/a is "closed" {"times":1}, and the model has "open" {"times":1}',
      'actor door/a ignores close, and the model takes it in state open',
    ]);
  });

  it('goes on from its own snapshots, not from those of the journal', async () => {
    const reference = new Reference(new Oracle([door]));
    const { entries } = await runCommands(
      () => ({ machines: [door] }),
      ['open', 'close', 'open'].map((type) => ({ do: 'send', actor: 'door/a', event: { type } }) as const),
    );
    const forged = entries.map((entry) =>
      entry.event === 'open' ? { ...entry, patch: { ...entry.patch, 'c:times': 7 } } : entry,
    );

    for (const entry of forged) reference.follow(entry);

    expect(reference.differences[0]).toMatch(/^actor door\/a open: has c:times 7, and its machine gives 1$/);
  });
});
