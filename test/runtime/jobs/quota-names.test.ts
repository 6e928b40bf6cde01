import { defineJob, serial } from 'signalbox';
import { expect, it } from 'vitest';
import { forEachStore, makeBox } from '../../behaviours/stores.ts';

const work = defineJob({ name: 'work', run: () => 1 });
const refused = { code: 'INVALID_NAME' };

forEachStore('A quota name that no quota can have', (makeStore) => {
  it.each(['', 'two words', '1st', 'a/b', '__proto__'])(
    'is refused wherever it is given: %j',
    async (name) => {
      const { box } = await makeBox({ store: makeStore(), jobs: [work], queues: [''] });
      const queue = box.queue();
      const inner = work();
      await queue.put(serial([inner]));
      await expect(queue.quotas.create(name)).rejects.toMatchObject(refused);

      // A job that is NEW is in no queue, whose quotas could be looked up.
      expect((await inner.refresh()).status).toBe('NEW');
      await expect(inner.setQuotaNames([name])).rejects.toMatchObject(refused);
      expect(() => work().with({ quotaNames: ['fine', name] })).toThrow('a quota name');
      await expect(queue.put(work(), { quotaNames: [name] })).rejects.toMatchObject(refused);
      expect(() => defineJob({ name: 'other', run: () => 1, quotas: [name] })).toThrow('a quota name');

      expect((await inner.refresh()).quotaNames).toEqual([]);
      await inner.setQuotaNames(['fine']);
      expect((await inner.refresh()).quotaNames).toEqual(['fine']);
    },
  );
});
