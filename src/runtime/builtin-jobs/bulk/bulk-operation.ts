import { BadStatusError } from '../../../errors.ts';
import { progressAnnotation } from '../../../model/values/progress.ts';
import type { CancelResult } from '../../callbacks/cancel-job.ts';
import type { UnitOfWork } from '../../commits/unit-of-work.ts';
import { callJob } from '../../handles/inline-call.ts';
import { Job } from '../../handles/job.ts';
import { servicesOf } from '../../handles/services.ts';
import type { BulkCounts, BulkResult } from './bulk-request.ts';

/**
 * The work on many jobs that `box.bulk` has begun. It is a job of Signalbox itself, `signalbox.bulk`: the inspector and
 * `signalbox job ID` show it, and it goes on after a crash where it was.
 */
export class BulkOperation {
  /** Id of its job. */
  readonly id: string;
  readonly #job: Job<BulkResult>;
  readonly #work: UnitOfWork;
  /** The work, when this process does it at once. */
  readonly #call: Promise<unknown> | null;

  /** Use `box.bulk`. `isHere`: this process does the work, at once. */
  constructor(work: UnitOfWork, id: string, isHere: boolean) {
    this.id = id;
    this.#work = work;
    this.#job = Job.reference<BulkResult>(work, id);
    this.#call = isHere ? callJob(servicesOf(work.context), this.#job as Job<unknown>, []) : null;
    // Who asks for the result hears of it. One that was begun before is not called twice.
    this.#call?.catch(() => {});
  }

  /** How far it has come: all zero before its first page of 500 jobs. */
  async progress(): Promise<BulkCounts> {
    const known = await this.#work.readChecked('annotation', `${this.id}/${progressAnnotation}`);
    const {
      matched = 0,
      done = 0,
      skipped = 0,
      failed = [],
    } = (known?.value as { readonly bulk?: Partial<BulkCounts> } | undefined)?.bulk ?? {};
    return { matched, done, skipped, failed };
  }

  /**
   * Waits until all is done. A job that has refused or failed does not fail it.
   * @throws CancelledError when it was cancelled: what it had done by then stays, and `progress()` says how much. SignalboxError
   * `INVALID_FILTER` for a part of jobs that is not shown.
   */
  async result(): Promise<BulkResult> {
    await this.#call?.catch((error: unknown) => {
      if (!(error instanceof BadStatusError)) throw error;
    });
    return this.#job.result();
  }

  /** Ends it after the page that it works on. */
  cancel(options: { readonly reason?: string } = {}): Promise<CancelResult> {
    return this.#job.cancel(options);
  }
}
