import fc from 'fast-check';
import { type JobRecord, memoryStore, type OpenStore } from 'signalbox';
import { afterAll, expect, it } from 'vitest';
import { openByHand } from '../open-by-hand.ts';
import { newPostgresStore, removeSchemas } from './schemas.ts';

type Change = Parameters<OpenStore['commit']>[0]['changes'][number];
type Page = Omit<Parameters<OpenStore['jobsPage']>[0], 'limit'>;

const runs = Number(process.env.SIGNALBOX_LAW_RUNS ?? 500);
const clock = { now: 0 };
const queues = ['q', 'r'];
const agents = ['one', 'two'];
const lists = ['waiting', 'held', 'failed', 'ended', 'unplaced', 'quarantined'] as const;

afterAll(removeSchemas, 60_000);

const random = fc.record({
  does: fc.constantFrom(
    ...([
      'put',
      'put',
      'put',
      'claim',
      'claim',
      'start',
      'finish',
      'finish',
      'putBack',
      'snooze',
      'fail',
    ] as const),
    ...([
      'pull',
      'interrupt',
      'store',
      'callback',
      'proxy',
      'wait',
      'annotate',
      'estrange',
      'evict',
      'wake',
    ] as const),
  ),
  job: fc.nat(),
  other: fc.nat(),
  count: fc.integer({ min: 1, max: 40 }),
  in: fc.nat({ max: 30 }),
});
type Step = typeof random extends fc.Arbitrary<infer Value> ? Value : never;

const isWaiting = ({ parent, state }: JobRecord): boolean =>
  state === 'pending' && parent !== null && 'queue' in parent && !('agent' in parent);
const isHeld = ({ parent, callbacksEnd }: JobRecord): boolean =>
  parent !== null && 'agent' in parent && callbacksEnd === null;

/** The commits of a step, given the jobs that there are. None: it does not fit. */
function changesOf(step: Step, jobs: readonly JobRecord[], made: number, epoch: number): readonly Change[] {
  const at = clock.now;
  const some = (isMeant: (job: JobRecord) => boolean): JobRecord | undefined => {
    const meant = jobs.filter(isMeant);
    return meant[step.job % Math.max(1, meant.length)];
  };
  const queue = queues[step.other % 2] as string;
  const job = (
    id: string,
    event: string,
    from: string | null,
    to: string | null,
    patch: object | null,
  ): Change => ({ kind: 'job', id, event, from, to, patch }) as Change;
  const of = (
    found: JobRecord | undefined,
    event: string,
    to: string | null,
    patch: object | null,
  ): Change[] => (found === undefined ? [] : [job(found.id, event, found.state, to ?? found.state, patch)]);
  const stored = (parent: object | null): Change[] => {
    const line = parent === null ? null : 'callback';
    return [job(`s${made}`, 'job.stored', null, 'new', { name: 'stored', args: [], parent, line })];
  };
  switch (step.does) {
    case 'put':
      return Array.from({ length: step.count }, (_, n) => {
        const delay = (step.job + n) % 3 === 0 ? step.in : 0;
        return job(`${step.other % 5}p${made}-${n}`, 'job.put', 'new', 'pending', {
          name: `work${(step.job + n) % 3}`,
          args: [n],
          quotaNames: step.other % 3 === 0 ? ['disk'] : [],
          beginAfter: at + delay,
          beginBy: step.other % 4 === 0 ? at + 50 : null,
          parent: { queue },
          line: delay > 0 ? 'held' : 'now',
        });
      });
    case 'claim': {
      const found = some(isWaiting);
      if (found === undefined) return [];
      const own = (found.parent as { readonly queue: string }).queue;
      const parent = { queue: own, dispatcher: 'd', agent: agents[step.other % 2] };
      const quotas = found.quotaNames.map((name) => `${own}/${name}`);
      return of(found, 'job.claim', 'assigned', {
        parent,
        line: 'claimed',
        epoch,
        claim: found.claim + 1,
        quotas,
      });
    }
    case 'start':
      return of(
        some((found) => found.state === 'assigned' && isHeld(found)),
        'job.start',
        'active.running',
        { activeStart: at },
      );
    case 'finish': {
      const found = some((each) => each.state === 'active.running' && isHeld(each));
      const ok = step.other % 3 > 0;
      const ended = {
        outcome: { ok, value: null },
        ending: ok ? 'succeeded' : 'failed',
        activeEnd: at,
        quotas: [],
        waitingOn: null,
      };
      if (found === undefined || step.other % 4 === 0) return of(found, 'job.finish', 'callbacks', ended);
      return [
        ...of(found, 'job.finish', 'callbacks', ended),
        job(found.id, 'job.complete', 'callbacks', 'completed', { callbacksEnd: at }),
      ];
    }
    case 'putBack':
    case 'snooze': {
      const found = some((each) => each.state === 'active.running' && isHeld(each));
      const isSnoozed = step.does === 'snooze' && step.in > 0;
      return of(found, 'job.reschedule', 'pending', {
        parent: { queue },
        line: isSnoozed ? 'held' : 'putBack',
        claim: (found?.claim ?? 0) + 1,
        activeStart: null,
        waitingOn: null,
        ...(isSnoozed ? { beginAfter: at + step.in, quotas: [] } : {}),
      });
    }
    case 'fail': {
      const found = some(isWaiting);
      const ended = { outcome: { ok: false }, ending: 'expired', activeEnd: at, quotas: [] };
      if (found === undefined || step.other % 3 === 0) return of(found, 'job.fail', 'callbacks', ended);
      return [
        ...of(found, 'job.fail', 'callbacks', ended),
        job(found.id, 'job.complete', 'callbacks', 'completed', {}),
      ];
    }
    case 'pull':
      return of(some(isWaiting), 'job.pull', 'new', { parent: null, line: null, quotas: [] });
    case 'interrupt':
      return of(
        some((each) => each.state === 'active.running' && isHeld(each)),
        'job.interrupt',
        null,
        { parent: { system: 'x' }, line: null },
      );
    case 'store':
      return stored(null);
    case 'callback': {
      const parent = some(({ state }) => state !== 'completed');
      return parent === undefined ? [] : stored({ job: parent.id });
    }
    case 'proxy': {
      const parent = some(({ state }) => state !== 'completed');
      if (parent === undefined) return [];
      const patch = { parent: { job: parent.id }, branches: [], chosen: null };
      const proxy = {
        kind: 'proxy',
        id: `x${made}`,
        event: 'proxy.made',
        from: null,
        to: null,
        patch,
      } as Change;
      return [proxy, ...stored({ proxy: `x${made}` })];
    }
    case 'wait':
      return of(
        some((each) => each.state === 'active.running' && isHeld(each)),
        'job.wait',
        'active.waiting',
        {
          waitingOn: jobs[step.other % Math.max(1, jobs.length)]?.id ?? null,
        },
      );
    case 'annotate': {
      const id = `${some(() => true)?.id ?? 'none'}/note`;
      return [
        {
          kind: 'annotation',
          id,
          event: 'annotation.set',
          from: null,
          to: null,
          patch: { value: 1 },
        } as Change,
      ];
    }
    case 'estrange':
      return of(
        some(({ state, parent }) => state === 'new' && parent === null),
        'job.later',
        'dreaming',
        null,
      );
    case 'evict': {
      const found = some((each) => each.state === 'completed');
      return found === undefined
        ? []
        : [{ ...job(found.id, 'evicted', found.state, null, null), gone: true }];
    }
    default:
      return [];
  }
}

const ids = (records: readonly { readonly id: string }[]): readonly string[] => records.map(({ id }) => id);

/** All ids of a list, read page by page. */
async function listed(store: OpenStore, page: Page, limit: number): Promise<readonly string[]> {
  const found: string[] = [];
  for (let after: string | null | undefined; after !== null; ) {
    const { jobs, next } = await store.jobsPage({
      ...page,
      limit,
      ...(after === undefined ? {} : { after }),
    });
    found.push(...ids(jobs));
    if (found.length > 3000)
      throw new Error(`no end: ${JSON.stringify(page)}, ${found.slice(0, 20)}, ${next}`);
    after = next;
  }
  return found;
}

/** What a store answers, without seqs: those of a database have gaps. */
async function answers(store: OpenStore) {
  const all = await store.list('job', '');
  const each = async <Of, Answer>(list: readonly Of[], ask: (one: Of) => Promise<Answer>) => {
    const found: Answer[] = [];
    for (const one of list) found.push(await ask(one));
    return found;
  };
  const some = ids(all).filter((_, n) => n % 37 === 0);
  return {
    jobs: all.map(({ lastSeq: _l, createdSeq: _c, position: _p, ...rest }) => rest),
    counts: await store.counts(),
    queues: await each(queues, async (queue) => ({
      waiting: ids(await store.waiting(queue)),
      first: ids(await store.waiting(queue, 3)),
      count: [await store.waitingCount(queue), await store.waitingCount(queue, 'work1')],
      lanes: (await store.lanes(queue)).map((lane) => JSON.stringify(lane)).sort(),
      // Their order is that of their places, as of a json store that was opened again.
      quota: [...(await store.quotaHolders(`${queue}/disk`))].sort(),
      held: ids(await store.held(queue, 'd', null)),
      byAgent: await each(agents, async (agent) => [
        ids(await store.held(queue, 'd', agent)),
        await store.heldCount(queue, 'd', agent),
        ids(await store.completed(queue, 'd', agent)),
      ]),
    })),
    // In the order of ids there, which these do not have from their time.
    all: await each(
      [
        {},
        { queue: 'q' },
        { names: ['*1', 'stored'] },
        { status: ['PENDING', 'NEW'] },
        { status: ['COMPLETED'], queue: 'r' },
        { status: ['ASSIGNED', 'ACTIVE', 'CALLBACKS'] },
        { status: ['PENDING', 'COMPLETED'], names: ['work2'] },
        { ending: ['failed', 'cancelled'] },
        { ending: ['succeeded'], queue: 'q' },
      ] as const,
      async (part) => [...(await listed(store, { list: 'all', ...part }, 7))].sort(),
    ),
    referred: [...(await store.referred(ids(all)))].sort(),
    lists: await each(lists, async (list) => [
      await listed(store, { list }, 200),
      await listed(store, { list, queue: 'q' }, 3),
      await listed(store, { list, names: ['*1', 'stored'] }, 5),
      await listed(store, { list, queue: 'r', names: ['work2'], matches: ({ id }) => !id.endsWith('0') }, 4),
    ]),
    due: await each([clock.now, clock.now + 10], (since) => dueIn(store, since, all)),
    strange: ids(await store.quarantined()),
    found: ids(await store.find('2', 5)),
    waiters: ids(await store.waiters(ids(all))).toSorted(),
    annotated: [...(await store.annotated(ids(all)))].sort(),
    places: await each(some, async (id) => [id, await store.place(id)]),
    callbacks: await each(some, async (id) =>
      (await store.callbacks(id)).map(({ kind, record }) => [kind, record.id]),
    ),
    branches: await each(await store.list('proxy', ''), async ({ id }) => ids(await store.branches(id))),
  };
}

/** When a waiting job becomes due. Stores in memory also say when one is too late, which PostgreSQL leaves to polls. */
async function dueIn(store: OpenStore, since: number, all: readonly JobRecord[]): Promise<number | null> {
  const isDue = (at: number): boolean => all.some(({ beginAfter }) => beginAfter === at);
  for (let at = await store.due(since); ; at = await store.due(at)) if (at === null || isDue(at)) return at;
}

it('A PostgreSQL store answers as tables in memory do, whatever happened', { timeout: 600_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(random, { minLength: 20, maxLength: 60, size: 'max' }), async (steps) => {
      clock.now = 0;
      const [memory, postgres] = await Promise.all(
        [memoryStore(), newPostgresStore()].map((store) => openByHand(store, () => clock.now)),
      );
      if (memory === undefined || postgres === undefined) throw new Error('no store');
      try {
        const rooms = queues.map(
          (id) =>
            ({
              kind: 'queue',
              id,
              event: 'queue.made',
              from: null,
              to: null,
              patch: { createdAt: 0 },
            }) as Change,
        );
        for (const store of [memory, postgres])
          await store.commit({ by: 'law', changes: rooms, expect: [] }).synced;
        for (const [made, step] of steps.entries()) {
          clock.now += step.does === 'wake' ? 10 : 1;
          const changes = changesOf(step, await memory.list('job', ''), made, 1);
          for (const store of [memory, postgres]) {
            if (changes.length > 0) await store.commit({ by: 'law', changes, expect: [] }).synced;
            if (step.does !== 'wake') continue;
            // A look wakes what is due, and takes nothing.
            const accepts = { lane: () => false, job: null };
            const request = { limit: 1, by: 'd', agent: null, accepts, choose: null, take: () => null };
            for (const queue of queues) await store.claim({ ...request, queue });
          }
        }
        expect(await answers(postgres)).toEqual(await answers(memory));
      } finally {
        await memory.close();
        await postgres.close();
      }
    }),
    { numRuns: Math.ceil(runs / 100) },
  );
});
