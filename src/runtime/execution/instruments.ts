import type { Outcome } from '../../../machines/job.context.ts';
import type { AttemptEnding } from '../../model/jobs/attempts.ts';
import { Failure } from '../../model/values/failure.ts';
import {
  type AttemptBegin,
  carriedAnnotation,
  guarded,
  type InterceptedAttempt,
} from '../environment/instruments.ts';
import type { Run } from './run.ts';

/** An attempt as what stands before its code sees it. */
export function interceptedAttempt({ job, queue }: Run, args: readonly unknown[]): InterceptedAttempt {
  return { id: job.id, name: job.name, queue, attempt: job.attempts, args };
}

const begun = new WeakMap<Run, AttemptBegin>();

/** Calls the code of an attempt, within what an instrument puts around it. */
export function callInstrumented(run: Run, call: () => void): void {
  const { instrument } = run.context;
  if (instrument === null) {
    call();
    return;
  }
  const { job, agent, queue, annotations } = run;
  const carried = annotations[carriedAnnotation];
  const attempt: AttemptBegin = {
    ...{ id: job.id, name: job.name, queue, agent: agent?.name ?? null, attempt: job.attempts },
    carried: typeof carried === 'string' ? carried : null,
  };
  begun.set(run, attempt);
  let isCalled = false;
  const once = (): void => {
    if (!isCalled) {
      isCalled = true;
      call();
    }
  };
  guarded(run.context.log, 'start', () => instrument.start?.(attempt, once));
  // An instrument that failed, or forgot it, keeps no job from its code.
  once();
}

/** An attempt has ended, and that is written. */
export function instrumentEnd(run: Run, ending: AttemptEnding, failure: Failure | null): void {
  const { instrument } = run.context;
  const attempt = instrument === null ? undefined : begun.get(run);
  if (instrument === null || attempt === undefined) return;
  begun.delete(run);
  guarded(run.context.log, 'end', () => instrument.end?.({ ...attempt, ending, failure }));
}

/** The same, with the ending that an outcome means. `run.job` is as the attempt was. */
export function instrumentOutcome(run: Run, outcome: Outcome): void {
  if (run.context.instrument === null) return;
  if (outcome.ok) instrumentEnd(run, 'succeeded', null);
  else {
    const ending = run.job.state === 'active.cancelling' ? 'cancelled' : 'failed';
    instrumentEnd(run, ending, new Failure(outcome.failure));
  }
}
