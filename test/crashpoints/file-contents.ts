import { createHash } from 'node:crypto';
import type { FileContent, Operation } from '../store/json/memory-files.ts';

/** One content of a file that a crash may leave, and how it came about. */
export interface PossibleContent extends FileContent {
  readonly key: string;
  readonly how: string;
}

/** The contents of one file that a crash may leave. */
export interface PossibleContents {
  readonly all: readonly PossibleContent[];
  /** Nothing and everything of what was not synced. */
  readonly extremes: readonly PossibleContent[];
}

/** A change of a file that no sync has made durable yet. */
export type DataOperation = Extract<Operation, { call: 'write' | 'truncate' }>;

/**
 * How many contents are looked at. `all`: cuts at every byte, every pattern of sectors. `some`: three cuts of every
 * write, and one sector at a time.
 */
export type Detail = 'all' | 'some';

const sectorBytes = 512;
const mostPatterns = 256;

/**
 * All that a file may hold after a crash: what was synced, and of what was not
 * - the writes up to any one of them, the last cut at any byte;
 * - a length that has grown without its data (zeros);
 * - any mixture of sectors: each as it was after any of the writes, or never written (zeros).
 */
export function possibleContents(
  durable: Uint8Array,
  pending: readonly DataOperation[],
  detail: Detail,
): PossibleContents {
  const found = new Map<string, PossibleContent>();
  const add = (bytes: Uint8Array, how: string) => {
    const key = keyOf(bytes);
    if (!found.has(key)) found.set(key, { bytes, key, how });
  };
  const states = [durable];
  for (const operation of pending) states.push(after(states.at(-1) as Uint8Array, operation));

  for (const [index, state] of states.entries()) add(state, `after ${index} of ${pending.length} writes`);
  for (const [index, operation] of pending.entries()) {
    if (operation.call === 'write') cuts(states[index] as Uint8Array, operation, detail, add);
  }
  const longest = (states.at(-1) as Uint8Array).length;
  for (let length = durable.length + 1; length <= longest; length += 1) {
    if (detail === 'all' || length === longest)
      add(resized(durable, length), `grown to ${length} without data`);
  }
  for (const length of new Set(states.slice(1).map((state) => state.length))) {
    sectorPatterns(
      states.map((state) => resized(state, length)),
      detail,
      add,
    );
  }
  const all = [...found.values()];
  const extremes = [durable, states.at(-1) as Uint8Array].map((bytes) => found.get(keyOf(bytes)));
  return { all, extremes: [...new Set(extremes)] as PossibleContent[] };
}

/** A short name of a content: equal for equal bytes. */
function keyOf(bytes: Uint8Array): string {
  return createHash('sha1').update(bytes).digest('base64');
}

/** What a file holds when all of this is on disk. */
export function contentAfter(durable: Uint8Array, operations: readonly DataOperation[]): Uint8Array {
  return operations.reduce(after, durable);
}

function after(state: Uint8Array, operation: DataOperation): Uint8Array {
  if (operation.call === 'truncate') return resized(state, operation.length);
  const next = resized(state, Math.max(state.length, operation.at + operation.bytes.length));
  next.set(operation.bytes, operation.at);
  return next;
}

function resized(bytes: Uint8Array, length: number): Uint8Array {
  const next = new Uint8Array(length);
  next.set(bytes.subarray(0, Math.min(length, bytes.length)));
  return next;
}

type Add = (bytes: Uint8Array, how: string) => void;

function cuts(
  before: Uint8Array,
  { at, bytes }: Extract<DataOperation, { call: 'write' }>,
  detail: Detail,
  add: Add,
): void {
  for (let cut = 1; cut < bytes.length; cut += 1) {
    if (detail === 'some' && cut !== 1 && cut !== bytes.length >> 1 && cut !== bytes.length - 1) continue;
    add(
      after(before, { call: 'write', node: 0, at, bytes: bytes.subarray(0, cut) }),
      `${cut} of ${bytes.length} bytes written at ${at}`,
    );
  }
}

/** The versions have one length. Each sector of the result is one of its versions. */
function sectorPatterns(versions: readonly Uint8Array[], detail: Detail, add: Add): void {
  const sectors = changedSectors(versions);
  const total = sectors.reduce((product, sector) => product * sector.options.length, 1);
  if (detail === 'all' && total <= mostPatterns) {
    for (let pattern = 0; pattern < total; pattern += 1) {
      let rest = pattern;
      const chosen = sectors.map(({ options }) => {
        const option = rest % options.length;
        rest = Math.floor(rest / options.length);
        return option;
      });
      add(composed(versions[0] as Uint8Array, sectors, chosen), `sectors ${chosen.join('')}`);
    }
    return;
  }
  // Too many for all: each sector alone among old and among new ones, and each place where old begins.
  const [oldest, newest] = [sectors.map(() => 0), sectors.map(({ options }) => options.length - 1)];
  for (const [index, { options }] of sectors.entries()) {
    for (const background of [oldest, newest]) {
      for (const option of options.keys()) {
        const chosen = background.with(index, option);
        add(composed(versions[0] as Uint8Array, sectors, chosen), `sectors ${chosen.join('')}`);
      }
    }
    for (const chosen of [
      [...newest.slice(0, index), ...oldest.slice(index)],
      [...oldest.slice(0, index), ...newest.slice(index)],
    ]) {
      add(composed(versions[0] as Uint8Array, sectors, chosen), `sectors ${chosen.join('')}`);
    }
  }
}

interface Sector {
  readonly at: number;
  /** The contents that are possible, from the oldest to the newest. */
  readonly options: readonly Uint8Array[];
}

function changedSectors(versions: readonly Uint8Array[]): readonly Sector[] {
  const length = versions[0]?.length ?? 0;
  const sectors: Sector[] = [];
  for (let at = 0; at < length; at += sectorBytes) {
    const options: Uint8Array[] = [];
    for (const version of versions) {
      const piece = version.subarray(at, at + sectorBytes);
      if (!options.some((option) => Buffer.compare(option, piece) === 0)) options.push(piece);
    }
    if (options.length > 1) sectors.push({ at, options });
  }
  return sectors;
}

function composed(base: Uint8Array, sectors: readonly Sector[], chosen: readonly number[]): Uint8Array {
  const bytes = base.slice();
  for (const [index, { at, options }] of sectors.entries()) {
    bytes.set(options[chosen[index] as number] as Uint8Array, at);
  }
  return bytes;
}
