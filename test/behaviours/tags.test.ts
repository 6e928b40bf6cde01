import { defineJob } from 'signalbox';
import { expect, it } from 'vitest';
import { makeRecordingJobs } from './recording-jobs.ts';
import { forEachStore, type MakeStore, makeBox } from './stores.ts';

const feed = defineJob({
  name: 'feed',
  run: (tenant: string, _n: number) => tenant,
  tags: (tenant) => ['feeds', `tenant:${tenant}`],
  unique: { key: (tenant) => tenant, onConflict: 'replace' },
});

async function setUp(makeStore: MakeStore) {
  const { note } = makeRecordingJobs();
  const testBox = await makeBox({ store: makeStore(), jobs: [feed, note], queues: [''] });
  const tagged = async (tag: string, limit = 100, after?: string) => {
    const page = await testBox.box.store.jobsPage({
      ...{ list: 'tagged', tag, limit },
      ...(after === undefined ? {} : { after }),
    });
    return { ids: page.jobs.map(({ id }) => id), next: page.next ?? undefined };
  };
  return { ...testBox, note, queue: testBox.box.queue(), tagged };
}

forEachStore('Tags', (makeStore) => {
  it('come from the definition and the arguments, and a job or a put may have others', async () => {
    const { queue, note } = await setUp(makeStore);

    const [own, drafted, given, none, plain] = [
      await queue.put(feed('acme', 1), { unique: false }),
      await queue.put(feed('acme', 1).with({ tags: ['a', 'b', 'a'] }), { unique: false }),
      await queue.put(feed('acme', 1).with({ tags: ['a'] }), { tags: ['c'], unique: false }),
      await queue.put(feed('acme', 1), { tags: [], unique: false }),
      await queue.put(note('x')),
    ];

    expect([own, drafted, given, none, plain].map(({ tags }) => tags)).toEqual([
      ['feeds', 'tenant:acme'],
      ['a', 'b'],
      ['c'],
      [],
      [],
    ]);
    expect(note('x').tags).toEqual([]);
    expect(plain.record.tags).toBeNull();
    for await (const { patch } of plain.history()) expect(patch).not.toHaveProperty('tags');
  });

  it('find jobs in any state, newest first and page by page, also when they are changed and when the store is opened again', async () => {
    const store = makeStore();
    const { box, queue, tagged, reactor } = await setUp(() => store);
    const jobs = await queue.putAll([feed('a', 1), feed('b', 1), feed('c', 1)]);
    const [a, b, c] = jobs.map(({ id }) => id);
    await box.start();
    await reactor.runUntilIdle();

    const first = await tagged('feeds', 2);
    expect(first.ids).toEqual([c, b]);
    expect(await tagged('feeds', 2, first.next)).toEqual({ ids: [a], next: undefined });
    await jobs[1]?.setTags(['other']);
    expect(jobs[1]?.tags).toEqual(['other']);
    expect([(await tagged('feeds')).ids, (await tagged('other')).ids]).toEqual([[c, a], [b]]);
    await jobs[1]?.setTags([]);
    expect((await tagged('other')).ids).toEqual([]);
    await box.stop();
    expect((await (await setUp(() => store)).tagged('tenant:c')).ids).toEqual([c]);
  });

  it('are replaced with the arguments of a job that is unique', async () => {
    const { queue, tagged } = await setUp(makeStore);
    const first = await queue.put(feed('acme', 1));

    const second = await queue.put(feed('acme', 2), { tags: ['urgent'] });

    expect([second.putResult, second.tags]).toEqual(['replaced', ['urgent']]);
    expect([(await tagged('feeds')).ids, (await tagged('urgent')).ids]).toEqual([[], [first.id]]);
  });

  it.each<[string, unknown]>([
    ['what is no list', 'a'],
    ['a tag that is no text', [1]],
    ['an empty tag', ['']],
    ['a tag of more than 64 characters', ['x'.repeat(65)]],
    ['a tag with a line feed', ['a\nb']],
    ['more than 16 tags', Array.from({ length: 17 }, (_each, at) => `t${at}`)],
  ])('refuse %s, and nothing is written', async (_what, tags) => {
    const { queue, note, box } = await setUp(makeStore);
    const wrong = { code: 'INVALID_OPTION' };

    expect(() => defineJob({ name: 'x', run: () => 1, tags: tags as never })).toThrow(
      expect.objectContaining(wrong),
    );
    const computed = defineJob({ name: 'computed', run: () => 1, tags: () => tags as never });
    box.define(computed);
    await expect(queue.put(computed())).rejects.toMatchObject(wrong);
    await expect(queue.put(note('x'), { tags: tags as never })).rejects.toMatchObject(wrong);
    expect(await queue.length()).toBe(0);
    const job = await queue.put(note('x'));
    await expect(job.setTags(tags as never)).rejects.toMatchObject(wrong);
  });
});
