import { scheduleContract, storeContract } from 'signalbox/testing';
import { afterAll, describe, it } from 'vitest';
import { newPostgresStore, removeSchemas } from './schemas.ts';

afterAll(removeSchemas);

describe('A postgres store', () => {
  it.each([...storeContract, ...scheduleContract].map((check) => [check.name, check] as const))(
    '%s',
    async (_name, check) => {
      await check.run(() => newPostgresStore());
    },
  );
});
