import { createSignalbox, defineJob, defineMachine, fromJob, memoryStore, put } from 'signalbox';
import { describe, expect, it } from 'vitest';
import { assign, setup } from 'xstate';
import { ShownActor } from '../../src/reading/actors/shown-actor.ts';
import { Shown } from '../../src/reading/shown.ts';
import type { HistoryEntry } from '../../src/store/entry.ts';
import { openByHand } from '../store/open-by-hand.ts';

const note = defineJob({ name: 'note', run: (text: string) => text });

const inner = setup({ types: { context: {} as { pin: string } } }).createMachine({
  ...{ id: 'inner', version: '1', initial: 'on' },
  context: { pin: '9753-inner' },
  states: { on: {} },
});

const safe = defineMachine(
  setup({
    types: {
      context: {} as { pin: string; tries: number; last: string | null },
      events: {} as { type: 'open'; pin: string } | { type: 'inside' },
    },
    actors: { inner, note: fromJob(note) },
    actions: {
      keep: assign({
        tries: ({ context }) => context.tries + 1,
        pin: ({ event }) => (event as { pin: string }).pin,
      }),
      say: put(note, () => ['opened'] as const),
    },
  }).createMachine({
    ...{ id: 'safe', version: '1', initial: 'shut', context: { pin: '4711-first', tries: 0, last: null } },
    states: {
      shut: { on: { open: { actions: 'keep' }, inside: 'held' } },
      held: { invoke: { id: 'inner', src: 'inner' } },
    },
  }),
  { redact: ['pin'] },
);

describe('What is shown of an actor', () => {
  it('hides what its machine hides, in its context, its events and its texts', async () => {
    const box = await createSignalbox({ store: memoryStore(), jobs: [note], machines: [safe] });
    const actor = await box.actor(safe, '1').start();
    await actor.send({ type: 'open', pin: '0815-second' });
    await actor.suspend('4711-first and 0815-second were tried');
    const entries: HistoryEntry[] = [];
    for await (const entry of actor.history()) entries.push(entry);
    const record = (await box.store.get('actor', 'safe/1')) as never;

    const shown = await ShownActor.of(box.store, record, entries);

    expect(shown.hidden).toBe(null);
    expect(shown.context).toEqual({ pin: '[redacted]', tries: 1, last: null });
    expect(shown.value(entries[1]?.arg ?? null)).toEqual({ pin: '[redacted]' });
    expect(shown.failure?.message).toBe('[redacted] and [redacted] were tried');
    expect(shown.text('it is suspended: Error: 4711-first and 0815-second were tried.')).toBe(
      'it is suspended: Error: [redacted] and [redacted] were tried.',
    );
    await box.stop();
  });

  it('hides under the same names what its child and the jobs that ask it hold', async () => {
    const box = await createSignalbox({ store: memoryStore(), jobs: [note], machines: [safe], queues: [''] });
    const actor = await box.actor(safe, '1').start();
    const job = await box.queue().put(actor.job({ type: 'open', pin: '0815-second' }));
    await actor.send({ type: 'inside' });

    const child = await box.store.get('actor', 'safe/1/inner');
    const asking = await box.store.get('job', job.id ?? '');

    expect((await ShownActor.of(box.store, child as never)).context).toEqual({ pin: '[redacted]' });
    expect((await Shown.of(box.store)).job(asking as never).args).toEqual([
      'safe/1',
      { type: 'open', pin: '[redacted]' },
    ]);
    await box.stop();
  });

  it('is nothing but the name and the code of a failure where the store does not know the machine', async () => {
    const store = await openByHand(memoryStore());
    const failure = {
      name: 'TypeError',
      message: 'of ada',
      stack: 'of ada',
      code: 'X',
      cause: null,
      extra: {},
    };
    const change = { kind: 'actor', id: 'ghost/1', event: 'signalbox.start', from: null, to: 'a' } as const;
    const patch = { machine: 'ghost', status: 'suspended', 'c:name': 'ada', output: 'of ada', failure };
    await store.commit({ by: 'client', changes: [{ ...change, patch }], expect: [] }).synced;
    const record = (await store.get('actor', 'ghost/1')) as never;

    const shown = await ShownActor.of(store, record);

    expect(shown.hidden).toBe("not shown: this store does not know what machine 'ghost' hides");
    const all = [shown.context, shown.output, shown.value({ name: 'ada' }), shown.failure];
    expect(JSON.stringify(all)).not.toContain('ada');
    expect(shown.failure).toMatchObject({ name: 'TypeError', code: 'X' });
    expect(shown.text('it is suspended: TypeError: of ada')).toBe('it is suspended: TypeError: [redacted]');
    await store.close();
  });
});
