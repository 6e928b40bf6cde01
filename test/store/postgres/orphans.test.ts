import { randomUUID } from 'node:crypto';
import { agent, defineJob, detached, local } from 'signalbox';
import { afterAll, expect, it } from 'vitest';
import { makeBox, type TestBox } from '../../behaviours/stores.ts';
import { connected, newPostgresStore, newSchema, removeSchemas } from './schemas.ts';

afterAll(removeSchemas);

/** A callback that a program without a dispatcher runs, and workers that could resume it. */
async function abandonedCallback(workers: number) {
  const schema = newSchema();
  const store = newPostgresStore({ schema });
  const admin = await connected();
  const calls: string[] = [];
  const done = defineJob({ name: 'done', run: () => 'done' });
  const hear = (who: string) =>
    defineJob({
      name: 'hear',
      run: () => {
        calls.push(who);
        // The program is killed before it.
        return who === 'web' ? detached(new Promise<string>(() => {})) : who;
      },
    });
  const [hearInWeb, hearInWorker] = [hear('web'), hear('worker')];
  const started: TestBox[] = [];
  for (let number = 0; number < workers; number += 1) {
    const worker = await makeBox({ store, jobs: [done, hearInWorker], queues: [''] });
    await worker.box.start();
    started.push(worker);
  }
  const [worker] = started as [TestBox, ...TestBox[]];
  const web = await makeBox({ store, jobs: [done, hearInWeb] });
  web.reactor.run();
  const job = await web.box.queue().put(done());
  await worker.reactor.until(worker.box.job(job.id ?? '').waitFor('COMPLETED'));
  const callback = await web.reactor.until(job.addCallback(hearInWeb()));

  const pass = async (seconds: number, { reactor, box }: TestBox = worker): Promise<void> => {
    for (let passed = 0; passed < seconds; passed += 5) {
      await reactor.advance('5s');
      const epochs = started.map((one) => one.box.store.epoch);
      // In virtual time no process gives signs of life: the living workers would count as dead, too.
      await admin.query(`UPDATE ${schema}.opening SET seen_at = to_timestamp($2) WHERE epoch = ANY($1)`, [
        epochs,
        box.store.now() / 1000,
      ]);
    }
  };
  return { started, worker, admin, calls, callback, pass };
}

it('A callback that a program without a dispatcher was at is taken up once its opening is dead', async () => {
  const { worker, admin, calls, callback, pass } = await abandonedCallback(1);
  await pass(50);
  const before = [...calls];
  await pass(30);

  const found = await worker.box.job(callback.id ?? '').refresh();
  expect([before, calls, found.status]).toEqual([['web'], ['web', 'worker'], 'COMPLETED']);
  expect(worker.logged('CRITICAL')).toEqual([]);
  await admin.end();
});

it('An orphan is rescued once, and by the next process when the one that should have stops before it looks', async () => {
  const { started, admin, calls, pass } = await abandonedCallback(2);
  const [oldest, next] = started as [TestBox, TestBox];
  // It is stopped for a while, and does not count as dead.
  const representation = await oldest.box.queue().dispatchers.get(oldest.box.uuid);
  await representation.setPingIntervals({ pingInterval: '30s', pingDeathInterval: '1h' });
  await pass(80, next);
  const before = [...calls];

  for (const dispatcher of oldest.box.dispatchers.values())
    await oldest.reactor.until(dispatcher.deactivate());
  await pass(30, next);

  expect([before, calls]).toEqual([['web'], ['web', 'worker']]);
  await admin.end();
});

it('Callbacks of a job that a living dispatcher holds are taken up when the process is gone that ended what it waited for', async () => {
  const schema = newSchema();
  const store = newPostgresStore({ schema });
  const admin = await connected();
  const calls: string[] = [];
  const inner = defineJob({ name: 'inner', run: () => 'done' });
  const outer = defineJob({ name: 'outer', run: () => local.getQueue().put(inner()) });
  const hear = (who: string) =>
    defineJob({
      name: 'hear',
      run: () => {
        calls.push(who);
        // The process that ended the inner job is killed before it.
        return who === 'ender' ? new Promise<string>(() => {}) : who;
      },
    });
  const hearInHolder = hear('holder');
  const member = async (heard: typeof hearInHolder, filter: object): Promise<TestBox> => {
    const one = await makeBox({ store, uuid: randomUUID(), jobs: [inner, outer, heard], queues: [''] });
    await one.box.start({ agent: agent({ filter }) });
    return one;
  };
  const holder = await member(hearInHolder, { notJobs: ['inner'] });
  const ender = await member(hear('ender'), { jobs: ['inner'] });
  const job = outer();
  const callbacks = [await job.addCallback(hearInHolder()), await job.addCallback(hearInHolder())];
  const { id } = await holder.box.queue().put(job);
  const found = holder.box.job(id ?? '');
  for (const one of [holder, ender]) await one.reactor.advance('5s');
  expect([(await found.refresh()).status, found.record.parent]).toMatchObject([
    'CALLBACKS',
    { dispatcher: holder.box.uuid },
  ]);
  const pass = async (seconds: number): Promise<void> => {
    for (let passed = 0; passed < seconds; passed += 5) {
      await holder.reactor.advance('5s');
      await admin.query(`UPDATE ${schema}.opening SET seen_at = to_timestamp($2) WHERE epoch = $1`, [
        holder.box.store.epoch,
        holder.box.store.now() / 1000,
      ]);
    }
  };
  await pass(50);
  const before = [...calls];
  await pass(80);

  const jobs = [found, ...callbacks.map((callback) => holder.box.job(callback.id ?? ''))];
  for (const one of jobs) await one.refresh();
  expect([before, calls]).toEqual([['ender'], ['ender', 'holder', 'holder']]);
  expect(jobs.map(({ status }) => status)).toEqual(['COMPLETED', 'COMPLETED', 'COMPLETED']);
  await admin.end();
});
