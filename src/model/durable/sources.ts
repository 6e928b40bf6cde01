import type { AnyActorLogic } from 'xstate';

/** The least that a machine needs to know of the definition of a job. */
export interface DurableJob {
  readonly definition: { readonly name: string };
}

/** What `fromJob` was given. */
export interface JobSource {
  readonly kind: 'job';
  readonly job: DurableJob;
  readonly options: object;
}

/** What the `fromPromise` of this package was given. */
export interface PromiseSource {
  readonly kind: 'promise';
  readonly run: (given: { readonly input: never }) => PromiseLike<unknown>;
  readonly options: object;
}

const brand = Symbol.for('signalbox.source');

/** Logic that does nothing: a step records that it would be started. */
export function inertLogic(): AnyActorLogic {
  return {
    transition: (snapshot: unknown) => snapshot,
    getInitialSnapshot: (_scope: unknown, input: unknown) => ({
      status: 'active',
      output: undefined,
      error: undefined,
      input,
    }),
    getPersistedSnapshot: (snapshot: unknown) => snapshot,
  } as unknown as AnyActorLogic;
}

/** Actor logic that stands for the runs of a job. */
export function jobSource(job: DurableJob, options: object): AnyActorLogic {
  return branded({ kind: 'job', job, options });
}

/** Actor logic that stands for code that gives a promise. */
export function promiseSource(run: PromiseSource['run'], options: object): AnyActorLogic {
  return branded({ kind: 'promise', run, options });
}

function branded(source: JobSource | PromiseSource): AnyActorLogic {
  return Object.assign(inertLogic(), { [brand]: Object.freeze(source) });
}

/** The source that actor logic stands for; null for any other logic. */
export function sourceOf(logic: unknown): JobSource | PromiseSource | null {
  if (typeof logic !== 'object' || logic === null) return null;
  return (logic as { readonly [brand]?: JobSource | PromiseSource })[brand] ?? null;
}
