/**
 * Sets a key of an object as its own. Keys that every object inherits, such as `__proto__`, are ordinary keys here;
 * assigning one could fail, or change what the object inherits.
 */
export function setOwn<Value>(target: Record<string, Value>, key: string, value: Value): void {
  if (key in target) {
    Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true });
  } else target[key] = value;
}

/** The value of an object's own key; undefined when it has none, whatever the object inherits. */
export function getOwn<Value>(target: Readonly<Record<string, Value>>, key: string): Value | undefined {
  return Object.hasOwn(target, key) ? target[key] : undefined;
}
