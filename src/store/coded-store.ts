import type { Failure, Outcome } from '../../machines/job.context.ts';
import type { Json } from '../../machines/json.ts';
import type { ScheduledJob } from '../../machines/schedule.context.ts';
import { SignalboxError } from '../errors.ts';
import type { JobRecord } from '../model/records/records.ts';
import {
  type Codec,
  coded,
  codedFailure,
  codedOutcome,
  decoded,
  decodedFailure,
  decodedOutcome,
} from '../model/values/codec.ts';
import { decorateStore } from './decorate-store.ts';
import type { Kind, Patch, Records } from './entry.ts';
import type { Change, OpenStore } from './store.ts';

/** How each value that a program gave is encoded, or decoded. */
interface Ways {
  value(value: Json): Json;
  outcome(outcome: Outcome): Outcome;
  failure(failure: Failure): Failure;
}

/**
 * A store as the engine sees it when there is a codec: arguments, outcomes, annotations, what retry policies
 * keep and the failures of attempts and agents are encoded on their way in and decoded on their way out. Names, ids,
 * instants, quotas and the data of filters are not: the store works with them.
 */
function codedStore(store: OpenStore, codec: Codec): OpenStore {
  const encoding: Ways = {
    value: (value) => coded(codec, value),
    outcome: (outcome) => codedOutcome(codec, outcome),
    failure: (failure) => codedFailure(codec, failure),
  };
  const decoding: Ways = {
    value: (value) => decoded(codec, value),
    outcome: (outcome) => decodedOutcome(codec, outcome),
    failure: (failure) => decodedFailure(codec, failure),
  };
  /** Records are replaced and never changed, so each is decoded once. */
  const known = new WeakMap<object, object>();
  return decorateStore(store, {
    record<K extends Kind>(kind: K, record: Records[K]): Records[K] {
      const found = known.get(record) ?? inWays(kind, record, decoding);
      known.set(record, found);
      return found as Records[K];
    },
    change: (change) => patchInWays(change, encoding),
    entry: (entry) => patchInWays(entry, decoding),
  });
}

function patchInWays<P extends Pick<Change, 'kind' | 'patch'>>(patched: P, ways: Ways): P {
  const { kind, patch } = patched;
  return patch === null ? patched : { ...patched, patch: inWays(kind, patch, ways) as Patch };
}

/** Encodes or decodes what a program gave, in the fields of a record or of a patch of one. */
function inWays(kind: Kind, fields: object, ways: Ways): object {
  if (kind === 'job') return jobInWays(fields as Partial<JobRecord>, ways);
  if (kind === 'annotation' && 'value' in fields)
    return { ...fields, value: ways.value(fields.value as Json) };
  if (kind === 'schedule' && 'job' in fields)
    return { ...fields, job: scheduledInWays(fields.job as ScheduledJob, ways) };
  if (kind === 'agent' && 'failure' in fields && fields.failure !== null)
    return { ...fields, failure: ways.failure(fields.failure as Failure) };
  return fields;
}

function scheduledInWays({ content, annotations, ...rest }: ScheduledJob, ways: Ways): ScheduledJob {
  const values = Object.entries(annotations ?? {}).map(([name, value]) => [name, ways.value(value)] as const);
  return {
    ...rest,
    content: jobInWays(content as Partial<JobRecord>, ways) as ScheduledJob['content'],
    annotations: annotations === null ? null : Object.fromEntries(values),
  };
}

function jobInWays(fields: Partial<JobRecord>, ways: Ways): object {
  const { args, outcome, retryData, lastFailure } = fields;
  if (!args?.length && !outcome && !retryData && !lastFailure) return fields;
  return {
    ...fields,
    ...(args && { args: args.map((arg) => ways.value(arg)) }),
    ...(outcome && { outcome: ways.outcome(outcome) }),
    ...(retryData && { retryData: ways.value(retryData) }),
    ...(lastFailure && { lastFailure: { ...lastFailure, failure: ways.failure(lastFailure.failure) } }),
  };
}

/** The text that shows at every opening whether the codec is the one that the store was written with. */
const proof = 'signalbox';

/**
 * Returns the store with its codec; without one the store itself. A store remembers that it has a codec:
 * without it, or with another one, every job would fail.
 * @throws SignalboxError `CODEC_MISMATCH`.
 */
export async function withCodec(store: OpenStore, codec: Codec | null): Promise<OpenStore> {
  const known = (await store.get('store', 'store'))?.codec ?? null;
  if (codec === null) {
    if (known === null) return store;
    throw new SignalboxError('CODEC_MISMATCH', { store: store.name, actual: 'none' });
  }
  if (known === null) {
    const patch = { codec: coded(codec, proof) };
    const change = { kind: 'store', id: 'store', event: 'codec.set', from: null, to: null, patch } as const;
    await store.commit({ by: 'store', changes: [change], expect: [] }).synced;
  } else if (decoded(codec, known) !== proof)
    throw new SignalboxError('CODEC_MISMATCH', { store: store.name, actual: 'another one' });
  return codedStore(store, codec);
}
