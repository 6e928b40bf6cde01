import type { Failure, Outcome } from '../../../machines/job.context.ts';
import type { Json } from '../../../machines/json.ts';
import { codedKey, referredJobs } from './values.ts';

/**
 * Turns values into what may stand in a store, and back: encryption at rest. Both are synchronous; `decode` throws when it
 * cannot read what it is given. It must read whatever an earlier key has written, as long as that is in the store.
 *
 * @example
 * ```ts
 * import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
 * import type { Codec } from 'signalbox';
 *
 * export function aesGcm(key: Uint8Array): Codec {
 *   return {
 *     encode(value) {
 *       const iv = randomBytes(12);
 *       const cipher = createCipheriv('aes-256-gcm', key, iv);
 *       const text = Buffer.concat([cipher.update(JSON.stringify(value), 'utf8'), cipher.final()]);
 *       return Buffer.concat([iv, cipher.getAuthTag(), text]).toString('base64');
 *     },
 *     decode(encoded) {
 *       const bytes = Buffer.from(String(encoded), 'base64');
 *       const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12));
 *       decipher.setAuthTag(bytes.subarray(12, 28));
 *       return JSON.parse(decipher.update(bytes.subarray(28), undefined, 'utf8') + decipher.final('utf8'));
 *     },
 *   };
 * }
 * ```
 */
export interface Codec {
  encode(value: Json): Json;
  decode(encoded: Json): Json;
}

/** The name of a failure of which the rest is encoded. */
const codedName = 'Encoded';

/** A mapping with one `$` key, as references are. Jobs that the value refers to stay visible: the store counts on them. */
interface Coded {
  readonly $coded: { readonly value: Json; readonly jobs: readonly string[] };
}

function isCoded(value: Json): value is Coded & { readonly [key: string]: Json } {
  return value !== null && typeof value === 'object' && codedKey in value;
}

/** A value as it may be stored. A reference to a job says nothing but which. */
export function coded(codec: Codec, value: Json): Json {
  if (isCoded(value) || (value !== null && typeof value === 'object' && '$job' in value)) return value;
  return { [codedKey]: { value: codec.encode(value), jobs: [...referredJobs(value)] } };
}

/** The value again; one that cannot be read stays as it is, for whoever needs it to complain. */
export function decoded(codec: Codec, value: Json): Json {
  if (!isCoded(value)) return value;
  try {
    return codec.decode(value.$coded.value);
  } catch {
    return value;
  }
}

/** Told by all of it: an error may have a property of that name. */
function isCodedFailure({ name, message, stack, extra }: Failure): boolean {
  return name === codedName && message === '' && stack === '' && isCoded(extra);
}

/** A failure of which nothing can be read: programs put what they like in names and codes, too. */
export function codedFailure(codec: Codec, failure: Failure): Failure {
  if (isCodedFailure(failure)) return failure;
  const extra = coded(codec, failure as unknown as Json) as Failure['extra'];
  return { name: codedName, message: '', stack: '', code: null, cause: null, extra };
}

/** The failure again. */
export function decodedFailure(codec: Codec, failure: Failure): Failure {
  if (!isCodedFailure(failure)) return failure;
  const plain = decoded(codec, failure.extra);
  return plain === failure.extra ? failure : (plain as unknown as Failure);
}

/** An outcome as it may be stored. */
export function codedOutcome(codec: Codec, outcome: Outcome): Outcome {
  return outcome.ok
    ? { ok: true, value: coded(codec, outcome.value) }
    : { ok: false, failure: codedFailure(codec, outcome.failure) };
}

/** The outcome again. */
export function decodedOutcome(codec: Codec, outcome: Outcome): Outcome {
  return outcome.ok
    ? { ok: true, value: decoded(codec, outcome.value) }
    : { ok: false, failure: decodedFailure(codec, outcome.failure) };
}
