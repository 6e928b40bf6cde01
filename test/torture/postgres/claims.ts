import { type JobRecord, type OpenStore, randomIds } from 'signalbox';
import { postgresStore } from 'signalbox/postgres';
import { afterStep, stepJob } from '../../../src/model/jobs/step.ts';
import type { Claimed } from '../../../src/store/store.ts';

/** An opening without a box, and without signs of life, which would make synced what is written. */
export function opened(connectionString: string, schema = 'signalbox'): Promise<OpenStore> {
  return postgresStore({ connectionString, schema, heartbeat: '1h' }).open({
    now: Date.now,
    defer: (run) => void setImmediate(run),
    newId: () => randomIds.newUuid(),
    report: () => {},
  });
}

/** What puts a job into the queue `a`. */
export function putOf(id: string, quotaNames: readonly string[]) {
  const given = { name: 'work', args: [], quotaNames, beginAfter: 0 };
  const patch = { ...given, parent: { queue: 'a' }, line: 'now' };
  return { kind: 'job', id, event: 'job.put', from: 'new', to: 'pending', patch } as const;
}

/** What makes an agent of the queue `a` with so many slots. */
export function presenceIn(store: OpenStore, size: number) {
  const now = store.now();
  const life = {
    epoch: store.epoch,
    activated: now,
    lastPing: now,
    pingInterval: 1_000,
    pingDeathInterval: 60_000,
  };
  const made = { event: 'made', from: null } as const;
  return [
    { kind: 'representation', id: 'a/d', ...made, to: 'activated', patch: life },
    { kind: 'agent', id: 'a/d/main', ...made, to: null, patch: { size } },
  ] as const;
}

/** Claims for that agent as many jobs as it has slots. */
export function claimFor(store: OpenStore, size: number): Promise<Claimed> {
  const [queue, dispatcher, agent] = ['a', 'd', 'main'];
  return store.claim({
    queue,
    limit: size,
    by: dispatcher,
    agent: 'a/d/main',
    size,
    accepts: { lane: () => true, job: null },
    choose: null,
    take: ({ job, quotas }) => {
      const claim = stepJob(job, { type: 'job.claim', queue, dispatcher, agent, epoch: store.epoch, quotas });
      return [claim, stepJob(afterStep(job, claim), { type: 'job.start', at: store.now() })];
    },
  });
}

/** What ends a claimed job. */
export function endingOf(job: JobRecord) {
  const outcome = { ok: true, value: null } as const;
  const finish = stepJob(job, { type: 'job.finish', at: 0, outcome, retryData: null, awaited: null });
  return [finish, stepJob(afterStep(job, finish), { type: 'job.complete', at: 0, unstarted: 0 })];
}
