import { storeContract } from 'signalbox/testing';
import { afterAll, describe, expect, it } from 'vitest';
import { makeBox } from '../../behaviours/stores.ts';
import { newPostgresStore, removeSchemas } from './schemas.ts';

afterAll(removeSchemas);

/** Lists that a database does not have yet: it refuses them. */
const withoutList: readonly string[] = [
  'lists completed jobs newest first, and those without success',
  'lists jobs without a place, by id, and no callbacks',
  'counts jobs by state, by ending and by list, also after it was opened again',
];
const checks = storeContract.filter(({ name }) => !withoutList.includes(name));

describe('A postgres store', () => {
  it.each(checks.map((check) => [check.name, check] as const))('%s', async (_name, check) => {
    await check.run(() => newPostgresStore());
  });

  it.each(['failed', 'ended', 'unplaced'] as const)('refuses the list of %s jobs', async (list) => {
    const { box } = await makeBox({ store: newPostgresStore(), jobs: [] });

    await expect(box.store.jobsPage({ list, limit: 10 })).rejects.toThrow(
      expect.objectContaining({ code: 'LIST_UNAVAILABLE' }),
    );
    expect((await box.store.counts()).lists).toMatchObject({
      waiting: { n: 0, more: false },
      [list]: { n: 0, more: true },
    });
  });
});
