import { ShutdownError } from '../../errors.ts';
import { Failure } from '../../model/values/failure.ts';
import { encodeValue } from '../../model/values/values.ts';
import type { Run } from '../execution/run.ts';
import { storedJobOnly } from '../jobs/job-drafts.ts';
import type { CallMessage, StopReason } from './protocol.ts';

// It was stored, so it is no question whether it may be.
const most = Number.POSITIVE_INFINITY;
const unlimited = { depth: most, keys: most, bytes: most };

/** Its process stops: an attempt that ends because of that is handed back. One that is to stop already ends as that says. */
export function stopForShutdown(run: Run): ShutdownError {
  const reason = new ShutdownError({ id: run.job.id });
  if (!run.isAborted) {
    run.isShutDown = true;
    run.abort(reason);
  }
  return reason;
}

/** What a thread gets of an attempt. */
export function callMessage(call: number, run: Run): CallMessage {
  const { job, agent, queue, input, annotations, context } = run;
  return {
    type: 'call',
    call,
    job,
    agent: agent?.name ?? '',
    dispatcher: run.by,
    queue,
    input: input.map((value) =>
      value instanceof Failure
        ? { ok: false, failure: value.data }
        : { ok: true, value: encodeValue(value ?? null, 'input', storedJobOnly, unlimited) },
    ),
    annotations,
    now: context.now(),
  };
}

/** Why a run is to stop, for its thread to make the same error of it. */
export function stopReason(run: Run, reason: unknown): StopReason {
  const { state, stop } = run.job;
  if (run.isStopping && stop !== null) return { kind: 'stop', state, stop };
  if (run.isShutDown) return { kind: 'shutdown' };
  return { kind: 'other', message: Failure.from(reason).message };
}
