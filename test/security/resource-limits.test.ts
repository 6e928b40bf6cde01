import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import {
  agent,
  createSignalbox,
  defineJob,
  type Job,
  local,
  parallel,
  type SignalboxError,
  serial,
} from 'signalbox';
import { jsonStore } from 'signalbox/json';
import { afterEach, describe, expect, it } from 'vitest';
import { forEachStore, makeBox, newDirectory } from '../behaviours/stores.ts';
import { closeBoxes, errorOf, refusal } from '../input/boxes.ts';

afterEach(closeBoxes);

const work = defineJob({ name: 'work', run: (value: unknown) => value ?? null });

async function codeOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'taken',
    (error: SignalboxError) => error.code,
  );
}

forEachStore('[S18] a queue with a limit', (makeStore) => {
  it('takes exactly as many jobs as may wait, refuses the others whole, and takes more when it is emptied', async () => {
    const { box, reactor } = await makeBox({
      store: makeStore(),
      jobs: [work],
      queues: ['', 'a'],
      limits: { waiting: 100 },
    });

    const codes = await Promise.all(
      Array.from({ length: 2000 }, (_none, at) => codeOf(box.queue().put(work(at)))),
    );

    expect(codes.filter((code) => code === 'taken').length).toBe(100);
    expect([...new Set(codes)].sort()).toEqual(['QUEUE_FULL', 'taken']);
    const kinds = new Set<string>();
    let jobs = 0;
    for await (const entry of box.entries()) {
      if (entry.kind === 'job') jobs += 1;
      kinds.add(entry.event);
    }
    // A refused job leaves no record and no line.
    expect([await box.queue().length(), (await box.store.list('job', '')).length, jobs]).toEqual([
      100, 100, 100,
    ]);
    const error = await errorOf(() => box.queue().put(work(1)));
    expect(error).toMatchObject({ code: 'QUEUE_FULL', details: { queue: '', limit: 100, actual: 101 } });
    expect(await codeOf(box.queue('a').put(work(1)))).toBe('taken');
    reactor.run();
    await reactor.until(box.start({ agent: agent({ size: 10 }) }));
    await reactor.advance('1s');
    expect(await box.queue().length()).toBe(0);
    expect(await codeOf(box.queue().put(work(1)))).toBe('taken');
  });

  it('takes a transaction as a whole or not at all', async () => {
    const { box } = await makeBox({
      store: makeStore(),
      jobs: [work],
      queues: ['', 'a'],
      limits: { waiting: 3 },
    });
    await box.queue().put(work(1));

    const error = await refusal(box, () =>
      box.transaction(async (tx) => {
        await tx.queue('a').put(work('elsewhere'));
        for (let at = 0; at < 3; at += 1) await tx.queue().put(work(at));
      }),
    );

    expect(error).toMatchObject({ code: 'QUEUE_FULL', details: { limit: 3, actual: 4 } });
    await box.transaction(async (tx) => {
      for (let at = 0; at < 2; at += 1) await tx.queue().put(work(at));
    });
    expect(await box.queue().length()).toBe(3);
  });

  it('fails a job that puts more with its result, and keeps nothing of it', async () => {
    const flood = defineJob({
      name: 'flood',
      run: async () => {
        for (let at = 0; at < 4; at += 1) await local.getQueue().put(work(at), { beginAfter: '1h' });
      },
    });
    const { box, reactor } = await makeBox({
      store: makeStore(),
      jobs: [work, flood],
      queues: [''],
      limits: { waiting: 3 },
    });
    const job = await box.queue().put(flood());
    reactor.run();
    await reactor.until(box.start());
    await reactor.advance('1s');

    await expect(reactor.until(job.result())).rejects.toMatchObject({ code: 'QUEUE_FULL' });
    expect(await box.queue().length()).toBe(0);
  });

  it('refuses no job that belongs to an accepted one: jobs of a joined job, and jobs that are put back', async () => {
    let attempts = 0;
    const again = defineJob({
      name: 'again',
      retry: {
        name: 'again',
        jobError: () => ({ after: '1m' }),
        commitError: () => false,
        interrupted: (data) => ({ answer: true, data }),
        updateData: () => null,
      },
      run: () => {
        attempts += 1;
        if (attempts === 1) throw new Error('once more');
        return 'at last';
      },
    });
    const { box, reactor } = await makeBox({
      store: makeStore(),
      jobs: [work, again],
      queues: [''],
      limits: { waiting: 1 },
    });
    reactor.run();
    await reactor.until(box.start({ agent: agent({ size: 20 }) }));

    const joined = await box.queue().put(serial([work(1), parallel([work(2), work(3), work(4)])]));
    await reactor.until(joined.result());
    const put = await box.queue().put(again());
    await reactor.advance('30s');
    await box
      .queue()
      .put(work('fills the queue'), { beginAfter: '10s' })
      .catch(() => {});
    await reactor.advance('2m');

    expect((await put.refresh()).outcome).toEqual({ ok: true, value: 'at last' });
  });
});

forEachStore('[S18] a job', (makeStore) => {
  it('has at most so many annotations, however they are set', async () => {
    const tell = defineJob({ name: 'tell', run: () => local.setLiveAnnotation('d', 1) });
    const { box, reactor } = await makeBox({
      store: makeStore(),
      jobs: [work, tell],
      queues: [''],
      limits: { annotations: 3 },
    });
    const job = await box.queue().put(work(1).with({ annotations: { a: 1 } }));

    const codes = await Promise.all(
      ['b', 'c', 'd', 'e', 'b'].map((name) => codeOf(job.setAnnotation(name, 1))),
    );
    const many = { a: 1, b: 1, c: 1, d: 1 };
    const errors = [
      await refusal(box, () => job.setAnnotation('d', 1)),
      await refusal(box, () => box.queue().put(work(1).with({ annotations: many }))),
      await refusal(box, () =>
        box.transaction(async (tx) => {
          const inner = await tx.queue().put(work(1));
          for (const name of Object.keys(many)) await inner.setAnnotation(name, 1);
        }),
      ),
    ];
    await job.setAnnotation('c', 'changed');
    const annotated = await box.queue().put(tell().with({ annotations: { a: 1, b: 1, c: 1 } }));
    reactor.run();
    await reactor.until(box.start());
    await reactor.advance('1s');

    expect(codes).toEqual(['taken', 'taken', 'TOO_MANY', 'TOO_MANY', 'taken']);
    for (const error of errors)
      expect(error).toMatchObject({
        code: 'TOO_MANY',
        details: { what: 'annotations', limit: 3, actual: 4 },
      });
    expect((await job.refresh()).annotations).toEqual({ a: 1, b: 1, c: 'changed' });
    await expect(reactor.until(annotated.result())).rejects.toMatchObject({ code: 'TOO_MANY' });
  });

  it('has at most so many callbacks, however they are added', async () => {
    const { box } = await makeBox({
      store: makeStore(),
      jobs: [work],
      queues: [''],
      limits: { callbacks: 3 },
    });
    const job = await box.queue().put(work(1));
    const draft: Job<unknown> = work(1);
    for (let at = 0; at < 4; at += 1) await draft.addCallback(work.partial());

    const codes = await Promise.all(Array.from({ length: 5 }, () => codeOf(job.addCallback(work.partial()))));
    const errors = [
      await refusal(box, () => job.addCallbacks({ success: work.partial() })),
      await refusal(box, () => box.queue().put(draft)),
    ];

    expect(codes).toEqual(['taken', 'taken', 'taken', 'TOO_MANY', 'TOO_MANY']);
    for (const error of errors)
      expect(error).toMatchObject({ code: 'TOO_MANY', details: { what: 'callbacks', limit: 3, actual: 4 } });
    expect((await job.callbacks()).length).toBe(3);
  });

  it('with a hundred jobs among its arguments takes one short line in a log', async () => {
    const { box, entries, reactor } = await makeBox({ store: makeStore(), jobs: [work], queues: [''] });
    const joined = await box.queue().put(
      parallel(
        Array.from({ length: 100 }, () => work(1)),
        { postprocess: work.partial() as never },
      ),
    );
    reactor.run();
    await reactor.until(box.start());
    await reactor.advance('1s');

    const text = String(joined);
    expect([text.length < 1200, /… and \d+ more\)>$/.test(text)]).toEqual([true, true]);
    const longest = Math.max(
      ...entries.filter(({ message }) => !message.includes('\n')).map(({ message }) => message.length),
    );
    expect([longest < 1500, entries.some(({ message }) => message.includes('signalbox.parallel('))]).toEqual([
      true,
      true,
    ]);
  });
});

describe('[S18] a store that is used for long', () => {
  it('keeps as many completed jobs and as much history as its options allow, and no more', async () => {
    const dir = join(newDirectory(), 'store');
    const store = jsonStore(dir, {
      completedMaxCount: 50,
      historyMaxBytes: 60_000,
      checkpointMinBytes: 20_000,
    });
    const box = await createSignalbox({ store, jobs: [work], limits: { waiting: 200 } });
    await box.start({ agent: agent({ size: 50 }) });
    const sizes: number[] = [];
    for (let round = 0; round < 24; round += 1) {
      const jobs = await Promise.all(
        Array.from({ length: 100 }, () => box.queue().put(work('x'.repeat(200)))),
      );
      await Promise.all(jobs.map((job) => job.result()));
      sizes.push(readdirSync(dir).reduce((sum, name) => sum + statSync(join(dir, name)).size, 0));
    }

    expect((await box.store.list('job', '')).length).toBeLessThan(200);
    expect(box.store.oldestSeq()).toBeGreaterThan(4000);
    // 2,400 jobs write about 3 MB. The directory has the history, the newest snapshots, and a journal under way.
    expect(Math.max(...sizes)).toBeLessThan(1_200_000);
    await box.stop();
  });
});
