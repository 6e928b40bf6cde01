import type { Place } from '../../machines/job.context.ts';
import { isReadable, type JobStatus } from '../model/jobs/step.ts';
import { holdsName } from '../model/jobs/unique/name-answer.ts';
import type { JobRecord } from '../model/records/records.ts';
import type { StoreReader } from '../store/reader.ts';
import { isAtWork, whyIdle } from './agent-conditions.ts';
import type { Explanation, KnownNames, UniqueName, Verdict } from './explanation.ts';
import { statusOf, topOf } from './job-place.ts';
import { cancelWords, instantText, verdictOnActive } from './stop-words.ts';
import { conditionsOf, verdictOf } from './waiting-conditions.ts';
import { waitingFacts } from './waiting-facts.ts';

/** How many jobs that wait for each other are explained. */
const maxDepth = 8;

/**
 * Explains why a job is where it is, and what stops it: for a job that waits in a queue, all that a claim asks of it. Changes
 * nothing, and reads a store that is open as well as one that is not. Undefined when there is no such job. In a process that has
 * the store open, `box.explain(id)` knows more.
 *
 * @param names - what the program knows by name. Default null: nothing, so what a filter of its own would answer stays open.
 *
 * @example
 * ```ts
 * import { createSignalbox, defineJob, memoryStore } from 'signalbox';
 * import { explainJob } from 'signalbox/reading';
 *
 * const bill = defineJob({ name: 'bill', run: () => 'billed' });
 * const box = await createSignalbox({ store: memoryStore(), jobs: [bill], queues: ['bills'] });
 * const job = await box.queue('bills').put(bill());
 * const explanation = await explainJob(box.store, job.id ?? '');
 * console.log(explanation?.verdict.code); // => dispatchers
 * await box.stop();
 * ```
 */
export function explainJob(
  reader: StoreReader,
  id: string,
  names: KnownNames | null = null,
): Promise<Explanation | undefined> {
  return explained(reader, id, names, 1);
}

async function explained(
  reader: StoreReader,
  id: string,
  names: KnownNames | null,
  depth: number,
): Promise<Explanation | undefined> {
  const job = await reader.get('job', id);
  if (job === undefined) return undefined;
  const status = await statusOf(reader, job);
  const { parent } = await topOf(reader, job);
  const queue = waitsIn(job.parent);
  const facts = queue === null ? null : await waitingFacts(reader, job, queue, names);
  const conditions = facts === null ? [] : conditionsOf(facts);
  const verdict =
    facts === null ? await verdictElsewhere(reader, names, job, status, parent) : verdictOf(conditions);
  const awaited = depth < maxDepth ? awaitedBy(job) : null;
  const because = awaited === null ? undefined : await explained(reader, awaited, names, depth + 1);
  return {
    job: id,
    name: job.name,
    status,
    attempts: job.attempts,
    at: reader.now(),
    verdict,
    conditions,
    unique: await uniqueNameOf(reader, job),
    because: because === undefined ? [] : [because],
  };
}

/** The queue in which a job waits; null: it waits in none. */
function waitsIn(place: Place | null): string | null {
  return place !== null && 'queue' in place && !('agent' in place) ? place.queue : null;
}

/** The job whose end it waits for: one that its code returned, its parent, or the system job that decides about it. */
function awaitedBy({ state, waitingOn, parent }: JobRecord): string | null {
  if (waitingOn !== null && waitingOn !== 'promise') return waitingOn;
  if (parent === null) return null;
  if ('system' in parent) return parent.system;
  return state === 'new' && 'job' in parent ? parent.job : null;
}

async function verdictElsewhere(
  reader: StoreReader,
  names: KnownNames | null,
  job: JobRecord,
  status: JobStatus,
  top: Place | null,
): Promise<Verdict> {
  const verdict = (code: string, text: string, remedy: string): Verdict => ({ code, text, remedy });
  if (!isReadable(job))
    return verdict('sound', 'it is in quarantine', 'See JOB_QUARANTINED in docs/errors.md.');
  if (job.state === 'new') return ofUnstarted(job);
  if (status === 'COMPLETED') return ofCompleted(job, reader.now());
  if (job.parent !== null && 'system' in job.parent)
    return verdict(
      'interrupted',
      `its process disappeared, and system job ${job.parent.system} decides about it`,
      'Wait until an agent takes that one.',
    );
  const gone = await goneHolder(reader, top);
  if (gone !== null) return gone;
  if (status === 'CALLBACKS')
    return verdict('callbacks', 'its callbacks have not ended', 'Look at await job.callbacks().');
  if (status === 'ASSIGNED')
    return verdict(
      'assigned',
      `agent '${agentOf(top)}' holds it and has not called it`,
      'Wait longer; a job that queue.claim() gave is called with box.call(job).',
    );
  return verdictOnActive(job, reader.now(), names?.grace(job.name) ?? null);
}

function ofUnstarted({ parent }: JobRecord): Verdict {
  return parent === null
    ? { code: 'new', text: 'it is in no queue', remedy: 'Put it: await queue.put(job).' }
    : { code: 'new', text: 'it is a callback, and its job is not over', remedy: 'Wait for that job first.' };
}

function ofCompleted({ ending, outcome, attempts, stop }: JobRecord, now: number): Verdict {
  if (ending === 'succeeded') return { code: 'completed', text: 'it succeeded', remedy: 'Read its result.' };
  if (ending === 'cancelled' && stop !== null)
    return {
      code: 'completed',
      text: `it was ${cancelWords(stop, now)}`,
      remedy: 'Put it again if it is wanted after all.',
    };
  const tries = attempts === 0 ? '' : ` after ${attempts} ${attempts === 1 ? 'attempt' : 'attempts'}`;
  const why = outcome !== null && !outcome.ok ? `: ${outcome.failure.name}: ${outcome.failure.message}` : '';
  const what = ending === 'aborted' ? 'was aborted' : ending === 'expired' ? 'has expired' : 'failed';
  return {
    code: 'completed',
    text: `it ${what}${tries}${why}`,
    remedy: 'Repair the cause, and put it again.',
  };
}

/** The verdict on a job whose dispatcher is gone; null while it is at work. Without a representation a program holds it. */
async function goneHolder(reader: StoreReader, top: Place | null): Promise<Verdict | null> {
  if (top === null || !('queue' in top) || !('agent' in top)) return null;
  const record = await reader.get('representation', `${top.queue}/${top.dispatcher}`);
  if (record === undefined || isAtWork(record, reader.now())) return null;
  return {
    code: 'dispatcher',
    text: `dispatcher ${top.dispatcher}, which has it, ${whyIdle(record, reader.now())}`,
    remedy: 'A dispatcher hands it on once that one counts as dead: start one, or wait longer.',
  };
}

function agentOf(place: Place | null): string {
  return place !== null && 'agent' in place ? place.agent : '';
}

/** The unique name that a job took when it was put, and which job keeps others off now. Null: it took none. */
async function uniqueNameOf(reader: StoreReader, job: JobRecord): Promise<UniqueName | null> {
  const key = job.uniqueKey;
  if (key === null) return null;
  const record = await reader.get('unique', key);
  const holder = record?.job === job.id ? job : await reader.get('job', record?.job ?? '');
  const isHeld =
    record !== undefined &&
    holder !== undefined &&
    holdsName(holder, key, record.untilStart ? 'started' : 'ended');
  const until = record?.until ?? null;
  const window = until !== null && until > reader.now() ? until : null;
  if (record === undefined || (!isHeld && window === null))
    return { key, holder: null, text: `its unique name ${key} is free: the next put takes it` };
  const who =
    record.job === job.id
      ? `it has the unique name ${key}`
      : `its unique name ${key} is that of job ${record.job}`;
  const end = record.untilStart ? 'its code is called first' : 'it has its outcome';
  const how = isHeld ? [`until ${end}`] : [];
  if (window !== null) how.push(`until ${instantText(window)}`);
  return { key, holder: record.job, text: `${who}, ${how.join(' and at least ')}` };
}
