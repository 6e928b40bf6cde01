import { SignalboxError } from '../../errors.ts';
import type { JobRecord } from '../../model/records/records.ts';
import { Failure } from '../../model/values/failure.ts';
import { jobLabel } from '../../model/values/job-text.ts';
import type { Committer } from '../commits/committer.ts';
import { retryForever } from '../commits/retry.ts';
import { Snooze } from '../definitions/snooze.ts';
import type { CodeEnds, Given } from '../execution/given.ts';
import type { Run } from '../execution/run.ts';
import type { CallbackSteps } from '../execution/run-steps.ts';
import type { JobHandles } from '../jobs/job-like.ts';
import { type AttemptWork, type CodeEnd, errorOf, type FollowUp, thrown } from './protocol.ts';

/** The dependencies of the ends. */
export interface AttemptEndsDeps {
  readonly committer: Committer;
  readonly handles: JobHandles;
  readonly callbacks: Pick<CallbackSteps, 'performFor'> & {
    performLate(id: string, added?: string): Promise<void>;
  };
}

/** Goes on with an attempt whose code has ended in a thread, as with one whose code has ended here. */
export class AttemptEnds {
  readonly #deps: AttemptEndsDeps;

  constructor(deps: AttemptEndsDeps) {
    this.#deps = deps;
  }

  follow(
    run: Run,
    { end, work }: { readonly end: CodeEnd; readonly work: AttemptWork | null },
    ends: CodeEnds<Given>,
  ): void {
    if (end.kind === 'threw') ends.threw(thrown(end.error));
    else if (work === null && end.kind === 'value') ends.returned(end);
    else this.#adopt(run, work, end).then(ends.returned, ends.threw);
  }

  /** Makes what the attempt has put and changed part of its commit. */
  async #adopt(run: Run, work: AttemptWork | null, end: Exclude<CodeEnd, { kind: 'threw' }>): Promise<Given> {
    if (work !== null) {
      const { changes, expect, followUps } = work;
      if (changes.length > 0 || expect.length > 0) await run.unit.submit(changes, expect);
      for (const followUp of followUps) await run.unit.whenCommitted(() => this.#carryOut(run, followUp));
    }
    switch (end.kind) {
      case 'snooze':
        return { kind: 'snooze', snooze: new Snooze(end.until, end.reason) };
      case 'failure':
        return { kind: 'failure', failure: new Failure(end.failure) };
      case 'unstorable':
        return { kind: 'unstorable', error: errorOf(end.error), text: () => end.text };
      case 'job':
        return {
          kind: 'job',
          job: this.#deps.handles.of(run.unit.handles, await this.#returned(run, end.id)),
        };
      default:
        return end;
    }
  }

  async #returned(run: Run, id: string): Promise<JobRecord> {
    const what = (): string => `reading what ${jobLabel(run.job)} returned`;
    const record = await retryForever(run.context, what, () => run.unit.read('job', id));
    if (record === undefined) throw new SignalboxError('JOB_NOT_FOUND', { id });
    return record;
  }

  #carryOut({ context }: Run, followUp: FollowUp): Promise<void> {
    const { callbacks, committer } = this.#deps;
    if (followUp.kind === 'offer') {
      committer.offerWork(followUp.queue);
      return Promise.resolve();
    }
    if (followUp.kind === 'callbacks') return callbacks.performFor(followUp.job);
    const { parent, callback } = followUp;
    const what = (): string => `calling a callback that was added to completed job ${parent}`;
    return retryForever(context, what, () => callbacks.performLate(parent, callback ?? undefined));
  }
}
