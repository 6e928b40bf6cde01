import type { HistoryEntry, Kind, Records } from '../store/entry.ts';
import type { JournalReader, RecordReader } from '../store/reader.ts';
import { changed, loaded, SharedValues } from '../store/rules/changes/record-change.ts';
import { soundEntry } from '../store/rules/quarantine.ts';

/** A record as it was at one moment. */
export interface RecordAt<K extends Kind> {
  readonly record: Records[K];
  /** Keys whose value at that moment cannot be known, since history was cut after they were set. The record has nothing there. */
  readonly unknown: readonly string[];
}

/** What the history of one record says about a moment. Newest first. */
interface Chain {
  readonly seq: number;
  /** Entries after the moment. */
  readonly later: readonly HistoryEntry[];
  /** Entries up to the moment. */
  readonly until: readonly HistoryEntry[];
  /** It begins with the first entry of the record: nothing was cut. */
  readonly isWhole: boolean;
}

/**
 * Returns a record as it was right after an entry, on every store: it reads the history of this record only. Undefined when there
 * was none. A record that is gone by now is found when the entry is one of its own.
 *
 * @example
 * ```ts
 * import { createSignalbox, defineJob, memoryStore } from 'signalbox';
 * import { recordAt } from 'signalbox/reading';
 *
 * const bill = defineJob({ name: 'bill', run: () => 'billed' });
 * const box = await createSignalbox({ store: memoryStore(), jobs: [bill] });
 * await box.start();
 * const job = await box.queue().put(bill());
 * await job.result();
 * let first = 0;
 * for await (const { seq } of box.store.history('job', job.id ?? '')) first = seq;
 * const then = await recordAt(box.store, 'job', job.id ?? '', first);
 * console.log(then?.record.state); // => pending
 * await box.stop();
 * ```
 */
export async function recordAt<K extends Kind>(
  reader: Pick<RecordReader, 'get'> & Pick<JournalReader, 'history'>,
  kind: K,
  id: string,
  seq: number,
): Promise<RecordAt<K> | undefined> {
  const now = await reader.get(kind, id);
  const chain = await chainOf(reader.history(kind, id, now?.lastSeq ?? seq), seq);
  if (chain.until.length > 0) return chain.isWhole ? folded(kind, chain) : partlyKnown(kind, id, chain, now);
  if (now === undefined) return undefined;
  if (!chain.isWhole) return wasThere(chain, now) ? partlyKnown(kind, id, chain, now) : undefined;
  // It began later; one with the same id may have been dropped before.
  const earlier = await chainOf(reader.history(kind, id, seq), seq);
  if (earlier.until.length === 0) return undefined;
  return earlier.isWhole ? folded(kind, earlier) : partlyKnown(kind, id, earlier, undefined);
}

async function chainOf(history: AsyncIterable<HistoryEntry>, seq: number): Promise<Chain> {
  const later: HistoryEntry[] = [];
  const until: HistoryEntry[] = [];
  let isWhole = false;
  for await (const entry of history) {
    (entry.seq > seq ? later : until).push(entry);
    isWhole = entry.q === 0;
  }
  return { seq, later, until, isWhole };
}

/** Whether a record was there at a moment of which history has no entry any more. Only jobs, proxies and actors say when they began. */
function wasThere({ later, seq }: Chain, now: Records[Kind]): boolean {
  return ('createdSeq' in now ? now.createdSeq : (later.at(-1)?.q ?? now.lastSeq)) <= seq;
}

function folded<K extends Kind>(kind: K, { until }: Chain): RecordAt<K> | undefined {
  const record = applied(kind, undefined, until);
  return record === undefined ? undefined : { record, unknown: [] };
}

/** Applies entries, given newest first, as a store replays them. */
function applied<K extends Kind>(
  kind: K,
  start: Records[K] | undefined,
  entries: readonly HistoryEntry[],
): Records[K] | undefined {
  let record = start as Records[Kind] | undefined;
  for (const entry of entries.toReversed()) {
    const before = record;
    const sound = kind === 'job' ? soundEntry(entry, () => before as Records['job'] | undefined) : entry;
    record = entry.gone ? undefined : changed(sound, before, entry.seq, new SharedValues());
  }
  return record as Records[K] | undefined;
}

/**
 * A record whose first entries were cut. What no later entry has changed is as it is now; what one has, and no known entry has set
 * before, is unknown. So is all else when the record is gone, or when entries right after the moment were cut as well.
 */
function partlyKnown<K extends Kind>(
  kind: K,
  id: string,
  { later, until, seq }: Chain,
  now: Records[K] | undefined,
): RecordAt<K> | undefined {
  const blank = loaded(kind, { id }) as unknown as Record<string, unknown>;
  const previous = until[0]?.seq ?? later.at(-1)?.q ?? now?.lastSeq ?? 0;
  const isLinked = previous <= seq;
  const unknown = new Set(now !== undefined && isLinked ? later.flatMap(keysOf) : Object.keys(blank));
  const known = ['id', 'v', ...until.flatMap(keysOf)];
  if (isLinked) known.push('lastSeq');
  if (now !== undefined) known.push('createdSeq');
  if (until.some(({ to }) => to !== null)) known.push('state');
  for (const key of known) unknown.delete(key);
  const start: Record<string, unknown> = { ...(now ?? blank) };
  for (const key of unknown) start[key] = blank[key];
  if (now !== undefined && isLinked) {
    start.rev = now.rev - later.length - until.length;
    start.lastSeq = previous;
    if ('state' in now) start.state = later.at(-1)?.from ?? now.state;
  }
  const record = applied(kind, start as unknown as Records[K], until);
  return record === undefined ? undefined : { record, unknown: [...unknown].sort() };
}

function keysOf({ patch }: HistoryEntry): string[] {
  const keys = Object.keys(patch ?? {});
  return keys.includes('line') ? [...keys, 'position'] : keys;
}
