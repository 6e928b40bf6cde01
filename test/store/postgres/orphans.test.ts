import { defineJob, detached } from 'signalbox';
import { afterAll, expect, it } from 'vitest';
import { makeBox } from '../../behaviours/stores.ts';
import { newPostgresStore, newSchema, removeSchemas } from './schemas.ts';

afterAll(removeSchemas);

it('A callback that a program without a dispatcher was at is taken up once its opening is dead', async () => {
  const store = newPostgresStore({ schema: newSchema() });
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

  await worker.reactor.advance('50s');
  const before = [...calls];
  await worker.reactor.advance('30s');

  const found = await worker.box.job(callback.id ?? '').refresh();
  expect([before, calls, found.status]).toEqual([['web'], ['web', 'worker'], 'COMPLETED']);
  expect(worker.logged('CRITICAL')).toEqual([]);
});
