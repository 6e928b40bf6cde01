import fc from 'fast-check';
import type { FilterData, JobRecord, OpenStore } from 'signalbox';
import { acceptanceOf } from '../../src/reading/agent-conditions.ts';
import type { KnownNames } from '../../src/reading/explanation.ts';
import { type Change, CheckedStore, changeOf, put } from '../../src/testing/contract/checked-store.ts';

type Selection =
  | { readonly kind: 'any' }
  | { readonly kind: 'data'; readonly filter: FilterData }
  | { readonly kind: 'filter'; readonly name: string };

/** A job of a random system, before it is put. */
interface PlannedJob {
  readonly queue: string;
  readonly name: string;
  readonly args: readonly [number];
  readonly quotaNames: readonly string[];
  /** Milliseconds from now; negative: it is due. */
  readonly dueIn: number;
  /** Milliseconds from its begin to its deadline; null: none. */
  readonly beginBy: number | null;
  /** What happened to it: it waits, or an agent of this number holds it, or has put it back with its slots. */
  readonly fate: 'waits' | 'held' | 'put back';
  readonly holder: number;
}

interface PlannedAgent {
  readonly queue: string;
  readonly dispatcher: string;
  readonly size: number;
  readonly selection: Selection;
}

/** What a random system is made of. */
export interface Plan {
  readonly jobs: readonly PlannedJob[];
  readonly agents: readonly PlannedAgent[];
  /** By queue and dispatcher. */
  readonly dispatchers: Readonly<Record<string, 'at work' | 'dead' | 'registered' | 'deactivated' | 'none'>>;
  /** Sizes by id. */
  readonly quotas: Readonly<Record<string, number>>;
}

/** An agent that claims. */
export interface RandomAgent {
  readonly id: string;
  readonly queue: string;
  readonly size: number;
  readonly selection: Selection;
}

const queues = ['mail', 'side'];
const names = ['mail.send', 'mail.bulk', 'report.build', 'ghost'];
const quotaNames = ['smtp', 'tokens'];
const dispatchers = ['d1', 'd2'];
const now = 1_000_000;

const anyQueue = fc.constantFrom(...queues);
const someNames = fc.subarray([...names, 'mail.*', '*.build', 'signalbox.*', '*'], {
  minLength: 1,
  maxLength: 2,
});

const selections: fc.Arbitrary<Selection> = fc.oneof(
  { weight: 5, arbitrary: fc.constant<Selection>({ kind: 'any' }) },
  {
    weight: 4,
    arbitrary: fc
      .record(
        {
          jobs: someNames,
          notJobs: someNames,
          quotas: fc.subarray(quotaNames),
          args: fc.record({ '0': fc.nat(2) }),
        },
        { requiredKeys: [] },
      )
      .map((filter): Selection => ({ kind: 'data', filter: filter as FilterData })),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom('even', 'none').map((name): Selection => ({ kind: 'filter', name })),
  },
);

/** Systems with a few jobs, agents, quotas and dispatchers in every state. */
export const randomPlans: fc.Arbitrary<Plan> = fc.record({
  jobs: fc.array(
    fc.record<PlannedJob>({
      queue: anyQueue,
      name: fc.constantFrom(...names, ...names.slice(0, 3)),
      args: fc.tuple(fc.nat(2)),
      quotaNames: fc.subarray(quotaNames),
      dueIn: fc.constantFrom(-500, -500, -500, -500, -20, 0, 1, 60_000),
      beginBy: fc.constantFrom(null, null, null, null, 10, 499, 500, 100_000),
      fate: fc.constantFrom('waits', 'waits', 'held', 'held', 'put back'),
      holder: fc.nat(3),
    }),
    { minLength: 1, maxLength: 10 },
  ),
  agents: fc.array(
    fc.record<PlannedAgent>({
      queue: anyQueue,
      dispatcher: fc.constantFrom(...dispatchers),
      size: fc.constantFrom(0, 1, 2, 3, 5),
      selection: selections,
    }),
    { minLength: 1, maxLength: 5 },
  ),
  dispatchers: fc.record(
    Object.fromEntries(
      queues.flatMap((queue) =>
        dispatchers.map((each) => [
          `${queue}/${each}`,
          fc.constantFrom('at work', 'at work', 'at work', 'dead', 'registered', 'deactivated', 'none'),
        ]),
      ),
    ),
  ) as fc.Arbitrary<Plan['dispatchers']>,
  quotas: fc
    .record(
      Object.fromEntries(
        queues.flatMap((queue) =>
          quotaNames.map((name) => [`${queue}/${name}`, fc.constantFrom(null, 1, 1, 2)] as const),
        ),
      ),
    )
    .map((sizes) =>
      Object.fromEntries(Object.entries(sizes).flatMap(([id, size]) => (size === null ? [] : [[id, size]]))),
    ),
});

/** What the process of the random agents knows. */
export const knownNames: KnownNames = {
  definition: (name) => name !== 'ghost',
  grace: () => null,
  policy: () => true,
  filter: (name) => ({ accepts: ({ args }: JobRecord) => name === 'even' && Number(args[0] ?? 0) % 2 === 0 }),
  machine: () => undefined,
};

/** A store that is as planned. Its clock stands still. */
export class RandomSystem {
  readonly open: OpenStore;
  readonly agents: readonly RandomAgent[];

  private constructor(open: OpenStore, agents: readonly RandomAgent[]) {
    this.open = open;
    this.agents = agents;
  }

  static async of(open: OpenStore, clock: { now: number }, plan: Plan): Promise<RandomSystem> {
    const store = new CheckedStore(open, clock);
    clock.now = now;
    await store.commit([...settingsOf(plan), ...plan.jobs.map(changeOfJob)]);
    for (const [index, job] of plan.jobs.entries()) await befall(store, plan, `j${index}`, job);
    return new RandomSystem(open, agentsOf(plan));
  }

  /** The jobs that wait in a queue. */
  async waiting(queue: string): Promise<readonly string[]> {
    return (await this.open.waiting(queue)).map(({ id }) => id);
  }

  /** The jobs that the next claim of an agent meets and may take, each asked alone: none is taken. */
  async offered(agent: RandomAgent): Promise<ReadonlyMap<string, 'run' | 'fail'>> {
    const met = new Map<string, 'run' | 'fail'>();
    await this.#claim(agent, ({ job, expired }) => {
      // A database asks for a pattern of what is done with each job first.
      if (job.id !== '?') met.set(job.id, expired ? 'fail' : 'run');
      return null;
    });
    return met;
  }

  /** Lets an agent take one job if its claim meets it. */
  take(agent: RandomAgent, id: string): Promise<readonly string[]> {
    return this.#claim(agent, ({ job, expired, ...candidate }) => {
      if (job.id !== id) return null;
      // One that is too late is only failed: it takes no slot.
      const quotas = expired ? job.quotas : candidate.quotas;
      const [dispatcher = '', name = ''] = agent.id.split('/').slice(1);
      const parent = { queue: agent.queue, dispatcher, agent: name };
      const patch = { parent, line: 'claimed', epoch: this.open.epoch, claim: job.claim + 1, quotas };
      return [changeOf(id, 'job.claim', 'pending', 'assigned', patch)];
    });
  }

  async #claim(
    { id, queue, size, selection }: RandomAgent,
    take: Parameters<OpenStore['claim']>[0]['take'],
  ): Promise<readonly string[]> {
    const claimed = await this.open.claim({
      queue,
      size,
      take,
      limit: 1000,
      by: 'd1',
      agent: id,
      accepts: acceptanceOf(selection, knownNames, (name) => knownNames.definition(name)),
      choose: null,
    });
    await claimed.ticket.synced;
    return claimed.jobs.map((job) => job.id);
  }
}

export { queues as randomQueues };

/** The agents whose dispatcher is registered: without it there are none. */
function agentsOf({ agents, dispatchers: states }: Plan): readonly RandomAgent[] {
  return agents
    .map(({ queue, dispatcher, size, selection }, index) => ({
      id: `${queue}/${dispatcher}/a${index}`,
      queue,
      size,
      selection,
    }))
    .filter(({ queue, id }) => states[`${queue}/${id.split('/')[1]}`] !== 'none');
}

function settingsOf(plan: Plan): readonly Change[] {
  const made = { event: 'made', from: null, to: null };
  return [
    ...queues.map((id): Change => ({ kind: 'queue', id, ...made, patch: { createdAt: 0 } })),
    ...Object.entries(plan.quotas).map(
      ([id, size]): Change => ({ kind: 'quota', id, ...made, patch: { size } }),
    ),
    ...Object.entries(plan.dispatchers).flatMap(([id, state]): Change[] => {
      if (state === 'none') return [];
      const [queue = '', dispatcher = ''] = id.split('/');
      const lastPing = state === 'dead' ? now - 600_000 : now - 1000;
      const to = state === 'at work' || state === 'dead' ? 'activated' : state;
      const patch = { queue, dispatcher, lastPing, activated: to === 'activated' ? now - 900_000 : null };
      const intervals = { pingInterval: 30_000, pingDeathInterval: 60_000 };
      return [{ kind: 'representation', id, ...made, to, patch: { ...patch, ...intervals, epoch: 1 } }];
    }),
    ...agentsOf(plan).map(
      ({ id, size, selection }): Change => ({
        kind: 'agent',
        id,
        ...made,
        patch: { size, selection: selection as never, pinned: false, failure: null },
      }),
    ),
  ];
}

function changeOfJob(job: PlannedJob, index: number): Change {
  const { queue, name, args, quotaNames: asked, dueIn, beginBy } = job;
  const at = now - 1000;
  const change = put(`j${index}`, {
    ...{ queue, name, at, beginBy, quotaNames: asked },
    beginAfter: now + dueIn,
  });
  return { ...change, patch: { ...change.patch, args } };
}

/** Lets an agent of its queue hold the job, or has it put back: a job that is put back keeps its slots. */
async function befall(
  store: CheckedStore,
  plan: Plan,
  id: string,
  { queue, fate, holder }: PlannedJob,
): Promise<void> {
  const own = agentsOf(plan).filter((agent) => agent.queue === queue);
  const agent = own[holder % Math.max(1, own.length)];
  if (fate === 'waits' || agent === undefined) return;
  const [dispatcher = '', name = ''] = agent.id.split('/').slice(1);
  const claimed = await store.open.claim({
    ...{ queue, limit: 1, by: dispatcher, agent: null, choose: null },
    accepts: { lane: () => true, job: null },
    take: ({ job, quotas, expired }) => {
      if (job.id !== id || expired) return null;
      const parent = { queue, dispatcher, agent: name };
      const patch = { parent, line: 'claimed', epoch: store.open.epoch, claim: job.claim + 1, quotas };
      return [changeOf(id, 'job.claim', 'pending', 'assigned', patch)];
    },
  });
  await claimed.ticket.synced;
  if (claimed.jobs.length === 0 || fate === 'held') return;
  await store.start(id);
  const patch = { parent: { queue }, line: 'putBack', claim: 2, activeStart: null };
  await store.commit([changeOf(id, 'job.reschedule', 'active.running', 'pending', patch)]);
}
