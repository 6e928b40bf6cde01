import type { Json } from '../../../machines/json.ts';
import { invalidOption, SignalboxError } from '../../errors.ts';
import { checkKnown } from '../../model/checks/check-options.ts';
import { checkKey } from '../../model/checks/names.ts';
import { isInForce } from '../../model/jobs/pauses.ts';
import type { AgentRecord, PauseMark, QueuePause, QueueRecord } from '../../model/records/records.ts';
import { type Beginning, beginningMs } from '../../time.ts';
import { ifUnchanged } from '../commits/preconditions.ts';
import { retryConflicts } from '../commits/retry.ts';
import type { UnitOfWork } from '../commits/unit-of-work.ts';
import { type PausedLimit, pauseLimit, resumeLimit } from '../jobs/limit-quotas.ts';
import { mustHaveQueue } from '../jobs/named-settings.ts';

/** Options of a pause. */
export interface PauseOptions {
  /** When it ends by itself: an instant, or a delay such as `'10m'`. Default: never. */
  readonly until?: Beginning;
  /** Why, for those who find it: at most 1,000 characters. */
  readonly reason?: string;
}

/** Options of a pause of a queue. */
export interface QueuePauseOptions extends PauseOptions {
  /** A pattern of definition names; `*` matches any characters. Default: all jobs of the queue. */
  readonly job?: string;
  /** A limit, and a key of it, or the name of a quota without keys: only its jobs wait. Without `job` and `reason`. */
  readonly key?: readonly [limit: string, key?: string];
}

/** A pause, as it was made. */
export interface Pause {
  /** UUID of the instance that made it, or the name of a person. */
  readonly by: string;
  readonly at: Date;
  readonly reason: string | null;
  /** When it ends by itself; null: never. */
  readonly until: Date | null;
}

/** A pause for people and programs. */
export function pauseFrom({ by, at, reason, until }: PauseMark): Pause {
  return { by, at: new Date(at), reason, until: until === null ? null : new Date(until) };
}

/** Marks a queue, or definitions in it, as paused: claims that begin once that is committed take none of their jobs. */
export async function pauseQueue(
  work: UnitOfWork,
  queue: string,
  options: QueuePauseOptions,
  by = work.context.uuid,
): Promise<void> {
  if (options?.key !== undefined) return pauseKey(work, queue, options);
  const mark = markOf(work, options, ['job', 'until', 'reason'], by);
  const job = checkPattern(options.job);
  await changePauses(work, queue, 'queue.paused', (pauses) => [
    ...pauses.filter((pause) => pause.job !== job),
    { job, ...mark },
  ]);
}

async function pauseKey(work: UnitOfWork, queue: string, options: QueuePauseOptions): Promise<void> {
  checkKnown(options, ['key', 'until']);
  const { key, until } = options;
  const at = until === undefined ? null : beginningMs(until, work.context.store.now(), 'until');
  await pauseLimit(work, queue, limitOf(key), at);
}

/** Takes back the pause that was made with this pattern, or opens this key. Returns whether there was one. */
export async function resumeQueue(
  work: UnitOfWork,
  queue: string,
  options: Pick<QueuePauseOptions, 'job' | 'key'>,
): Promise<boolean> {
  if (options?.key !== undefined) {
    checkKnown(options, ['key']);
    return resumeLimit(work, queue, limitOf(options.key));
  }
  checkKnown(options, ['job']);
  const job = checkPattern(options.job);
  let found = false;
  await changePauses(work, queue, 'queue.resumed', (pauses) => {
    found = pauses.some((pause) => pause.job === job);
    return found ? pauses.filter((pause) => pause.job !== job) : null;
  });
  return found;
}

/** `change`: the pauses that a queue has then, given those that last; null: it stays as it is. */
async function changePauses(
  work: UnitOfWork,
  queue: string,
  event: string,
  change: (pauses: readonly QueuePause[]) => readonly QueuePause[] | null,
): Promise<void> {
  await retryConflicts(5, async () => {
    await mustHaveQueue(work, queue);
    const record = (await work.readChecked('queue', queue)) as QueueRecord;
    const pauses = change(lasting(record, work.context.store.now()));
    if (pauses === null) return;
    const patch = { pauses: pauses as unknown as Json };
    const changed = { kind: 'queue' as const, id: queue, event, from: null, to: null, patch };
    await work.submit([changed], [ifUnchanged(record, 'queue')]);
  });
  await work.whenCommitted(async () => work.committer.offerWork(queue));
}

/** The pauses of a queue that last. */
export function lasting({ pauses }: QueueRecord, now: number): readonly QueuePause[] {
  return pauses.filter((pause) => isInForce(pause, now));
}

/** Pauses an agent, or with null resumes it. Returns whether it was paused before. @throws SignalboxError `AGENT_NOT_FOUND`. */
export async function setAgentPause(
  work: UnitOfWork,
  agent: Pick<AgentRecord, 'id'>,
  options: PauseOptions | null,
  by = work.context.uuid,
): Promise<boolean> {
  const paused = options === null ? null : markOf(work, options, ['until', 'reason'], by);
  let wasPaused = false;
  await retryConflicts(5, async () => {
    const record = await work.readChecked('agent', agent.id);
    if (record === undefined) throw new SignalboxError('AGENT_NOT_FOUND', { id: agent.id });
    // One that this commit has just made has only what was set.
    const before = record.paused ?? null;
    wasPaused = before !== null && isInForce(before, work.context.store.now());
    if (before === null && paused === null) return;
    const event = paused === null ? 'agent.resumed' : 'agent.paused';
    const change = { kind: 'agent' as const, id: agent.id, event, from: null, to: null };
    await work.submit([{ ...change, patch: { paused: paused as Json } }], [ifUnchanged(record, 'agent')]);
  });
  return wasPaused;
}

function markOf(work: UnitOfWork, options: PauseOptions, known: readonly string[], by: string): PauseMark {
  checkKnown(options, known);
  const { reason = null, until } = options;
  if (reason !== null && (typeof reason !== 'string' || reason.length > 1000))
    throw invalidOption('reason', 'text of at most 1,000 characters', reason);
  const at = work.context.store.now();
  return { by, at, reason, until: until === undefined ? null : beginningMs(until, at, 'until') };
}

function limitOf(key: QueuePauseOptions['key']): PausedLimit {
  if (Array.isArray(key) && key.length <= 2 && typeof key[0] === 'string') {
    const [name, given] = key as readonly [string, string?];
    return { name, key: given === undefined ? null : checkKey(given, name) };
  }
  throw invalidOption('key', "a limit and its key, such as ['stripe', '42']", key);
}

function checkPattern(job: unknown): string | null {
  if (job === undefined) return null;
  if (typeof job === 'string' && job !== '' && job.length <= 128) return job;
  throw invalidOption('job', 'a name, or a pattern such as mail.*', job);
}
