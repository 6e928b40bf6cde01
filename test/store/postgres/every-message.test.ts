import type { Client } from 'pg';
import type { OpenStore } from 'signalbox';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { afterStep, newJobRecord, stepJob, type Transition } from '../../../src/model/jobs/step.ts';
import type { JobRecord } from '../../../src/model/records/records.ts';
import type { Change, Commit } from '../../../src/store/store.ts';
import { openByHand } from '../open-by-hand.ts';
import { keptEntries } from './lines.ts';
import { MessageProxy, type Way } from './message-proxy.ts';
import { connected, newPostgresStore, newSchema, removeSchemas } from './schemas.ts';
import { serverUrl } from './server.ts';

const schema = newSchema();
const now = 1_000;
let proxy: MessageProxy;
let store: OpenStore;
let admin: Client;

beforeAll(async () => {
  admin = await connected();
  proxy = await MessageProxy.to(await serverUrl());
  store = await openByHand(newPostgresStore({ schema, url: proxy.url }), () => now);
  await commit([representation(null, 'activated', { epoch: store.epoch, activated: now }), agentOf()]);
});

afterAll(async () => {
  await store.close();
  await proxy.close();
  await admin.end();
  await removeSchemas();
});

function commit(changes: readonly Change[], expect: Commit['expect'] = []): Promise<void> {
  return store.commit({ by: 'd', changes, expect }).synced;
}

function representation(from: string | null, to: string, patch: Change['patch']): Change {
  const intervals = { pingInterval: 1_000, pingDeathInterval: 5_000 };
  return { kind: 'representation', id: '/d', event: 'shown', from, to, patch: { ...intervals, ...patch } };
}

function agentOf(): Change {
  return { kind: 'agent', id: '/d/main', event: 'made', from: null, to: null, patch: { size: 1_000 } };
}

function putOf(id: string): Change {
  const draft = newJobRecord(id, { name: 'work', args: [id] });
  const { patch, ...step } = stepJob(draft, {
    type: 'job.put',
    queue: '',
    at: now,
    beginAfter: 0,
    assigner: 'd',
  });
  return { ...step, patch: { name: 'work', args: draft.args, ...patch } };
}

/** Claims for the agent, which starts what it claims. */
async function claim(): Promise<readonly JobRecord[]> {
  const { jobs } = await store.claim({
    queue: '',
    limit: 10,
    by: 'd',
    agent: '/d/main',
    size: 1_000,
    accepts: { lane: () => true, job: null },
    choose: null,
    take: ({ job, quotas }) => {
      const place = { queue: '', dispatcher: 'd', agent: 'main' };
      const taken = stepJob(job, { type: 'job.claim', ...place, epoch: store.epoch, quotas });
      return [taken, stepJob(afterStep(job, taken), { type: 'job.start', at: now })];
    },
  });
  return jobs;
}

async function claimed(id: string): Promise<JobRecord> {
  await commit([putOf(id)]);
  const [job] = await claim();
  return job as JobRecord;
}

/** Ends a job that is held, as its holder. */
function complete(job: JobRecord): Promise<void> {
  const finish = stepJob(job, {
    type: 'job.finish',
    at: now,
    outcome: { ok: true, value: null },
    retryData: null,
    awaited: null,
  });
  const after = afterStep(job, finish);
  const steps: Transition[] = [finish];
  if (after.state !== 'completed')
    steps.push(stepJob(after, { type: 'job.complete', at: now, unstarted: 0 }));
  const { id, epoch, claim: number } = job;
  return commit(steps, [
    { check: 'holder', id, epoch, claim: number },
    { check: 'noUnstartedCallback', id },
  ]);
}

/** Returns a job of a dead dispatcher's agent to its queue, and sets an annotation in the same commit. */
function takeOver(job: JobRecord): Promise<void> {
  const back = stepJob(job, {
    type: 'job.reschedule',
    at: now,
    queue: '',
    beginAfter: null,
    retryData: null,
    failed: null,
  });
  const note = { kind: 'annotation', id: `${job.id}/why`, event: 'noted', from: null, to: null } as const;
  return commit(
    [back, { ...note, patch: { value: 'dead' } }],
    [{ check: 'rev', kind: 'job', id: job.id, rev: job.rev }],
  );
}

/** How often an event is in the journal of a record. */
async function countOf(subject: string, event: string): Promise<number> {
  const entries = await keptEntries(admin, schema);
  return entries.filter((entry) => entry.id === subject && entry.event === event).length;
}

interface Operation {
  readonly prepare?: (id: string) => Promise<JobRecord>;
  readonly run: (id: string, job: JobRecord) => Promise<void>;
  /** The event that is in the journal once, and its record. */
  readonly event: string;
  readonly subject?: string;
  /** The fewest messages of one way; a commit that is synced by itself is one exchange of four: bind, describe, execute, sync. */
  readonly fewest: number;
}

const operations: Readonly<Record<string, Operation>> = {
  put: { run: (id) => commit([putOf(id)]), event: 'job.put', fewest: 4 },
  claim: {
    prepare: async (id) => {
      await commit([putOf(id)]);
      return newJobRecord(id, { name: 'work' });
    },
    run: async (id) => {
      // As an agent does that has got fewer than it wanted.
      const jobs = [...(await claim()), ...(await claim())];
      expect(jobs.map((job) => [job.id, job.state])).toEqual([[id, 'active.running']]);
    },
    event: 'job.start',
    fewest: 12,
  },
  result: { prepare: claimed, run: (_, job) => complete(job), event: 'job.finish', fewest: 12 },
  'take-over': { prepare: claimed, run: (_, job) => takeOver(job), event: 'job.reschedule', fewest: 12 },
  'sign of life': {
    run: (id) =>
      commit([{ ...representation('activated', 'activated', { lastPing: now }), event: `ping ${id}` }]),
    event: 'ping',
    subject: '/d',
    fewest: 12,
  },
};

/** Cuts behind each message of one way in turn, until no message is left. Returns the number of messages. */
function cutEverywhere(name: string, operation: Operation, way: Way): Promise<number> {
  return everywhere(name, operation, way, (count) => proxy.cutAfter(way, count));
}

/** Garbles each answer in turn. */
function garbleEverywhere(name: string, operation: Operation): Promise<number> {
  return everywhere(name, operation, 'garbled', (count) => proxy.garble(count));
}

async function everywhere(
  name: string,
  { prepare, run, event, subject }: Operation,
  way: Way | 'garbled',
  arm: (count: number) => void,
): Promise<number> {
  for (let count = 1; ; count += 1) {
    const id = `${name} ${way} ${count}`;
    const job = await (prepare?.(id) ?? newJobRecord(id, { name: 'work' }));
    arm(count);
    await run(id, job);
    const wasCut = proxy.disarm();
    const times = subject === undefined ? await countOf(id, event) : await countOf(subject, `${event} ${id}`);
    expect(`${id}: ${times}`).toBe(`${id}: 1`);
    // A job that still waits would be claimed with the next one.
    if (name === 'put' || name === 'take-over') await claim();
    if (!wasCut) return count - 1;
  }
}

describe('A connection that is cut behind any message', () => {
  it.each(
    Object.entries(operations).flatMap(([name, operation]) =>
      (['to the server', 'from the server'] as const).map((way) => [name, way, operation] as const),
    ),
  )('leaves exactly one effect of a %s, %s', async (name, way, operation) => {
    expect(await cutEverywhere(name, operation, way)).toBeGreaterThanOrEqual(operation.fewest);
  });
});

describe('An unreadable answer', () => {
  it.each(Object.entries(operations))('leaves exactly one effect of a %s', async (name, operation) => {
    expect(await garbleEverywhere(name, operation)).toBeGreaterThanOrEqual(operation.fewest);
  });
});
