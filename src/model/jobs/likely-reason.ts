import { durationText } from '../../time.ts';
import type { JobRecord } from '../records/records.ts';
import { isReadable, type JobStatus } from './step.ts';

/** An agent of a dispatcher that is at work in the queue of a job. */
export interface PossibleAgent {
  readonly name: string;
  readonly size: number;
  readonly held: number;
  /** Whether it accepts the job; true when only its chooser can say. */
  readonly accepts: boolean;
  /** What it accepts, in words. */
  readonly selection: string;
}

/** What is known of a job for which a wait was too short. */
export interface AwaitedJob {
  readonly job: JobRecord;
  readonly status: JobStatus;
  readonly now: number;
  /** Whether this process has a definition of its name. */
  readonly isKnown: boolean;
  /** The queue in which it waits, with who could take it; null when it waits in none. */
  readonly waits: {
    readonly queue: string;
    /** How many dispatchers are at work there. */
    readonly dispatchers: number;
    readonly agents: readonly PossibleAgent[];
    /** Quotas that it names and that are full. */
    readonly fullQuotas: readonly string[];
  } | null;
  /** Who holds it, or the job that it is a callback of; null: no agent. */
  readonly holder: { readonly agent: string; readonly dispatcher: string; readonly isAlive: boolean } | null;
}

/** Why a job is not further, and what to do. */
export type LikelyReason = readonly [reason: string, repair: string];

/** Why a job has probably not come further. Pure; the first reason that applies. */
export function likelyReason(about: AwaitedJob): LikelyReason {
  const { job, status, holder } = about;
  if (!isReadable(job)) return ['it is in quarantine', 'See JOB_QUARANTINED in docs/errors.md.'];
  if (job.state === 'new') return ofUnstarted(about);
  if (about.waits !== null) return ofWaiting(about, about.waits);
  if (status === 'COMPLETED') return ['it is over by now', 'Wait longer.'];
  if (holder !== null && !holder.isAlive)
    return [
      `dispatcher ${holder.dispatcher}, which has it, gives no sign of life`,
      'A dispatcher hands it on once that one counts as dead: start one, or wait longer.',
    ];
  if (status === 'CALLBACKS') return ['its callbacks have not ended', 'Look at await job.callbacks().'];
  if (status === 'ASSIGNED')
    return [
      `agent '${holder?.agent}' holds it and has not called it`,
      'Wait longer; a job that queue.claim() gave is called with box.call(job).',
    ];
  return ofActive(about);
}

function ofUnstarted({ job }: AwaitedJob): LikelyReason {
  return job.parent === null
    ? ['it is in no queue', 'Put it: await queue.put(job).']
    : ['it is a callback, and its job is not over', 'Wait for that job first.'];
}

function ofActive({ job, now }: AwaitedJob): LikelyReason {
  if (job.waitingOn !== null)
    return [`it waits for job ${job.waitingOn}`, `Look at that one: box.job('${job.waitingOn}').`];
  const since = job.activeStart === null ? '' : ` after ${durationText(Math.max(0, now - job.activeStart))}`;
  return [`its code has not ended${since}`, 'Wait longer; only the code itself ends its run.'];
}

function ofWaiting(
  { job, now, isKnown }: AwaitedJob,
  { queue, dispatchers, agents, fullQuotas }: NonNullable<AwaitedJob['waits']>,
): LikelyReason {
  if (job.beginAfter !== null && job.beginAfter > now)
    return [`it begins at ${new Date(job.beginAfter).toISOString()}`, 'Wait until then.'];
  if (dispatchers === 0)
    return [
      `no dispatcher is at work in queue '${queue}'`,
      'Call box.start() in a process that knows the job.',
    ];
  if (agents.length === 0)
    return [`queue '${queue}' has no agent`, 'Add one: box.start({ agent }), installAgent or agents.set.'];
  const accepting = agents.filter(({ accepts }) => accepts);
  if (accepting.length === 0) {
    const those = agents.map(({ name, selection }) => `'${name}' (${selection})`).join(', ');
    return [
      `no agent of queue '${queue}' accepts it: ${those}`,
      'Change a filter, or add an agent that accepts it.',
    ];
  }
  const [quota] = fullQuotas;
  if (quota !== undefined) return [`quota '${quota}' is full`, 'Wait longer, or enlarge it: quotas.resize.'];
  if (accepting.every(({ held, size }) => held >= size)) {
    const those = accepting.map(({ name, held, size }) => `'${name}' (${held} of ${size})`).join(', ');
    return [`every agent that accepts it is full: ${those}`, 'Wait longer, or enlarge one: agents.set.'];
  }
  if (!isKnown)
    return [
      `this process has no definition of '${job.name}'`,
      'Pass it to createSignalbox({ jobs }), or start a process that knows it.',
    ];
  return ['an agent can take it', 'Wait longer, or look at its history and at the log.'];
}
