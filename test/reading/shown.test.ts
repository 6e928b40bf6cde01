import { decorateStore, defineJob, type Job, type Signalbox, type Store } from 'signalbox';
import { describe, expect, it } from 'vitest';
import { newJobRecord } from '../../src/model/jobs/step.ts';
import { grownRules } from '../../src/model/values/redaction-rules.ts';
import { Shown, type ShownJob } from '../../src/reading/shown.ts';
import { forEachStore, makeBox } from '../behaviours/stores.ts';

const canary = 'canary-4711';
const other = 'canary-0815';

interface Card {
  readonly card: string;
  readonly token?: string;
}

const pay = defineJob({
  name: 'pay',
  redact: ['0.card', 'result.receipt'],
  run: ({ card }: Card) => ({ receipt: other, echo: `paid with ${card}` }),
});
const refuse = defineJob({
  name: 'refuse',
  redact: ['0.card'],
  retry: 'NeverRetry',
  run: ({ card }: Card) => {
    throw Object.assign(new Error(`${card} is refused`, { cause: new Error(`no ${card}`) }), { card });
  },
});
const greet = defineJob({ name: 'greet', run: (name: string) => `hello ${name}` });

/** A job of a box with everything that its history holds. */
async function shownOf(box: Signalbox, job: Job<unknown>): Promise<[ShownJob, string]> {
  const { id } = job;
  const record = await box.store.get('job', id ?? '');
  if (record === undefined) throw new Error('it is not there');
  const entries = [];
  for await (const entry of box.store.history('job', record.id)) entries.push(entry);
  const shown = (await Shown.of(box.store)).job(
    record,
    entries.map(({ patch }) => patch),
  );
  const annotations = await box.store.annotations(record.id);
  // In this order: what is shown first may not rely on what is shown later.
  const everything = JSON.stringify([
    annotations.map(({ value }) => shown.annotation(value)),
    shown.args,
    shown.outcome,
    shown.patch(record as never),
    entries.map(({ patch }) => patch && shown.patch(patch)),
  ]);
  return [shown, everything];
}

forEachStore('What may be shown of a job', (makeStore) => {
  it('hides what its definition hides, in every value and in every entry', async () => {
    const { box, reactor } = await makeBox({ store: makeStore(), jobs: [pay] });
    await box.start();
    const job = await box.queue().put(pay({ card: canary }));
    await job.setAnnotation('note', `by ${canary}`);
    await reactor.runUntilIdle();

    const [shown, everything] = await shownOf(box, job);

    expect(everything).not.toContain(canary);
    expect(everything).not.toContain(other);
    expect(shown.args).toEqual([{ card: '[redacted]' }]);
    expect(shown.outcome).toEqual({
      ok: true,
      value: { receipt: '[redacted]', echo: 'paid with [redacted]' },
    });
  });

  it('hides it in failures, causes and attempts', async () => {
    const { box, reactor } = await makeBox({ store: makeStore(), jobs: [refuse] });
    await box.start();
    const job = await box.queue().put(refuse({ card: canary }));
    await reactor.runUntilIdle();

    const [shown, everything] = await shownOf(box, job);

    expect(everything).not.toContain(canary);
    expect(shown.outcome).toMatchObject({ ok: false, failure: { message: '[redacted] is refused' } });
    expect(shown.text(`it failed: ${canary}`)).toBe('it failed: [redacted]');
  });

  it('hides the secrets of earlier arguments in what was written later', async () => {
    const { box, reactor } = await makeBox({ store: makeStore(), jobs: [pay], queues: [''] });
    const job = await box.queue().put(pay({ card: canary }));
    await job.setArgs([{ card: other }]);
    await reactor.runUntilIdle();
    await job.setAnnotation('was', `card ${canary}`);

    const [shown, everything] = await shownOf(box, job);

    expect(everything).not.toContain(canary);
    expect(shown.text(canary)).toBe('[redacted]');
  });

  it('hides it in the reason for which it was cancelled', async () => {
    const { box } = await makeBox({ store: makeStore(), jobs: [pay], queues: [''] });
    const job = await box.queue().put(pay({ card: canary }));
    await job.cancel({ reason: `card ${canary} was stolen` });

    const [shown, everything] = await shownOf(box, job);

    expect(everything).not.toContain(canary);
    expect(shown.reason('stolen')).toBe('stolen');
    expect(shown.patch({ stop: { cause: 'cancel', reason: `card ${canary}` } })).toEqual({
      stop: { cause: 'cancel', reason: 'card [redacted]' },
    });
  });

  it('is the same in a process without the code', async () => {
    const store = makeStore();
    const first = await makeBox({ store, jobs: [pay], queues: [''] });
    const { id } = await first.box.queue().put(pay({ card: canary }));
    await first.stop();
    const { box } = await makeBox({ store, jobs: [] });

    const [shown, everything] = await shownOf(box, box.job(id ?? ''));

    expect(everything).not.toContain(canary);
    expect(shown.hidden).toBeNull();
  });

  it('is nothing where the store does not know the definition, and says why', async () => {
    const { box } = await makeBox({ store: makeStore(), jobs: [greet] });
    const record = newJobRecord('j1', { name: 'elsewhere', args: [{ a: canary }], retryData: { b: canary } });
    const failure = { name: 'Error', message: canary, stack: canary, code: 'E_NO', cause: null, extra: {} };

    const shown = (await Shown.of(box.store)).job({ ...record, outcome: { ok: false, failure } });

    expect(shown.hidden).toBe("not shown: this store does not know what definition 'elsewhere' hides");
    expect(JSON.stringify([shown.args, shown.outcome, shown.patch({ ...record } as never)])).not.toContain(
      canary,
    );
    expect(shown.annotation(canary)).toBe('[redacted]');
    expect(shown.patch({ snoozed: { times: 1, reason: canary } })).toEqual({
      snoozed: { times: 1, reason: '[redacted]' },
    });
    expect(shown.outcome).toMatchObject({ failure: { name: 'Error', code: 'E_NO' } });
  });

  it('is all that a definition without rules holds', async () => {
    const { box, reactor } = await makeBox({ store: makeStore(), jobs: [greet] });
    await box.start();
    const job = await box.queue().put(greet('Ada'));
    await reactor.runUntilIdle();

    const [shown] = await shownOf(box, job);

    expect([shown.args, shown.outcome]).toEqual([['Ada'], { ok: true, value: 'hello Ada' }]);
  });
});

forEachStore('The rules of what may be shown', (makeStore) => {
  const rulesIn = async (box: Signalbox) => (await box.store.get('store', 'store'))?.redactions;

  it('are stored at open, of definitions that hide nothing, too', async () => {
    const { box } = await makeBox({ store: makeStore(), jobs: [pay, greet] });

    expect(await rulesIn(box)).toEqual({ pay: ['0.card', 'result.receipt'], greet: [] });
  });

  it('of a definition that comes later are stored before its first job', async () => {
    const { box } = await makeBox({ store: makeStore(), jobs: [greet], queues: [''] });

    box.define(pay);
    await box.queue().put(pay({ card: canary }));

    const events: string[] = [];
    for await (const { event } of box.store.entries(box.store.oldestSeq())) events.push(event);
    expect(await rulesIn(box)).toEqual({ pay: ['0.card', 'result.receipt'], greet: [] });
    expect(events.lastIndexOf('redactions.set')).toBeLessThan(events.indexOf('job.put'));
  });

  it('that cannot be stored refuse a put, and are stored before the next one', async () => {
    const inner = makeStore();
    let isAway = false;
    const store: Store = {
      name: inner.name,
      open: async (ports) =>
        decorateStore(await inner.open(ports), {
          read: (call, name, args) =>
            isAway && name === 'get' && args[0] === 'store' ? Promise.reject(new Error('away')) : call(),
        }),
    };
    const { box } = await makeBox({ store, jobs: [greet], queues: [''] });
    isAway = true;
    box.define(pay);
    await expect(box.queue().put(greet('Ada'))).rejects.toThrow('away');
    isAway = false;

    await box.queue().put(greet('Ada'));

    expect(await rulesIn(box)).toHaveProperty('pay');
  });

  it('only grow: what one version of a definition hid stays hidden', async () => {
    const store = makeStore();
    await (await makeBox({ store, jobs: [pay] })).stop();
    const open = defineJob({ name: 'pay', redact: ['0.token'], run: ({ card }: Card) => card });

    const { box } = await makeBox({ store, jobs: [open] });

    expect(await rulesIn(box)).toEqual({ pay: ['0.card', '0.token', 'result.receipt'] });
  });

  it('are not written again when nothing is new', async () => {
    const store = makeStore();
    await (await makeBox({ store, jobs: [pay] })).stop();
    const { box } = await makeBox({ store, jobs: [pay] });

    const events: string[] = [];
    for await (const { event } of box.store.entries(box.store.oldestSeq())) events.push(event);

    expect(events.filter((event) => event === 'redactions.set').length).toBeLessThanOrEqual(1);
  });
});

describe('Rules together', () => {
  it.each([
    ['nothing new', { a: ['0'] }, { a: ['0'] }, null],
    ['less than before', { a: ['0', '1'] }, { a: ['1'] }, null],
    ['a new definition that hides nothing', {}, { a: [] }, { a: [] }],
    ['a new path', { a: ['0'] }, { a: ['1'] }, { a: ['0', '1'] }],
    ['a name of Object.prototype', {}, { constructor: ['0'] }, { constructor: ['0'] }],
  ] as const)('with %s', (_what, stored, own, grown) => {
    expect(grownRules(stored, own)).toEqual(grown);
  });
});
