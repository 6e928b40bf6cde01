import { createHash } from 'node:crypto';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';
import { agent, createSignalbox, defineJob, local, type Signalbox } from 'signalbox';
import { createInspector } from 'signalbox/inspector';
import { jsonStore } from 'signalbox/json';
import { median, percentile } from './statistics.ts';

/** What the process that is looked at is asked to do. */
export type Asked =
  /** Opens a store in which jobs wait, starts, and serves an inspector. */
  | { readonly step: 'open'; readonly dir: string; readonly waiting: number }
  /** Runs jobs for a time, and measures. */
  | { readonly step: 'run'; readonly load: Load; readonly ms: number }
  /** Runs paced jobs until it is asked for `rest`. */
  | { readonly step: 'work' }
  | { readonly step: 'rest' }
  | { readonly step: 'explain'; readonly samples: number };

/**
 * `busy`: each job computes so long that this process can do about a thousand entries a second, and no more: what a viewer takes,
 * jobs lose. `paced`: light jobs of which a thousand entries a second are put: what a viewer takes is seen in the processor time.
 */
export type Load = 'busy' | 'paced';

export interface Opened {
  /** The address of the inspector, with its token. */
  readonly url: string;
  /** The queue in which jobs wait. */
  readonly queue: string;
}

/** What the jobs of one turn took. */
export interface Ran {
  readonly jobsPerS: number;
  readonly entriesPerS: number;
  /** Of all threads of this process. */
  readonly cpuUsPerJob: number;
  readonly loopP99Ms: number;
}

/** How long an explanation takes, of a job in the later half of those that wait. */
export interface Explained {
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** The median of a job that has nearly as many before it as are counted. */
  readonly countedMs: number;
}

const entriesPerS = 1_000;
const entriesPerJob = 5;
const jobsPerS = entriesPerS / entriesPerJob;
/** An explanation counts so many jobs before one. */
const mostCounted = 10_000;
const backlog = 40;
const slots = 10;
const waitingQueue = 'waiting';
const workQueue = 'work';
const block = Buffer.alloc(1024, 'x');

let done = 0;
let hashesPerJob = 0;
let isAtWork = false;
let working: Promise<void> = Promise.resolve();
let open: { readonly box: Signalbox; readonly waiting: readonly string[] } | undefined;

const compute = defineJob({
  name: 'compute',
  run: (_: { readonly n: number }) => {
    hashes(hashesPerJob);
    done += 1;
    return null;
  },
});
const light = defineJob({
  name: 'light',
  run: (_: { readonly n: number }) => {
    done += 1;
    return null;
  },
});
const wait = defineJob({ name: 'wait', run: (_: { readonly n: number }) => null });
/** Takes a slot, and keeps it. */
const hold = defineJob({
  name: 'hold',
  run: async () => {
    await local.sleep('30d');
    return null;
  },
});

/** The process that is looked at. It stays between its steps. */
export async function measure(asked: Asked): Promise<object> {
  switch (asked.step) {
    case 'open':
      return opened(asked.dir, asked.waiting);
    case 'run':
      return ran(asked.load, asked.ms);
    case 'work':
      isAtWork = true;
      working = paced(() => !isAtWork);
      return {};
    case 'rest':
      isAtWork = false;
      await working;
      return {};
    case 'explain':
      return explained(asked.samples);
  }
}

async function opened(dir: string, waiting: number): Promise<Opened> {
  const box = await createSignalbox({
    store: jsonStore(dir),
    jobs: [compute, light, wait, hold],
    queues: [waitingQueue, workQueue],
  });
  await box.start({ agent: agent({ size: slots }) });
  const queue = box.queue(waitingQueue);
  await queue.putAll(Array.from({ length: slots }, () => hold()));
  const ids: string[] = [];
  for (let n = 0; n < waiting; n += 1_000) {
    const some = Array.from({ length: Math.min(1_000, waiting - n) }, (_, at) => wait({ n: n + at }));
    for (const { id } of await queue.putAll(some)) ids.push(id ?? '');
  }
  hashesPerJob = Math.round(1_000 / jobsPerS / msPerHash());
  open = { box, waiting: ids };
  const { url } = await createInspector(box).listen();
  return { url, queue: waitingQueue };
}

async function ran(load: Load, ms: number): Promise<Ran> {
  const { box } = opening();
  const delay = monitorEventLoopDelay({ resolution: 1 });
  const [cpuBefore, { seq }, doneBefore] = [process.cpuUsage(), await box.store.position(), done];
  const begin = performance.now();
  const isOver = () => performance.now() - begin >= ms;
  delay.enable();
  await (load === 'busy' ? busy(isOver) : paced(isOver));
  delay.disable();
  const seconds = (performance.now() - begin) / 1_000;
  const { user, system } = process.cpuUsage(cpuBefore);
  const jobs = done - doneBefore;
  const entries = (await box.store.position()).seq - seq;
  await pause(50);
  return {
    jobsPerS: jobs / seconds,
    entriesPerS: entries / seconds,
    cpuUsPerJob: (user + system) / jobs,
    loopP99Ms: delay.percentile(99) / 1e6,
  };
}

/** Puts a job for each one that is done, so that some always wait. */
async function busy(isOver: () => boolean): Promise<void> {
  const queue = opening().box.queue(workQueue);
  const first = done;
  let put = 0;
  while (!isOver()) {
    const lack = backlog - (put - (done - first));
    if (lack > 0) await queue.putAll(numbered(lack, compute));
    put += Math.max(0, lack);
    await pause(5);
  }
  while (done - first < put) await pause(5);
}

/** Puts jobs at a steady pace. */
async function paced(isOver: () => boolean): Promise<void> {
  const queue = opening().box.queue(workQueue);
  const [first, begin] = [done, performance.now()];
  let put = 0;
  while (!isOver()) {
    const due = Math.floor(((performance.now() - begin) / 1_000) * jobsPerS) - put;
    if (due > 0) await queue.putAll(numbered(due, light));
    put += Math.max(0, due);
    await pause(20);
  }
  while (done - first < put) await pause(5);
}

function numbered(count: number, definition: typeof light) {
  return Array.from({ length: count }, (_, n) => definition({ n }));
}

async function explained(samples: number): Promise<Explained> {
  const { box, waiting } = opening();
  const timesFrom = async (first: number, last: number): Promise<number[]> => {
    const times: number[] = [];
    for (let sample = 0; sample < samples; sample += 1) {
      const id = waiting[first + Math.floor(((last - first) * sample) / samples)] ?? '';
      const begin = performance.now();
      await box.explain(id);
      times.push(performance.now() - begin);
    }
    return times;
  };
  const counted = Math.min(mostCounted, waiting.length);
  const behind = await timesFrom(Math.floor(waiting.length / 2), waiting.length);
  const near = await timesFrom(Math.floor(counted * 0.9), counted);
  return { p50Ms: median(behind), p99Ms: percentile(behind, 99), countedMs: median(near) };
}

function opening(): NonNullable<typeof open> {
  if (open === undefined) throw new Error('Expected the step open before the others.');
  return open;
}

/** The shortest of some runs: other programs may be busy, and the first ones compile. */
function msPerHash(): number {
  const count = 2_000;
  const times = Array.from({ length: 30 }, () => {
    const begin = performance.now();
    hashes(count);
    return (performance.now() - begin) / count;
  });
  return Math.min(...times);
}

function hashes(count: number): void {
  for (let n = 0; n < count; n += 1) createHash('sha256').update(block).digest();
}
