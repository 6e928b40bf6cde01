import { agent, Dispatcher, memoryStore } from 'signalbox';
import { expect, it } from 'vitest';
import { makeControlledJobs } from '../behaviours/controlled-jobs.ts';
import { makeBox } from '../behaviours/stores.ts';

const other = '00000000-0000-4000-8000-000000000002';

it('a dispatcher that is made while its box stops is refused, and the stop ends', async () => {
  const { hold, open } = makeControlledJobs();
  const { box, reactor } = await makeBox({ store: memoryStore(), jobs: [hold], queues: [''] });
  await box.start();
  await (await box.queue().put(hold('a'))).waitFor('ACTIVE');
  await reactor.runUntilIdle();
  const stopping = box.stop({ grace: '30s' });

  expect(() => new Dispatcher(box, { uuid: other })).toThrow(
    expect.objectContaining({ code: 'BOX_STOPPED' }),
  );
  open('a');
  await reactor.until(stopping);

  expect([box.state, box.getDispatcher(other)]).toEqual(['stopped', null]);
});

it('a dispatcher of a box that was stopped is not activated again: it would poll without end', async () => {
  const { box, reactor, logged } = await makeBox({ store: memoryStore(), queues: [''] });
  const dispatcher = await box.start();
  await box.stop();

  expect(() => dispatcher.activate()).toThrow(expect.objectContaining({ code: 'BOX_STOPPED' }));
  reactor.run();
  await reactor.advance('1m');

  expect([dispatcher.getStatusInfo().status, reactor.pending]).toEqual(['STOPPED', 0]);
  expect(logged('CRITICAL')).toEqual([]);
});

it('a start that a stop overtakes leaves no dispatcher that polls, though its dispatcher was there already', async () => {
  const { box, reactor } = await makeBox({ store: memoryStore(), queues: [''] });
  const dispatcher = await box.start();
  await dispatcher.deactivate();

  const starting = box.start();
  const stopping = box.stop();

  await expect(starting).rejects.toMatchObject({ code: 'BOX_STOPPED' });
  await stopping;
  expect([dispatcher.getStatusInfo().status, reactor.pending]).toEqual(['STOPPED', 0]);
});

it('a refused start leaves the one before unchanged', async () => {
  const { box, reactor } = await makeBox({ store: memoryStore(), queues: [''] });
  await box.start();

  await expect(box.start({ agent: agent({ size: 9 }) })).rejects.toMatchObject({ code: 'DISPATCHER_STATE' });
  await box.createQueue('later');
  await reactor.advance('5s');

  const { agents } = await box.queue('later').dispatchers.get(box.uuid);
  expect((await agents.get('main'))?.size).toBe(3);
});
