import fc from 'fast-check';
import { memoryStore, type OpenStore, type Store } from 'signalbox';
import { jsonStore } from 'signalbox/json';
import { afterAll, describe, expect, it } from 'vitest';
import { explainJob } from '../../src/reading/explain.ts';
import type { Explanation } from '../../src/reading/explanation.ts';
import { nodeFilePort } from '../../src/store/json/ports/file-port.ts';
import { createInlineSyncPort } from '../../src/store/json/ports/sync-port.ts';
import { newPath } from '../store/json/open-store.ts';
import { openByHand } from '../store/open-by-hand.ts';
import { newPostgresStore, removeSchemas } from '../store/postgres/schemas.ts';
import {
  knownNames,
  type Plan,
  type RandomAgent,
  RandomSystem,
  randomPlans,
  randomQueues,
} from './random-system.ts';

const runs = Number(process.env.SIGNALBOX_LAW_RUNS ?? 2000);
const clock = { now: 0 };
/** Without a thread of its own: each system has a store. */
const syncs = () => createInlineSyncPort(nodeFilePort);

afterAll(removeSchemas, 60_000);

async function made(
  store: Store,
  plan: Plan,
): Promise<{ readonly system: RandomSystem; readonly open: OpenStore }> {
  const open = await openByHand(store, () => clock.now);
  return { system: await RandomSystem.of(open, clock, plan), open };
}

/** What an explanation says that the next claim of an agent does with the job; null: it leaves it. */
function saidOf({ verdict, conditions }: Explanation, agent: RandomAgent): 'run' | 'fail' | null {
  if (conditions.find(({ code }) => code === `agent:${agent.id}`)?.holds !== true) return null;
  return verdict.code === 'offered' ? 'run' : verdict.code === 'late' ? 'fail' : null;
}

async function explained(open: OpenStore): Promise<readonly Explanation[]> {
  const explanations: Explanation[] = [];
  for (const queue of randomQueues)
    for (const { id } of await open.waiting(queue)) {
      const explanation = await explainJob(open, id, knownNames);
      if (explanation !== undefined) explanations.push(explanation);
    }
  return explanations;
}

describe.each([
  ['memory', () => memoryStore(), runs],
  ['json', () => jsonStore(newPath(), { syncs }), Math.ceil(runs / 20)],
  ['postgres', () => newPostgresStore(), Math.ceil(runs / 100)],
] as const)('What explanations say of a random system on a %s store', (_name, makeStore, numRuns) => {
  it('is what claims do: no more is taken, and no less', async () => {
    await fc.assert(
      fc.asyncProperty(randomPlans, fc.nat(), async (plan, chosen) => {
        const { system, open } = await made(makeStore(), plan);
        try {
          const explanations = await explained(open);

          for (const agent of system.agents) {
            const said = explanations.map((each) => [each.job, saidOf(each, agent)] as const);
            const met = await system.offered(agent);
            expect({ agent: agent.id, does: Object.fromEntries(met) }).toEqual({
              agent: agent.id,
              does: Object.fromEntries(said.filter(([, does]) => does !== null)),
            });
          }
          const agent = system.agents[chosen % Math.max(1, system.agents.length)];
          const job = explanations[chosen % Math.max(1, explanations.length)];
          if (agent === undefined || job === undefined) return;
          const isOffered = saidOf(job, agent) !== null;
          expect(await system.take(agent, job.job)).toEqual(isOffered ? [job.job] : []);
        } finally {
          await open.close();
        }
      }),
      { numRuns },
    );
  }, 180_000);
});

it('Random systems hold jobs back for every reason that a claim has, and let some through', async () => {
  const reasons = new Map<string, number>();
  for (const plan of fc.sample(randomPlans, { numRuns: 400, seed: 1 })) {
    const { open } = await made(memoryStore(), plan);
    for (const { verdict } of await explained(open)) {
      const [reason = ''] = verdict.code.split(':');
      reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
    }
    await open.close();
  }

  expect([...reasons.keys()].sort()).toEqual([
    'agents',
    'definition',
    'dispatchers',
    'due',
    'late',
    'offered',
    'quota',
    'room',
  ]);
  expect(Math.min(...reasons.values())).toBeGreaterThan(10);
});
