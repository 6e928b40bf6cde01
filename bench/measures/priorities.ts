import { memoryStore, type OpenStore } from 'signalbox';
import { cpuUs } from './processor-time.ts';
import { median } from './statistics.ts';

/** The same jobs in one level and in three. `ratio`: the figure of three over that of one, the median of the rounds. */
export interface LevelFigures {
  readonly one: number;
  readonly three: number;
  readonly ratio: number;
}

type Change = Parameters<OpenStore['commit']>[0]['changes'][number];

const levels = [0, -5, 5];

/** Measures the processor time that a claim of ten jobs takes in memory, in microseconds a job. */
export async function measure({ jobs, rounds }: { jobs: number; rounds: number }): Promise<LevelFigures> {
  const store = await memoryStore().open({
    now: () => 1000,
    defer: (run) => void setImmediate(run),
    newId: () => '',
    report: () => {},
  });
  const figures = await inTurns(rounds, (count, round) => claimTime(store, jobs, count, `${count}-${round}`));
  await store.close();
  return figures;
}

async function claimTime(store: OpenStore, jobs: number, count: number, queue: string): Promise<number> {
  const puts = Array.from({ length: jobs }, (_, index) =>
    waiting(`${queue}-${index}`, queue, levels[index % count] ?? 0),
  );
  for (let at = 0; at < jobs; at += 5000)
    await store.commit({ by: 'bench', changes: puts.slice(at, at + 5000), expect: [] }).synced;
  const began = cpuUs();
  for (let taken = 0; taken < jobs; ) {
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
  return (cpuUs() - began) / jobs;
}

function waiting(id: string, queue: string, priority: number): Change {
  const level = priority === 0 ? {} : { priority };
  const patch = { name: 'noop', parent: { queue }, line: 'now', beginAfter: 1000, ...level };
  return changeOf(id, 'job.put', 'new', 'pending', patch);
}

function changeOf(id: string, event: string, from: string, to: string, patch: Change['patch']): Change {
  return { kind: 'job', id, event, from, to, patch };
}

/** Measures one level and three levels in turns, so that both have the same machine. */
async function inTurns(
  rounds: number,
  each: (count: number, round: number) => Promise<number>,
): Promise<LevelFigures> {
  const [one, three]: [number[], number[]] = [[], []];
  for (let round = 0; round < rounds; round += 1)
    for (const count of round % 2 === 0 ? [1, 3] : [3, 1])
      (count === 1 ? one : three).push(await each(count, round));
  const ratio = median(three.map((figure, round) => figure / (one[round] as number)));
  return { one: median(one), three: median(three), ratio };
}
