import { invalidOption, SignalboxError, shown } from '../../errors.ts';
import { storableText } from './storable-text.ts';

const namePattern = /^[A-Za-z][\w.:-]{0,127}$/;
const uuidPattern = /^[\w.:-]{1,128}$/;
const idPattern = /^[\w-]{1,64}$/;

/** Whether a value is a name. */
export function isName(name: unknown): name is string {
  return typeof name === 'string' && namePattern.test(name);
}

/** Refuses what is not a name. Names are looked up, never run, and are safe in ids, paths and logs. */
export function checkName(name: unknown, what: string): string {
  if (!isName(name)) {
    throw new SignalboxError('INVALID_NAME', { what, actual: shown(name) });
  }
  return name;
}

/** Refuses what is not the name of a queue: a name, or the empty name of the default queue. */
export function checkQueueName(name: unknown): string {
  return name === '' ? '' : checkName(name, 'a queue name');
}

/** Refuses what cannot identify a dispatcher. Usually a UUID; ids of records contain it between slashes. */
export function checkUuid(uuid: unknown): string {
  if (typeof uuid === 'string' && uuidPattern.test(uuid)) return uuid;
  throw new SignalboxError('INVALID_OPTION', {
    option: 'uuid',
    expected: 'a UUID, or 1 to 128 letters, digits, _ . : or -',
    actual: shown(uuid),
  });
}

/** Whether a value can be the id of a job. */
export function isId(id: unknown): id is string {
  return typeof id === 'string' && idPattern.test(id);
}

/** Refuses what cannot be the id of a job. */
export function checkId(id: unknown): string {
  if (!isId(id)) {
    throw new SignalboxError('INVALID_OPTION', {
      option: 'id',
      expected: '1 to 64 letters, digits, _ or -',
      actual: shown(id),
    });
  }
  return id;
}

/** Returns a copy of a list of quota names, which are names that a quota can have. Refuses text: it would count as a list of its letters. */
export function checkQuotaNames(names: unknown, option = 'quotaNames'): readonly string[] {
  if (Array.isArray(names) && names.every((name) => typeof name === 'string'))
    return names.map((name) => checkName(name, 'a quota name'));
  throw new SignalboxError('INVALID_OPTION', {
    option,
    expected: 'a list of names',
    actual: shown(names),
    repair: 'Write [name].',
  });
}

/**
 * Refuses what cannot be a key of a limit: text of 1 to 200 characters, with no slash at its ends and no control characters.
 * @throws SignalboxError `INVALID_KEY`.
 */
export function checkKey(key: unknown, limit: string): string {
  if (
    typeof key === 'string' &&
    key.length >= 1 &&
    key.length <= 200 &&
    key.isWellFormed() &&
    !key.startsWith('/') &&
    !key.endsWith('/') &&
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are exactly what is refused
    !/[\u0000-\u001f\u007f]/.test(key)
  )
    return key;
  throw new SignalboxError('INVALID_KEY', { limit, actual: shown(key) });
}

const mostTags = 16;

/**
 * Returns the tags of a job, each once; null: it has none. Up to 16, each of 1 to 64 characters without control characters.
 * @throws SignalboxError `INVALID_OPTION`.
 */
export function checkTags(tags: unknown, option = 'tags'): readonly string[] | null {
  if (tags === null) return null;
  const isList = Array.isArray(tags) && tags.every(isTag);
  const each = isList ? [...new Set(tags as readonly string[])] : [];
  if (isList && each.length <= mostTags) return each.length === 0 ? null : each;
  throw invalidOption(
    option,
    `a list of at most ${mostTags} texts of 1 to 64 characters without control characters`,
    tags,
  );
}

function isTag(tag: unknown): tag is string {
  if (typeof tag !== 'string' || tag.length < 1 || tag.length > 64 || !tag.isWellFormed()) return false;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are exactly what is refused
  return !/[\u0000-\u001f\u007f]/.test(tag);
}

/** Refuses an annotation name that a store could not keep. */
export function checkAnnotationName(name: unknown): string {
  if (
    typeof name !== 'string' ||
    name.length === 0 ||
    name.length > 128 ||
    !name.isWellFormed() ||
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are exactly what is refused
    /[\u0000-\u001f]/.test(name)
  ) {
    throw new SignalboxError('INVALID_OPTION', {
      option: 'annotation name',
      expected: '1 to 128 characters without control characters',
      actual: shown(name),
    });
  }
  return name;
}

const longestReason = 1000;

/** A short text as a person gives it, such as a reason. @throws SignalboxError `INVALID_OPTION`. */
export function checkReason(reason: unknown, option = 'reason'): string {
  const isText = typeof reason === 'string' && reason.length <= longestReason;
  if (isText && storableText(reason) === reason) return reason;
  throw invalidOption(option, `text of at most ${longestReason} characters`, reason);
}
