import { join } from 'node:path';
import { agent, decorateStore, memoryStore, type Store } from 'signalbox';
import { jsonStore } from 'signalbox/json';
import { describe, expect, it } from 'vitest';
import { Barrier } from '../behaviours/barrier.ts';
import { makeControlledJobs } from '../behaviours/controlled-jobs.ts';
import { makeBox, newDirectory } from '../behaviours/stores.ts';
import { createFaultyFiles } from '../store/json/faulty-files.ts';

/** A box with an agent of two workers, on files that a test can watch and fill. */
async function twoWorkers() {
  const controlled = makeControlledJobs();
  const files = createFaultyFiles();
  const store = jsonStore(join(newDirectory(), 'store'), { files });
  const { box, reactor } = await makeBox({ store, jobs: [controlled.hold, controlled.done], queues: [''] });
  const dispatcher = await box.start({ agent: agent({ size: 2 }) });
  const threads = (): (string | null)[] => [...dispatcher.jobs].map(([, info]) => info.thread).reverse();
  return { ...controlled, files, box, reactor, queue: box.queue(), threads };
}

describe('a claim that results make room for', () => {
  it('is written with them, in one write', async () => {
    const { files, reactor, queue, hold, open, started } = await twoWorkers();
    for (const name of ['1', '2', '3', '4']) await queue.put(hold(name));
    await reactor.runUntilIdle();
    const events: string[][] = [];
    files.fault = (call, ...args) => {
      const bytes = args.find((arg) => arg instanceof Uint8Array);
      if (call === 'write' && bytes !== undefined)
        events.push(
          [
            ...Buffer.from(bytes)
              .toString()
              .matchAll(/"ev":"(job\.\w+)"/g),
          ].map(([, name = '']) => name),
        );
      return null;
    };

    open('1');
    open('2');
    await reactor.runUntilIdle();

    const ends = ['job.finish', 'job.complete'];
    const begins = ['job.claim', 'job.start'];
    expect(events).toEqual([[...ends, ...ends, ...begins, ...begins]]);
    expect(started).toEqual(['1', '2', '3', '4']);
  });

  it('is undone with them on a full disk: no code is called, and each job runs once when there is room', async () => {
    const { files, box, reactor, queue, hold, done, open, started, threads } = await twoWorkers();
    for (const name of ['1', '2']) await queue.put(hold(name));
    for (const name of ['3', '4', '5']) await queue.put(done(name));
    await reactor.runUntilIdle();
    files.fault = (call) => (call === 'write' ? 'ENOSPC' : null);

    open('1');
    open('2');
    await reactor.advance('3s');
    const refused = [...started];
    files.fault = () => null;
    await reactor.advance('5s');
    const endedAt = reactor.now();
    await reactor.until(box.stop({ grace: '1h' }));

    expect(refused).toEqual(['1', '2']);
    expect(started).toEqual(['1', '2', '3', '4', '5']);
    expect(reactor.now()).toBe(endedAt);
    expect(new Set(threads())).toEqual(new Set(['main:0', 'main:1']));
  });

  it('gives its jobs to workers that are free by then, also after callbacks', async () => {
    const { reactor, queue, done, threads, started } = await twoWorkers();
    const jobs = ['1', '2', '3', '4', '5', '6'].map((name) => done(name));
    for (const job of jobs) job.addCallback(done('after it'));
    await queue.putAll(jobs);
    await reactor.runUntilIdle();

    expect(started).toHaveLength(12);
    expect(new Set(threads())).toEqual(new Set(['main:0', 'main:1']));
  });

  it('is waited for by a stop: its jobs begin once it is written, and end within the grace', async () => {
    const written = new Barrier<void>();
    const inner = memoryStore();
    const store: Store = {
      name: inner.name,
      async open(ports) {
        const open = await inner.open(ports);
        return decorateStore(open, {
          claim: async (request) => ({ ...(await open.claim(request)), startable: written.wait() }),
        });
      },
    };
    const { done, started } = makeControlledJobs();
    const { box, reactor } = await makeBox({ store, jobs: [done], queues: [''] });
    await box.start({ agent: agent({ size: 2 }) });
    const job = await box.queue().put(done('1'));
    await reactor.runUntilIdle();

    const stopping = box.stop({ grace: '10s' });
    await reactor.advance('5s');
    const before = [...started];
    written.release();
    await reactor.until(Promise.all([stopping, job.result()]));

    expect([before, started]).toEqual([[], ['1']]);
  });
});
