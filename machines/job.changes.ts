import type { Ending, JobContext } from './job.context.ts';
import type { EventOf } from './job.events.ts';

/** Exactly what an event changes in a job: the journal stores it as the patch. */
type Change = Partial<JobContext>;

export function joinQueue(context: JobContext, event: EventOf<'job.put'>): Change {
  return {
    parent: { queue: event.queue },
    line: event.beginAfter > event.at ? 'held' : 'now',
    beginAfter: event.beginAfter,
    ...(event.beginAfter < event.at ? { readyAt: event.at } : {}),
    ...(context.deadline === null && event.deadline != null ? { deadline: event.deadline } : {}),
    ...(context.assigner === null && event.assigner !== null ? { assigner: event.assigner } : {}),
  };
}

export function leaveQueue(context: JobContext, event: EventOf<'job.pull'>): Change {
  return {
    parent: event.system === null ? null : { system: event.system },
    line: null,
    ...(event.system === null ? { assigner: null } : {}),
    ...(context.quotas.length > 0 ? { quotas: [] } : {}),
  };
}

export function enterAgent(context: JobContext, event: EventOf<'job.claim'>): Change {
  return {
    parent: { queue: event.queue, dispatcher: event.dispatcher, agent: event.agent },
    line: 'claimed',
    epoch: event.epoch,
    claim: context.claim + 1,
    // A job that has its outcome is only filed: a quota slot that it took would never be freed.
    ...(context.outcome === null && (event.quotas.length > 0 || context.quotas.length > 0)
      ? { quotas: event.quotas }
      : {}),
  };
}

export function returnToQueue(context: JobContext, event: EventOf<'job.unassign'>): Change {
  return { parent: { queue: event.queue }, line: 'now', claim: context.claim + 1 };
}

export function countStart(context: JobContext, event: EventOf<'job.start'>): Change {
  return { activeStart: event.at, attempts: context.attempts + 1 };
}

export function countRetry(context: JobContext, event: EventOf<'job.retry'>): Change {
  return { attempts: context.attempts + 1, lastFailure: event.failed };
}

export function keepOutcome(context: JobContext, event: EventOf<'job.finish'>): Change {
  return {
    outcome: event.outcome,
    ending: endingOf(context, event),
    ...ended(context, event.at),
    ...(event.retryData === context.retryData ? {} : { retryData: event.retryData }),
  };
}

function endingOf({ stop, deadline }: JobContext, { outcome, at }: EventOf<'job.finish'>): Ending {
  if (outcome.ok) return 'succeeded';
  return stop?.cause === 'deadline' || (deadline !== null && deadline < at) ? 'expired' : 'failed';
}

export function keepAbort(context: JobContext, event: EventOf<'job.abort'>): Change {
  return {
    outcome: { ok: false, failure: event.failure },
    ending: 'aborted',
    retryData: event.retryData,
    ...ended(context, event.at),
  };
}

export function keepFailure(context: JobContext, event: EventOf<'job.fail'>): Change {
  return {
    outcome: { ok: false, failure: event.failure },
    ending: event.expired ? 'expired' : 'failed',
    ...ended(context, event.at),
  };
}

/** Ends a job whose code does not run: it leaves its queue, or the agent that holds it, and the fence with it. */
export function keepCancel(context: JobContext, event: EventOf<'job.cancel'>): Change {
  return {
    outcome: { ok: false, failure: event.failure },
    ending: 'cancelled',
    ...askToStop(context, event),
    ...left(context),
    ...ended(context, event.at),
  };
}

/** Ends a job that waits for another one: nothing of its own runs. */
export function keepExpiry(context: JobContext, event: EventOf<'job.expire'>): Change {
  return {
    outcome: { ok: false, failure: event.failure },
    ending: 'expired',
    ...left(context),
    ...ended(context, event.at),
  };
}

function left({ parent, claim }: JobContext): Change {
  if (parent === null || !('queue' in parent)) return {};
  return {
    parent: { left: parent.queue },
    line: null,
    ...('agent' in parent ? { claim: claim + 1 } : {}),
  };
}

export function askToStop(_context: JobContext, event: EventOf<'job.cancel' | 'job.timeout'>): Change {
  const { at } = event;
  if (event.type === 'job.timeout') return { stop: { cause: event.what, at, by: null, reason: null } };
  return { stop: { cause: 'cancel', at, by: event.by, reason: event.reason } };
}

export function keepCancelled(context: JobContext, event: EventOf<'job.cancelled'>): Change {
  return {
    outcome: { ok: false, failure: event.failure },
    ending: 'cancelled',
    ...ended(context, event.at),
  };
}

/** Frees the quota slots: callbacks run outside the quota. */
function ended(context: JobContext, at: number): Change {
  return {
    activeEnd: at,
    ...(context.quotas.length > 0 ? { quotas: [] } : {}),
    ...(context.waitingOn === null ? {} : { waitingOn: null }),
  };
}

/** Sets the quota names. A job that was put back holds quota slots: it frees those whose quota is no longer named. */
export function nameQuotas(context: JobContext, { quotaNames }: EventOf<'quotaNames.set'>): Change {
  return { quotaNames, ...stillNamed(context, quotaNames, context.keys) };
}

/** Sets the keys of its keyed limits, likewise. */
export function nameKeys(context: JobContext, { keys }: EventOf<'keys.set'>): Change {
  return { keys, ...stillNamed(context, context.quotaNames, keys) };
}

function stillNamed(
  context: JobContext,
  quotaNames: readonly string[],
  keys: readonly string[] | null,
): Pick<Change, 'quotas'> {
  const quotas = context.quotas.filter((id) => {
    const name = id.slice(id.indexOf('/') + 1);
    return quotaNames.includes(name) || keys?.includes(name) === true;
  });
  return quotas.length < context.quotas.length ? { quotas } : {};
}

/**
 * Put back at once, a job keeps its quota slots, so that no other job of a full quota overtakes it; held, it
 * frees them.
 */
export function rejoinQueue(context: JobContext, event: EventOf<'job.reschedule'>): Change {
  const held = event.beginAfter !== null && event.beginAfter > event.at;
  return {
    parent: { queue: event.queue },
    line: held ? 'held' : 'putBack',
    claim: context.claim + 1,
    activeStart: null,
    retryData: event.retryData,
    ...(event.failed === null ? {} : { lastFailure: event.failed }),
    ...(held ? { beginAfter: event.beginAfter } : {}),
    ...(held && context.quotas.length > 0 ? { quotas: [] } : {}),
    ...(context.waitingOn === null ? {} : { waitingOn: null }),
    ...(context.stop === null ? {} : { stop: null }),
  };
}

/** What the policy counts stays as it is: nothing has failed. */
export function putOff(context: JobContext, event: EventOf<'job.snooze'>): Change {
  return {
    parent: { queue: event.queue },
    line: 'held',
    beginAfter: event.beginAfter,
    claim: context.claim + 1,
    activeStart: null,
    snoozed: { times: (context.snoozed?.times ?? 0) + 1, reason: event.reason },
    ...(context.quotas.length > 0 ? { quotas: [] } : {}),
  };
}

export function handBack(context: JobContext, event: EventOf<'job.handBack'>): Change {
  return {
    parent: { queue: event.queue },
    line: 'putBack',
    claim: context.claim + 1,
    activeStart: null,
  };
}

/** A job that holds quota slots, because it was put back, frees them when it has to wait. */
export function defer(context: JobContext, event: EventOf<'job.defer'>): Change {
  const held = event.beginAfter > event.at;
  return {
    beginAfter: event.beginAfter,
    line: held ? 'held' : 'now',
    ...(held && context.quotas.length > 0 ? { quotas: [] } : {}),
  };
}

/** Raises the claim, the fence: code of the interrupted attempt that still runs cannot write any more. */
export function startOver(context: JobContext, event: EventOf<'callback.reset'>): Change {
  return {
    claim: context.claim + 1,
    activeStart: null,
    waitingOn: null,
    retryData: event.retryData,
    ...(context.stop === null ? {} : { stop: null }),
  };
}

/** Raises the claim, the fence: the worker that still runs the job cannot write any more. */
export function handToSystemJob(context: JobContext, event: EventOf<'job.interrupt'>): Change {
  return { parent: { system: event.system }, line: null, claim: context.claim + 1 };
}

export function fileInHistory(context: JobContext, event: EventOf<'job.complete' | 'job.file'>): Change {
  return context.parent !== null && 'agent' in context.parent ? { callbacksEnd: event.at } : {};
}
