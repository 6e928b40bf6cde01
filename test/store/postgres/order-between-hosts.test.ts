import type { OpenStore } from 'signalbox';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { afterStep, newJobRecord, stepJob } from '../../../src/model/jobs/step.ts';
import type { JobRecord } from '../../../src/model/records/records.ts';
import { openByHand } from '../open-by-hand.ts';
import { newPostgresStore, newSchema, removeSchemas } from './schemas.ts';

// What one host puts, changes or pauses counts for the next claim of another one, though that knows the lanes of the queue.

type Change = Parameters<OpenStore['commit']>[0]['changes'][number];

const clock = { now: 1000 };
const opened: OpenStore[] = [];

afterEach(async () => {
  for (const store of opened.splice(0)) await store.close();
});
afterAll(removeSchemas);

/** Two hosts of one store: each has an agent `main` of its own. */
async function twoHosts(): Promise<readonly [Host, Host]> {
  const schema = newSchema();
  const hosts: Host[] = [];
  for (const name of ['one', 'two']) {
    const store = await openByHand(newPostgresStore({ schema }), () => clock.now);
    opened.push(store);
    const host = new Host(store, name);
    await host.commit(host.presence());
    hosts.push(host);
  }
  const [one, two] = hosts as [Host, Host];
  await one.commit([queue({ createdAt: 1 })]);
  return [one, two];
}

class Host {
  readonly store: OpenStore;
  readonly name: string;

  constructor(store: OpenStore, name: string) {
    this.store = store;
    this.name = name;
  }

  presence(): readonly Change[] {
    const { epoch } = this.store;
    const id = `/${this.name}`;
    const signs = { epoch, activated: 1, lastPing: 1, pingInterval: 1000, pingDeathInterval: 1e9 };
    return [
      { kind: 'representation', id, event: 'made', from: null, to: 'activated', patch: signs },
      { kind: 'agent', id: `${id}/main`, event: 'made', from: null, to: null, patch: { size: 100 } },
    ];
  }

  commit(changes: readonly Change[]): Promise<void> {
    return this.store.commit({ by: this.name, changes, expect: [] }).synced;
  }

  /** Claims by plain statements, as agents do it. */
  async claim(limit: number): Promise<string[]> {
    const { epoch } = this.store;
    const place = { queue: '', dispatcher: this.name, agent: 'main' };
    const claimed = await this.store.claim({
      queue: '',
      limit,
      by: this.name,
      agent: `/${this.name}/main`,
      size: 100,
      accepts: { lane: () => true, job: null },
      choose: null,
      take: ({ job, quotas }) => {
        const claim = stepJob(job, { type: 'job.claim', ...place, epoch, quotas });
        return [claim, stepJob(afterStep(job, claim), { type: 'job.start', at: clock.now })];
      },
    });
    return claimed.jobs.map(({ id }) => id);
  }

  async setPriority(id: string, priority: number): Promise<void> {
    const job = (await this.store.get('job', id)) as JobRecord;
    await this.commit([stepJob(job, { type: 'priority.set', priority })]);
  }

  async waiting(): Promise<string[]> {
    return (await this.store.waiting('')).map(({ id }) => id);
  }
}

function put(id: string, priority = 0, name = 'work'): Change {
  const job = newJobRecord(id, { name, args: [id], priority });
  const event = { type: 'job.put', queue: '', at: clock.now, beginAfter: clock.now, assigner: null } as const;
  const step = stepJob(job, event);
  return { ...step, patch: { name, args: job.args, ...(priority === 0 ? {} : { priority }), ...step.patch } };
}

function queue(patch: Change['patch']): Change {
  return { kind: 'queue', id: '', event: 'queue.set', from: null, to: null, patch };
}

const mark = { by: 'test', at: 1, reason: null, until: null };

describe('A claim of one host', () => {
  it('takes first what another one has put with the first priority of the queue', async () => {
    const [one, two] = await twoHosts();
    await one.commit(['a', 'b', 'c', 'd'].map((id) => put(id)));
    expect(await one.claim(1)).toEqual(['a']);

    await two.commit([put('urgent', -5)]);

    expect(await one.claim(2)).toEqual(['urgent', 'b']);
  });

  it('takes first what another one has put into a lane in which nothing waited', async () => {
    const [one, two] = await twoHosts();
    await one.commit([put('first urgent', -5)]);
    expect(await one.claim(9)).toEqual(['first urgent']);
    await one.commit([put('low', 5), ...['a', 'b', 'c'].map((id) => put(id))]);
    expect(await one.claim(1)).toEqual(['a']);

    await two.commit([put('urgent', -5)]);

    expect(await one.claim(2)).toEqual(['urgent', 'b']);
    expect(await one.claim(9)).toEqual(['c', 'low']);
  });

  it('takes first what another one has put into an empty queue before its own next put', async () => {
    const [one, two] = await twoHosts();
    await one.commit([put('a')]);
    expect(await one.claim(9)).toEqual(['a']);

    await two.commit([put('earlier', 0, 'other')]);
    await one.commit([put('later')]);

    expect(await one.claim(1)).toEqual(['earlier']);
    expect(await one.claim(1)).toEqual(['later']);
  });

  it('goes by the aging that another one has set', async () => {
    const [one, two] = await twoHosts();
    await one.commit([put('a'), put('b')]);
    clock.now += 100;
    await one.commit([put('urgent', -1), put('also urgent', -1)]);
    await two.commit([queue({ agingMs: 50 })]);
    expect(await one.claim(1)).toEqual(['a']);

    await two.commit([queue({ agingMs: null })]);

    expect(await one.claim(1)).toEqual(['urgent']);
    await two.commit([queue({ agingMs: 10 })]);
    expect(await one.claim(9)).toEqual(['b', 'also urgent']);
  });

  it('takes nothing once another one has paused the queue, and commits the results that it brings', async () => {
    const [one, two] = await twoHosts();
    await one.commit(['a', 'b', 'c'].map((id) => put(id)));
    expect(await one.claim(1)).toEqual(['a']);

    await two.commit([queue({ pauses: [{ job: null, ...mark }] })]);

    const note = { kind: 'annotation', id: 'a/note', event: 'annotation.set', from: null, to: null } as const;
    const [, claimed] = await Promise.all([one.commit([{ ...note, patch: { value: 1 } }]), one.claim(2)]);
    expect(claimed).toEqual([]);
    expect(await two.store.get('annotation', 'a/note')).toMatchObject({ value: 1 });
    await two.commit([queue({ pauses: [{ job: 'oth*', ...mark }] })]);
    await two.commit([put('d', 0, 'other')]);
    expect(await one.claim(9)).toEqual(['b', 'c']);
    await two.commit([queue({ pauses: [] })]);
    expect(await one.claim(9)).toEqual(['d']);
  });

  it('finds a job at its own place among those of a putting, after its priority was changed to and fro', async () => {
    const [one, two] = await twoHosts();
    const ids = ['a', 'b', 'c', 'd', 'e'];
    await one.commit(ids.map((id) => put(id)));
    await one.setPriority('b', 3);
    await two.setPriority('d', -3);
    await two.setPriority('a', -3);
    expect(await one.waiting()).toEqual(['a', 'd', 'c', 'e', 'b']);

    await two.setPriority('d', 0);
    await one.setPriority('b', 0);
    await one.setPriority('a', 0);

    expect(await two.waiting()).toEqual(ids);
    for (const id of ids) expect(await one.store.get('job', id)).toMatchObject({ id, priority: 0 });
    expect(await two.claim(3)).toEqual(['a', 'b', 'c']);
    expect(await one.claim(3)).toEqual(['d', 'e']);
  });

  it('finds a job at its own place between those of another priority that were put around it', async () => {
    const [one, two] = await twoHosts();
    const ids = ['a', 'b', 'c', 'd', 'e', 'f'];
    await one.commit(ids.map((id, index) => put(id, index % 2 === 0 ? 0 : 3, index < 4 ? 'work' : 'other')));
    expect(await two.waiting()).toEqual(['a', 'c', 'e', 'b', 'd', 'f']);

    await two.setPriority('b', 0);
    await one.setPriority('d', 0);
    expect(await one.waiting()).toEqual(['a', 'b', 'c', 'd', 'e', 'f']);
    await one.setPriority('c', 3);
    await two.setPriority('b', 3);

    expect(await one.waiting()).toEqual(['a', 'd', 'e', 'b', 'c', 'f']);
    for (const id of ids) expect(await one.store.get('job', id)).toMatchObject({ id });
    expect(await one.claim(4)).toEqual(['a', 'd', 'e', 'b']);
    expect(await two.claim(4)).toEqual(['c', 'f']);
  });
});
