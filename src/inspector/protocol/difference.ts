/** What leads from one value of JSON to another. Keys whose value is undefined count as absent, as they do in JSON. */
export type Difference =
  /** The value is another one. */
  | { readonly is: unknown }
  /** Keys that changed, and keys that are gone. */
  | { readonly keys: Readonly<Record<string, Difference>>; readonly without?: readonly string[] }
  /** The elements in order: runs of the old ones, old ones that changed, and new ones. */
  | { readonly items: readonly Piece[] };

/** A part of a new list. */
export type Piece =
  /** From that place on, so many elements as they were. */
  | { readonly from: number; readonly count: number }
  /** An element that changed. */
  | { readonly old: number; readonly to: Difference }
  /** A new one. */
  | { readonly add: unknown };

type Fields = Readonly<Record<string, unknown>>;

/**
 * Compares two values of JSON. Null: they are equal. Elements of lists are the same when they have the same `id`, `seq` or `key`, so
 * that a row that moved is not sent again; lists whose elements have none are compared by place.
 */
export function difference(before: unknown, after: unknown): Difference | null {
  if (Object.is(before, after)) return null;
  if (Array.isArray(before) && Array.isArray(after)) return ofLists(before, after);
  if (isFields(before) && isFields(after)) return ofFields(before, after);
  return { is: after };
}

/** Applies a difference to the value that it was made from. Neither is changed; unchanged parts are shared. */
export function patched(before: unknown, change: Difference | null): unknown {
  if (change === null) return before;
  if ('is' in change) return change.is;
  if ('items' in change) return listOf(before as readonly unknown[], change.items);
  const gone = new Set(change.without);
  const old = before as Fields;
  // Entries become own keys whatever they are called: `__proto__` is one of them.
  return Object.fromEntries([
    ...Object.entries(old).filter(([key]) => !gone.has(key)),
    ...Object.entries(change.keys).map(([key, to]) => [key, patched(fieldOf(old, key), to)]),
  ]);
}

function listOf(before: readonly unknown[], pieces: readonly Piece[]): unknown[] {
  return pieces.flatMap((piece) => {
    if ('add' in piece) return [piece.add];
    if ('old' in piece) return [patched(before[piece.old], piece.to)];
    return before.slice(piece.from, piece.from + piece.count);
  });
}

function ofFields(before: Fields, after: Fields): Difference | null {
  const keys: [key: string, to: Difference][] = [];
  for (const [key, value] of Object.entries(after)) {
    if (value === undefined) continue;
    const old = fieldOf(before, key);
    const to = old === undefined ? { is: value } : difference(old, value);
    if (to !== null) keys.push([key, to]);
  }
  const without = Object.keys(before).filter(
    (key) => before[key] !== undefined && fieldOf(after, key) === undefined,
  );
  if (keys.length === 0 && without.length === 0) return null;
  return { keys: Object.fromEntries(keys), ...(without.length === 0 ? {} : { without }) };
}

function ofLists(before: readonly unknown[], after: readonly unknown[]): Difference | null {
  const places = placesOf(before, after);
  const pieces: Piece[] = [];
  let isSame = before.length === after.length;
  for (const [index, value] of after.entries()) {
    const at = places === null ? index : places.get(keyOf(value));
    if (at === undefined || at >= before.length) pieces.push({ add: value });
    else {
      const to = difference(before[at], value);
      if (to === null) copy(pieces, at);
      else pieces.push({ old: at, to });
      if (to === null && at === index) continue;
    }
    isSame = false;
  }
  return isSame ? null : { items: pieces };
}

/** Runs of old elements are one piece, however long they are. */
function copy(pieces: Piece[], at: number): void {
  const last = pieces.at(-1);
  if (last !== undefined && 'from' in last && last.from + last.count === at)
    pieces[pieces.length - 1] = { from: last.from, count: last.count + 1 };
  else pieces.push({ from: at, count: 1 });
}

/** The place of each element by its key; null: some have none, or the same. */
function placesOf(
  before: readonly unknown[],
  after: readonly unknown[],
): ReadonlyMap<string | null, number> | null {
  const places = new Map(before.map((value, at) => [keyOf(value), at] as const));
  const keys = new Set(after.map(keyOf));
  const areKeyed = places.size === before.length && keys.size === after.length;
  return areKeyed && !places.has(null) && !keys.has(null) ? places : null;
}

function keyOf(value: unknown): string | null {
  if (!isFields(value)) return null;
  for (const name of ['id', 'seq', 'key']) {
    const key = fieldOf(value, name);
    if (typeof key === 'string' || typeof key === 'number') return `${name} ${typeof key} ${key}`;
  }
  return null;
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function fieldOf(value: Fields, key: string): unknown {
  return Object.hasOwn(value, key) ? value[key] : undefined;
}
