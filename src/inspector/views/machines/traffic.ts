import type { MachineEdge, MachineGraph } from '../../../../machines/describe.ts';
import { Stays } from '../../../reading/coverage/stays.ts';
import type { HistoryEntry, Kind } from '../../../store/entry.ts';
import type { Dwell, UnknownEdge } from '../../protocol/machines.ts';

/** A chart whose subjects are records: the journal has its traffic. */
export interface StoredChart {
  /** The kind of its records. */
  readonly kind: Kind;
  readonly graph: MachineGraph;
  /** The edge that an entry took; undefined when the chart of today has none. */
  edgeTaken(from: string, event: string, to: string): MachineEdge | undefined;
}

/** Something that took an edge, and where the journal says so. */
export interface Taker {
  readonly id: string;
  readonly seq: number;
  readonly at: number;
}

/** How often an edge was taken, and what took it last: the newest first, at most 20. */
export interface EdgeTraffic {
  readonly count: number;
  readonly last: readonly Taker[];
}

/** The traffic of one chart. */
export interface ChartTraffic {
  readonly total: number;
  readonly edges: ReadonlyMap<MachineEdge, EdgeTraffic>;
  /** By the leaf state that was left. */
  readonly dwell: ReadonlyMap<string, Dwell>;
  /** What no edge of the chart of today says, most first. */
  readonly unknown: readonly UnknownEdge[];
}

/** How many entries of the journal one piece has, so that the oldest can be forgotten. */
export const pieceLength = 5000;
const mostTakers = 20;

/** Counts the traffic of charts from entries, oldest first. Pure. */
export function traffic(entries: Iterable<HistoryEntry>, charts: readonly StoredChart[]): Traffic {
  const counted = new Traffic(charts);
  for (const entry of entries) counted.add(entry);
  return counted;
}

/** What entries say about charts: how often each edge was taken, and how long each stay lasted. */
export class Traffic {
  readonly #charts: ReadonlyMap<Kind, ChartCounter>;
  /** Where each piece begins, and how many entries it has; the oldest first. */
  readonly #pieces: { readonly first: Place; size: number }[] = [];
  #last: Place | null = null;

  constructor(charts: readonly StoredChart[]) {
    this.#charts = new Map(charts.map((chart) => [chart.kind, new ChartCounter(chart)]));
  }

  /** The oldest entry that is counted; null: there is none. */
  get first(): Place | null {
    return this.#pieces[0]?.first ?? null;
  }

  /** The newest entry that is counted; null: there is none. */
  get last(): Place | null {
    return this.#last;
  }

  /** How many entries are counted. */
  get size(): number {
    return this.#pieces.reduce((sum, { size }) => sum + size, 0);
  }

  /** Counts an entry, which is newer than all before. */
  add(entry: HistoryEntry): void {
    const { seq, at, kind } = entry;
    this.#last = { seq, at };
    const newest = this.#pieces.at(-1);
    const piece = newest !== undefined && newest.size < pieceLength ? newest : { first: this.#last, size: 0 };
    if (piece !== newest) this.#pieces.push(piece);
    piece.size += 1;
    this.#charts.get(kind)?.add(entry, piece.first.seq);
  }

  /** Forgets the pieces that end before a seq, and the oldest ones while more than `most` entries are counted. */
  forget(before: number, most: number): void {
    const isPast = (next: Place | undefined): boolean =>
      next !== undefined && (next.seq <= before || this.size > most);
    while (isPast(this.#pieces[1]?.first)) this.#pieces.shift();
    for (const chart of this.#charts.values()) chart.forget(this.first?.seq ?? 0);
  }

  of(kind: Kind): ChartTraffic {
    return (this.#charts.get(kind) ?? noChart).figures();
  }
}

/** An entry of the journal, and its instant. */
export interface Place {
  readonly seq: number;
  readonly at: number;
}

/** One piece of the traffic of one chart. */
interface Piece {
  /** Seq of its first entry. */
  readonly begin: number;
  readonly edges: Map<MachineEdge, { count: number; readonly last: Taker[] }>;
  readonly stays: Map<string, Stays>;
  readonly unknown: Map<string, { -readonly [key in keyof UnknownEdge]: UnknownEdge[key] }>;
}

class ChartCounter {
  readonly #chart: StoredChart | null;
  /** Edges by from, event and to: most entries take one that is known. */
  readonly #found = new Map<string, MachineEdge | undefined>();
  /** When each subject came to where it is, the oldest first. */
  readonly #since = new Map<string, Place>();
  #pieces: Piece[] = [];

  constructor(chart: StoredChart | null) {
    this.#chart = chart;
  }

  /** `begin`: of the piece that the entry is in. */
  add({ id, seq, at, event, from, to, gone }: HistoryEntry, begin: number): void {
    if (gone) this.#since.delete(id);
    if (to === null || gone) return;
    const piece = this.#pieceFrom(begin);
    if (from !== null) this.#count(piece, { id, seq, at }, from, event, to);
    if (from === to) return;
    const since = this.#since.get(id);
    if (from !== null && since !== undefined) staysOf(piece, from).add(Math.max(0, at - since.at));
    // What is set anew is the last one.
    this.#since.delete(id);
    this.#since.set(id, { seq, at });
  }

  #count(piece: Piece, taker: Taker, from: string, event: string, to: string): void {
    const key = `${from} ${event} ${to}`;
    const known = this.#found.has(key);
    const edge = known ? this.#found.get(key) : this.#chart?.edgeTaken(from, event, to);
    if (!known) this.#found.set(key, edge);
    if (edge === undefined) {
      const found = piece.unknown.get(key) ?? { from, event, to, count: 0 };
      piece.unknown.set(key, found);
      found.count += 1;
      return;
    }
    const found = piece.edges.get(edge) ?? { count: 0, last: [] };
    piece.edges.set(edge, found);
    found.count += 1;
    found.last.push(taker);
    if (found.last.length > mostTakers) found.last.shift();
  }

  #pieceFrom(begin: number): Piece {
    const newest = this.#pieces.at(-1);
    if (newest?.begin === begin) return newest;
    const piece: Piece = { begin, edges: new Map(), stays: new Map(), unknown: new Map() };
    this.#pieces.push(piece);
    return piece;
  }

  forget(before: number): void {
    this.#pieces = this.#pieces.filter(({ begin }) => begin >= before);
    for (const [id, { seq }] of this.#since) {
      if (seq >= before) return;
      this.#since.delete(id);
    }
  }

  figures(): ChartTraffic {
    const edges = new Map<MachineEdge, EdgeTraffic>();
    const stays = new Map<string, Stays>();
    const unknown = new Map<string, UnknownEdge>();
    let total = 0;
    for (const piece of this.#pieces.toReversed()) {
      for (const [edge, { count, last }] of piece.edges) {
        const newer = edges.get(edge) ?? { count: 0, last: [] };
        const all = [...newer.last, ...last.toReversed()].slice(0, mostTakers);
        edges.set(edge, { count: newer.count + count, last: all });
        total += count;
      }
      for (const [state, each] of piece.stays) stays.set(state, each.with(stays.get(state)));
      for (const [key, each] of piece.unknown)
        unknown.set(key, { ...each, count: each.count + (unknown.get(key)?.count ?? 0) });
    }
    return {
      total,
      edges,
      dwell: new Map([...stays].map(([state, each]) => [state, each.dwell()])),
      unknown: [...unknown.values()].sort((one, other) => other.count - one.count),
    };
  }
}

const noChart = new ChartCounter(null);

function staysOf(piece: Piece, state: string): Stays {
  const found = piece.stays.get(state) ?? new Stays();
  piece.stays.set(state, found);
  return found;
}
