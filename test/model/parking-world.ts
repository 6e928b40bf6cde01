import fc from 'fast-check';
import type { JobRecord, OpenStore, Store } from 'signalbox';
import { expect } from 'vitest';
import { openByHand } from '../store/open-by-hand.ts';

const limits = { k: 1, m: 2 } as const;
const keys = ['k/1', 'm/1', 'k/2'] as const;

export type Step =
  | {
      readonly does: 'put';
      readonly name: string;
      readonly keys: readonly string[];
      readonly by: number | null;
    }
  | { readonly does: 'claim'; readonly limit: number; readonly isPoll: boolean }
  | { readonly does: 'end' | 'putBack' | 'cancel'; readonly at: number }
  | { readonly does: 'resize'; readonly limit: 'k' | 'm'; readonly size: number }
  | { readonly does: 'wait'; readonly ms: number };

/** A store with a clock that steps move, and a picture of it that knows nothing of parking. */
export class World {
  readonly open: OpenStore;
  now = 1000;
  #count = 0;

  constructor(open: OpenStore) {
    this.open = open;
  }

  static async make(store: Store): Promise<World> {
    const clock = { world: null as World | null };
    const world = new World(await openByHand(store, () => clock.world?.now ?? 1000));
    clock.world = world;
    for (const [name, size] of Object.entries(limits))
      await world.#change('quota', `/${name}`, { size, keyed: true });
    return world;
  }

  async take(step: Step): Promise<void> {
    if (step.does === 'put') return this.#put(step);
    if (step.does === 'claim') return void (await this.claim(step.limit, step.isPoll));
    if (step.does === 'resize') return this.#change('quota', `/${step.limit}`, { size: step.size });
    if (step.does === 'wait') {
      this.now += step.ms;
      return;
    }
    const jobs = await this.jobs();
    const isMeant = step.does === 'cancel' ? isWaiting : isRunning;
    const job = jobs.filter(isMeant)[step.at];
    if (job === undefined) return;
    const { id, state } = job;
    if (step.does === 'putBack')
      await this.#move(id, state, 'pending', { parent: { queue: '' }, line: 'putBack' });
    else
      await this.#move(id, state, 'completed', {
        parent: { left: '' },
        line: null,
        quotas: [],
        ending: 'cancelled',
      });
  }

  /** `only`: jobs of this name. */
  async claim(limit: number, isPoll = false, only?: string): Promise<string[]> {
    const claimed = await this.open.claim({
      ...{ queue: '', limit, by: 'test', agent: null, isPoll, choose: null },
      accepts: { lane: (name) => only === undefined || name === only, job: null },
      take: ({ job, quotas, expired }) => {
        const parent = expired ? { left: '' } : { queue: '', dispatcher: 'd', agent: 'main' };
        const patch = { parent, line: 'claimed', quotas: expired ? [] : quotas } as const;
        const to = expired ? 'completed' : 'assigned';
        return [{ kind: 'job', id: job.id, event: 'job.claim', from: 'pending', to, patch: patch as never }];
      },
    });
    return claimed.jobs.map(({ id }) => id);
  }

  async jobs(): Promise<readonly JobRecord[]> {
    return this.open.list('job', '');
  }

  /** The waiting jobs that a claim could take, by the records alone, in order of their places. */
  async takeable(): Promise<readonly JobRecord[]> {
    const all = await this.jobs();
    const sizes = new Map((await this.open.list('quota', '')).map(({ id, size }) => [id, size ?? 0]));
    const held = (limit: string): number => all.filter(({ quotas }) => quotas.includes(limit)).length;
    return (await this.open.waiting('')).filter(
      (job) =>
        this.#isLate(job) ||
        (job.keys ?? []).every((key) => {
          const limit = `/${key}`;
          return job.quotas.includes(limit) || held(limit) < (sizes.get(limit.slice(0, 2)) ?? 0);
        }),
    );
  }

  #isLate({ beginAfter, beginBy }: JobRecord): boolean {
    return beginBy !== null && (beginAfter ?? 0) + beginBy < this.now;
  }

  async #put({ name, keys, by }: Extract<Step, { does: 'put' }>): Promise<void> {
    const id = `j${String(this.#count++).padStart(3, '0')}`;
    const place = { parent: { queue: '' }, line: 'now', beginAfter: this.now, beginBy: by };
    await this.#move(id, 'new', 'pending', {
      name,
      args: [],
      ...(keys.length > 0 ? { keys } : {}),
      ...place,
    });
  }

  #move(id: string, from: string, to: string, patch: object): Promise<void> {
    return this.#commit({ kind: 'job', id, event: 'test', from, to, patch: patch as never });
  }

  #change(kind: 'quota', id: string, patch: object): Promise<void> {
    return this.#commit({ kind, id, event: 'test', from: null, to: null, patch: patch as never });
  }

  async #commit(change: Parameters<OpenStore['commit']>[0]['changes'][number]): Promise<void> {
    await this.open.commit({ by: 'test', changes: [change], expect: [] }).written;
  }
}

function isWaiting({ state }: JobRecord): boolean {
  return state === 'pending';
}

function isRunning({ state }: JobRecord): boolean {
  return state === 'assigned';
}

/** Steps of a world, of jobs with so many keys at most. */
export function stepsOf(most: number): fc.Arbitrary<Step[]> {
  const put = fc.record({
    does: fc.constant('put' as const),
    name: fc.constantFrom('one', 'other'),
    keys: fc.subarray([...keys], { minLength: 1, maxLength: most }),
    by: fc.constantFrom(null, null, null, null, 5),
  });
  const claim = fc.record({
    does: fc.constant('claim' as const),
    limit: fc.integer({ min: 1, max: 3 }),
    isPoll: fc.constantFrom(false, false, false, true),
  });
  const end = fc.record({ does: fc.constant('end' as const), at: fc.nat(2) });
  const others = fc.oneof(
    fc.record({ does: fc.constantFrom('putBack' as const, 'cancel' as const), at: fc.nat(3) }),
    fc.record({
      does: fc.constant('resize' as const),
      limit: fc.constantFrom('k' as const, 'm' as const),
      size: fc.integer({ min: 1, max: 3 }),
    }),
    fc.record({ does: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 4 }) }),
  );
  return fc.array(
    fc.oneof(
      { arbitrary: put, weight: 4 },
      { arbitrary: claim, weight: 4 },
      { arbitrary: end, weight: 3 },
      { arbitrary: others, weight: 2 },
    ),
    { minLength: 30, maxLength: 90, size: 'max' },
  );
}

/** Claims one job after the other: each is the first that could be taken. */
export async function takesTheFirst(world: World, steps: readonly Step[]): Promise<void> {
  for (const step of steps) {
    if (step.does !== 'claim') await world.take(step);
    else {
      const [first] = await world.takeable();
      const [taken] = await world.claim(1, step.isPoll);
      expect(taken).toBe(first?.id);
    }
  }
}

/** After some claims in a row nothing is left that could be taken, and no key has more holders than its size. */
export async function leavesNone(world: World, steps: readonly Step[]): Promise<void> {
  for (const step of steps) {
    await world.take(step);
    if (step.does !== 'claim') continue;
    for (let looks = 0; looks < 20; looks += 1) await world.claim(3);
    expect((await world.takeable()).map(({ id }) => id)).toEqual([]);
    const jobs = await world.jobs();
    for (const key of keys) {
      const held = jobs.filter(({ quotas }) => quotas.includes(`/${key}`)).length;
      expect(held).toBeLessThanOrEqual(3);
    }
  }
}
