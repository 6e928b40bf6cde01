import type { JobRecord } from '../../model/records/records.ts';

/** How far a joined job has come, counted from its first inner job on. It never goes back, so no step looks there again. */
export interface JoinProgress {
  /** Inner jobs that are finished. */
  finished: number;
  /** Inner jobs that are put; counted for parallel jobs only. */
  put: number;
}

/** An inner job that may have to be put now. */
export interface DueInner {
  readonly id: string;
  /** Undefined when it is not in the store. */
  readonly job: JobRecord | undefined;
  /** Whether it has the internal callback that reports its end to the joined job. */
  readonly isLinked: boolean;
}

/** What a joined job does next. */
export type JoinStep =
  /** Add the internal callback to these jobs, and put those that are NEW. */
  | { readonly type: 'link'; readonly jobs: readonly JobRecord[] }
  /** All inner jobs are finished: put the postprocess. */
  | { readonly type: 'postprocess' }
  /** An inner job reports its end and triggers the next step. */
  | { readonly type: 'wait' }
  /** The awaited job has ended since it was read, and may not report that: read again. */
  | { readonly type: 'readAgain' };

/**
 * The inner jobs that may have to be put: the next one, or all that are left when they are parallel. A job that stands there
 * twice is put once. Pure.
 */
export function dueInner(
  inner: readonly string[],
  isParallel: boolean,
  { finished, put }: Readonly<JoinProgress>,
): readonly string[] {
  return isParallel
    ? [...new Set(inner.slice(Math.max(finished, put)))]
    : inner.slice(finished, finished + 1);
}

/**
 * Whether an inner job is finished: its internal callback has started, so callbacks before that can append no more jobs.
 * `step`: this callback, if there is one. Pure.
 */
export function isInnerFinished(job: JobRecord | undefined, step: JobRecord | undefined): boolean {
  if (job === undefined || job.state === 'completed') return true;
  return job.outcome !== null && step !== undefined && step.state !== 'new';
}

/** The next step of a joined job. `due`: what `dueInner` names, as it is stored. Pure. */
export function nextJoinStep(
  main: { readonly inner: readonly string[]; readonly hasPostprocess: boolean },
  finished: number,
  due: readonly DueInner[],
): JoinStep {
  const awaited = main.inner[finished];
  const unlinked: JobRecord[] = [];
  for (const { id, job, isLinked } of due) {
    const isOver = job === undefined || job.state === 'completed';
    if (isOver && id === awaited) return { type: 'readAgain' };
    if (isOver) continue;
    if (job.state === 'new' || !isLinked) unlinked.push(job);
  }
  if (unlinked.length > 0) return { type: 'link', jobs: unlinked };
  const isOver = finished >= main.inner.length;
  return { type: isOver && main.hasPostprocess ? 'postprocess' : 'wait' };
}
