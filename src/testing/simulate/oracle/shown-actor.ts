/** What a program sees of an actor, as text that can be compared. */
export interface ShownActor {
  readonly status: string;
  readonly value: string;
  readonly context: string;
  readonly output: string;
}

/** A snapshot of XState, or of a reducer, as text. Jobs in it are their ids. */
export function shownActor(snapshot: object): ShownActor {
  const { status, value, context, output } = snapshot as { readonly [key in keyof ShownActor]?: unknown };
  return { status: String(status), value: text(value), context: text(context), output: text(output) };
}

function text(value: unknown): string {
  return JSON.stringify(plain(value)) ?? 'nothing';
}

function plain(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(plain);
  const prototype: unknown = Object.getPrototypeOf(value);
  const { id, message } = value as { readonly id?: unknown; readonly message?: unknown };
  if (prototype !== Object.prototype && prototype !== null) return message ?? `job ${String(id)}`;
  const entries = Object.entries(value).filter(([, each]) => each !== undefined);
  return Object.fromEntries(
    entries.sort(([one], [other]) => (one < other ? -1 : 1)).map(([key, each]) => [key, plain(each)]),
  );
}
