import { createRequire } from 'node:module';
import { type JobContext, type JobEvent, type JobInput, jobMachine } from 'signalbox/machines';
import { createActor } from 'xstate';

const input: JobInput = { name: 'index', args: ['a.txt'] };

/** The events of a job that succeeds, from put to completed. */
export const life: readonly JobEvent[] = [
  { type: 'job.put', queue: 'q', at: 10, beginAfter: 10, assigner: 'p1' },
  { type: 'job.claim', queue: 'q', dispatcher: 'd', agent: 'main', epoch: 2, quotas: [] },
  { type: 'job.start', at: 20 },
  { type: 'job.finish', at: 30, outcome: { ok: true, value: 7 }, retryData: null, awaited: null },
  { type: 'job.complete', at: 31, unstarted: 0 },
];

/** Runs one life of the job chart in XState: createActor, start, one send per step, stop. */
export function actorLife(): JobContext {
  const actor = createActor(jobMachine, { input }).start();
  for (const event of life) actor.send(event);
  const { context } = actor.getSnapshot();
  actor.stop();
  return context;
}

/** The initial context of a life. */
export function freshContext(): JobContext {
  return createActor(jobMachine, { input }).getSnapshot().context;
}

/** The speed of the engine alone when every job is an actor. */
export interface BareLife {
  readonly totalPerS: number;
}

export const facts = {
  versions: `xstate ${createRequire(import.meta.url)('xstate/package.json').version}`,
  settings: 'createActor, start, one send a step, stop',
  fsync: 'never: memory only',
};

/** Measures how many such lives run per second, one after the other, with nothing stored. */
export async function measure({ lives, warmUpMs }: { lives: number; warmUpMs: number }): Promise<BareLife> {
  const warmAt = performance.now() + warmUpMs;
  while (performance.now() < warmAt) actorLife();
  const begin = performance.now();
  for (let at = 0; at < lives; at += 1) actorLife();
  return { totalPerS: (lives / (performance.now() - begin)) * 1_000 };
}
