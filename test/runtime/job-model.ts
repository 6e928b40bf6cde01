/** What a call of the public interface does, by job number. Jobs of an odd number fail. */
export type Op =
  | { readonly op: 'put'; readonly job: number; readonly delayS: number }
  | { readonly op: 'putBoth'; readonly jobs: readonly [number, number]; readonly aborts: boolean }
  | { readonly op: 'putAgain' | 'remove' | 'fail'; readonly job: number }
  | { readonly op: 'annotate'; readonly job: number; readonly note: number };

/** A job as its callers know it. */
export interface ModelJob {
  readonly status: 'NEW' | 'PENDING' | 'COMPLETED';
  readonly ending: string | null;
  /** A job that failed while it waited stays in its queue until it is claimed, and is filed then. */
  readonly isQueued: boolean;
  readonly beginAfter: number;
  readonly note: number | null;
}

/** Everything that callers know: data that is never changed. */
export interface Model {
  readonly now: number;
  /** Whether a dispatcher is at work. */
  readonly isActive: boolean;
  readonly jobs: ReadonlyMap<number, ModelJob>;
}

/** What a call gives: `ok`, or the code of its error. */
export type Answer = string;

/** Before anything happened. */
export function emptyModel(now: number): Model {
  return { now, isActive: false, jobs: new Map() };
}

/** The model after one call that was made alone, and its answer. */
export function applied(model: Model, op: Op): { readonly model: Model; readonly answer: Answer } {
  const refused = (answer: Answer) => ({ model, answer });
  if (op.op === 'putBoth') {
    const both = new Set(op.jobs);
    if (op.aborts) return refused('aborted');
    let after = model;
    for (const job of both) after = put(after, job, 0);
    return { model: after, answer: 'ok' };
  }
  const job = model.jobs.get(op.job);
  if (op.op === 'put')
    return job === undefined ? { model: put(model, op.job, op.delayS), answer: 'ok' } : refused('ok');
  if (job === undefined) return refused(op.op === 'remove' ? 'JOB_NOT_WAITING' : 'JOB_NOT_FOUND');
  if (op.op === 'annotate') return { model: withJob(model, op.job, { ...job, note: op.note }), answer: 'ok' };
  if (op.op === 'remove') {
    if (!job.isQueued) return refused('JOB_NOT_WAITING');
    if (job.status === 'COMPLETED') return refused('BAD_STATUS');
    return { model: withJob(model, op.job, { ...job, status: 'NEW', isQueued: false }), answer: 'ok' };
  }
  if (op.op === 'fail') {
    if (job.status === 'COMPLETED') return refused('BAD_STATUS');
    return { model: withJob(model, op.job, { ...job, status: 'COMPLETED', ending: 'failed' }), answer: 'ok' };
  }
  if (job.status !== 'NEW') return refused('BAD_STATUS');
  const again = { ...job, status: 'PENDING' as const, isQueued: true };
  return { model: withJob(model, op.job, again), answer: 'ok' };
}

/** The model once everything that needs no time has happened. */
export function settled(model: Model): Model {
  if (!model.isActive) return model;
  let after = model;
  for (const [number, job] of model.jobs) {
    if (!job.isQueued || job.beginAfter > model.now) continue;
    const ending = job.ending ?? (number % 2 === 0 ? 'succeeded' : 'failed');
    after = withJob(after, number, { ...job, status: 'COMPLETED', ending, isQueued: false });
  }
  return after;
}

/** Numbers of the waiting jobs. Their order has a model of its own: test/model/claim-order.test.ts. */
export function waiting({ jobs }: Model): number[] {
  return [...jobs].filter(([, { isQueued }]) => isQueued).map(([number]) => number);
}

/** Whether calls that raced may have given these answers and left this: they did if some order of them does. */
export function isOrdered(
  model: Model,
  calls: readonly { readonly op: Op; readonly answer: Answer }[],
  isLeft: (after: Model) => boolean,
): boolean {
  if (calls.length === 0) return isLeft(model);
  return calls.some(({ op, answer }, index) => {
    const others = calls.filter((_call, at) => at !== index);
    // A call that got a conflict has changed nothing.
    if (answer === 'CONFLICT') return isOrdered(model, others, isLeft);
    const after = applied(model, op);
    // A job that is just failing is failed by the second call as well: it continues with the callbacks.
    const isSecond = op.op === 'fail' && answer === 'ok' && after.answer === 'BAD_STATUS';
    if (isSecond) return isOrdered(model, others, isLeft);
    return isSame(after.answer, answer) && isOrdered(after.model, others, isLeft);
  });
}

/** The second caller may learn that the job waits no more from its place, or from its status. */
function isSame(one: Answer, other: Answer): boolean {
  const late = ['JOB_NOT_WAITING', 'BAD_STATUS'];
  return one === other || (late.includes(one) && late.includes(other));
}

function put(model: Model, number: number, delayS: number): Model {
  if (model.jobs.has(number)) return model;
  const beginAfter = model.now + delayS * 1000;
  const first = { status: 'PENDING' as const, ending: null, isQueued: true, note: null };
  return withJob(model, number, { ...first, beginAfter });
}

function withJob(model: Model, number: number, job: ModelJob): Model {
  return { ...model, jobs: new Map(model.jobs).set(number, job) };
}
