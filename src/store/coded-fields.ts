import type { ActorTimer } from '../../machines/actor.machine.ts';
import type { Failure, Outcome } from '../../machines/job.context.ts';
import type { Json } from '../../machines/json.ts';
import type { ScheduledJob } from '../../machines/schedule.context.ts';
import type { JobRecord } from '../model/records/records.ts';

/** How each value that a program gave is encoded, or decoded. */
export interface Ways {
  value(value: Json): Json;
  outcome(outcome: Outcome): Outcome;
  failure(failure: Failure): Failure;
}

/** Encodes or decodes what a program gave, in the fields of a record or of a patch of one. */
export type InWays = (fields: object, ways: Ways) => object;

type Given = { readonly [key: string]: Json };

export const annotationInWays: InWays = (fields, ways) =>
  'value' in fields ? { ...fields, value: ways.value(fields.value as Json) } : fields;

export const agentInWays: InWays = (fields, ways) => failureIn(fields, ways);

export const scheduleInWays: InWays = (fields, ways) =>
  'job' in fields ? { ...fields, job: scheduledInWays(fields.job as ScheduledJob, ways) } : fields;

export const messageInWays: InWays = (fields, ways) => failureIn(valuesIn(fields, ['event'], ways), ways);

/** The keys of its context, its output, its failure, and the events of its timers. */
export const actorInWays: InWays = (fields, ways) => {
  const own = Object.keys(fields).filter((key) => key.startsWith('c:') || key === 'output');
  const coded = failureIn(valuesIn(fields, own, ways), ways) as { readonly timers?: unknown };
  if (coded.timers == null) return coded;
  const timers = Object.entries(coded.timers as { readonly [id: string]: ActorTimer });
  const inWays = timers.map(([id, [dueAt, seq, event, to]]) => [id, [dueAt, seq, ways.value(event), to]]);
  return { ...coded, timers: Object.fromEntries(inWays) };
};

export const jobInWays: InWays = (fields, ways) => {
  const { args, outcome, retryData, lastFailure } = fields as Partial<JobRecord>;
  if (!args?.length && !outcome && !retryData && !lastFailure) return fields;
  return {
    ...fields,
    ...(args && { args: args.map((arg) => ways.value(arg)) }),
    ...(outcome && { outcome: ways.outcome(outcome) }),
    ...(retryData && { retryData: ways.value(retryData) }),
    ...(lastFailure && { lastFailure: { ...lastFailure, failure: ways.failure(lastFailure.failure) } }),
  };
};

function scheduledInWays({ content, annotations, ...rest }: ScheduledJob, ways: Ways): ScheduledJob {
  const values = Object.entries(annotations ?? {}).map(([name, value]) => [name, ways.value(value)] as const);
  return {
    ...rest,
    content: jobInWays(content, ways) as ScheduledJob['content'],
    annotations: annotations === null ? null : Object.fromEntries(values),
  };
}

/** A null under a key says that there is nothing, and stays. */
function valuesIn(fields: object, keys: readonly string[], ways: Ways): object {
  const given = fields as Given;
  const said = keys.filter((key) => given[key] !== undefined && given[key] !== null);
  if (said.length === 0) return fields;
  return { ...fields, ...Object.fromEntries(said.map((key) => [key, ways.value(given[key] as Json)])) };
}

function failureIn(fields: object, ways: Ways): object {
  const { failure = null } = fields as { readonly failure?: Failure | null };
  return failure === null ? fields : { ...fields, failure: ways.failure(failure) };
}
