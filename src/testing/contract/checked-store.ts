import assert from 'node:assert/strict';
import { type JobRecord, type Json, NodeReactor, type OpenStore, randomIds } from '../../index.ts';
import type { ContractCheck, MakeStore } from './check.ts';

type Commit = Parameters<OpenStore['commit']>[0];
type Request = Parameters<OpenStore['claim']>[0];
/** A change to be made. */
export type Change = Commit['changes'][number];
/** The preconditions of a commit. */
export type Precondition = Commit['expect'][number];
type Candidate = Parameters<Request['take']>[0];

const reactor = new NodeReactor();

/** The options of a claim in a check. Default: the first job, of any kind. */
export interface ClaimOptions {
  readonly limit?: number;
  readonly queue?: string;
  readonly agent?: string;
  readonly accepts?: Request['accepts'];
  readonly choose?: Request['choose'];
  /** Id of the claiming agent's record. Default: the agent has no record. */
  readonly record?: string;
  /** `lastSeq` of that record. Default: not compared. */
  readonly recordSeq?: number;
  /** How many jobs the agent may hold. Default: not limited. */
  readonly size?: number;
  /** It belongs to a poll. */
  readonly isPoll?: boolean;
  /** Called for each candidate; false leaves it in the queue. */
  readonly look?: (candidate: Candidate) => boolean;
}

/** An open store with a fixed clock, and the few calls that checks need. */
export class CheckedStore {
  readonly open: OpenStore;
  readonly clock: { now: number };

  constructor(open: OpenStore, clock: { now: number }) {
    this.open = open;
    this.clock = clock;
  }

  /** Commits and waits until it is synced. */
  commit(changes: readonly Change[], expect: readonly Precondition[] = []): Promise<void> {
    return this.open.commit({ by: 'check', changes, expect }).synced;
  }

  /** Claims for dispatcher `d`, and returns the ids of the jobs once the claim is synced. */
  async claim(options: ClaimOptions = {}): Promise<string[]> {
    const { queue = '', agent = 'main', look = () => true } = options;
    const claimed = await this.open.claim({
      queue,
      limit: options.limit ?? 100,
      by: 'd',
      agent: options.record ?? null,
      ...(options.recordSeq === undefined ? {} : { agentSeq: options.recordSeq }),
      ...(options.size === undefined ? {} : { size: options.size }),
      ...(options.isPoll === undefined ? {} : { isPoll: options.isPoll }),
      accepts: options.accepts ?? { lane: () => true, job: null },
      choose: options.choose ?? null,
      take: (candidate) => {
        if (!look(candidate)) return null;
        const { job, expired } = candidate;
        // One that is too late is only failed: it takes no slot.
        const quotas = expired ? job.quotas : candidate.quotas;
        const entered = quotas.length > 0 || job.quotas.length > 0 ? { quotas } : {};
        const parent = { queue, dispatcher: 'd', agent };
        const claim = { parent, line: 'claimed', epoch: this.open.epoch, claim: job.claim + 1 };
        return [changeOf(job.id, 'job.claim', 'pending', 'assigned', { ...claim, ...entered })];
      },
    });
    await claimed.ticket.synced;
    return claimed.jobs.map((job) => job.id);
  }

  /** Starts a claimed job. */
  start(id: string): Promise<void> {
    return this.commit([
      changeOf(id, 'job.start', 'assigned', 'active.running', { activeStart: this.clock.now }),
    ]);
  }

  /** Gives a started job its outcome, completes it and files it with its agent. */
  finish(id: string): Promise<void> {
    const { now } = this.clock;
    const outcome = { ok: true, value: id };
    const ended = { outcome, ending: 'succeeded', activeEnd: now, quotas: [] };
    return this.commit([
      changeOf(id, 'job.finish', 'active.running', 'callbacks', ended),
      changeOf(id, 'job.complete', 'callbacks', 'completed', { callbacksEnd: now }),
    ]);
  }

  /** Puts a started job back at the front; it keeps its quota slots. */
  putBack(id: string, claim: number): Promise<void> {
    const patch = { parent: { queue: '' }, line: 'putBack', claim, activeStart: null };
    return this.commit([changeOf(id, 'job.reschedule', 'active.running', 'pending', patch)]);
  }

  /** Returns the ids of waiting jobs, in the order of their offer. */
  async waiting(queue = ''): Promise<string[]> {
    const ids = (jobs: readonly JobRecord[]): string[] => jobs.map((job) => job.id);
    const all = ids(await this.open.waiting(queue));
    for (let most = 0; most <= all.length + 1; most += 1)
      assert.deepEqual(ids(await this.open.waiting(queue, most)), all.slice(0, most));
    return all;
  }
}

/** The options of a put in a check. */
export interface PutOptions {
  readonly name?: string;
  readonly queue?: string;
  readonly at?: number;
  readonly beginAfter?: number;
  readonly beginBy?: number | null;
  readonly quotaNames?: readonly string[];
  readonly keys?: readonly string[];
  readonly priority?: number;
  readonly tags?: readonly string[];
}

/** A change of a job. */
export function changeOf(
  id: string,
  event: string,
  from: string | null,
  to: string | null,
  patch: Change['patch'],
): Change {
  return { kind: 'job', id, event, from, to, patch };
}

/** Puts a job: immediate unless `beginAfter` is after `at`. */
export function put(id: string, options: PutOptions = {}): Change {
  const { at = 0, beginAfter = at, beginBy = null, quotaNames = [], priority } = options;
  return changeOf(id, 'job.put', 'new', 'pending', {
    name: options.name ?? 'work',
    args: [id],
    quotaNames,
    ...(options.keys === undefined ? {} : { keys: options.keys }),
    ...(options.tags === undefined ? {} : { tags: options.tags }),
    beginAfter,
    beginBy,
    parent: { queue: options.queue ?? '' },
    line: beginAfter > at ? 'held' : 'now',
    ...(beginAfter < at ? { readyAt: at } : {}),
    ...(priority === undefined ? {} : { priority }),
  });
}

/** Stores a NEW job under a parent: a callback, a branch, or a job without a place. */
export function stored(id: string, parent: Record<string, string> | null): Change {
  const line = parent === null ? null : 'callback';
  return changeOf(id, 'job.stored', null, 'new', { name: 'work', args: [], parent, line });
}

/** Makes a quota of queue ''. */
export function quota(name: string, size: number): Change {
  const patch = { size };
  return { kind: 'quota', id: `/${name}`, event: 'quota.created', from: null, to: null, patch };
}

/** Changes settings of queue ''. */
export function queueSet(patch: Change['patch']): Change {
  return { kind: 'queue', id: '', event: 'queue.set', from: null, to: null, patch };
}

/** Sets an annotation. */
export function annotation(job: string, name: string, value: Json): Change {
  const patch = { value };
  return { kind: 'annotation', id: `${job}/${name}`, event: 'annotation.set', from: null, to: null, patch };
}

/** Opens a store for a check. */
export async function opened(
  store: Awaited<ReturnType<MakeStore>>,
  clock: { now: number } = { now: 0 },
): Promise<CheckedStore> {
  const open = await store.open({
    now: () => clock.now,
    defer: (run) => reactor.callFromThread(run),
    newId: () => randomIds.newUuid(),
    report: () => {},
  });
  return new CheckedStore(open, clock);
}

/** A check on one opening of a new store, which is closed in any case. */
export function check(name: string, body: (store: CheckedStore) => Promise<void>): ContractCheck {
  return {
    name,
    async run(makeStore) {
      const store = await opened(await makeStore());
      try {
        await body(store);
      } finally {
        await store.open.close().catch(() => {});
      }
    },
  };
}

/** A check on openings of one store, each after the one before was closed. */
export function reopeningCheck(
  name: string,
  before: (store: CheckedStore) => Promise<void>,
  after: (store: CheckedStore, first: CheckedStore) => Promise<void>,
): ContractCheck {
  return {
    name,
    async run(makeStore) {
      const store = await makeStore();
      const first = await opened(store);
      try {
        await before(first);
      } finally {
        await first.open.close();
      }
      // A store may read its journal the first time, and its own snapshot the next time.
      await (await opened(store)).open.close();
      const second = await opened(store);
      try {
        await after(second, first);
      } finally {
        await second.open.close().catch(() => {});
      }
    },
  };
}
