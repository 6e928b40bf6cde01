import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { createSignalbox, defineJob, type Job, type Signalbox } from 'signalbox';
import { jsonStore } from 'signalbox/json';
import { bytesIn, heapBytes } from './footprint.ts';
import { median } from './statistics.ts';

export interface WaitingOptions {
  readonly dir: string;
  /** How many jobs wait all the time. */
  readonly waiting: number;
  /** Whether these jobs name a full quota, so that each claim has to pass them. */
  readonly isBlocked: boolean;
  /** How often some jobs are put, claimed and completed. */
  readonly batches: number;
}

/** The cost of the next job while so many jobs wait: processor time of all threads. */
export interface Waiting {
  readonly putUs: number;
  readonly claimUs: number;
  readonly completeUs: number;
  /** How many bytes the journal grows by when one job is put. */
  readonly commitBytes: number;
  readonly heapBytesPerJob: number;
  /** Bytes of all files: the snapshots and the journals that history keeps. */
  readonly diskBytesPerJob: number;
}

const queueName = 'bench';
const batch = 500;
const noop = defineJob({ name: 'noop', run: (_: { n: number }) => null });

/** Puts jobs that wait, measures them, and then puts, claims and completes other jobs beside them. */
export async function measure(options: WaitingOptions): Promise<Waiting> {
  const { dir, waiting, isBlocked, batches } = options;
  const box = await createSignalbox({ store: jsonStore(dir), jobs: [noop], queues: [queueName] });
  const queue = box.queue(queueName);
  const quotaNames = isBlocked ? ['full'] : [];
  if (isBlocked) {
    await queue.quotas.create('full', { size: 1 });
    await queue.put(noop({ n: 0 }), { quotaNames });
    await queue.claim();
  }

  const heapBefore = heapBytes();
  for (let put = 0; put < waiting; put += 1_000)
    await putMany(box, Math.min(1_000, waiting - put), quotaNames);
  const heapBytesPerJob = (heapBytes() - heapBefore) / waiting;
  const diskBytesPerJob = bytesIn(dir) / waiting;

  const commits: number[] = [];
  for (let commit = 0; commit < 9; commit += 1) {
    const before = newestJournalBytes(dir);
    await queue.put(noop({ n: 7 }));
    commits.push(newestJournalBytes(dir) - before);
  }

  const costs: { putUs: number; claimUs: number; completeUs: number }[] = [];
  for (let round = -1; round < batches; round += 1) {
    const putUs = await cpuUsPerJob(() => putMany(box, batch, []));
    let claimed: (Job<unknown> | null)[] = [];
    const claimUs = await cpuUsPerJob(async () => {
      claimed = await Promise.all(Array.from({ length: batch }, () => queue.claim()));
    });
    const completeUs = await cpuUsPerJob(() =>
      Promise.all(
        claimed.map((job) => {
          if (job === null) throw new Error('Expected a job to claim, got none.');
          return box.call(job);
        }),
      ),
    );
    // The first round warms up the JavaScript compiler.
    if (round >= 0) costs.push({ putUs, claimUs, completeUs });
  }
  return {
    putUs: median(costs.map(({ putUs }) => putUs)),
    claimUs: median(costs.map(({ claimUs }) => claimUs)),
    completeUs: median(costs.map(({ completeUs }) => completeUs)),
    commitBytes: median(commits),
    heapBytesPerJob,
    diskBytesPerJob,
  };
}

function putMany(box: Signalbox, count: number, quotaNames: readonly string[]): Promise<void> {
  return box.transaction(async (tx) => {
    const queue = tx.queue(queueName);
    for (let n = 0; n < count; n += 1) await queue.put(noop({ n }), { quotaNames });
  });
}

async function cpuUsPerJob(work: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / batch;
}

function newestJournalBytes(dir: string): number {
  const newest = readdirSync(dir)
    .filter((name) => name.startsWith('journal-'))
    .sort()
    .at(-1);
  return newest === undefined ? 0 : statSync(join(dir, newest)).size;
}
