import { type Json, memoryStore, type OpenStore } from 'signalbox';
import { afterAll, expect, it } from 'vitest';
import { checkFilter, filterOfJob } from '../../../src/model/jobs/filter.ts';
import { openByHand } from '../open-by-hand.ts';
import { newPostgresStore, removeSchemas } from './schemas.ts';

type Change = Parameters<OpenStore['commit']>[0]['changes'][number];

afterAll(removeSchemas);

const keys = ['0', '1', '-1', '00', '', 'a', '$a', 'length', '__proto__', '{a}'];
const values: readonly Json[] = [
  ...[null, true, 0, 1, 1.5, 1e21, 5e-324, '', 'a', '1', 'null', 'ü\u{1F600}"\\', '{}'],
  ...[
    [],
    [1],
    [1, 2],
    [[]],
    {},
    { a: 1 },
    { a: 1, b: [2] },
    { b: [2], a: 1 },
    { '': 1 },
    { $$a: 1 },
    { '0': 1 },
  ],
  ...[{ length: 2 }, { a: { b: null } }, JSON.parse('{"__proto__":1,"-1":2,"{a}":3}') as Json],
];

const wanted: readonly Json[] = [null, 1, 2, { b: [2], a: 1 }];

/** Ids of the jobs that a claim with a filter of arguments is offered. */
async function offered(
  store: OpenStore,
  args: { readonly [path: string]: Json },
): Promise<readonly string[]> {
  const filter = checkFilter({ args });
  const ids = new Set<string>();
  await store.claim({
    queue: '',
    limit: 1000,
    by: 'd',
    agent: null,
    accepts: { lane: () => true, job: filterOfJob(filter), args: filter.args ?? {} },
    choose: null,
    take: ({ job }) => {
      ids.add(job.id);
      return null;
    },
  });
  return [...ids].sort();
}

it('A filter of arguments finds the same jobs on a postgres store as on a memory store', {
  timeout: 60_000,
}, async () => {
  const [memory, postgres] = [await openByHand(memoryStore()), await openByHand(newPostgresStore())];
  const puts = values.flatMap((one, at): Change[] =>
    [[one], [one, values[(at * 7) % values.length] as Json]].map((args, which) => {
      const patch = { name: 'work', args, parent: { queue: '' }, line: 'now', beginAfter: 0 };
      return { kind: 'job', id: `${at}-${which}`, event: 'job.put', from: 'new', to: 'pending', patch };
    }),
  );
  for (const store of [memory, postgres])
    await store.commit({ by: 'client', changes: puts, expect: [] }).synced;

  const differing: unknown[] = [];
  let found = 0;
  for (const path of [...keys, ...keys.map((key) => `0.${key}`), '0.a.b', '0.b.0', '1.a', '0..', '.'])
    for (const value of wanted) {
      const [one, other] = [
        await offered(memory, { [path]: value }),
        await offered(postgres, { [path]: value }),
      ];
      found += one.length;
      if (one.join() !== other.join()) differing.push([path, value, one, other]);
    }

  expect(differing).toEqual([]);
  expect(found).toBeGreaterThan(10);
  await Promise.all([memory.close(), postgres.close()]);
});
