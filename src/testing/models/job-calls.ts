import type { JobEvent } from '../../../machines/job.events.ts';
import type { Job, Signalbox } from '../../index.ts';
import type { EventCause } from './graph-model.ts';

type Type = JobEvent['type'];
type EventOf<Of extends Type> = Extract<JobEvent, { type: Of }>;

/** How each event of a job comes about. */
export const jobCalls: { readonly [type in Type]: EventCause } = {
  'job.put': called('box.queue().put(job)', (job, _event, box) => box.queue().put(job)),
  'job.pull': called(
    'box.queue(name).remove(job); or an agent finds the job too late',
    async (job, _event, box) => {
      const { queue } = await job.place();
      await box.queue(queue ?? '').remove(job);
    },
  ),
  'job.claim': { how: 'a box that was started has an agent with a free slot, which takes it' },
  'job.unassign': { how: 'its process is killed after the claim and before the call of its code' },
  'job.start': { how: 'the agent that has it calls its code; of a callback: its job has its outcome' },
  'job.retry': { how: 'its code throws, and its retry policy says: again at once' },
  'job.wait': { how: 'its code returns another job, which it waits for, or local.detach(promise)' },
  'job.finish': {
    how: 'its code returns, or throws what its retry policy does not retry; or what it waits for has ended',
  },
  'job.reschedule': {
    how: 'its code throws, and its retry policy says: later; or its process is killed, and its policy says: again',
  },
  'job.interrupt': { how: 'its process is killed, and the next one, or a dispatcher beside it, finds that' },
  'job.abort': { how: 'its process is killed, and its retry policy allows no second attempt' },
  'job.fail': called('job.fail(error); or an agent finds it too late', (job) => job.fail()),
  'job.cancel': called('job.cancel()', (job) => job.cancel()),
  'job.cancelled': { how: 'its code stops because it was cancelled, or is left behind after its grace' },
  'job.timeout': { how: 'time passes beyond its timeout, its heartbeat or its deadline while its code runs' },
  'job.expire': { how: 'time passes beyond its deadline while it waits for another job' },
  'job.snooze': { how: 'its code returns local.snooze(until)' },
  'job.handBack': { how: 'box.stop() or dispatcher.deactivate(): its code throws when local.signal aborts' },
  'job.defer': { how: 'another job is put that takes its unique name, and begins at another time' },
  'callback.reset': { how: 'a callback is interrupted, handed back, or retried later' },
  'callback.move': { how: 'the job of its proxy has its outcome, which chooses its branch' },
  'job.complete': { how: 'all its callbacks have begun and ended' },
  'job.file': {
    how: 'its agent, or the next dispatcher, finds that it had ended when its process was killed',
  },
  'callable.set': { how: 'job.setCallable(definition)' },
  'args.set': called<'args.set'>('job.setArgs(args)', (job, { args }) => job.setArgs([...args])),
  'args.append': called<'args.append'>('job.appendArgs(args)', (job, { args }) => job.appendArgs([...args])),
  'beginAfter.set': called<'beginAfter.set'>('job.setBeginAfter(instant)', (job, { beginAfter }) =>
    job.setBeginAfter(beginAfter === null ? null : new Date(beginAfter)),
  ),
  'beginBy.set': called<'beginBy.set'>('job.setBeginBy(duration)', (job, { beginBy }) =>
    job.setBeginBy(beginBy),
  ),
  'priority.set': called<'priority.set'>('job.setPriority(priority)', (job, { priority }) =>
    job.setPriority(priority as 0),
  ),
  'quotaNames.set': called<'quotaNames.set'>('job.setQuotaNames(names)', (job, { quotaNames }) =>
    job.setQuotaNames(quotaNames),
  ),
  'keys.set': { how: 'another job is put that takes its unique name, and has other keys' },
  'tags.set': called<'tags.set'>('job.setTags(tags)', (job, { tags }) => job.setTags(tags ?? [])),
  'failureLogLevel.set': called<'failureLogLevel.set'>('job.setFailureLogLevel(level)', (job, event) =>
    job.setFailureLogLevel((event.failureLogLevel?.toUpperCase() ?? null) as null),
  ),
  'retryPolicy.set': called<'retryPolicy.set'>('job.setRetryPolicy(policy)', (job, { retryPolicy }) =>
    job.setRetryPolicy(retryPolicy),
  ),
};

function called<Of extends Type>(
  how: string,
  call: (job: Job<unknown>, event: EventOf<Of>, box: Signalbox) => Promise<unknown>,
): EventCause {
  return {
    how,
    call: async (box, id, event) => call(await box.job(id).refresh(), event as unknown as EventOf<Of>, box),
  };
}
