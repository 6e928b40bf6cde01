import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Json, memoryStore, type OpenStore } from 'signalbox';
import { jsonStore } from 'signalbox/json';
import { expect, it } from 'vitest';
import { madeJob, madeProxy, overWithBranches } from './made-records.ts';
import { openByHand } from './open-by-hand.ts';

type Change = Parameters<OpenStore['commit']>[0]['changes'][number];

/** A store that keeps no completed job, after it has dropped those of these that it may. */
async function thinned(changes: readonly Change[]): Promise<OpenStore> {
  const store = await openByHand(memoryStore({ completedMaxCount: 0 }));
  const isDropped = new Promise<void>((resolve) => {
    store.follow((lines) => {
      if (lines.some(({ entries }) => entries.some(({ gone }) => gone))) resolve();
    });
  });
  await store.commit({ by: 'client', changes, expect: [] }).synced;
  await isDropped;
  return store;
}

it('The chosen callback of a job in CALLBACKS is kept, as any other of its callbacks is', async () => {
  const store = await thinned([
    madeJob('parent', 'callbacks', null),
    madeProxy('proxy', 'parent', 'chosen'),
    madeJob('chosen', 'completed', { proxy: 'proxy' }),
    madeJob('single', 'completed', { job: 'parent' }),
    madeJob('other', 'completed', null),
  ]);

  expect((await store.list('job', '')).map(({ id }) => id)).toEqual(['chosen', 'parent', 'single']);
  await store.close();
});

it('A dropped job takes with it the branches that were not chosen, and what belongs to those', async () => {
  const store = await thinned(overWithBranches);

  expect((await store.list('job', '')).map(({ id }) => id)).toEqual(['pulled', 'referred', 'refers']);
  expect([await store.list('proxy', ''), await store.list('annotation', '')]).toEqual([[], []]);
  await store.close();
});

function taken(job: string, id: string, until: number | null): Change {
  const patch = { job, at: 0, until };
  return { kind: 'unique', id, event: 'unique.taken', from: null, to: null, patch };
}

/** A job that is over, and the unique name that it has taken. */
function named(id: string, name: string, until: number | null): Change[] {
  const job = madeJob(id, 'completed', null);
  return [{ ...job, patch: { ...job.patch, uniqueKey: name } }, taken(id, name, until)];
}

it('A dropped job takes its unique name with it, but for one that another job has or whose window lasts', async () => {
  const store = await thinned([
    ...named('over', '/mail/1', null),
    ...named('passed', '/mail/2', 1),
    ...named('lasting', '/mail/3', Number.MAX_SAFE_INTEGER),
    ...named('first', '/mail/4', null),
    madeJob('second', 'pending', { queue: '' }),
    taken('second', '/mail/4', null),
  ]);

  expect((await store.list('job', '')).map(({ id }) => id)).toEqual(['second']);
  expect((await store.list('unique', '')).map(({ id }) => id)).toEqual(['/mail/3', '/mail/4']);
  await store.close();
});

it.each(['memory', 'json'] as const)(
  'The window of a name whose job was dropped ends with a round of retention, in a %s store that was opened again',
  async (kind) => {
    const folder = mkdtempSync(join(tmpdir(), 'signalbox-'));
    const options = { completedMaxCount: 0 };
    const made = kind === 'memory' ? memoryStore(options) : jsonStore(join(folder, 'store'), options);
    let now = 1000;
    const left = async (store: OpenStore): Promise<[jobs: number, names: number]> => {
      now += 61_000;
      await store.commit({ by: 'client', changes: [madeJob(`j${now}`, 'completed', null)], expect: [] })
        .synced;
      await store.settled();
      return [(await store.list('job', '')).length, (await store.list('unique', '')).length];
    };
    const before = await openByHand(made, () => now);
    await before.commit({ by: 'client', changes: named('over', '/mail/1', 150_000), expect: [] }).synced;
    expect(await left(before)).toEqual([0, 1]);
    await before.close();

    const store = await openByHand(made, () => now);

    expect(await left(store)).toEqual([0, 1]);
    expect(await left(store)).toEqual([0, 0]);
    await store.close();
    rmSync(folder, { recursive: true });
  },
);

it.each(['memory', 'json'] as const)(
  'Jobs that failed, were aborted or have expired are kept longer than others, in a %s store',
  async (kind) => {
    const folder = mkdtempSync(join(tmpdir(), 'signalbox-'));
    const day = 24 * 60 * 60 * 1000;
    const made = kind === 'memory' ? memoryStore() : jsonStore(join(folder, 'store'));
    let now = 1000;
    const store = await openByHand(made, () => now);
    const over = (ending: string): Change => {
      const job = madeJob(ending, 'completed', null);
      return { ...job, patch: { ...job.patch, ending, activeEnd: now } };
    };
    const changes = ['succeeded', 'cancelled', 'failed', 'aborted', 'expired'].map(over);
    await store.commit({ by: 'client', changes, expect: [] }).synced;
    const leftAfter = async (days: number): Promise<string[]> => {
      now = 1000 + days * day + 1;
      await store.commit({ by: 'client', changes: [madeJob(`new${days}`, 'new', null)], expect: [] }).synced;
      await store.settled();
      return (await store.list('job', '')).map(({ id }) => id).filter((id) => !id.startsWith('new'));
    };

    expect(await leftAfter(6)).toHaveLength(5);
    expect(await leftAfter(7)).toEqual(['aborted', 'expired', 'failed']);
    expect(await leftAfter(29)).toHaveLength(3);
    expect(await leftAfter(30)).toEqual([]);
    await store.close();
    rmSync(folder, { recursive: true });
  },
);

it('So many of them are kept as of the others: neither drives the others out', async () => {
  const store = await openByHand(memoryStore({ completedMaxCount: 2 }));
  const over = (id: string, ending: string): Change => {
    const job = madeJob(id, 'completed', null);
    return { ...job, patch: { ...job.patch, ending, activeEnd: 1000 } };
  };
  const endings = [
    ...['f1', 'f2', 'f3'].map((id) => over(id, 'failed')),
    ...['s1', 's2', 's3', 's4'].map((id) => over(id, 'succeeded')),
  ];
  await store.commit({ by: 'client', changes: endings, expect: [] }).synced;
  await store.settled();

  expect((await store.list('job', '')).map(({ id }) => id)).toEqual(['f2', 'f3', 's3', 's4']);
  await store.close();
});

/** An actor that has ended at an instant. */
function endedActor(id: string, finishedAt: number, patch: Record<string, Json> = {}): Change {
  const about = { machine: 'order', status: 'done', finishedAt, ...patch };
  return { kind: 'actor', id, event: 'signalbox.start', from: null, to: 'over', patch: about };
}

function message(id: string, to: string, patch: Record<string, Json>): Change {
  const about = { actor: 'order/1', machine: 'order', at: 1000, ...patch };
  return { kind: 'message', id: `order/1#${id}`, event: `message.${to}`, from: null, to, patch: about };
}

/** The ids of a kind that are left when so much time is over, after a round of retention. */
async function leftAfter(store: OpenStore, clock: { now: number }, kind: 'actor' | 'message', days: number) {
  clock.now = 1000 + days * 24 * 60 * 60 * 1000 + 1;
  await store.commit({ by: 'client', changes: [madeJob(`new${days}`, 'new', null)], expect: [] }).synced;
  await store.settled();
  return (await store.list(kind, '')).map(({ id }) => id);
}

it.each(['memory', 'json'] as const)(
  'Actors that have ended are kept for a time, and while their parents wait for them, in a %s store',
  async (kind) => {
    const folder = mkdtempSync(join(tmpdir(), 'signalbox-'));
    const made = kind === 'memory' ? memoryStore() : jsonStore(join(folder, 'store'));
    const clock = { now: 1000 };
    const store = await openByHand(made, () => clock.now);
    const alive = { status: 'active', finishedAt: null };
    const children = { parcel: { kind: 'actor', src: 'parcel', id: 'order/alive/parcel', run: 2 } };
    const changes = [
      endedActor('order/over', 1000),
      endedActor('order/alive', 0, { ...alive, children }),
      endedActor('order/alive/parcel', 1000, {
        parent: { actor: 'order/alive', machine: 'order', child: 'parcel', run: 2 },
      }),
      endedActor('order/earlier', 1000, {
        parent: { actor: 'order/alive', machine: 'order', child: 'parcel', run: 1 },
      }),
      endedActor('order/over/parcel', 1000, {
        parent: { actor: 'order/over', machine: 'order', child: 'parcel', run: 2 },
      }),
    ];
    await store.commit({ by: 'client', changes, expect: [] }).synced;

    expect(await leftAfter(store, clock, 'actor', 6)).toHaveLength(5);
    expect(await leftAfter(store, clock, 'actor', 7)).toEqual(['order/alive', 'order/alive/parcel']);
    const taken = { kind: 'actor', id: 'order/alive', event: 'go', from: 'over', to: 'b' } as const;
    await store.commit({ by: 'client', changes: [{ ...taken, patch: { children: null } }], expect: [] })
      .synced;
    expect(await leftAfter(store, clock, 'actor', 8)).toEqual(['order/alive']);
    await store.close();
    rmSync(folder, { recursive: true });
  },
);

it('So many actors that have ended are kept as the settings of the store allow, the youngest', async () => {
  const clock = { now: 1000 };
  const store = await openByHand(memoryStore({ finishedMaxCount: 2 }), () => clock.now);
  const changes = [3, 1, 4, 2].map((at) => endedActor(`order/${at}`, at));
  const alive = endedActor('order/0', 0, { status: 'active', finishedAt: null });
  await store.commit({ by: 'client', changes: [...changes, alive], expect: [] }).synced;

  expect(await leftAfter(store, clock, 'actor', 0.1)).toEqual(['order/0', 'order/3', 'order/4']);
  await store.close();
});

it.each(['memory', 'json'] as const)(
  'Messages are known a day after they were taken and 30 days after they died, and kept while they wait, in a %s store',
  async (kind) => {
    const folder = mkdtempSync(join(tmpdir(), 'signalbox-'));
    const made = kind === 'memory' ? memoryStore() : jsonStore(join(folder, 'store'));
    const clock = { now: 1000 };
    const store = await openByHand(made, () => clock.now);
    const day = 24 * 60 * 60 * 1000;
    const changes = [
      message('taken', 'taken', {}),
      message('later', 'taken', { endedAt: 1000 + 2 * day }),
      message('dead', 'dead', { at: 0, endedAt: 1000 }),
      message('waiting', 'waiting', {}),
    ];
    await store.commit({ by: 'client', changes, expect: [] }).synced;
    const left = async (days: number): Promise<string[]> =>
      (await leftAfter(store, clock, 'message', days)).map((id) => id.slice('order/1#'.length));

    expect(await left(0.9)).toHaveLength(4);
    expect(await left(1)).toEqual(['dead', 'later', 'waiting']);
    expect(await left(2.9)).toHaveLength(3);
    expect(await left(3)).toEqual(['dead', 'waiting']);
    expect(await left(29)).toEqual(['dead', 'waiting']);
    expect(await left(30)).toEqual(['waiting']);
    await store.close();
    rmSync(folder, { recursive: true });
  },
);
