import type { Failure } from '../../machines/job.context.ts';
import type { EventOf, JobEvent } from '../../machines/job.events.ts';
import { jobChart } from '../model/jobs/machine-version.ts';
import { isReadable } from '../model/jobs/step.ts';
import type { JobRecord } from '../model/records/records.ts';
import { edgesAt } from './chart-edges.ts';

/** Who can send an event to a job: a person or a program, the runtime, or the job's own code. */
type Sender = 'operator' | 'runtime' | 'code';

/** An edge out of the state of a job, and whether it would be taken now. */
export interface Possibility {
  readonly event: string;
  readonly by: Sender;
  /** The state that has the edge: the job's own, or one around it. */
  readonly source: string;
  /** The state that it names as its target; null: it changes no state. */
  readonly target: string | null;
  /** The leaf state in which the job would be. */
  readonly to: string;
  /** Whether a step would take it. */
  readonly isOpen: boolean;
  /** The guard of the edge, with what it says; empty: it has none. */
  readonly guards: readonly { readonly guard: string; readonly answer: boolean }[];
}

/** What guards ask and the record does not know. `now` is in epoch milliseconds. */
export interface Facts {
  readonly now: number;
  /** How many of its callbacks have not begun. */
  readonly unstarted: number;
}

/**
 * Returns what can happen next to a job: every edge out of its state, asked of the chart that steps it, with an event made from
 * its record. Nothing is performed. Empty for a job that this version cannot read.
 *
 * @example
 * ```ts
 * import { createSignalbox, defineJob, memoryStore } from 'signalbox';
 * import { possible } from 'signalbox/reading';
 *
 * const bill = defineJob({ name: 'bill', run: () => 'billed' });
 * const box = await createSignalbox({ store: memoryStore(), jobs: [bill], queues: ['bills'] });
 * const job = await box.queue('bills').put(bill());
 * const record = await box.store.get('job', job.id ?? '');
 * const next = record === undefined ? [] : possible(record, { now: Date.now(), unstarted: 0 });
 * console.log(next.find(({ event }) => event === 'job.claim')?.to); // => assigned
 * await box.stop();
 * ```
 */
export function possible(job: JobRecord, facts: Facts): readonly Possibility[] {
  if (!isReadable(job)) return [];
  return (Object.keys(events) as JobEvent['type'][]).flatMap((type) => possibleBy(job, type, facts));
}

function possibleBy(job: JobRecord, type: JobEvent['type'], facts: Facts): readonly Possibility[] {
  const { by, of } = events[type] as Sample<JobEvent['type']>;
  const answers = jobChart.ask(job.state, job, of(job, facts));
  const first = answers.findIndex(({ answer }) => answer);
  const written = edgesAt(job.state, type);
  return answers.map(({ edge, answer }, at) => ({
    event: type,
    by,
    source: written[at]?.source ?? edge.from,
    target: written[at]?.target ?? null,
    to: edge.to,
    isOpen: at === first,
    guards: edge.guards.map((guard) => ({ guard, answer })),
  }));
}

interface Sample<Type extends JobEvent['type']> {
  readonly by: Sender;
  readonly of: (job: JobRecord, facts: Facts) => EventOf<Type>;
}

const failure: Failure = { name: '', message: '', stack: '', code: null, cause: null, extra: {} };

/** An event of every type, as it would be sent to this job now. */
const events: { readonly [Type in JobEvent['type']]: Sample<Type> } = {
  'job.put': {
    by: 'operator',
    of: ({ assigner }, { now }) => ({ type: 'job.put', queue: '', at: now, beginAfter: now, assigner }),
  },
  'job.pull': { by: 'operator', of: () => ({ type: 'job.pull', system: null }) },
  'job.claim': {
    by: 'runtime',
    of: ({ epoch, quotas }) => ({ type: 'job.claim', queue: '', dispatcher: '', agent: '', epoch, quotas }),
  },
  'job.unassign': { by: 'runtime', of: () => ({ type: 'job.unassign', queue: '' }) },
  'job.start': { by: 'runtime', of: (_job, { now }) => ({ type: 'job.start', at: now }) },
  'job.retry': {
    by: 'runtime',
    of: (_job, { now }) => ({ type: 'job.retry', failed: { at: now, failure } }),
  },
  'job.wait': { by: 'code', of: () => ({ type: 'job.wait', on: 'promise' }) },
  'job.finish': {
    by: 'code',
    of: ({ retryData, waitingOn }, { now }) => ({
      type: 'job.finish',
      at: now,
      outcome: { ok: true, value: null },
      retryData,
      awaited: waitingOn,
    }),
  },
  'job.reschedule': {
    by: 'runtime',
    of: ({ retryData }, { now }) => ({
      type: 'job.reschedule',
      at: now,
      queue: '',
      beginAfter: null,
      retryData,
      failed: null,
    }),
  },
  'job.interrupt': { by: 'runtime', of: () => ({ type: 'job.interrupt', system: '' }) },
  'job.abort': {
    by: 'runtime',
    of: ({ retryData }, { now }) => ({ type: 'job.abort', at: now, failure, retryData }),
  },
  'job.fail': {
    by: 'operator',
    of: (_job, { now }) => ({ type: 'job.fail', at: now, failure, expired: false }),
  },
  'job.cancel': {
    by: 'operator',
    of: (_job, { now }) => ({ type: 'job.cancel', at: now, by: '', reason: null, failure }),
  },
  'job.cancelled': { by: 'runtime', of: (_job, { now }) => ({ type: 'job.cancelled', at: now, failure }) },
  'job.timeout': {
    by: 'runtime',
    of: (_job, { now }) => ({ type: 'job.timeout', at: now, what: 'timeout' }),
  },
  'job.expire': { by: 'runtime', of: (_job, { now }) => ({ type: 'job.expire', at: now, failure }) },
  'job.snooze': {
    by: 'code',
    of: (_job, { now }) => ({ type: 'job.snooze', at: now, queue: '', beginAfter: now + 1, reason: null }),
  },
  'job.handBack': { by: 'runtime', of: () => ({ type: 'job.handBack', queue: '' }) },
  'job.defer': { by: 'operator', of: (_job, { now }) => ({ type: 'job.defer', at: now, beginAfter: now }) },
  'callback.reset': { by: 'runtime', of: ({ retryData }) => ({ type: 'callback.reset', retryData }) },
  'callback.move': { by: 'runtime', of: () => ({ type: 'callback.move', to: '' }) },
  'job.complete': {
    by: 'runtime',
    of: (_job, { now, unstarted }) => ({ type: 'job.complete', at: now, unstarted }),
  },
  'job.file': { by: 'runtime', of: (_job, { now }) => ({ type: 'job.file', at: now }) },
  'callable.set': { by: 'operator', of: ({ name }) => ({ type: 'callable.set', name }) },
  'args.set': { by: 'operator', of: ({ args }) => ({ type: 'args.set', args }) },
  'args.append': { by: 'code', of: () => ({ type: 'args.append', args: [] }) },
  'beginAfter.set': {
    by: 'operator',
    of: ({ beginAfter }) => ({ type: 'beginAfter.set', beginAfter }),
  },
  'beginBy.set': { by: 'operator', of: ({ beginBy }) => ({ type: 'beginBy.set', beginBy }) },
  'priority.set': { by: 'operator', of: ({ priority }) => ({ type: 'priority.set', priority }) },
  'quotaNames.set': {
    by: 'operator',
    of: ({ quotaNames }) => ({ type: 'quotaNames.set', quotaNames, unknown: 0 }),
  },
  'keys.set': { by: 'operator', of: ({ keys }) => ({ type: 'keys.set', keys }) },
  'tags.set': { by: 'operator', of: ({ tags }) => ({ type: 'tags.set', tags }) },
  'failureLogLevel.set': {
    by: 'operator',
    of: ({ failureLogLevel }) => ({ type: 'failureLogLevel.set', failureLogLevel }),
  },
  'retryPolicy.set': {
    by: 'operator',
    of: ({ retryPolicy }) => ({ type: 'retryPolicy.set', retryPolicy }),
  },
};
