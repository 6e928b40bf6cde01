import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { isExpired } from '../../src/model/jobs/deadline.ts';
import { afterStep, newJobRecord, stepJob } from '../../src/model/jobs/step.ts';
import type { JobRecord } from '../../src/model/records/records.ts';
import { systemNames } from '../../src/model/records/system-names.ts';
import { memoryStore } from '../../src/store/in-memory/memory-store.ts';
import type { Change, OpenStore } from '../../src/store/store.ts';

// The claim order of behaviours.md §3 in its simplest form, compared with the lanes; priorities as
// docs/guide.md promises them.

const failure = { name: 'Error', message: 'no', stack: '', code: null, cause: null, extra: {} };

interface World {
  readonly store: OpenStore;
  now: number;
}

const open: OpenStore[] = [];

afterEach(async () => {
  for (const store of open.splice(0)) await store.close();
});

async function newWorld(): Promise<World> {
  const world = { now: 1000, store: null as unknown as OpenStore };
  world.store = await memoryStore().open({
    now: () => world.now,
    defer: queueMicrotask,
    newId: () => 'id',
    report: () => {},
  });
  open.push(world.store);
  return world;
}

async function commit({ store }: World, ...changes: Change[]): Promise<void> {
  await store.commit({ by: 'test', changes, expect: [] }).synced;
}

interface NewJob {
  readonly name: string;
  readonly quotaNames: readonly string[];
  /** Relative to the clock: a past one pre-dates, a future one holds. Null: now. */
  readonly begin: number | null;
  readonly beginBy: number | null;
  /** Default 0. */
  readonly priority?: number;
}

async function put(world: World, id: string, job: NewJob): Promise<void> {
  const { begin, beginBy, name, quotaNames, priority = 0 } = job;
  const record = newJobRecord(id, { name, quotaNames, beginBy, priority });
  const step = stepJob(record, {
    type: 'job.put',
    queue: 'q',
    at: world.now,
    beginAfter: world.now + (begin ?? 0),
    assigner: null,
  });
  await commit(world, { ...step, patch: { name, quotaNames, beginBy, priority, ...step.patch } });
}

async function setAging(world: World, agingMs: number | null): Promise<void> {
  const set = { kind: 'queue', id: 'q', event: 'queue.set', from: null, to: null } as const;
  await commit(world, { ...set, patch: { agingMs } });
}

async function setQuota(world: World, name: string, size: number): Promise<void> {
  const patch = { size };
  await commit(world, {
    kind: 'quota',
    id: `q/${name}`,
    event: 'quota.created',
    from: null,
    to: null,
    patch,
  });
}

/** Everything that a naive claim reads. */
interface Picture {
  readonly jobs: readonly JobRecord[];
  /** Sizes by name. */
  readonly quotas: ReadonlyMap<string, number | null>;
  readonly agingMs: number | null;
}

async function pictureOf({ store }: World): Promise<Picture> {
  const quotas = await store.list('quota', 'q/');
  const queue = await store.get('queue', 'q');
  return {
    agingMs: queue === undefined ? 3_600_000 : queue.agingMs,
    jobs: await store.list('job', ''),
    quotas: new Map(quotas.map(({ id, size }) => [id.slice(2), size])),
  };
}

/** put-back jobs first; then the heads of the immediate line and of the held ones are compared, held first on a tie. */
function iterationOrder(jobs: readonly JobRecord[]): JobRecord[] {
  const waiting = jobs.filter(({ parent }) => parent !== null && 'queue' in parent && !('agent' in parent));
  const byKey = (one: JobRecord, other: JobRecord) => one.position - other.position;
  const line = (name: string) => waiting.filter((job) => job.line === name).sort(byKey);
  const held = line('held').sort(
    (one, other) => Number(one.beginAfter) - Number(other.beginAfter) || (one.id < other.id ? -1 : 1),
  );
  const now = line('now');
  const order = line('putBack');
  while (held.length > 0 || now.length > 0) {
    const isHeldFirst =
      now[0] === undefined ||
      (held[0] !== undefined && Number(held[0].beginAfter) <= Number(now[0].beginAfter));
    order.push((isHeldFirst ? held.shift() : now.shift()) as JobRecord);
  }
  return order;
}

/** A job that is not due comes last; one that was put back first; of the others the one that counts as ready first. */
function isBefore(one: JobRecord, other: JobRecord, agingMs: number | null, now: number): boolean {
  const rankOf = (job: JobRecord): number[] => {
    const isDue = Number(job.beginAfter) <= now;
    const isBack = job.line === 'putBack';
    if (!isDue) return [2, Number(job.beginAfter), job.priority];
    if (isBack) return [0, job.position];
    const ready = Math.max(Number(job.beginAfter), Number(job.readyAt ?? 0));
    return agingMs === null ? [1, job.priority] : [1, ready + job.priority * agingMs, job.priority];
  };
  const [left, right] = [rankOf(one), rankOf(other)];
  const at = left.findIndex((part, index) => part !== right[index]);
  return at >= 0 && Number(left[at]) < Number(right[at]);
}

/** Priorities: each in the order of Q-15, and of their first jobs always the one that is before the others. */
function levelOrder(
  jobs: readonly JobRecord[],
  agingMs: number | null,
  now: number,
  goesOn: (job: JobRecord) => boolean,
): void {
  const levels = [...new Set(jobs.map(({ priority }) => priority))].map((level) =>
    iterationOrder(jobs.filter(({ priority }) => priority === level)),
  );
  for (;;) {
    const heads = levels.filter(({ length }) => length > 0);
    const [first, ...others] = heads;
    if (first === undefined) return;
    const next = others.reduce(
      (best, level) => (isBefore(level[0] as JobRecord, best[0] as JobRecord, agingMs, now) ? level : best),
      first,
    );
    if (!goesOn(next.shift() as JobRecord)) return;
  }
}

interface Wants {
  readonly names: readonly string[] | null;
  readonly job: ((job: JobRecord) => boolean) | null;
}

/** Decides by for one job. */
function naiveClaim({ jobs, quotas, agingMs }: Picture, now: number, wants: Wants): JobRecord | null {
  let found: JobRecord | null = null;
  levelOrder(jobs, agingMs, now, (job) => {
    if (Number(job.beginAfter) > now) return false;
    const expired = isExpired(job, now);
    const blocked = job.quotaNames.some((name) => {
      const size = quotas.get(name);
      if (size === undefined || size === null || job.quotas.includes(`q/${name}`)) return false;
      return jobs.filter((other) => other.quotas.includes(`q/${name}`)).length >= size;
    });
    if (!expired && blocked) return true;
    const seen = expired ? newJobRecord(job.id, { name: systemNames.fail }) : job;
    if (wants.names !== null && !wants.names.includes(seen.name)) return true;
    if (wants.job !== null && !wants.job(seen)) return true;
    found = job;
    return false;
  });
  return found;
}

/** What the naive claim does `limit` times, each on the state after the one before. */
function naiveClaims(picture: Picture, now: number, wants: Wants, limit: number): string[] {
  const taken: string[] = [];
  let { jobs } = picture;
  while (taken.length < limit) {
    const job = naiveClaim({ ...picture, jobs }, now, wants);
    if (job === null) break;
    taken.push(job.id);
    const entered = isExpired(job, now) ? [] : job.quotaNames.filter((name) => picture.quotas.has(name));
    // A slot that is freed here is free for the next claim, not within this one.
    const quotas = [...job.quotas, ...entered.map((name) => `q/${name}`)];
    const left = { ...job, parent: null, quotas };
    jobs = jobs.map((other) => (other.id === job.id ? left : other));
  }
  return taken;
}

/** The same through the store. An expired job leaves the queue under its wrapper, as agents do it. */
async function storeClaims(world: World, wants: Wants, limit: number): Promise<string[]> {
  const taken: string[] = [];
  await world.store.claim({
    queue: 'q',
    limit,
    by: 'test',
    agent: null,
    accepts: { lane: (name) => wants.names === null || wants.names.includes(name), job: wants.job },
    choose: null,
    take: ({ job, expired, quotas }) => {
      taken.push(job.id);
      if (expired) {
        const pull = stepJob(job, { type: 'job.pull', system: 'w' });
        return [
          pull,
          stepJob(afterStep(job, pull), { type: 'job.fail', at: world.now, failure, expired: true }),
        ];
      }
      const claim = { type: 'job.claim', queue: 'q', dispatcher: 'd', agent: 'a', epoch: 1, quotas } as const;
      return [stepJob(job, claim)];
    },
  });
  return taken;
}

type Action =
  | { readonly does: 'put'; readonly job: NewJob }
  | { readonly does: 'pass time'; readonly ms: number }
  | { readonly does: 'claim'; readonly wants: Wants; readonly limit: number }
  | {
      readonly does: 'put back' | 'reschedule' | 'finish' | 'hand back' | 'pull' | 'rename';
      readonly which: number;
    }
  | { readonly does: 'quota'; readonly name: string; readonly size: number }
  | { readonly does: 'deadline'; readonly which: number; readonly beginBy: number | null }
  | { readonly does: 'level'; readonly which: number; readonly priority: number }
  | { readonly does: 'aging'; readonly agingMs: number | null };

const names = ['mail', 'index', 'scan'];
const quotaNames = fc.oneof(
  { weight: 3, arbitrary: fc.constant<string[]>([]) },
  { weight: 4, arbitrary: fc.constantFrom(['disk'], ['net']) },
  { weight: 1, arbitrary: fc.constantFrom(['disk', 'net'], ['gone'], ['disk', 'disk']) },
);
const newJob = fc.record({
  name: fc.constantFrom(...names),
  quotaNames,
  begin: fc.oneof(fc.constant(null), fc.integer({ min: -40, max: 40 })),
  beginBy: fc.oneof(
    { weight: 4, arbitrary: fc.constant(null) },
    { weight: 1, arbitrary: fc.integer({ min: 0, max: 60 }) },
  ),
});
const wants: fc.Arbitrary<Wants> = fc.record({
  names: fc.oneof(fc.constant(null), fc.subarray([...names, systemNames.fail], { minLength: 1 })),
  job: fc.constantFrom(null, null, (job: JobRecord) => job.id.charCodeAt(job.id.length - 1) % 2 === 0),
});
const which = fc.nat(99);
const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 10, arbitrary: fc.record({ does: fc.constant('put' as const), job: newJob }) },
  { weight: 3, arbitrary: fc.record({ does: fc.constant('pass time' as const), ms: fc.nat(30) }) },
  {
    weight: 5,
    arbitrary: fc.record({
      does: fc.constant('claim' as const),
      wants,
      limit: fc.integer({ min: 1, max: 6 }),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      does: fc.constantFrom('put back', 'reschedule', 'finish', 'hand back', 'pull', 'rename'),
      which,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      does: fc.constant('quota' as const),
      name: fc.constantFrom('disk', 'net', 'gone'),
      size: fc.integer({ min: 1, max: 3 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      does: fc.constant('deadline' as const),
      which,
      beginBy: fc.oneof(fc.constant(null), fc.nat(60)),
    }),
  },
);

const priority = fc.oneof(fc.constant(0), fc.integer({ min: -9, max: 9 }), fc.constantFrom(-1, 1));
/** The same with priorities. An aging of some milliseconds: so levels overtake each other. */
const levelAction: fc.Arbitrary<Action> = fc.oneof(
  { weight: 10, arbitrary: action },
  {
    weight: 10,
    arbitrary: fc.record({
      does: fc.constant('put' as const),
      job: fc.tuple(newJob, priority).map(([job, level]) => ({ ...job, priority: level })),
    }),
  },
  { weight: 3, arbitrary: fc.record({ does: fc.constant('level' as const), which, priority }) },
  {
    weight: 1,
    arbitrary: fc.record({
      does: fc.constant('aging' as const),
      agingMs: fc.oneof(fc.constant(null), fc.nat(40)),
    }),
  },
);
/** The same, where the first job of a level has become ready first. */
const steadyAction = levelAction.filter(
  (done) => done.does !== 'hand back' && (done.does !== 'put' || (done.job.begin ?? 0) >= 0),
);

async function changeOne(
  world: World,
  { does, which, ...given }: Extract<Action, { which: number }>,
  beginBy: number | null,
) {
  const jobs = await world.store.list('job', '');
  const at = world.now;
  const among = (state: string) => {
    const found = jobs.filter((job) => job.state === state);
    return found[which % Math.max(1, found.length)];
  };
  const step = async (job: JobRecord | undefined, ...events: Parameters<typeof stepJob>[1][]) => {
    if (job === undefined) return;
    let record = job;
    const changes: Change[] = [];
    for (const event of events) {
      const transition = stepJob(record, event);
      record = afterStep(record, transition);
      changes.push(transition);
    }
    await commit(world, ...changes);
  };
  const start = { type: 'job.start', at } as const;
  const reschedule = { type: 'job.reschedule', at, queue: 'q', retryData: null, failed: null } as const;
  const outcome = { ok: true, value: null } as const;
  if (does === 'put back') await step(among('assigned'), start, { ...reschedule, beginAfter: null });
  else if (does === 'reschedule')
    await step(among('assigned'), start, { ...reschedule, beginAfter: at + which });
  else if (does === 'finish')
    await step(among('assigned'), start, { type: 'job.finish', at, outcome, retryData: null, awaited: null });
  else if (does === 'hand back') await step(among('assigned'), { type: 'job.unassign', queue: 'q' });
  else if (does === 'pull') await step(among('pending'), { type: 'job.pull', system: null });
  else if (does === 'rename')
    await step(among('pending'), {
      type: 'quotaNames.set',
      quotaNames: which % 2 === 0 ? ['net'] : [],
      unknown: 0,
    });
  else if ('priority' in given)
    await step(among('pending'), { type: 'priority.set', priority: given.priority });
  else await step(among('pending'), { type: 'beginBy.set', beginBy });
}

async function act(world: World, done: Action, at: number): Promise<void> {
  if (done.does === 'put') await put(world, `j${String(at).padStart(3, '0')}`, done.job);
  else if (done.does === 'pass time') world.now += done.ms;
  else if (done.does === 'quota') await setQuota(world, done.name, done.size);
  else if (done.does === 'aging') await setAging(world, done.agingMs);
  else if (done.does !== 'claim') await changeOne(world, done, 'beginBy' in done ? done.beginBy : null);
}

describe('what a queue offers', () => {
  it.each([
    ['whatever was put, held, put back, handed back, pulled or has expired', action, null],
    ['with priorities, too', steadyAction, 10],
  ] as const)(
    'is what the naive claim takes, job by job, %s',
    async (_, actionOfCase, agingMs) => {
      await fc.assert(
        fc.asyncProperty(
          fc.array<Action>(actionOfCase, { minLength: 10, maxLength: 70, size: 'max' }),
          async (actions) => {
            const world = await newWorld();
            if (agingMs !== null) await setAging(world, agingMs);
            await setQuota(world, 'disk', 1);
            await setQuota(world, 'net', 2);
            for (const [at, done] of actions.entries()) {
              await act(world, done, at);
              if (done.does !== 'claim') continue;
              const expected = naiveClaims(await pictureOf(world), world.now, done.wants, done.limit);
              expect(await storeClaims(world, done.wants, done.limit)).toEqual(expected);
            }
          },
        ),
        { numRuns: 600 },
      );
    },
    60_000,
  );

  it('is listed in the order of Q-15 and of priorities, each waiting job once, and knows its place', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(levelAction, { minLength: 10, maxLength: 50, size: 'max' }),
        async (actions) => {
          const world = await newWorld();
          for (const [at, done] of actions.entries()) {
            await act(world, done, at);
            if (done.does === 'claim') await storeClaims(world, done.wants, done.limit);
          }
          const listed = await world.store.waiting('q');
          const { jobs, agingMs } = await pictureOf(world);
          const order: string[] = [];
          levelOrder(jobs, agingMs, world.now, ({ id }) => order.push(id) > 0);

          expect(listed.map(({ id }) => id)).toEqual(order);
          for (const [n, id] of order.entries())
            expect(await world.store.place(id)).toEqual({ n, is: 'exact' });
          expect(await world.store.waitingCount('q')).toBe(listed.length);
          for (const most of [1, listed.length >> 1, listed.length])
            expect(await world.store.waiting('q', most)).toEqual(listed.slice(0, most));
        },
      ),
      { numRuns: 300 },
    );
  }, 30_000);

  it('never exceeds a quota (I7)', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(action, { minLength: 10, maxLength: 60, size: 'max' }), async (actions) => {
        const world = await newWorld();
        await setQuota(world, 'disk', 1);
        for (const [at, done] of actions.entries()) {
          if (done.does === 'quota') continue;
          await act(world, done, at);
          if (done.does === 'claim') await storeClaims(world, done.wants, done.limit);
          expect((await world.store.quotaHolders('q/disk')).length).toBeLessThanOrEqual(1);
        }
      }),
      { numRuns: 200 },
    );
  }, 30_000);
});

const any: Wants = { names: null, job: null };
const plain: NewJob = { name: 'mail', quotaNames: [], begin: null, beginBy: null };

describe('a job that holds its quota slot', () => {
  it('is offered although jobs without a slot are before it, once it was returned to the end of the line', async () => {
    const world = await newWorld();
    await setQuota(world, 'disk', 1);
    await put(world, 'a', { ...plain, quotaNames: ['disk'] });
    await put(world, 'b', { ...plain, quotaNames: ['disk'] });
    await storeClaims(world, any, 1);
    await changeOne(world, { does: 'hand back', which: 0 }, null);

    expect((await world.store.waiting('q')).map(({ id }) => id)).toEqual(['b', 'a']);
    expect(await storeClaims(world, any, 2)).toEqual(['a']);
  });
});

describe('a job that changes its quotas while it waits', () => {
  it('is in the queue once', async () => {
    const world = await newWorld();
    await put(world, 'a', plain);
    await put(world, 'b', plain);
    const [job] = await world.store.waiting('q');
    await commit(world, stepJob(job as JobRecord, { type: 'quotaNames.set', quotaNames: ['x'], unknown: 0 }));

    expect((await world.store.waiting('q')).map(({ id }) => id)).toEqual(['a', 'b']);
    expect(await storeClaims(world, any, 9)).toEqual(['a', 'b']);
  });
});

const hourMs = 3_600_000;

describe('a priority', () => {
  it('lets a job be overtaken only by what became ready less than its levels later', async () => {
    const world = await newWorld();
    await put(world, 'least', { ...plain, priority: 9 });
    const before: string[] = [];
    for (let n = 1; ; n += 1) {
      world.now += hourMs / 4;
      await put(world, `urgent ${n}`, { ...plain, priority: -9 });
      await put(world, `usual ${n}`, plain);
      const [id = ''] = await storeClaims(world, any, 1);
      if (id === 'least') break;
      before.push(id);
    }

    const up = (name: string, most: number) => Array.from({ length: most }, (_, n) => `${name} ${n + 1}`);
    // Those of 18 hours, and those of 9.
    expect(before.sort()).toEqual([...up('urgent', 72), ...up('usual', 36)].sort());
  });

  it('is strict in a queue without aging', async () => {
    const world = await newWorld();
    await setAging(world, null);
    await put(world, 'usual', plain);
    world.now += 1000 * hourMs;
    await put(world, 'urgent', { ...plain, priority: -1 });

    expect(await storeClaims(world, any, 2)).toEqual(['urgent', 'usual']);
  });

  it('gains nothing by an instant before the put', async () => {
    const world = await newWorld();
    await put(world, 'usual', plain);
    await put(world, 'pre-dated', { ...plain, priority: 1, begin: -5 * hourMs });

    expect(await storeClaims(world, any, 2)).toEqual(['usual', 'pre-dated']);
  });

  it('moves with a job that waits to its place among those of its new level', async () => {
    const world = await newWorld();
    for (const id of ['a', 'b', 'c']) {
      await put(world, id, { ...plain, priority: id === 'b' ? 0 : 5 });
      world.now += 1;
    }
    const b = await world.store.get('job', 'b');
    await commit(world, stepJob(b as JobRecord, { type: 'priority.set', priority: 5 }));

    expect((await world.store.waiting('q')).map(({ id }) => id)).toEqual(['a', 'b', 'c']);
    expect(await storeClaims(world, any, 9)).toEqual(['a', 'b', 'c']);
  });

  it('of a full quota holds up no other, and what was put back goes before all levels', async () => {
    const world = await newWorld();
    await setQuota(world, 'disk', 1);
    const disk = { ...plain, quotaNames: ['disk'] };
    await put(world, 'first', { ...disk, priority: 9 });
    await storeClaims(world, any, 1);
    await put(world, 'blocked', { ...disk, priority: -9 });
    await put(world, 'usual', plain);
    await put(world, 'urgent', { ...plain, priority: -1 });
    expect(await storeClaims(world, any, 1)).toEqual(['urgent']);

    await changeOne(world, { does: 'put back', which: 0 }, null);

    expect(await storeClaims(world, any, 9)).toEqual(['first', 'usual']);
  });

  it('that is not due holds up none that is', async () => {
    const world = await newWorld();
    await put(world, 'urgent', { ...plain, priority: -9, begin: hourMs });
    await put(world, 'usual', plain);
    await put(world, 'soon', { ...plain, begin: 1 });

    expect((await world.store.waiting('q')).map(({ id }) => id)).toEqual(['usual', 'soon', 'urgent']);
    expect(await storeClaims(world, any, 9)).toEqual(['usual']);
    world.now += hourMs;
    expect(await storeClaims(world, any, 9)).toEqual(['urgent', 'soon']);
  });
});

describe('a held job that is due', () => {
  it('comes before a pre-dated job that is behind jobs of a full quota', async () => {
    const world = await newWorld();
    await setQuota(world, 'disk', 1);
    const disk = { ...plain, quotaNames: ['disk'] };
    await put(world, 'slot', disk);
    await storeClaims(world, any, 1);
    await put(world, 'h', { ...plain, begin: 5 });
    await put(world, 'a1', disk);
    world.now += 10;
    await put(world, 'a2', disk);
    await put(world, 'b', { ...plain, name: 'index', begin: -40 });

    expect(await storeClaims(world, any, 9)).toEqual(['h', 'b']);
  });

  it('is found at once, however many are held behind it', async () => {
    const world = await newWorld();
    const changes: Change[] = [];
    for (let at = 0; at < 50_000; at += 1) {
      const job = newJobRecord(`f${at}`, { name: 'mail' });
      const event = { type: 'job.put', queue: 'q', at: 0, beginAfter: 1e6 + at, assigner: null } as const;
      const step = stepJob(job, event);
      changes.push({ ...step, patch: { name: 'mail', ...step.patch } });
    }
    await commit(world, ...changes);
    for (let at = 0; at < 100; at += 1) await put(world, `d${at}`, { ...plain, begin: 1 });
    world.now += 2;

    const started = performance.now();
    for (let at = 0; at < 100; at += 1) await storeClaims(world, any, 1);

    // Sorting the held jobs took 100 × 20 ms here.
    expect(performance.now() - started).toBeLessThan(500);
    expect(await world.store.waitingCount('q')).toBe(50_000);
  });
});
