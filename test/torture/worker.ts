// A process that puts and runs jobs on a json store until it is killed: `node … worker.ts DIRECTORY LEDGER`.
import { createInterface } from 'node:readline';
import { createSignalbox, type Signalbox, SignalboxError } from 'signalbox';
import { jsonStore } from 'signalbox/json';
import { SeededRandom } from '../../src/testing/simulate/world/random.ts';
import { callbacksOf, jobsOf, type PutKind, retryByMessage } from './jobs.ts';
import { type KillPoint, portsWith } from './kill-points.ts';
import { ledgerAt, scribe } from './ledger.ts';
import { errorLogger, jobOf, kindsOf, knownTo, quotaSize, startAgents } from './workload.ts';

/** What a worker has to do in its life. */
export interface LifeOrder {
  /** Lives are counted from 1. */
  readonly life: number;
  readonly seed: number;
  /** What it puts. */
  readonly kinds: readonly PutKind[];
  /** Whether it knows every definition: see `knownTo`. */
  readonly isDeployed: boolean;
  /** Where it kills itself, or null. */
  readonly killPoint: KillPoint | null;
  /** It puts nothing more, waits until everything is done, and stops. */
  readonly finishes: boolean;
}

const [directory = '', ledgerPath = ''] = process.argv.slice(2);
const tell = scribe(1);
const ledger = ledgerAt(ledgerPath);
const jobs = jobsOf(ledger);
const logger = errorLogger(
  () => ledger('stale'),
  (message) => {
    // A job that must not run twice logs its own interruption.
    if (!message.includes('AbortedError')) process.stderr.write(`${message}\n`);
  },
);
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

// Loaded before its order comes, so that it opens the store in the moment in which the one before it dies.
tell('ready');
for await (const line of createInterface({ input: process.stdin })) {
  await live(JSON.parse(line) as LifeOrder);
  break;
}
process.exit();

async function live(order: LifeOrder): Promise<void> {
  const random = new SeededRandom(order.seed);
  const box = await opened(order);
  ledger(`life ${order.life}`);
  box.store.follow((lines) => {
    for (const { entries } of lines) {
      for (const { event, id } of entries) if (event === 'job.complete') ledger(`done ${id}`);
    }
  });
  const queue = await box.createQueue('work');
  if ((await queue.quotas.names()).length === 0) await queue.quotas.create('narrow', { size: quotaSize });
  const dispatcher = await startAgents(box, { size: 8, pollInterval: 200 });
  if (order.finishes) return finish(box);
  const kinds = kindsOf(order.isDeployed, order.kinds);
  const wobbles = random.integer(0, 2) === 0;
  for (let number = 1; ; ) {
    if ((await queue.length()) > 40) {
      await pause(2);
      continue;
    }
    const puts = Array.from({ length: random.integer(1, 5) }, () =>
      putOne(box, random, kinds, `${order.life}-${number++}`),
    );
    await Promise.all(puts);
    if (!wobbles || random.integer(0, 11) > 0) continue;
    // Jobs that run now are reassigned, and their results must not count.
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
      const box = await createSignalbox({
        store,
        uuid: 'box',
        jobs: knownTo(order.isDeployed, [...Object.values(jobs.put), jobs.inner, jobs.note]),
        logger,
        retryPolicies: { retryByMessage },
      });
      tell(`opened ${(performance.now() - begin).toFixed(1)} ${refused}`);
      return box;
    } catch (error) {
      if (!(error instanceof SignalboxError) || error.code !== 'STORE_LOCKED') throw error;
      await pause(2);
    }
  }
}

async function putOne(
  box: Signalbox,
  random: SeededRandom,
  kinds: readonly PutKind[],
  id: string,
): Promise<void> {
  const kind = random.pick(kinds);
  const job = await jobOf(jobs, kind, random.integer(0, 3), callbacksOf[kind]);
  ledger(`ask ${id} ${kind}`);
  await box.queue('work').put(job, { id });
  ledger(`ack ${id}`);
}

/** Resolves when every job is completed. */
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
