import {
  agent,
  createSignalbox,
  defineJob,
  memoryStore,
  NodeReactor,
  type OpenStore,
  randomIds,
} from 'signalbox';
import { cpuUs } from './processor-time.ts';
import { median } from './statistics.ts';

type Change = Parameters<OpenStore['commit']>[0]['changes'][number];

/** What it costs to park many jobs. */
interface Parking {
  readonly parkMs: number;
  readonly parkCpuMs: number;
  readonly parked: number;
}

/** What keys and rates cost, each beside the same without them. */
export interface Limits {
  /** A claim while so many jobs wait behind one full key, and each behind a full key of its own, over that behind a thousand. */
  readonly oneFullKeyRatio: number;
  readonly manyFullKeysRatio: number;
  /** Milliseconds in which a burst into one key of limit 10 is parked. */
  readonly parkBurstMs: number;
  /** A claim of 50 jobs of one key with a rate, over that without one. */
  readonly rateClaimRatio: number;
  /** A drain of jobs each with a key of its own, over that of jobs without. */
  readonly ownKeysDrainRatio: number;
  /** A put under a unique name that is free, and one that finds it taken, over a put without one. */
  readonly uniquePutRatio: number;
  readonly existingPutRatio: number;
}

/** Measures in memory. `jobs`: how many wait where many do. */
export async function measure({ jobs }: { jobs: number }): Promise<Limits> {
  const few = await claimBehindFullKeys(1000, 1);
  const one = await claimBehindFullKeys(jobs, 1);
  const many = await claimBehindFullKeys(jobs, jobs);
  const { parkMs } = await parkBurst(jobs);
  const { withUs, withoutUs } = await rateOnClaim(3000);
  // The first drain warms up the JavaScript compiler.
  await drainOwnKeys(jobs / 5, true);
  const plain = await drainOwnKeys(jobs, false);
  const keyed = await drainOwnKeys(jobs, true);
  return {
    oneFullKeyRatio: one.claimUs / few.claimUs,
    manyFullKeysRatio: many.claimUs / few.claimUs,
    parkBurstMs: parkMs,
    rateClaimRatio: withUs / withoutUs,
    ownKeysDrainRatio: keyed.drainPerS / plain.drainPerS,
    ...(await uniquePuts(jobs / 5)),
  };
}

/** Jobs of one queue, in a memory store that no box is on: the cost of a claim alone. */
async function storeOf(): Promise<OpenStore> {
  const reactor = new NodeReactor();
  return memoryStore({ historyMaxLines: 0 }).open({
    now: () => Date.now(),
    defer: (run) => reactor.callFromThread(run),
    newId: () => randomIds.newUuid(),
    report: () => {},
  });
}

function quota(name: string, figures: object): Change {
  const patch = { keyed: true, ...figures } as Change['patch'];
  return { kind: 'quota', id: `/${name}`, event: 'quota.created', from: null, to: null, patch };
}

function put(id: string, keys: readonly string[] | null): Change {
  const place = { parent: { queue: '' }, line: 'now', beginAfter: 0 } as const;
  const patch = { name: 'work', args: [id], ...(keys === null ? {} : { keys }), ...place };
  return { kind: 'job', id, event: 'job.put', from: 'new', to: 'pending', patch: patch as Change['patch'] };
}

async function putMany(store: OpenStore, prefix: string, count: number, keyOf: (n: number) => string | null) {
  for (let from = 0; from < count; from += 1000) {
    const changes = Array.from({ length: Math.min(1000, count - from) }, (_, n) => {
      const key = keyOf(from + n);
      return put(`${prefix}${from + n}`, key === null ? null : [key]);
    });
    await store.commit({ by: 'bench', changes, expect: [] }).synced;
  }
}

async function evict(store: OpenStore, prefix: string, count: number): Promise<void> {
  const changes = Array.from(
    { length: count },
    (_, n): Change => ({
      ...{ kind: 'job', id: `${prefix}${n}`, event: 'evicted', from: null, to: null, patch: null },
      gone: true,
    }),
  );
  await store.commit({ by: 'bench', changes, expect: [] }).synced;
}

/** Claims so many, and returns how many it got and whether there is more to look at. */
async function claim(
  store: OpenStore,
  limit: number,
): Promise<{ readonly taken: number; readonly isMore: boolean }> {
  const claimed = await store.claim({
    ...{ queue: '', limit, by: 'bench', agent: null, choose: null },
    accepts: { lane: () => true, job: null },
    take: ({ job, quotas }) => {
      const parent = { queue: '', dispatcher: 'd', agent: 'main' };
      const patch = {
        parent,
        line: 'claimed',
        claim: job.claim + 1,
        ...(quotas.length > 0 ? { quotas } : {}),
      };
      return [
        {
          kind: 'job',
          id: job.id,
          event: 'job.claim',
          from: 'pending',
          to: 'assigned',
          patch: patch as never,
        },
      ];
    },
  });
  return { taken: claimed.jobs.length, isMore: claimed.mayBeMore === true };
}

async function claimAll(store: OpenStore, limit: number): Promise<number> {
  let taken = 0;
  for (;;) {
    const { taken: more, isMore } = await claim(store, limit);
    taken += more;
    if (more < limit && !isMore) return taken;
  }
}

async function msOf(work: () => Promise<unknown>): Promise<number> {
  const begin = performance.now();
  await work();
  return performance.now() - begin;
}

/**
 * Microseconds of a claim of one free job while so many others wait behind full keys, once they are parked. `keys`: over how many
 * keys they are spread.
 */
async function claimBehindFullKeys(count: number, keys: number): Promise<{ readonly claimUs: number }> {
  const store = await storeOf();
  await store.commit({ by: 'bench', changes: [quota('k', { size: 1 })], expect: [] }).synced;
  await putMany(store, 'h', keys, (n) => `k/${n}`);
  await claimAll(store, 1000);
  await putMany(store, 'p', count, (n) => `k/${n % keys}`);
  await claimAll(store, 1000);
  const times: number[] = [];
  for (let round = 0; round < 500; round += 1) {
    await putMany(store, `f${round}-`, 1, () => null);
    times.push(await msOf(() => claim(store, 1)));
  }
  await store.close();
  return { claimUs: median(times) * 1000 };
}

/** Milliseconds in which a burst of jobs into one key of limit 10 is parked, in all. */
async function parkBurst(count: number): Promise<Parking> {
  const store = await storeOf();
  await store.commit({ by: 'bench', changes: [quota('k', { size: 10 })], expect: [] }).synced;
  await putMany(store, 'p', count, () => 'k/1');
  const cpuBefore = cpuUs();
  const parkMs = await msOf(() => claimAll(store, 10));
  const parkCpuMs = (cpuUs() - cpuBefore) / 1000;
  const parked = await store.parked('/k/1');
  await store.close();
  return { parkMs, parkCpuMs, parked };
}

/** Microseconds of a claim of 50 jobs of one key, with and without a rate that lets them all begin. The two take turns. */
async function rateOnClaim(rounds: number): Promise<{ readonly withUs: number; readonly withoutUs: number }> {
  const roundOf = async (rate: object | null): Promise<() => Promise<number>> => {
    const store = await storeOf();
    await store.commit({ by: 'bench', changes: [quota('k', { size: null, rate })], expect: [] }).synced;
    return async () => {
      await putMany(store, 'r', 50, () => 'k/1');
      const ms = await msOf(() => claim(store, 50));
      await evict(store, 'r', 50);
      return ms;
    };
  };
  const withRate = await roundOf({ limit: 1_000_000_000, per: 1000, burst: 1_000_000 });
  const withoutRate = await roundOf(null);
  const times: (readonly [rated: number, unrated: number])[] = [];
  for (let round = 0; round < rounds; round += 1) times.push([await withRate(), await withoutRate()]);
  // The first half warms up the JavaScript compiler.
  const warm = times.slice(rounds / 2);
  return {
    withUs: median(warm.map(([ms]) => ms)) * 1000,
    withoutUs: median(warm.map(([, ms]) => ms)) * 1000,
  };
}

/** Jobs a second that a box drains: each with a key of its own that has room, or without keys. */
async function drainOwnKeys(count: number, isKeyed: boolean): Promise<{ readonly drainPerS: number }> {
  let done = 0;
  let whenDone: () => void = () => {};
  const run = (_n: number): void => {
    done += 1;
    if (done === count) whenDone();
  };
  const concurrency = { limit: 1, key: (n: number) => String(n) };
  const work = isKeyed ? defineJob({ name: 'work', run, concurrency }) : defineJob({ name: 'work', run });
  const box = await createSignalbox({ store: memoryStore({ historyMaxLines: 0 }), jobs: [work] });
  await box.createQueue('');
  const queue = box.queue();
  for (let from = 0; from < count; from += 1000)
    await queue.putAll(Array.from({ length: Math.min(1000, count - from) }, (_, n) => work(from + n)));
  const finished = new Promise<void>((resolve) => {
    whenDone = resolve;
  });
  const ms = await msOf(async () => {
    await box.start({ agent: agent({ size: 50 }) });
    await finished;
  });
  await box.stop();
  return { drainPerS: (count / ms) * 1000 };
}

/** Processor time of puts, one after the other: under names that are free, under one that is taken, and without. */
async function uniquePuts(
  count: number,
): Promise<{ readonly uniquePutRatio: number; readonly existingPutRatio: number }> {
  const run = (_tenant: string, _n: number): void => {};
  const plain = defineJob({ name: 'plain', run });
  const unique = defineJob({ name: 'unique', run, unique: {} });
  const existing = defineJob({ name: 'existing', run, unique: { key: (tenant) => tenant } });
  const cpuOf = async (make: typeof plain): Promise<number> => {
    const box = await createSignalbox({
      store: memoryStore({ historyMaxLines: 0 }),
      jobs: [plain, unique, existing],
    });
    await box.createQueue('');
    const queue = box.queue();
    const before = cpuUs();
    for (let n = 0; n < count; n += 50)
      await Promise.all(Array.from({ length: 50 }, (_, at) => queue.put(make('tenant', n + at))));
    const used = cpuUs() - before;
    await box.stop();
    return used;
  };
  const ratios = { unique: [] as number[], existing: [] as number[] };
  for (let round = 0; round < 5; round += 1) {
    const base = await cpuOf(plain);
    ratios.unique.push((await cpuOf(unique)) / base);
    ratios.existing.push((await cpuOf(existing)) / base);
  }
  return { uniquePutRatio: median(ratios.unique), existingPutRatio: median(ratios.existing) };
}
