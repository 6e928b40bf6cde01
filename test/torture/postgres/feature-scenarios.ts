import type { OpenStore } from 'signalbox';
import { newScheduleContext } from '../../../machines/schedule.context.ts';
import { putOf } from './claims.ts';
import type { ScenarioDatabase } from './scenario-database.ts';

type Commit = Parameters<OpenStore['commit']>[0];

/** Commits of two openings at the same moment: how many are made. */
async function madeByTwo(
  stores: readonly OpenStore[],
  commit: (job: string) => Pick<Commit, 'changes' | 'expect'>,
): Promise<number> {
  const made = await Promise.allSettled(
    stores.map((store, index) => store.commit({ by: 'client', ...commit(`job-${index}`) }).synced),
  );
  return made.filter(({ status }) => status === 'fulfilled').length;
}

/** Two openings put a job under one unique name. */
export async function nameForTwo(database: ScenarioDatabase): Promise<string | null> {
  const stores = [await database.store(), await database.store()];
  const name = { kind: 'unique', id: 'a/feed/x', event: 'unique.taken', from: null, to: null } as const;
  const made = await madeByTwo(stores, (job) => ({
    changes: [putOf(job, []), { ...name, patch: { job, at: 0 } }],
    expect: [{ check: 'rev', kind: 'unique', id: name.id, rev: 0 }],
  }));
  await Promise.all(stores.map((store) => store.close()));
  return made === 1 ? null : `one name was taken ${made} times`;
}

/** Two openings make one tick of a schedule: both have read it before either writes. */
export async function tickForTwo(database: ScenarioDatabase): Promise<string | null> {
  const stores = [await database.store(), await database.store()] as const;
  const schedule = { kind: 'schedule', id: 'a/s', from: null, to: 'active' } as const;
  const set = { ...newScheduleContext(), nextTick: 10, nextAt: 10 };
  const changes = [{ ...schedule, event: 'schedule.set', patch: JSON.parse(JSON.stringify(set)) }];
  await stores[0].commit({ by: 'client', changes, expect: [] }).synced;
  await database.sql(`BEGIN; SELECT FROM ${database.schema}.schedule FOR UPDATE`);
  const making = madeByTwo(stores, (job) => ({
    changes: [
      {
        ...schedule,
        from: 'active',
        event: 'schedule.tick',
        patch: { nextTick: 20, nextAt: 20, lastJob: job },
      },
      putOf(job, []),
    ],
    expect: [{ check: 'rev', kind: 'schedule', id: schedule.id, rev: 1 }],
  }));
  await database.until(
    async () => (await database.sql('SELECT FROM pg_locks WHERE NOT granted')).length >= 2,
    5_000,
  );
  await database.sql('COMMIT');
  const made = await making;
  await Promise.all(stores.map((store) => store.close()));
  return made === 1 ? null : `one tick was made ${made} times`;
}
