import { defineJob, detached } from 'signalbox';
import { afterAll, expect, it } from 'vitest';
import { makeBox } from '../../behaviours/stores.ts';
import { connected, newPostgresStore, newSchema, removeSchemas } from './schemas.ts';

afterAll(removeSchemas);

it('A callback that a program without a dispatcher was at is taken up once its opening is dead', async () => {
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
  const worker = await makeBox({ store, jobs: [done, hearInWorker], queues: [''] });
  await worker.box.start();
  const web = await makeBox({ store, jobs: [done, hearInWeb] });
  web.reactor.run();
  const job = await web.box.queue().put(done());
  await worker.reactor.until(worker.box.job(job.id ?? '').waitFor('COMPLETED'));
  const callback = await web.reactor.until(job.addCallback(hearInWeb()));

  const pass = async (seconds: number): Promise<void> => {
    for (let passed = 0; passed < seconds; passed += 5) {
      await worker.reactor.advance('5s');
      const { epoch } = worker.box.store;
      const seen = [epoch, worker.box.store.now() / 1000];
      // In the time of a test nobody gives signs of life: the worker, which lives, would be taken for dead, too.
      await admin.query(`UPDATE ${schema}.opening SET seen_at = to_timestamp($2) WHERE epoch = $1`, seen);
    }
  };
  await pass(50);
  const before = [...calls];
  await pass(30);

  const found = await worker.box.job(callback.id ?? '').refresh();
  expect([before, calls, found.status]).toEqual([['web'], ['web', 'worker'], 'COMPLETED']);
  expect(worker.logged('CRITICAL')).toEqual([]);
  await admin.end();
});
