// What a stored value may be, put together from few parts.

/** Whether a value under one key is one that a version of this code may have written there. */
export type Check = (value: unknown) => boolean;

/** The keys of a record, or of a patch. */
export type Fields = { readonly [key: string]: unknown };

export const isText: Check = (value) => typeof value === 'string';
// JSON text such as 1e999 is read as Infinity.
export const isNumber: Check = Number.isFinite;
export const isCount: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
export const isFlag: Check = (value) => typeof value === 'boolean';
export const isAnything: Check = () => true;
export const isTexts: Check = (value) => Array.isArray(value) && value.every(isText);
export const isMapping = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export function orNull(check: Check): Check {
  return (value) => value === null || check(value);
}

export function oneOf(...values: readonly unknown[]): Check {
  return (value) => values.includes(value);
}

/** An object with exactly these keys. */
export function shape(checks: { readonly [key: string]: Check }): Check {
  const known = new Map(Object.entries(checks));
  return (value) => {
    if (!isMapping(value)) return false;
    let count = 0;
    for (const key in value) {
      if (known.get(key)?.(value[key]) !== true) return false;
      count += 1;
    }
    return count === known.size;
  };
}

export function anyOf(...checks: readonly Check[]): Check {
  return (value) => checks.some((check) => check(value));
}

export const isFailure: Check = shape({
  name: isText,
  message: isText,
  stack: isText,
  code: orNull(isText),
  cause: orNull((value) => isFailure(value)),
  extra: isMapping,
});
