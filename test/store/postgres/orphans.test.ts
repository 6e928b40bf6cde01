import { defineJob, detached } from 'signalbox';
import { afterAll, expect, it } from 'vitest';
import { makeBox, type TestBox } from '../../behaviours/stores.ts';
import { connected, newPostgresStore, newSchema, removeSchemas } from './schemas.ts';

afterAll(removeSchemas);

/** A callback that a program without a dispatcher is at, and workers that could take it up. */
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
        // The program will not live to see it.
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
      // In the time of a test nobody gives signs of life: the workers, which live, would be taken for dead, too.
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

it('What was left is taken up once, and by the next process when the one that should have stops before it looks', async () => {
  const { started, admin, calls, pass } = await abandonedCallback(2);
  const [oldest, next] = started as [TestBox, TestBox];
  // It stands still for a while, and nobody takes it for dead.
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
