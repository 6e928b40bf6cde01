import { defineJob, memoryStore } from 'signalbox';
import { expect, it } from 'vitest';
import { decorated } from '../../behaviours/faulty-store.ts';
import { makeBox } from '../../behaviours/stores.ts';

it('Puts of one name at once look again together when the first of them is written, and only those refused again in turn', async () => {
  const looks: (() => void)[] = [];
  const store = decorated(memoryStore(), () => ({
    read: (call, name, [kind]) =>
      name === 'get' && kind === 'unique' ? new Promise<void>((go) => looks.push(go)).then(call) : call(),
  }));
  const same = defineJob({ name: 'same', run: (n: number) => n, unique: { key: () => 'one' } });
  const { box, reactor } = await makeBox({ store, jobs: [same], queues: [''] });
  const release = async (): Promise<number> => {
    const released = looks.splice(0);
    for (const go of released) go();
    await reactor.runUntilIdle();
    return released.length;
  };

  const puts = [1, 2, 3, 4, 5].map((n) => box.queue().put(same(n)));
  await reactor.runUntilIdle();
  const found = [await release(), await release(), await release()];

  expect(found).toEqual([5, 4, 0]);
  const results = (await Promise.all(puts)).map(({ putResult }) => putResult);
  expect(results).toEqual(['added', 'existing', 'existing', 'existing', 'existing']);

  const replacing = [6, 7, 8, 9].map((n) => box.queue().put(same(n), { unique: { onConflict: 'replace' } }));
  await reactor.runUntilIdle();
  const asked = [await release(), await release(), await release(), await release()];

  expect(asked).toEqual([4, 3, 1, 1]);
  await Promise.all(replacing);
});
