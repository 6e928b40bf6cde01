import { agent, defineJob, local } from 'signalbox';
import { afterAll, expect, it } from 'vitest';
import { interceptedStore } from '../../behaviours/faulty-store.ts';
import { makeBox, makeNodeBox } from '../../behaviours/stores.ts';
import { newPostgresStore, removeSchemas } from './schemas.ts';

afterAll(removeSchemas);

it('A job gets the outcome that it waits for at the next poll, although the process that ended the other one did not notify', async () => {
  const inner = defineJob({ name: 'inner', run: () => 'done' });
  const outer = defineJob({ name: 'outer', run: () => local.getQueue().put(inner) });
  const untold = interceptedStore(newPostgresStore(), (call) =>
    call === 'waiters' ? new Promise(() => {}) : null,
  );
  const { box, reactor } = await makeBox({ store: untold, jobs: [inner, outer], queues: [''] });
  await box.start({ agent: agent({ size: 2 }) });
  const job = await box.queue().put(outer);
  await reactor.runUntilIdle();
  const before = (await job.refresh()).status;

  await reactor.advance('6s');

  expect(before).toBe('ACTIVE');
  expect((await job.refresh()).outcome).toEqual({ ok: true, value: 'done' });
});

it('A state that is reached already is returned, however short the limit and however far the database', async () => {
  const quick = defineJob({ name: 'quick', run: () => 'done' });
  const { box } = await makeNodeBox({ store: newPostgresStore(), jobs: [quick], queues: [''] });
  await box.start();
  const job = await box.queue().put(quick);
  await job.waitFor('COMPLETED');

  const results = [];
  for (let times = 0; times < 10; times += 1) results.push(await job.result({ timeout: 0 }));
  const late = job.waitFor('COMPLETED', { timeout: '1ms' });

  expect(results).toEqual(Array(10).fill('done'));
  expect((await late).status).toBe('COMPLETED');
  const waiting = await box.queue().put(quick, { beginAfter: '1h' });
  await expect(waiting.result({ timeout: 0 })).rejects.toMatchObject({ name: 'TimeoutError' });
});
