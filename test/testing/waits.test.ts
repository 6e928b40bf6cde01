import {
  createSignalbox,
  Dispatcher,
  defineJob,
  Failure,
  local,
  memoryStore,
  type Signalbox,
  TimeoutError,
} from 'signalbox';
import {
  getPoll,
  VirtualReactor,
  waitForAnnotation,
  waitForDeactivation,
  waitForResult,
  waitForStart,
} from 'signalbox/testing';
import { afterEach, describe, expect, it } from 'vitest';

const boxes: Signalbox[] = [];

afterEach(async () => {
  for (const box of boxes.splice(0)) await box.stop();
});

const greet = defineJob({ name: 'greet', run: () => local.setLiveAnnotation('hello', null) });
const fail = defineJob({ name: 'fail', run: () => new Failure(Failure.from(new RangeError('no')).data) });
const hang = defineJob({ name: 'hang', run: () => new Promise<void>(() => {}) });

async function virtualBox(): Promise<{ box: Signalbox; reactor: VirtualReactor; dispatcher: Dispatcher }> {
  const reactor = new VirtualReactor();
  const box = await createSignalbox({ store: memoryStore(), reactor, jobs: [greet, fail, hang] });
  boxes.push(box);
  reactor.attach(box);
  return { box, reactor, dispatcher: await box.start() };
}

describe('The waits for a job', () => {
  it('waitForStart gives the job when it is ACTIVE', async () => {
    const { box } = await virtualBox();

    const job = await waitForStart(await box.queue().put(hang()));

    expect([job.status, job.activeStart]).toEqual(['ACTIVE', expect.any(Date)]);
  });

  it('waitForStart reports that the job still waits', async () => {
    const { box, reactor } = await virtualBox();
    const job = await box.queue().put(hang(), { beginAfter: '1h' });

    const error = await reactor
      .until(waitForStart(job, { timeout: '2s' }))
      .catch((thrown: unknown) => thrown);

    expect(error).toBeInstanceOf(TimeoutError);
    expect(String(error)).toMatch(/the start of <Job .*> within 2s, got status PENDING after 0 attempts/);
  });

  it('waitForResult gives a failure as a value', async () => {
    const { box } = await virtualBox();

    const failure = await waitForResult(await box.queue().put(fail()));

    expect(failure).toBeInstanceOf(Failure);
    expect(String(failure)).toBe('<Failure RangeError: no>');
  });

  it('waitForAnnotation gives an annotation whose value is null', async () => {
    const { box } = await virtualBox();

    expect(await waitForAnnotation(await box.queue().put(greet()), 'hello')).toBeNull();
  });

  it('waitForAnnotation gives one that is there already, and one that is set from outside', async () => {
    const { box, reactor } = await virtualBox();
    const job = await box.queue().put(hang(), { beginAfter: '1h' });
    const waiting = waitForAnnotation(job, 'note');
    await reactor.runUntilIdle();

    await box.job(job.id ?? '').setAnnotation('note', 'set');

    expect(await waiting).toBe('set');
    expect(await waitForAnnotation(job, 'note')).toBe('set');
  });

  it('waitForAnnotation gives up when the job is over without it', async () => {
    const { box } = await virtualBox();

    const waiting = waitForAnnotation(await box.queue().put(greet()), 'other');

    await expect(waiting).rejects.toThrow(
      /annotation "other" of <Job .*> within .*, got status COMPLETED without it/,
    );
  });
});

describe('The waits for a dispatcher', () => {
  it('getPoll with a count gives a poll that is there already', async () => {
    const { dispatcher } = await virtualBox();

    expect(await getPoll(dispatcher, 0)).toBe(dispatcher.getPollInfo());
  });

  it('getPoll gives the next poll', async () => {
    const { dispatcher, reactor } = await virtualBox();
    const first = dispatcher.getPollInfo();

    const next = await reactor.until(getPoll(dispatcher));

    expect(next.key).toBeLessThan(first.key);
    expect(dispatcher.polls.length).toBe(2);
  });

  it('getPoll passes over a poll that is under way: it may have looked already', async () => {
    const { box, dispatcher, reactor } = await virtualBox();
    let inTheMiddle: Promise<unknown> = Promise.resolve();
    box.on('dispatcherActivated', () => {
      inTheMiddle = getPoll(dispatcher).then(() => dispatcher.polls.length);
    });
    await box.createQueue('other');

    await reactor.advance('10s');

    expect([dispatcher.polls.length, await inTheMiddle]).toEqual([3, 3]);
  });

  it('getPoll reports the status of the dispatcher when no poll follows', async () => {
    const { box, reactor } = await virtualBox();
    const idle = new Dispatcher(box, { uuid: 'idle' });

    const waiting = reactor.until(getPoll(idle));

    await expect(waiting).rejects.toThrow(/a poll of dispatcher idle, which is STOPPED, within 6s/);
  });

  it('waitForDeactivation waits for the end, and reports the status of the dispatcher when it does not come', async () => {
    const { box, dispatcher, reactor } = await virtualBox();
    const waiting = reactor.until(waitForDeactivation(dispatcher, { timeout: '1s' }));
    await expect(waiting).rejects.toThrow(/deactivation of dispatcher .*, which is RUNNING, within 1s/);

    void dispatcher.deactivate();
    await reactor.until(waitForDeactivation(dispatcher));

    const representation = await box.queue().dispatchers.get(dispatcher.uuid);
    expect([dispatcher.activated, representation.activated]).toEqual([null, null]);
  });
});
