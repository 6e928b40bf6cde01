import { memoryStore, type OpenStore } from 'signalbox';
import { cpuUs } from './processor-time.ts';
import { median, medians } from './statistics.ts';

/** The same jobs in one level and in three. `ratio`: the figure of three over that of one, the median of the pairs. */
export interface LevelFigures {
  readonly one: number;
  readonly three: number;
  readonly ratio: number;
}

type Change = Parameters<OpenStore['commit']>[0]['changes'][number];

const levels = [0, -5, 5];

/** The jobs of one side that are claimed before the other has its turn: some milliseconds, so that both have the same machine. */
const jobsATurn = 1500;

/**
 * Measures the processor time that a claim of ten jobs takes in memory, in microseconds a job. Both queues are drained in short turns,
 * and the median of the pairs leaves out those in which garbage was collected. The first round warms up.
 */
export async function measure({ jobs, rounds }: { jobs: number; rounds: number }): Promise<LevelFigures> {
  const store = await memoryStore().open({
    now: () => 1000,
    defer: (run) => void setImmediate(run),
    newId: () => '',
    report: () => {},
  });
  const taken: { one: number; three: number }[] = [];
  for (let round = 0; round <= rounds; round += 1) {
    const turns = await drain(store, jobs, round);
    if (round > 0) taken.push(...turns);
  }
  await store.close();
  const ratio = median(taken.map(({ one, three }) => three / one));
  return { ...medians(taken), ratio };
}

/** Puts the jobs of both sides and claims them in turns. */
async function drain(store: OpenStore, jobs: number, round: number) {
  const [one, three] = [`one-${round}`, `three-${round}`];
  for (const [queue, count] of [
    [one, 1],
    [three, 3],
  ] as const) {
    const puts = Array.from({ length: jobs }, (_, index) =>
      waiting(`${queue}-${index}`, queue, levels[index % count] ?? 0),
    );
    for (let at = 0; at < jobs; at += 5000)
      await store.commit({ by: 'bench', changes: puts.slice(at, at + 5000), expect: [] }).synced;
  }
  const turns: { one: number; three: number }[] = [];
  for (let at = 0; at < jobs; at += jobsATurn) {
    const isOneFirst = turns.length % 2 === 0;
    const first = await claimTime(store, isOneFirst ? one : three);
    const second = await claimTime(store, isOneFirst ? three : one);
    turns.push(isOneFirst ? { one: first, three: second } : { one: second, three: first });
  }
  return turns;
}

async function claimTime(store: OpenStore, queue: string): Promise<number> {
  const began = cpuUs();
  for (let taken = 0; taken < jobsATurn; ) {
    const claimed = await store.claim({
      queue,
      limit: 10,
      by: 'bench',
      agent: null,
      accepts: { lane: () => true, job: null },
      choose: null,
      take: ({ job }) => [
        changeOf(job.id, 'job.claim', 'pending', 'assigned', {
          parent: { queue, dispatcher: 'd', agent: 'a' },
          line: 'claimed',
          claim: 1,
        }),
      ],
    });
    taken += claimed.jobs.length;
  }
  return (cpuUs() - began) / jobsATurn;
}

function waiting(id: string, queue: string, priority: number): Change {
  const level = priority === 0 ? {} : { priority };
  const patch = { name: 'noop', parent: { queue }, line: 'now', beginAfter: 1000, ...level };
  return changeOf(id, 'job.put', 'new', 'pending', patch);
}

function changeOf(id: string, event: string, from: string, to: string, patch: Change['patch']): Change {
  return { kind: 'job', id, event, from, to, patch };
}
