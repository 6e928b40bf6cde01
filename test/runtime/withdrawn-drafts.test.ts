import { createSignalbox, defineJob, type Job, memoryStore, type Signalbox } from 'signalbox';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const square = defineJob({ name: 'square', run: (n: number) => n * n });
const hear = defineJob({ name: 'hear', run: (outcome: unknown) => outcome });

describe('a box.transaction that is rolled back', () => {
  let box: Signalbox;

  beforeEach(async () => {
    box = await createSignalbox({ store: memoryStore(), jobs: [square, hear], queues: ['', 'other'] });
  });
  afterEach(() => box.stop());

  async function failing(jobs: readonly Job<unknown>[]): Promise<void> {
    const transaction = box.transaction(async (tx) => {
      for (const job of jobs) await tx.queue('other').put(job);
      throw new Error('changed my mind');
    });
    await expect(transaction).rejects.toThrow('changed my mind');
  }

  it('leaves drafts that can be changed and put', async () => {
    const job = square(2);
    const callback = await job.addCallback(hear);
    await failing([job]);

    job.args = [3];
    await box.queue().put(job);
    await box.start();

    expect(await job.result()).toBe(9);
    expect(await callback.result()).toBe(9);
  });

  it('leaves the handle of a stored job as it was', async () => {
    await box.queue().put(square(2));
    const pulled = await box.queue().pull();
    await failing([pulled]);

    expect((await pulled.refresh()).status).toBe('NEW');
    await box.queue().put(pulled);
    expect((await box.queue().jobs()).map(({ id }) => id)).toEqual([pulled.id]);
  });

  it('leaves a draft of a commit that was refused, too', async () => {
    const waiting = await box.queue().put(square(1));
    const job = square(2);
    const transaction = box.transaction(async (tx) => {
      await tx.queue().remove(waiting);
      await tx.queue().put(job);
      await box.queue().remove(waiting);
    });
    await expect(transaction).rejects.toMatchObject({ code: 'CONFLICT' });

    await box.queue().put(job);

    expect((await box.queue().jobs()).map(({ id }) => id)).toEqual([job.id]);
  });
});
