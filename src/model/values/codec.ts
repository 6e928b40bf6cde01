import type { Failure, Outcome } from '../../../machines/job.context.ts';
import type { Json } from '../../../machines/json.ts';
import { codedKey, referredJobs } from './values.ts';

/**
 * Encodes values for the store, and decodes them again: encryption at rest. Both are synchronous. `decode`
 * throws when it cannot read its input; it must read everything that an earlier key encoded, as long as the
 * store holds it.
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

/** The name of a failure whose data is encoded. */
const codedName = 'Encoded';

/**
 * A mapping with one `$` key, like a reference. The jobs that the value refers to stay visible: the store needs
 * them.
 */
interface Coded {
  readonly $coded: { readonly value: Json; readonly jobs: readonly string[] };
}

function isCoded(value: Json): value is Coded & { readonly [key: string]: Json } {
  return value !== null && typeof value === 'object' && codedKey in value;
}

/** Returns the encoded value. Leaves a reference to a job as it is: it contains only an id. */
export function coded(codec: Codec, value: Json): Json {
  if (isCoded(value) || (value !== null && typeof value === 'object' && '$job' in value)) return value;
  return { [codedKey]: { value: codec.encode(value), jobs: [...referredJobs(value)] } };
}

/**
 * Returns the decoded value. Leaves an unreadable one encoded: `decodeValue` throws `CODEC_FAILED` when it is
 * needed.
 */
export function decoded(codec: Codec, value: Json): Json {
  if (!isCoded(value)) return value;
  try {
    return codec.decode(value.$coded.value);
  } catch {
    return value;
  }
}

/** Whether a failure is encoded. Compares all of its parts: an error may have a property `$coded` as well. */
function isCodedFailure({ name, message, stack, extra }: Failure): boolean {
  return name === codedName && message === '' && stack === '' && isCoded(extra);
}

/** Returns the encoded failure, with its name and code: programs may put confidential data there, too. */
export function codedFailure(codec: Codec, failure: Failure): Failure {
  if (isCodedFailure(failure)) return failure;
  const extra = coded(codec, failure as unknown as Json) as Failure['extra'];
  return { name: codedName, message: '', stack: '', code: null, cause: null, extra };
}

/** Returns the decoded failure. */
export function decodedFailure(codec: Codec, failure: Failure): Failure {
  if (!isCodedFailure(failure)) return failure;
  const data = decoded(codec, failure.extra);
  return data === failure.extra ? failure : (data as unknown as Failure);
}

/** Returns the encoded outcome. */
export function codedOutcome(codec: Codec, outcome: Outcome): Outcome {
  return outcome.ok
    ? { ok: true, value: coded(codec, outcome.value) }
    : { ok: false, failure: codedFailure(codec, outcome.failure) };
}

/** Returns the decoded outcome. */
export function decodedOutcome(codec: Codec, outcome: Outcome): Outcome {
  return outcome.ok
    ? { ok: true, value: decoded(codec, outcome.value) }
    : { ok: false, failure: decodedFailure(codec, outcome.failure) };
}
