import {
  agent,
  defineFilter,
  installAgent,
  type Job,
  type JobDefinition,
  local,
  type Signalbox,
} from 'signalbox';
import {
  SeededRandom,
  type SimulatedClient,
  type SimulatedRun,
  type SimulatedScenario,
  type ThreadFate,
  VirtualThreads,
} from 'signalbox/testing';
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
/** How a schedule of a seed comes: never for ever, so that the seed ends. */
const schedules = {
  overlap: ['skip', 'buffer', 'allow', 'cancel'],
  misfire: ['once', 'all', 'skip'],
  every: ['2s', '3s', '7s'],
} as const;
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
  /** All jobs are alike, and have a key of each limit. */
  readonly isKeyed: boolean;
  /** Whether jobs have priorities. */
  readonly isLeveled: boolean;
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

/** Many jobs that are alike but for their keys, of which each has two: so they are parked under one, and then under the other. */
export function keyedScenario(run: SimulatedRun, crashes: () => number): SimulatedScenario {
  return lifeOf(run, { name: 'slow', share: 0.2, isKeyed: true }, crashes);
}

function lifeOf(
  run: SimulatedRun,
  often: { readonly name: string; readonly share: number; readonly isKeyed?: true },
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
  const isKeyed = often.isKeyed === true;
  const isLeveled = !isKeyed && run.random.chance(0.6);
  const choice: Life = {
    ...most,
    ...(isKeyed ? { jobs: most.jobs.slice(0, 1) } : {}),
    isLeveled,
    isKeyed,
    callbacks: [...most.callbacks, long],
    long,
    longShare: often.share,
    put,
    until: run.random.pick(['started', 'ended', 'ended']),
    running: () => put.filter((id) => run.job(id)?.status === 'ACTIVE'),
  };
  const hasFilters = run.random.chance(0.3);
  // Drawn from no common chance, so that the other seeds stay what they were.
  const executor = run.seed % 5 === 2 ? 'thread' : 'inline';
  const hasSchedules = run.seed % 2 === 1;
  return {
    threadModule: 'file:///jobs.js',
    threads: new VirtualThreads({ exports: { kinds }, fate: fateOf(new SeededRandom(run.seed)) }),
    jobs: kinds as readonly JobDefinition<never, unknown>[],
    queues,
    filters: [notPlain],
    retryPolicies: { turns },
    agent: null,
    acts: isKeyed ? 40 : run.random.integer(6, 16),
    prepare: async (box) => {
      const { quotas } = box.queue('a');
      if (isLeveled) for (const name of queues) await box.queue(name).set({ aging: '10s' });
      for (const name of quotaNames) await quotas.create(name, { size: name === 'few' ? 2 : 1 });
      for (const [name, figures] of Object.entries(limits)) await quotas.create(name, figures);
      if (hasSchedules) await setSchedules(run, box, most.jobs, false);
    },
    install: (box) => {
      installAgent(box, { name: 'main', settings: agent({ size: 2, executor }), queues: ['a'] });
      installAgent(box, { name: 'main', settings: agent({ size: 1 }), queues: ['inner'] });
      if (!hasFilters) return;
      const odd = agent({ size: 1, filter: { jobs: ['slow', 'plain'] } });
      installAgent(box, { name: 'odd', settings: odd, queues: ['a'] });
      installAgent(box, { name: 'notPlain', settings: agent({ size: 1, filter: notPlain }), queues: ['a'] });
    },
    act: async (client) => {
      await act(client, choice);
      if (hasSchedules && client.random.chance(0.3)) await changeSchedule(run, client, most.jobs);
    },
    check: () => calls.check(run.faults.crashes + crashes()),
  };
}

/** Threads exit, and run out of memory. They hang only where a time limit ends that. */
function fateOf(random: SeededRandom): (name: string) => ThreadFate {
  return (name) => {
    if (random.chance(0.85)) return 'runs';
    const isLimited = name === 'limited' || name === 'deaf';
    return random.pick(isLimited ? (['hangs'] as const) : (['exits', 'runsOutOfMemory'] as const));
  };
}

/** Sets two schedules, or one of them anew, with other figures. */
async function setSchedules(
  { random }: SimulatedRun,
  box: Signalbox,
  jobs: Kinds,
  isOne: boolean,
): Promise<void> {
  for (const name of isOne ? [random.pick(['x', 'y'] as const)] : ['x', 'y'])
    await box.queue('a').schedules.set(
      name,
      {
        every: random.pick(schedules.every),
        overlap: random.pick(schedules.overlap),
        misfire: random.pick(schedules.misfire),
        jitter: random.pick(['0ms', '500ms'] as const),
        maxRuns: random.integer(3, 8),
      },
      random.pick(jobs),
    );
}

/** What programs and persons do to a schedule. Where none was set, it is refused. */
async function changeSchedule(
  run: SimulatedRun,
  { box, random }: SimulatedClient,
  jobs: Kinds,
): Promise<void> {
  const queue = box.queue('a').schedules;
  const name = random.pick(['x', 'y'] as const);
  if ((await queue.list()).every((schedule) => schedule.name !== name)) return;
  const what = random.integer(0, 6);
  if (what === 0) await queue.trigger(name);
  else if (what === 1) await queue.remove(name);
  else if (what === 2) await queue.resume(name);
  else if (what === 3 && (await queue.get(name)).state !== 'ended') await queue.pause(name);
  else await setSchedules(run, box, jobs, true);
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
  if (random.chance(0.05))
    await box.queue('a').pause({ key: ['tenant', random.pick(limitKeys)], until: '8s' });
  if (random.chance(0.25)) await putTwins(client, choice);
  const queue = random.pick(['a', 'a', 'inner'] as const);
  const id = await client.put(drafting(client, choice, queue), { queue });
  if (id === null) return;
  choice.put.push(id);
  if (random.chance(0.1)) await pause(client);
  if (random.chance(0.3)) await follow(client, id, choice);
  if (choice.addsLate && random.chance(0.5)) await addLate(client, choice);
  if (random.chance(0.2)) await cancelRunning(client, choice);
  if (choice.put.length % 9 === 8) await workOnMany(client);
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

/** Something done to many jobs of queue `a`, by whichever process takes that. */
async function workOnMany({ box, random }: SimulatedClient): Promise<void> {
  const limit = random.integer(1, 6);
  const what = random.pick(['cancel', 'retry', 'setPriority'] as const);
  if (what === 'retry') await box.bulk(what, { queue: 'a', status: 'COMPLETED' }, { limit });
  else if (what === 'cancel') await box.bulk(what, { queue: 'a', status: ['PENDING', 'ACTIVE'] }, { limit });
  else await box.bulk(what, { queue: 'a', status: 'PENDING' }, { limit, priority: random.pick(levels) });
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
  for (const name of queue === 'a' ? Object.keys(limits) : [])
    if (choice.isKeyed || random.chance(0.5)) keys[name] = random.pick(limitKeys);
  if (choice.isKeyed) return () => kind().with({ keys });
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
