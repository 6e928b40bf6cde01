import { defineMachine, local, memoryStore } from 'signalbox';
import { describe, expect, it } from 'vitest';
import { assign, emit, log, setup } from 'xstate';
import { actorBox } from './box.ts';

const tracked: string[] = [];

const lamp = defineMachine(
  setup({
    types: {
      context: {} as { at: number; list: number[] },
      events: {} as { type: 'on' } | { type: 'random' } | { type: 'inPlace' },
      emitted: {} as { type: 'lit'; at: number },
    },
    actions: {
      note: assign({ at: () => local.now() }),
      tell: emit(({ context }) => ({ type: 'lit' as const, at: context.at })),
      say: log(({ context }) => `lit at ${context.at}`, 'lamp'),
      track: ({ context }) => {
        tracked.push(`at ${context.at}`);
        throw new Error('the tracker is away');
      },
      roll: assign({ at: () => Math.random() }),
      push: assign(({ context }) => {
        context.list.push(1);
        return { list: context.list };
      }),
    },
  }).createMachine({
    id: 'lamp',
    version: '1',
    context: { at: 0, list: [] },
    on: {
      on: { actions: ['note', 'tell', 'say', 'track'] },
      random: { actions: 'roll' },
      inPlace: { actions: 'push' },
    },
  }),
  { transient: ['track'] },
);

describe('What a step may do that can be lost', () => {
  it('follows its commit: listeners, the log, and code that is named', async () => {
    const entries: string[] = [];
    const logger = Object.fromEntries(
      ['debug', 'info', 'warn', 'error', 'fatal'].map((level) => [
        level,
        (_fields: unknown, text: string) => entries.push(`${level} ${text}`),
      ]),
    );
    const { box, reactor } = await actorBox(memoryStore(), {
      machines: [lamp],
      jobs: [],
      logger: logger as never,
    });
    const actor = await box.actor(lamp, 'a').start();
    const heard: unknown[] = [];
    const { unsubscribe } = actor.on('lit', (event) => heard.push(event));
    actor.on('*', () => {
      throw new Error('a listener of no use');
    });

    const now = reactor.now();
    await actor.send({ type: 'on' });
    unsubscribe();
    await actor.send({ type: 'on' });
    await reactor.runUntilIdle();

    expect(heard).toEqual([{ type: 'lit', at: now }]);
    expect((await actor.snapshot()).context.at).toBe(now);
    expect(tracked.slice(-2)).toEqual([`at ${now}`, `at ${now}`]);
    expect(entries.filter((entry) => entry.startsWith('info actor lamp/a'))[0]).toBe(
      `info actor lamp/a: lamp: lit at ${now}`,
    );
    expect(entries.join('\n')).toContain('action "track" of actor lamp/a failed: Error: the tracker is away');
    expect(entries.join('\n')).toContain('a listener of an actor failed: Error: a listener of no use');
  });

  it('a test box finds a step that depends on chance, and one that changes its context in place', async () => {
    const { box } = await actorBox(memoryStore(), { machines: [lamp], jobs: [] });
    const actor = await box.actor(lamp, 'a').start();

    await expect(actor.send({ type: 'random' })).rejects.toThrow(
      /two runs of one step.*the same context.at/s,
    );
    await expect(actor.send({ type: 'inPlace' })).rejects.toMatchObject({ code: 'STEP_FAILED' });
    expect((await actor.snapshot()).context).toEqual({ at: 0, list: [] });
  });
});
