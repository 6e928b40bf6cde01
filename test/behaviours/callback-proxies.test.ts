import { defineCondition, Failure } from 'signalbox';
import { expect, it } from 'vitest';
import { makeControlledJobs } from './controlled-jobs.ts';
import { makeRecordingJobs } from './recording-jobs.ts';
import { forEachStore, type MakeStore, makeBox } from './stores.ts';

async function setUp(makeStore: MakeStore) {
  const { hold, open } = makeControlledJobs();
  const recording = makeRecordingJobs();
  const jobs = [hold, recording.note, recording.give, recording.raise];
  const testBox = await makeBox({ store: makeStore(), jobs, queues: [''] });
  return { ...recording, ...testBox, hold, open, queue: testBox.box.queue() };
}

forEachStore('Callback proxies', (makeStore) => {
  it('[J-97] a proxy shows its branches, and once it is decided the chosen job with its status and outcome', async () => {
    const { box, queue, give, note, reactor } = await setUp(makeStore);
    const [success, failure] = [note.partial('success'), note.partial('failure')];
    const parent = give(7);
    const proxy = await parent.addCallbacks({ success, failure });
    await queue.put(parent);
    const before = [await proxy.job(), await proxy.status(), await proxy.outcome()];

    await box.start();
    await reactor.runUntilIdle();

    expect(before).toEqual([null, 'PENDING', null]);
    expect((await proxy.job())?.id).toBe(success.id);
    expect(await proxy.status()).toBe('COMPLETED');
    expect(await proxy.outcome()).toEqual({ ok: true, value: 'noted success' });
    const [read] = await parent.callbacks();
    expect([
      read && 'success' in read && read.success?.id,
      read && 'failure' in read && read.failure?.id,
    ]).toEqual([success.id, failure.id]);
  });

  it('[J-98] the choice is made once; what was added before moves to the chosen job in order, later ones join it', async () => {
    const { box, queue, raise, note, notes, reactor } = await setUp(makeStore);
    const parent = raise('broken');
    const proxy = await parent.addCallbacks({
      success: note.partial('success'),
      failure: note.partial('failure'),
    });
    await proxy.addCallback(note.partial('before put'));
    await queue.put(parent);
    await proxy.addCallback(note.partial('after put'));

    await box.start();
    await reactor.runUntilIdle();
    await proxy.addCallback(note.partial('after the choice'));

    expect(notes).toEqual([
      ['failure', 'Error: broken'],
      ['before put', 'noted failure'],
      ['after put', 'noted failure'],
      ['after the choice', 'noted failure'],
    ]);
    const chosen = await proxy.job();
    expect(await chosen?.callbacks()).toHaveLength(3);
  });

  it('[J-99] of conditional callbacks the first whose condition holds is called, else the default', async () => {
    const { box, queue, give, raise, note, notes, reactor } = await setUp(makeStore);
    await box.start();
    const isBig = defineCondition('isBig', (input) => Number(input) > 10);
    const isHuge = defineCondition('isHuge', (input) => Number(input) > 1000);
    const isTypeError = defineCondition(
      'isTypeError',
      (input) => input instanceof Failure && input.check('Error'),
    );
    for (const parent of [give(50), give(5000), give(5), raise('broken')]) {
      await parent.addConditionalCallbacks(
        [
          [isBig, note.partial('big')],
          [isHuge, note.partial('huge, but big comes first')],
          [isTypeError, note.partial('error')],
        ],
        { otherwise: note.partial('otherwise') },
      );
      await queue.put(parent);
      await reactor.runUntilIdle();
    }

    expect(notes).toEqual([
      ['big', 50],
      ['big', 5000],
      ['otherwise', 5],
      ['error', 'Error: broken'],
    ]);
  });

  it('[J-99] conditions are stored by name and known again by the next process', async () => {
    const store = makeStore();
    const { give, note, notes } = makeRecordingJobs();
    const first = await makeBox({ store, jobs: [give, note], queues: [''] });
    const isOne = defineCondition('isOne', (input) => input === 1);
    const parent = give(1);
    await parent.addConditionalCallbacks([[isOne, note.partial('one')]]);
    await first.box.queue().put(parent);
    await first.stop();

    const second = await makeBox({ store, jobs: [give, note], conditions: [isOne] });
    await second.box.start();
    await second.reactor.runUntilIdle();

    expect(notes).toEqual([['one', 1]]);
  });

  it('[J-100] a missing branch passes the outcome on to chained callbacks, and logs no new failure', async () => {
    const { box, queue, give, raise, note, notes, reactor, entries } = await setUp(makeStore);
    await box.start();
    const good = give('value');
    await (await good.addCallbacks({ failure: note.partial('failure') })).addCallback(
      note.partial('chained'),
    );
    const bad = raise('broken');
    const passing = await bad.addCallbacks({ success: note.partial('success') });
    await passing.addCallback(note.partial('chained'));

    await queue.put(good);
    await reactor.runUntilIdle();
    await queue.put(bad);
    await reactor.runUntilIdle();

    expect(notes).toEqual([
      ['chained', 'value'],
      ['chained', 'Error: broken'],
    ]);
    const failures = entries.filter(({ message }) => / failed in /.test(message));
    expect(failures.map(({ level, job }) => [level, job])).toEqual([['ERROR', bad.id]]);
    expect((await passing.outcome())?.ok).toBe(false);
  });

  it('[J-101] after a failure callback the next one gets its value, while the job keeps its failure', async () => {
    const { box, queue, raise, note, notes, reactor } = await setUp(makeStore);
    await box.start();
    const parent = raise('broken');
    const proxy = await parent.addCallbacks({ failure: note.partial('handler') });
    await proxy.addCallback(note.partial('next'));

    await queue.put(parent);
    await reactor.runUntilIdle();

    expect(notes).toEqual([
      ['handler', 'Error: broken'],
      ['next', 'noted handler'],
    ]);
    expect((await parent.refresh()).outcome?.ok).toBe(false);
  });

  it('[J-102] a condition that throws is repeated without limit, with back-off and CRITICAL entries', async () => {
    const { box, queue, give, note, notes, reactor, logged } = await setUp(makeStore);
    await box.start();
    const instants: number[] = [];
    let isBroken = true;
    const moody = defineCondition('moody', () => {
      instants.push(reactor.now());
      if (isBroken) throw new Error('moody today');
      return true;
    });
    const parent = give(1);
    await parent.addConditionalCallbacks([[moody, note.partial('chosen')]]);
    await queue.put(parent);
    await reactor.runUntilIdle();

    await reactor.advance('32s');
    const waits = instants.slice(1).map((at, index) => at - (instants[index] ?? 0));
    const during = (await parent.refresh()).status;
    isBroken = false;
    await reactor.advance('1m');

    expect(waits).toEqual([5000, 10_000, 15_000]);
    expect(during).toBe('CALLBACKS');
    expect(logged('CRITICAL').some((message) => message.includes('moody today'))).toBe(true);
    expect(notes).toEqual([['chosen', 1]]);
    expect((await parent.refresh()).status).toBe('COMPLETED');
  });
});
