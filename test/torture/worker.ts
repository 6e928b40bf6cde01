// A process that puts and runs jobs on a json store until it is killed: `node … worker.ts DIRECTORY LEDGER`.
import { createInterface } from 'node:readline';
import {
  agent,
  createSignalbox,
  installAgent,
  type Job,
  type Logger,
  parallel,
  type Signalbox,
  SignalboxError,
} from 'signalbox';
import { jsonStore } from 'signalbox/json';
import { asTold, callbacksOf, jobsOf, type PutKind, quotaSize } from './jobs.ts';
import { portsWith } from './kill-points.ts';
import { ledgerAt, scribe } from './ledger.ts';
import type { LifeOrder } from './life-order.ts';
import { type Random, randomOf } from './random.ts';

const [directory = '', ledgerPath = ''] = process.argv.slice(2);
const tell = scribe(1);
const ledger = ledgerAt(ledgerPath);
const { put, inner, note } = jobsOf(ledger);
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

// Loaded before it is told to go, so that it opens the store in the moment in which the one before it dies.
tell('ready');
for await (const line of createInterface({ input: process.stdin })) {
  await live(JSON.parse(line) as LifeOrder);
  break;
}
process.exit();

async function live(order: LifeOrder): Promise<void> {
  const random = randomOf(order.seed);
  const box = await opened(order);
  ledger(`life ${order.life}`);
  box.store.follow((lines) => {
    for (const { entries } of lines) {
      for (const { event, id } of entries) if (event === 'job.complete') ledger(`done ${id}`);
    }
  });
  const queue = await box.createQueue('work');
  if ((await queue.quotas.names()).length === 0) await queue.quotas.create('narrow', { size: quotaSize });
  // Jobs that wait for others keep their slots, so they have an agent of their own.
  const fans = agent({ size: 50, filter: { jobs: ['signalbox.parallel'] } });
  installAgent(box, { name: 'fans', settings: fans });
  const others = agent({ size: 8, filter: { notJobs: ['signalbox.parallel'] } });
  const dispatcher = await box.start({ agent: others, pollInterval: '200ms' });
  if (order.finishes) return finish(box);
  const wobbles = random.int(0, 3) === 0;
  for (let number = 1; ; ) {
    if ((await queue.length()) > 40) {
      await pause(2);
      continue;
    }
    const puts = Array.from({ length: random.int(1, 6) }, () =>
      putOne(box, random, order.kinds, `${order.life}-${number++}`),
    );
    await Promise.all(puts);
    if (!wobbles || random.int(0, 12) > 0) continue;
    // What runs now is handed on, and what it comes to must not count.
    await dispatcher.deactivate();
    dispatcher.activate();
    await dispatcher.nextPoll();
  }
}

/** Opens the store as soon as it is free. */
async function opened(order: LifeOrder): Promise<Signalbox> {
  const ports = portsWith(order.killPoint);
  const store = jsonStore(directory, {
    ...ports,
    checkpointMinBytes: 96 * 1024,
    historyMaxBytes: Number.MAX_SAFE_INTEGER,
    completedMaxCount: Number.MAX_SAFE_INTEGER,
  });
  tell('opening');
  for (let refused = 0; ; refused += 1) {
    const begin = performance.now();
    try {
      // life-audit.ts knows this instance by its UUID.
      const options = { store, uuid: 'box', jobs: [...Object.values(put), inner, note], logger: logger() };
      const box = await createSignalbox({ ...options, retryPolicies: { asTold } });
      tell(`opened ${(performance.now() - begin).toFixed(1)} ${refused}`);
      return box;
    } catch (error) {
      if (!(error instanceof SignalboxError) || error.code !== 'STORE_LOCKED') throw error;
      await pause(2);
    }
  }
}

async function putOne(box: Signalbox, random: Random, kinds: readonly PutKind[], id: string): Promise<void> {
  const kind = random.pick(kinds);
  const ms = random.int(0, 4);
  const job: Job<unknown> = kind === 'fan' ? parallel([inner(ms), inner(0)]) : put[kind](ms);
  for (let left = callbacksOf[kind]; left > 0; left -= 1) await job.addCallback(note);
  tell(`ask ${id} ${kind}`);
  await box.queue('work').put(job, { id });
  tell(`ack ${id}`);
}

/** Everything comes to an end once nobody kills any more. */
async function finish(box: Signalbox): Promise<void> {
  for (;;) {
    const left = (await box.store.list('job', '')).filter(({ state }) => state !== 'completed');
    if (left.length === 0) break;
    tell(`left ${left.length} ${left[0]?.id} ${left[0]?.name} ${left[0]?.state}`);
    await pause(50);
  }
  await box.stop();
  tell('finished');
}

/** Says what nobody should have to say, and counts results of former holders, which were refused. */
function logger(): Logger {
  const unheard = (): void => {};
  const heard: Logger['error'] = ({ err }, message) => {
    const isStale = err instanceof SignalboxError && err.code === 'REASSIGNED';
    if (isStale || message.startsWith('nothing was written of ')) tell('stale');
    // A job that must not run twice says so itself when it was interrupted.
    else if (!message.includes('AbortedError')) process.stderr.write(`${message}\n`);
  };
  return { debug: unheard, info: unheard, warn: unheard, error: heard, fatal: heard };
}
