import { agent, defineJob, type Job, type Signalbox, SignalboxError } from 'signalbox';
import { expect, it } from 'vitest';
import type { HistoryEntry } from '../../src/store/entry.ts';
import { forEachStore, type MakeStore, makeBox } from '../behaviours/stores.ts';

const send = defineJob({ name: 'mail.send', run: (to: string) => `sent to ${to}` });
const stuck = defineJob({ name: 'stuck', grace: '1s', run: () => new Promise<void>(() => {}) });
const outer = defineJob({ name: 'outer', run: () => stuck() });

async function boxOf(makeStore: MakeStore) {
  const testBox = await makeBox({ store: makeStore(), jobs: [send, stuck, outer], queues: ['', 'mail'] });
  const { box } = testBox;
  const put = (job: Job<unknown>) => box.queue('mail').put(job);
  return { ...testBox, put };
}

async function entriesOf(box: Signalbox, kind: 'job' | 'store' | 'queue', id: string) {
  const found: HistoryEntry[] = [];
  for await (const entry of box.store.history(kind, id)) found.unshift(entry);
  return found;
}

/** What people did, oldest first. */
async function auditOf(box: Signalbox) {
  const entries = (await entriesOf(box, 'store', 'store')).filter(({ event }) => event === 'operator.acted');
  return entries.map(({ patch }) => patch?.lastAction as Record<string, unknown>);
}

forEachStore('An operator', (makeStore) => {
  it('cancels a job and leaves a note of who did it, and why, in the same commit', async () => {
    const { box, put } = await boxOf(makeStore);
    const { id } = await put(send('ann'));

    expect(await box.operate({ user: 'Ada', reason: 'wrong month' }).cancel(id ?? '')).toBe('cancelled');

    expect((await box.job(id ?? '').refresh()).record.stop).toMatchObject({
      by: 'Ada',
      reason: 'wrong month',
    });
    expect(await auditOf(box)).toEqual([
      {
        ...{ key: expect.any(String), action: 'cancel', target: id, user: 'Ada' },
        ...{ reason: 'wrong month', count: 1, answer: 'cancelled' },
      },
    ]);
    const [acted] = (await entriesOf(box, 'store', 'store')).slice(-1);
    const [cancelled] = (await entriesOf(box, 'job', id ?? '')).filter(({ event }) => event === 'job.cancel');
    expect(acted?.commit).toBe(cancelled?.commit);
  });

  it('asks code that runs to stop, as job.cancel does', async () => {
    const { box, put, reactor } = await boxOf(makeStore);
    await box.start();
    const job = await put(stuck());
    await reactor.runUntilIdle();

    expect(await box.operate({ user: 'Ada' }).cancel(job.id ?? '')).toBe('cancelling');
    await reactor.advance('2s');

    expect((await job.refresh()).ending).toBe('cancelled');
  });

  it('counts the jobs that only the cancelled one waits for', async () => {
    const { box, put, reactor } = await boxOf(makeStore);
    await box.start();
    const { id } = await put(outer());
    await reactor.runUntilIdle();

    await box.operate({ user: 'Ada' }).cancel(id ?? '');

    expect(await auditOf(box)).toMatchObject([{ action: 'cancel', count: 2 }]);
  });

  it('does an action with a key once, and gives its answer again', async () => {
    const { box, put } = await boxOf(makeStore);
    const [one, other] = [(await put(send('ann'))).id ?? '', (await put(send('bob'))).id ?? ''];
    const again = () => box.operate({ user: 'Ada', key: 'k1' });

    const answers = await Promise.all([again().cancel(one), again().cancel(one)]);
    await box.operate({ user: 'Ada' }).cancel(other);

    expect([...answers, await again().cancel(one)]).toEqual(['cancelled', 'cancelled', 'cancelled']);
    expect((await auditOf(box)).map(({ target }) => target)).toEqual([one, other]);
    await expect(again().cancel(other)).rejects.toMatchObject({ code: 'INVALID_OPTION' });
  });

  it('lets one of two actions with one key through that are asked for at the same time', async () => {
    const { box, put } = await boxOf(makeStore);
    const jobs = [await put(send('ann')), await put(send('bob'))];

    const ends = await Promise.allSettled(
      jobs.map(({ id }) => box.operate({ user: 'Ada', key: 'k1' }).cancel(id ?? '')),
    );

    expect(ends.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(await auditOf(box)).toHaveLength(1);
    for (const job of jobs) await job.refresh();
    expect(jobs.filter(({ ending }) => ending === 'cancelled')).toHaveLength(1);
  });

  it('knows a key for ten minutes', async () => {
    const { box, reactor } = await boxOf(makeStore);
    await box.start({ agent: null });
    const pause = () => box.operate({ user: 'Ada', key: 'k1' }).pause('mail');
    await pause();
    await box.operate({ user: 'Ada' }).resume('mail');
    await reactor.advance('9m');
    await pause();
    expect(await box.queue('mail').pauses()).toEqual([]);
    await reactor.advance('2m');

    await pause();
    expect(await box.queue('mail').pauses()).toHaveLength(1);

    await box.queue('mail').resume();
    await reactor.advance('11m');
    await pause();

    expect(await box.queue('mail').pauses()).toHaveLength(1);
  });

  it('leaves no note of what changes nothing', async () => {
    const { box, put } = await boxOf(makeStore);
    const { id } = await put(send('ann'));
    await box.job(id ?? '').cancel();

    expect(await box.operate({ user: 'Ada' }).cancel(id ?? '')).toBe('ended');
    expect(await box.operate({ user: 'Ada' }).resume('mail')).toBe(false);

    expect(await auditOf(box)).toEqual([]);
  });

  it('pauses and resumes a queue, definitions in it, and an agent, under the name of the person', async () => {
    const { box, put, reactor } = await boxOf(makeStore);
    await box.start({ agent: agent({ size: 2 }) });
    const ada = box.operate({ user: 'Ada', reason: 'the server moves' });

    await ada.pause('mail', { job: 'mail.*', until: { after: '1h' } });
    expect(await box.queue('mail').pauses()).toMatchObject([
      { job: 'mail.*', by: 'Ada', reason: 'the server moves', until: new Date(reactor.now() + 3_600_000) },
    ]);
    expect(await ada.resume('mail', { job: 'mail.*' })).toBe(true);
    await ada.pauseAgent('mail', box.uuid, 'main');
    const job = await put(send('ann'));
    await reactor.runUntilIdle();
    expect((await job.refresh()).status).toBe('PENDING');
    expect(await ada.resumeAgent('mail', box.uuid, 'main')).toBe(true);
    await reactor.runUntilIdle();

    expect((await job.refresh()).status).toBe('COMPLETED');
    expect((await auditOf(box)).map(({ action, target, answer }) => [action, target, answer])).toEqual([
      ['pause', 'mail: mail.*', null],
      ['resume', 'mail: mail.*', true],
      ['pauseAgent', `mail/${box.uuid}/main`, false],
      ['resumeAgent', `mail/${box.uuid}/main`, true],
    ]);
  });

  it('pauses and resumes one key of a limit', async () => {
    const { box } = await boxOf(makeStore);
    const mail = box.queue('mail');
    await mail.quotas.create('api', { size: 1, keyed: true });
    const ada = box.operate({ user: 'Ada', reason: 'the tenant asked' });

    await ada.pause('mail', { key: ['api', '42'] });
    expect((await mail.quotas.get('api', '42')).paused).toBe(true);
    expect(await ada.resume('mail', { key: ['api', '42'] })).toBe(true);
    expect(await ada.resume('mail', { key: ['api', '42'] })).toBe(false);

    expect((await auditOf(box)).map(({ action, target, reason }) => [action, target, reason])).toEqual([
      ['pause', 'mail: key api/42', 'the tenant asked'],
      ['resume', 'mail: key api/42', 'the tenant asked'],
    ]);
  });

  it('changes the priority of a job that waits, and is refused where the chart refuses', async () => {
    const { box, put } = await boxOf(makeStore);
    const job = await put(send('ann'));
    const ada = box.operate({ user: 'Ada' });

    await ada.setPriority(job.id ?? '', 'high');

    expect((await job.refresh()).record.priority).toBe(-5);
    await ada.cancel(job.id ?? '');
    await expect(ada.setPriority(job.id ?? '', 'low')).rejects.toMatchObject({ code: 'BAD_STATUS' });
    expect((await auditOf(box)).map(({ action }) => action)).toEqual(['setPriority', 'cancel']);
  });

  it.each([
    [{}, 'user'],
    [{ user: '' }, 'user'],
    [{ user: ' ' }, 'user'],
    [{ user: 'x'.repeat(201) }, 'user'],
    [{ user: 'Ada\u0000' }, 'user'],
    [{ user: 'Ada', reason: 'x'.repeat(1001) }, 'reason'],
    [{ user: 'Ada', key: '' }, 'key'],
    [{ user: 'Ada', why: 'x' }, 'why'],
  ])('is refused for %j', async (options, option) => {
    const { box } = await boxOf(makeStore);

    expect(() => box.operate(options as never)).toThrow(SignalboxError);
    expect(() => box.operate(options as never)).toThrow(`\`${option}\``);
  });

  it('writes nothing for a subject that is not there, or for bad input', async () => {
    const { box, put } = await boxOf(makeStore);
    const { id } = await put(send('ann'));
    const ada = box.operate({ user: 'Ada' });
    const { seq } = await box.store.position();

    await expect(ada.cancel('nowhere')).rejects.toMatchObject({ code: 'JOB_NOT_FOUND' });
    await expect(ada.pause('nowhere')).rejects.toMatchObject({ code: 'QUEUE_NOT_FOUND' });
    await expect(ada.pauseAgent('mail', box.uuid, 'none')).rejects.toMatchObject({ code: 'AGENT_NOT_FOUND' });
    await expect(ada.setPriority(id ?? '', 10)).rejects.toMatchObject({ code: 'INVALID_OPTION' });
    await expect(ada.pause('mail', { until: 'soon' })).rejects.toBeInstanceOf(SignalboxError);

    expect((await box.store.position()).seq).toBe(seq);
  });

  it('is noted in a store that is opened again', async () => {
    const store = makeStore();
    const first = await makeBox({ store, jobs: [send], queues: ['mail'] });
    const { id } = await first.box.queue('mail').put(send('ann'));
    await first.box.operate({ user: 'Ada', key: 'k1' }).cancel(id ?? '');
    await first.stop();
    const { box } = await makeBox({ store, jobs: [send] });

    expect(await box.operate({ user: 'Ada', key: 'k1' }).cancel(id ?? '')).toBe('cancelled');
    expect(await auditOf(box)).toHaveLength(1);
  });

  it('works on many jobs, and does it once for one key', async () => {
    const { box, put, reactor } = await boxOf(makeStore);
    const jobs = [await put(send('ann')), await put(send('bob'))];
    await box.queue('mail').pause();
    const operator = box.operate({ user: 'Ada', reason: 'wrong list', key: 'k1' });

    const op = await operator.bulk('cancel', { queue: 'mail' });
    const again = await operator.bulk('cancel', { queue: 'mail' });
    await box.start();
    await reactor.runUntilIdle();

    expect(again.id).toBe(op.id);
    expect(await op.result()).toMatchObject({ matched: 2, done: 2 });
    for (const job of jobs)
      expect((await job.refresh()).record.stop).toMatchObject({ by: 'Ada', reason: 'wrong list' });
    expect(await auditOf(box)).toMatchObject([
      { key: 'k1', action: 'bulk', target: 'cancel', user: 'Ada', reason: 'wrong list', count: 1 },
    ]);
  });

  it('does in this process what no queue is to do, also when it is asked for twice', async () => {
    const { box, put } = await boxOf(makeStore);
    await put(send('ann'));
    const operator = box.operate({ user: 'Ada', key: 'k2' });

    const ops = [1, 2].map(() => operator.bulk('cancel', { queue: 'mail' }, { queue: null }));

    for (const op of ops) expect(await (await op).result()).toMatchObject({ matched: 1, done: 1 });
    expect(await auditOf(box)).toHaveLength(1);
  });

  it('pauses, resumes, triggers and removes a schedule', async () => {
    const { box } = await boxOf(makeStore);
    const { schedules } = box.queue('mail');
    await schedules.set('nightly', { cron: '@daily' }, send('ann'));
    const operator = box.operate({ user: 'Ada', reason: 'moves' });

    await operator.pauseSchedule('mail', 'nightly');
    expect((await schedules.get('nightly')).paused).toMatchObject({ by: 'Ada', reason: 'moves' });
    expect(await operator.resumeSchedule('mail', 'nightly')).toBe(true);
    expect(await operator.resumeSchedule('mail', 'nightly')).toBe(false);
    const id = await operator.triggerSchedule('mail', 'nightly');
    expect((await box.job(id).refresh()).args).toEqual(['ann']);
    await operator.removeSchedule('mail', 'nightly');
    await expect(operator.removeSchedule('mail', 'nightly')).rejects.toMatchObject({
      code: 'SCHEDULE_NOT_FOUND',
    });

    expect((await auditOf(box)).map(({ action, target, count }) => [action, target, count])).toEqual(
      ['pauseSchedule', 'resumeSchedule', 'triggerSchedule', 'removeSchedule'].map((action) => [
        ...[action, 'mail/nightly', 1],
      ]),
    );
  });
});
