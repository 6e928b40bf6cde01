import {
  createSignalbox,
  defineJob,
  type Job,
  memoryStore,
  type Signalbox,
  SignalboxError,
  serial,
} from 'signalbox';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const square = defineJob({ name: 'square', run: (n: number) => n * n });
const plain = defineJob({ name: 'plain', run: () => 1 });
const stranger = defineJob({ name: 'stranger', run: () => 1 });

async function refusal(promise: Promise<unknown>): Promise<SignalboxError> {
  const error: unknown = await promise.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(error instanceof SignalboxError)) throw new Error(`expected a SignalboxError, got ${String(error)}`);
  return error;
}

describe('putAll', () => {
  let box: Signalbox;
  const noted = async (): Promise<number> => (await box.store.list('job', '')).length;

  beforeEach(async () => {
    box = await createSignalbox({ store: memoryStore(), jobs: [square, plain], queues: [''] });
    await box.queue().quotas.create('few', { size: 2 });
  });
  afterEach(() => box.stop());

  it('puts jobs and bare definitions in their order, in one commit', async () => {
    const sizes: number[] = [];
    box.store.follow((lines) => sizes.push(...lines.map(({ entries }) => entries.length)));
    const jobs = await box.queue().putAll([square(2), square(3)]);
    const last: Job<number>[] = await box.queue().putAll([plain], { quotaNames: ['few'] });

    expect((await box.queue().jobs()).map(({ id }) => id)).toEqual([...jobs, ...last].map(({ id }) => id));
    expect((await last[0]?.refresh())?.quotaNames).toEqual(['few']);
    expect(sizes).toEqual([2, 1]);
  });

  it('puts nothing of nothing', async () => {
    expect(await box.queue().putAll([])).toEqual([]);
    expect(await noted()).toBe(0);
  });

  it('stores callbacks and annotations of each', async () => {
    const draft = square(2).with({ annotations: { note: 'here' } });
    await draft.addCallback(plain());
    const [job] = await box.queue().putAll([draft, square(3)]);
    expect((await job?.refresh())?.annotations).toEqual({ note: 'here' });
    expect(await noted()).toBe(3);
  });

  it.each([
    ['an unknown definition', () => stranger(), 'UNKNOWN_DEFINITION'],
    ['a function', () => (() => 1) as never, 'ANONYMOUS_FUNCTION'],
    ['an argument that is no JSON', () => square(Number.NaN), 'ARGS_NOT_JSON'],
  ] as const)('puts none when one is %s, and says which', async (_name, bad, code) => {
    const first = square(1);
    const error = await refusal(box.queue().putAll([first, bad()]));
    expect([error.code, error.message.startsWith('items[1]: Expected')]).toEqual([code, true]);
    expect([await noted(), first.isStored]).toEqual([0, false]);
  });

  it('puts no job when a quota is unknown, and says the first that names it', async () => {
    const [known] = await box.queue().putAll([square(1).with({ id: 'known' })]);
    const none = { quotaNames: ['few', 'none'] };
    const items = [
      square(1).with({ id: 'known' }),
      square(2).with({ quotaNames: ['few'] }),
      square(3).with(none),
      square(4).with(none),
    ];

    const error = await refusal(box.queue().putAll(items));
    const pulled = await box.queue().pull();
    const again = await refusal(box.queue().putAll([square(5), pulled], none));

    expect([error.code, error.message]).toEqual([
      'QUOTA_NOT_FOUND',
      expect.stringMatching(/^items\[2\]: Expected quota "none"/),
    ]);
    expect(again.message).toMatch(/^items\[0\]: Expected quota "none"/);
    expect([pulled.id, await noted(), await box.queue().length()]).toEqual([known?.id, 1, 0]);
  });

  it('refuses a job that is in it twice, stored or not', async () => {
    const draft = square(1);
    expect((await refusal(box.queue().putAll([draft, draft]))).code).toBe('BAD_STATUS');
    await box.queue().put(draft);
    const pulled = await box.queue().pull();
    const again = box.job(pulled.id ?? '');
    expect((await refusal(box.queue().putAll([pulled, await again.refresh()]))).code).toBe('BAD_STATUS');
    expect(await box.queue().length()).toBe(0);
    await box.queue().putAll([square(2), pulled]);
    expect(await box.queue().length()).toBe(2);
  });

  it('acknowledges jobs that are there under their ids already', async () => {
    const make = (): Job<number>[] => [1, 2].map((n) => square(n).with({ id: `square-${n}` }));
    await box.queue().putAll(make().slice(0, 1));
    const jobs = await box.queue().putAll(make());
    expect([jobs.map(({ id }) => id), await noted()]).toEqual([['square-1', 'square-2'], 2]);
    const other = square(3).with({ id: 'square-1' });
    expect((await refusal(box.queue().putAll([other]))).code).toBe('JOB_EXISTS');
  });

  it('acknowledges joined jobs that are there, and makes handles of the jobs in them', async () => {
    const make = (n: number): [Job<unknown>, Job<number>] => {
      const inner = square(n);
      return [serial([inner, square(n)]).with({ id: 'both' }), inner];
    };
    const [first, storedInner] = make(2);
    await box.queue().putAll([first]);
    const stored = await noted();
    const [again, inner] = make(2);
    await box.queue().putAll([again]);
    expect([again.id, inner.id, await noted()]).toEqual(['both', storedInner.id, stored]);
    expect((await refusal(box.queue().putAll([make(3)[0]]))).code).toBe('JOB_EXISTS');
  });

  it('is part of a transaction', async () => {
    const aborted = new Error('aborted');
    const transaction = box.transaction(async (tx) => {
      await tx.queue().putAll([square(1), square(2)]);
      throw aborted;
    });
    await expect(transaction).rejects.toBe(aborted);
    expect(await noted()).toBe(0);
  });
});
