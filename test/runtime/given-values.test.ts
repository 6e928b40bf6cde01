import { agent, createSignalbox, defineJob, memoryStore, NeverRetry, type RetryPolicy } from 'signalbox';
import { VirtualReactor } from 'signalbox/testing';
import { expect, it } from 'vitest';
import { Audit } from '../../src/testing/simulate/audit/audit.ts';

/** Where the records of a store are not what its journal says. */
async function differing(
  store: Awaited<ReturnType<typeof createSignalbox>>['store'],
): Promise<readonly string[]> {
  const audit = new Audit({ boxPrefix: '', hasPeers: true });
  for await (const entry of store.entries(1)) audit.follow(entry);
  audit.problems.length = 0;
  await audit.compare(store);
  return audit.problems;
}

it('changing the object that a filter is made from leaves the stored agent unchanged', async () => {
  const reactor = new VirtualReactor();
  const box = await createSignalbox({ store: memoryStore(), reactor });
  await box.start();
  const jobs = ['mail.*'];
  const { agents } = await box.queue().dispatchers.get(box.uuid);
  await agents.set('mailer', agent({ filter: { jobs, args: { '0': 1 } } }));

  jobs.push('*');

  expect((await agents.get('mailer'))?.selection).toMatchObject({ filter: { jobs: ['mail.*'] } });
  expect(await differing(box.store)).toEqual([]);
  await reactor.until(box.stop());
});

it('a retry policy that changes its arguments changes nothing in the store', async () => {
  const reactor = new VirtualReactor();
  let count = 0;
  const grow = (data: object): void => void (data as { list?: number[] }).list?.push(count);
  const policy: RetryPolicy = {
    ...NeverRetry,
    name: 'growing',
    jobError: () => (count < 3 ? { after: 0 } : false),
    updateData: (data) => {
      grow(data);
      return count === 1 ? { list: [] } : null;
    },
  };
  const work = defineJob({
    name: 'work',
    run: () => {
      count += 1;
      throw new Error(`attempt ${count}`);
    },
  });
  const box = await createSignalbox({
    store: memoryStore(),
    reactor,
    jobs: [work],
    retryPolicies: { growing: policy },
  });
  await box.start();

  const job = await box.queue().put(work().with({ retryPolicy: 'growing' }));
  await reactor.advance('1m');

  expect((await job.refresh()).record).toMatchObject({
    state: 'completed',
    attempts: 3,
    retryData: { list: [] },
  });
  expect(await differing(box.store)).toEqual([]);
  await reactor.until(box.stop());
});
