import { createHash } from 'node:crypto';
import { SignalboxError } from '../../errors.ts';
import type { Kind, Line, Records } from '../entry.ts';
import { recordKinds } from '../kinds.ts';

/** The reads of the target. */
export interface Readable {
  records<K extends Kind>(kind: K): AsyncIterable<Records[K]>;
  lines(): AsyncIterable<Line>;
}

/** The expected contents of the target. */
export interface Wanted {
  readonly records: { readonly [K in Kind]: readonly Records[K][] };
  /** Oldest first. */
  lines(): AsyncIterable<Line>;
}

/** What a comparison covered. */
export interface Compared {
  readonly records: Readonly<Record<Kind, number>>;
  readonly lines: number;
  readonly entries: number;
  /** SHA-256 over all lines of the journal, equal on both sides. */
  readonly sha256: string;
}

/**
 * Compares record by record and line by line. @throws SignalboxError `PROMOTION_DIFFERS` at the first
 * difference.
 */
export async function compare(wanted: Wanted, found: Readable): Promise<Compared> {
  const records = {} as Record<Kind, number>;
  for (const kind of recordKinds) {
    records[kind] = await compareRecords(kind, wanted.records[kind], found.records(kind));
  }
  return { records, ...(await compareLines(wanted.lines(), found.lines())) };
}

async function compareRecords<K extends Kind>(
  kind: K,
  wanted: readonly Records[K][],
  found: AsyncIterable<Records[K]>,
): Promise<number> {
  const missing = new Map(wanted.map((record) => [record.id, record]));
  for await (const record of found) {
    const subject = `${kind}/${record.id}`;
    const source = missing.get(record.id);
    if (source === undefined) throw differs(subject, 'nothing', 'a record');
    const difference = differenceOf(source, record);
    if (difference !== null)
      throw differs(`${difference.key} of ${subject}`, difference.wanted, difference.found);
    missing.delete(record.id);
  }
  for (const id of missing.keys()) throw differs(`${kind}/${id}`, 'a record', 'nothing');
  return wanted.length;
}

async function compareLines(
  wanted: AsyncIterable<Line>,
  found: AsyncIterable<Line>,
): Promise<Pick<Compared, 'lines' | 'entries' | 'sha256'>> {
  const hash = createHash('sha256');
  const others = found[Symbol.asyncIterator]();
  let [lines, entries] = [0, 0];
  try {
    for await (const line of wanted) {
      const other = await others.next();
      const text = textOf(line);
      if (other.done === true) throw differs(`line ${line.s} of the journal`, 'a line', 'nothing');
      if (textOf(other.value) !== text)
        throw differs(`line ${line.s} of the journal`, short(text), short(textOf(other.value)));
      hash.update(text);
      lines += 1;
      entries += line.entries.length;
    }
    const rest = await others.next();
    if (rest.done !== true) throw differs(`line ${rest.value.s} of the journal`, 'nothing', 'a line');
  } finally {
    await others.return?.();
  }
  return { lines, entries, sha256: hash.digest('hex') };
}

function textOf({ s, at, by, mv, entries }: Line): string {
  const values = entries.map(({ kind, id, event, from, to, patch, arg, gone, q }) => [
    kind,
    id,
    event,
    from,
    to,
    patch,
    gone,
    q,
    ...(arg === undefined ? [] : [arg]),
  ]);
  return JSON.stringify([s, at, by, mv, values]);
}

interface Difference {
  readonly key: string;
  readonly wanted: string;
  readonly found: string;
}

/** Finds the first key whose values differ. Both stores keep the order of the keys inside a value. */
function differenceOf(wanted: object, found: object): Difference | null {
  const [one, other] = [wanted as Record<string, unknown>, found as Record<string, unknown>];
  for (const key of new Set([...Object.keys(one), ...Object.keys(other)])) {
    const [mine, yours] = [JSON.stringify(one[key]), JSON.stringify(other[key])];
    if (mine !== yours) return { key, wanted: short(mine), found: short(yours) };
  }
  return null;
}

/** Describes a value by its length and a hash. A value may be secret or long, so it is never shown. */
function short(text: string | undefined): string {
  if (text === undefined) return 'nothing';
  return `${text.length} characters (${createHash('sha256').update(text).digest('hex').slice(0, 8)})`;
}

function differs(subject: string, expected: string, actual: string): SignalboxError {
  return new SignalboxError('PROMOTION_DIFFERS', { subject, expected, actual });
}
