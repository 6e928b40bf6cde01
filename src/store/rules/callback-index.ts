import type { Place } from '../../../machines/job.context.ts';
import type { JobRecord, ProxyRecord } from '../../model/records/records.ts';
import type { FindJob } from './lines/line.ts';

/** Looks a callback proxy up by id. */
type FindProxy = (id: string) => ProxyRecord | undefined;

/** The callbacks of jobs as subjects, `job/<id>` or `proxy/<id>`, in the order in which they are called. */
export class CallbackIndex {
  readonly #findJob: FindJob;
  readonly #findProxy: FindProxy;
  readonly #subjects = new Map<string, string[]>();

  constructor(findJob: FindJob, findProxy: FindProxy) {
    this.#findJob = findJob;
    this.#findProxy = findProxy;
  }

  of(job: string): readonly string[] {
    return this.#subjects.get(job) ?? [];
  }

  /**
   * Returns the job whose callbacks this place belongs to, also as a branch of a proxy; null for any other
   * place.
   */
  parentOf(place: Place | null): string | null {
    const owner = place !== null && 'proxy' in place ? this.#findProxy(place.proxy)?.parent : place;
    return owner != null && 'job' in owner ? owner.job : null;
  }

  /** Adds a callback. `key` decides its place among the callbacks of its parent. */
  add(parent: Place | null, subject: string, key: number): void {
    if (parent === null || !('job' in parent)) return;
    const list = this.#subjects.get(parent.job);
    if (list === undefined) {
      this.#subjects.set(parent.job, [subject]);
      return;
    }
    let at = list.length;
    while (at > 0 && this.#key(list[at - 1] ?? '') > key) at -= 1;
    list.splice(at, 0, subject);
  }

  drop(parent: Place | null, subject: string): void {
    if (parent === null || !('job' in parent)) return;
    const list = this.#subjects.get(parent.job);
    if (list === undefined) return;
    const at = list.indexOf(subject);
    if (at >= 0) list.splice(at, 1);
    if (list.length === 0) this.#subjects.delete(parent.job);
  }

  /** Whether a callback of the job has not begun. */
  hasUnstarted(job: string): boolean {
    return this.of(job).some((subject) => {
      const id = this.#called(subject);
      return id === null || this.#findJob(id)?.state === 'new';
    });
  }

  /** Whether a callback of the job is neither done nor waiting for a job that is not. */
  hasLeft(job: string): boolean {
    return this.of(job).some((subject) => this.#isLeft(subject));
  }

  /**
   * Returns the records that show who ran the callbacks that are left: the called job, or a proxy that has
   * chosen none.
   */
  left(job: string): (JobRecord | ProxyRecord)[] {
    return this.of(job)
      .filter((subject) => this.#isLeft(subject))
      .flatMap((subject) => this.#calledRecord(subject) ?? []);
  }

  #calledRecord(subject: string): JobRecord | ProxyRecord | undefined {
    const called = this.#called(subject);
    const job = called === null ? undefined : this.#findJob(called);
    return job ?? this.#findProxy(splitSubject(subject)[1]);
  }

  /** Ids of the completed jobs with callbacks that are left. */
  *completedWithLeft(): Generator<string> {
    for (const parent of this.#subjects.keys()) {
      if (this.#findJob(parent)?.state === 'completed' && this.hasLeft(parent)) yield parent;
    }
  }

  #isLeft(subject: string): boolean {
    const id = this.#called(subject);
    const callback = id === null ? undefined : this.#findJob(id);
    if (callback === undefined) return subject.startsWith('proxy/');
    if (callback.state === 'completed') return false;
    const awaited = callback.waitingOn === null ? undefined : this.#findJob(callback.waitingOn);
    return awaited === undefined || awaited.outcome !== null;
  }

  /**
   * Returns the job that is called: the callback itself, or the one that its proxy has chosen; null while it
   * has not.
   */
  #called(subject: string): string | null {
    const [kind, id] = splitSubject(subject);
    return kind === 'job' ? id : (this.#findProxy(id)?.chosen ?? null);
  }

  #key(subject: string): number {
    const [kind, id] = splitSubject(subject);
    return (kind === 'job' ? this.#findJob(id)?.position : this.#findProxy(id)?.createdSeq) ?? 0;
  }
}

/** Splits a subject such as `job/abc` into kind and id. */
export function splitSubject(subject: string): readonly ['job' | 'proxy', string] {
  const at = subject.indexOf('/');
  return [subject.slice(0, at) as 'job' | 'proxy', subject.slice(at + 1)];
}
