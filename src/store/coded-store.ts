import { SignalboxError } from '../errors.ts';
import {
  type Codec,
  coded,
  codedFailure,
  codedOutcome,
  decoded,
  decodedFailure,
  decodedOutcome,
} from '../model/values/codec.ts';
import type { Ways } from './coded-fields.ts';
import { decorateStore } from './decorate-store.ts';
import type { Kind, Patch, Records } from './entry.ts';
import { fieldsInWays } from './kinds.ts';
import type { Change, OpenStore } from './store.ts';

/**
 * A store as the engine sees it when there is a codec: arguments, outcomes, annotations, what retry policies
 * keep, the failures of attempts and agents, the contexts of actors and what is sent to them are encoded on their way in and decoded
 * on their way out. Names, ids, states, instants, quotas and the data of filters are not: the store works with them.
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
      const found = known.get(record) ?? fieldsInWays(kind, record, decoding);
      known.set(record, found);
      return found as Records[K];
    },
    change: (change) => saidInWays(change, encoding),
    entry: (entry) => saidInWays(entry, decoding),
  });
}

/** Encodes or decodes what a change or an entry says. */
function saidInWays<Said extends Pick<Change, 'kind' | 'patch' | 'arg'>>(said: Said, ways: Ways): Said {
  const { kind, patch, arg } = said;
  if (patch === null && arg === undefined) return said;
  return {
    ...said,
    patch: patch === null ? null : (fieldsInWays(kind, patch, ways) as Patch),
    ...(arg === undefined ? {} : { arg: ways.value(arg) }),
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
