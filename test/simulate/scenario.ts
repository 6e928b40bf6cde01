import {
  agent,
  defineFilter,
  installAgent,
  type Job,
  type JobDefinition,
  local,
  type Signalbox,
  SignalboxError,
} from 'signalbox';
import type { SimulatedClient, SimulatedRun, SimulatedScenario } from 'signalbox/testing';
import { Calls } from './calls.ts';
import { lifeJobs, turns } from './life-jobs.ts';

const queues = ['a', 'inner'] as const;
const quotaNames = ['few', 'fewer'] as const;
/** Limits with keys, on the stores that keep them. */
const limits = {
  tenant: { size: 1, keyed: true },
  host: { size: 2, rate: { limit: 2, per: '3s' }, keyed: true },
} as const;
const limitKeys = ['x', 'x', 'y'] as const;
const notPlain = defineFilter('notPlain', (job) => job.name !== 'plain');

type Kinds = readonly JobDefinition<readonly [], unknown>[];

/** Jobs that may be put, and jobs that may be callbacks. */
interface Choice {
  readonly jobs: Kinds;
  readonly callbacks: Kinds;
  /** A job that is put more often than others, and how often. */
  readonly long: Kinds[number];
  readonly longShare: number;
  /** Whether a job may get a callback after it was put. */
  readonly addsLate: boolean;
}

const levels = [0, 0, 0, -1, 1, -3, 5] as const;

/** A choice, the jobs that were put by it, and which of them some process runs. */
interface Life extends Choice {
  readonly put: string[];
  /** Whether jobs have priorities. */
  readonly isLeveled: boolean;
  /** Whether the store keeps limits with keys. */
  readonly hasLimits: () => boolean;
  /** Whether the store keeps unique names. */
  readonly hasNames: () => boolean;
  /** How long a job that is unique keeps others off. */
  readonly until: 'started' | 'ended';
  readonly running: () => readonly string[];
}

/**
 * The life that our own seeds lead: jobs of every kind in two queues with quotas and agents, and all that clients do. `crashes`: how
 * often the store alone went down.
 */
export function scenario(run: SimulatedRun, crashes: () => number): SimulatedScenario {
  return lifeOf(run, { name: 'long', share: 0.1 }, crashes);
}

/** The same with many jobs that outlast everything that happens to their processes. */
export function longScenario(run: SimulatedRun, crashes: () => number): SimulatedScenario {
  return lifeOf(run, { name: 'longer', share: 0.5 }, crashes);
}

function lifeOf(
  run: SimulatedRun,
  often: { readonly name: string; readonly share: number },
  crashes: () => number,
): SimulatedScenario {
  const calls = new Calls(run);
  const kinds = lifeJobs(
    () => calls.called(),
    () => local.getDispatcher()?.box.queue('inner') ?? null,
  );
  const long = kinds.find((kind) => kind.definition.name === often.name) as Kinds[number];
  // Only what is put often may last that long.
  const others = kinds.filter((kind) => kind.definition.name !== 'longer');
  const most = choiceFor(run, others);
  const put: string[] = [];
  const isLeveled = run.random.chance(0.6);
  let hasLimits = false;
  let hasNames = false;
  const choice: Life = {
    ...most,
    isLeveled,
    callbacks: [...most.callbacks, long],
    long,
    longShare: often.share,
    put,
    hasLimits: () => hasLimits,
    hasNames: () => hasNames,
    until: run.random.pick(['started', 'ended', 'ended']),
    running: () => put.filter((id) => run.job(id)?.status === 'ACTIVE'),
  };
  const hasFilters = run.random.chance(0.3);
  return {
    jobs: kinds as readonly JobDefinition<never, unknown>[],
    queues,
    filters: [notPlain],
    retryPolicies: { turns },
    agent: null,
    acts: run.random.integer(6, 16),
    prepare: async (box) => {
      const { quotas } = box.queue('a');
      if (isLeveled) for (const name of queues) await box.queue(name).set({ aging: '10s' });
      for (const name of quotaNames) await quotas.create(name, { size: name === 'few' ? 2 : 1 });
      hasLimits = await makeLimits(box);
      hasNames = await keepsNames(box);
    },
    install: (box) => {
      installAgent(box, { name: 'main', settings: agent({ size: 2 }), queues: ['a'] });
      installAgent(box, { name: 'main', settings: agent({ size: 1 }), queues: ['inner'] });
      if (!hasFilters) return;
      const odd = agent({ size: 1, filter: { jobs: ['slow', 'plain'] } });
      installAgent(box, { name: 'odd', settings: odd, queues: ['a'] });
      installAgent(box, { name: 'notPlain', settings: agent({ size: 1, filter: notPlain }), queues: ['a'] });
    },
    act: (client) => act(client, choice),
    check: () => calls.check(run.faults.crashes + crashes()),
  };
}

async function makeLimits(box: Signalbox): Promise<boolean> {
  try {
    for (const [name, figures] of Object.entries(limits)) await box.queue('a').quotas.create(name, figures);
    return true;
  } catch (error) {
    if (error instanceof SignalboxError && error.code === 'NO_LIMITS') return false;
    throw error;
  }
}

async function keepsNames({ store }: Signalbox): Promise<boolean> {
  const name = { kind: 'unique', id: 'a/none/none', from: null, to: null } as const;
  const taken = { ...name, event: 'unique.taken', patch: { job: 'none', at: 0 } };
  const dropped = { ...name, event: 'evicted', patch: null, gone: true };
  try {
    await store.commit({ by: 'client', changes: [taken, dropped], expect: [] }).synced;
    return true;
  } catch (error) {
    if (error instanceof SignalboxError && error.code === 'NO_UNIQUE') return false;
    throw error;
  }
}

/**
 * What no agent holds, a callback that waits or one that was added late, is gone with its process until the store is
 * opened anew. So where single processes die there is none of it.
 */
function choiceFor({ faults }: SimulatedRun, kinds: Kinds): Omit<Choice, 'long' | 'longShare'> {
  if (faults.kills === 0 && faults.lostAnswers === 0)
    return { jobs: kinds, callbacks: kinds, addsLate: true };
  const without = (names: readonly string[]): Kinds =>
    kinds.filter((kind) => !names.includes(kind.definition.name));
  const inner = ['inner', 'innerSlow'];
  return {
    jobs: without(inner),
    callbacks: without([...inner, 'detached', 'detachedThrow', 'adder']),
    addsLate: false,
  };
}

async function act(client: SimulatedClient, choice: Life): Promise<void> {
  const { random, box } = client;
  if (choice.hasLimits() && random.chance(0.05))
    await box.queue('a').pause({ key: ['tenant', random.pick(limitKeys)], until: '8s' });
  if (choice.hasNames() && random.chance(0.25)) await putTwins(client, choice);
  const queue = random.pick(['a', 'a', 'inner'] as const);
  const id = await client.put(drafting(client, choice, queue), { queue });
  if (id === null) return;
  choice.put.push(id);
  if (random.chance(0.1)) await pause(client);
  if (random.chance(0.3)) await follow(client, id, choice);
  if (choice.addsLate && random.chance(0.5)) await addLate(client, choice);
  if (random.chance(0.2)) await cancelRunning(client, choice);
}

/** Puts two jobs that are the same at once, which others have put, too. */
async function putTwins(client: SimulatedClient, { until, put, jobs }: Life): Promise<void> {
  const { random } = client;
  const kind = jobs.find(({ definition }) => definition.name === 'slow') ?? (jobs[0] as Kinds[number]);
  const [key, within] = [random.pick(limitKeys), random.pick([0, 0, 5])];
  const onConflict = random.pick([
    'return',
    'return',
    'reject',
    'replace',
    { debounce: '2s', maxWait: '6s' },
  ] as const);
  const unique = { key: () => key, until, onConflict, ...(within === 0 ? {} : { within: `${within}s` }) };
  const twin = (): Promise<string | null> => {
    const priority = random.pick(levels);
    return client.put(() => kind().with({ unique, priority }), { queue: 'a' });
  };
  for (const id of await Promise.all([twin(), twin()])) if (id !== null) put.push(id);
}

/** Something done to a job that was put. */
async function follow({ box, random }: SimulatedClient, id: string, choice: Life): Promise<void> {
  const job = await box.job(id).refresh();
  const what = random.integer(0, choice.isLeveled ? 5 : 4);
  if (what === 0) await job.setAnnotation('note', random.integer(0, 9));
  else if (what === 1 && choice.addsLate) await job.addCallback(random.pick(choice.callbacks)());
  else if (what === 5) await job.setPriority(random.pick(levels));
  else if (what >= 3) await job.cancel({ reason: 'a client says so', cascade: random.chance(0.5) });
  else await takeOut(box, job);
}

/** Cancels a job that runs, mostly in another process. */
async function cancelRunning({ box, random }: SimulatedClient, { running }: Life): Promise<void> {
  const ids = running();
  if (ids.length > 0) await box.job(random.pick(ids)).cancel();
}

/** Pauses queue `a`, or some definitions in it: never for so long that jobs cannot end in time. */
async function pause({ box, random }: SimulatedClient): Promise<void> {
  const queue = box.queue('a');
  const job = random.pick([undefined, 'slow', 'p*']);
  const what = job === undefined ? {} : { job };
  if (random.chance(0.3)) await queue.resume(what);
  else await queue.pause({ ...what, until: `${random.integer(1, 12)}s` });
}

/** Adds a callback to a job that runs, mostly in another process. */
async function addLate({ box, random }: SimulatedClient, { running, callbacks }: Life): Promise<void> {
  const ids = running();
  if (ids.length > 0) await box.job(random.pick(ids)).addCallback(random.pick(callbacks)());
}

/** Not from `inner`: a job that waits for a pulled job waits until that is put again. */
async function takeOut(box: Signalbox, job: Job<unknown>): Promise<void> {
  const { queue } = await job.place();
  if (queue === 'a') await box.queue(queue).remove(job);
}

/** Draws a job once, and makes it as often as it is asked for. */
function drafting({ random }: SimulatedClient, choice: Life, queue: string): () => Job<unknown> {
  const kind = random.chance(choice.longShare) ? choice.long : random.pick(choice.jobs);
  const [success, failure] = [random.pick(choice.callbacks), random.pick(choice.callbacks)];
  const callbacks = random.chance(0.3) ? [random.pick(choice.callbacks)] : [];
  const isPaired = random.chance(0.2);
  const after = random.pick([0, 0, 0, 4, 30]);
  const by = random.pick([0, 0, 0, 1, 10]);
  const deadline = random.pick([0, 0, 0, 0, 30]);
  const priority = choice.isLeveled ? random.pick(levels) : 0;
  const names = queue === 'inner' ? [] : quotaNames.filter(() => random.chance(0.4));
  const keys: Record<string, string> = {};
  for (const name of queue === 'a' && choice.hasLimits() ? Object.keys(limits) : [])
    if (random.chance(0.5)) keys[name] = random.pick(limitKeys);
  return () => {
    const job = kind().with({
      keys,
      ...(after > 0 ? { beginAfter: `${after}s` } : {}),
      ...(by > 0 ? { beginBy: `${by}s` } : {}),
      ...(deadline > 0 ? { deadline: `${deadline}s` } : {}),
      quotaNames: names,
      ...(priority === 0 ? {} : { priority }),
    });
    if (isPaired) void job.addCallbacks({ success: success(), failure: failure() });
    for (const callback of callbacks) void job.addCallback(callback());
    return job;
  };
}
