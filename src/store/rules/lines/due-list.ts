/** Something that is due. */
interface Due {
  readonly at: number;
  readonly id: string;
}

/** A piece is cut in two beyond so many: to move a piece costs less than to find its place. */
const mostInPiece = 256;

/** What becomes due, in order of its instants: each id once. Pieces of a sorted list, so that one among 100,000 costs a microsecond. */
export class DueList {
  readonly #pieces: Due[][] = [];

  add(id: string, at: number): void {
    const due = { at, id };
    const index = Math.min(this.#pieceOf(due), this.#pieces.length - 1);
    const piece = this.#pieces[index];
    if (piece === undefined) {
      this.#pieces.push([due]);
      return;
    }
    piece.splice(placeIn(piece, due), 0, due);
    if (piece.length > mostInPiece) this.#pieces.splice(index + 1, 0, piece.splice(mostInPiece / 2));
  }

  /** An entry that is here: its instant is the one that it was added with. */
  drop(id: string, at: number): void {
    const due = { at, id };
    const index = this.#pieceOf(due);
    const piece = this.#pieces[index] as Due[];
    piece.splice(placeIn(piece, due), 1);
    if (piece.length === 0) this.#pieces.splice(index, 1);
  }

  /** The earliest instant that is later than another one. */
  after(instant: number): number | null {
    // No id is behind this one.
    const behind = { at: instant, id: '\u{10ffff}' };
    const piece = this.#pieces[this.#pieceOf(behind)];
    return piece?.[placeIn(piece, behind)]?.at ?? null;
  }

  /** The ids of what is due by an instant, earliest first. */
  *until(instant: number): Generator<string> {
    for (const piece of this.#pieces)
      for (const { at, id } of piece) {
        if (at > instant) return;
        yield id;
      }
  }

  /** The ids of all, latest first. */
  *latest(): Generator<string> {
    for (let index = this.#pieces.length - 1; index >= 0; index -= 1) {
      const piece = this.#pieces[index] as Due[];
      for (let at = piece.length - 1; at >= 0; at -= 1) yield (piece[at] as Due).id;
    }
  }

  /** The ids behind one of an instant, in order. It need not be here. */
  *behind(id: string, instant: number): Generator<string> {
    const due = { at: instant, id };
    const index = this.#pieceOf(due);
    for (let piece = index; piece < this.#pieces.length; piece += 1) {
      const entries = this.#pieces[piece] as Due[];
      const from = piece === index ? placeIn(entries, due) : 0;
      for (let at = from; at < entries.length; at += 1) {
        const entry = entries[at] as Due;
        if (entry.at !== instant || entry.id !== id) yield entry.id;
      }
    }
  }

  /** The first piece that ends with an entry, or behind it. */
  #pieceOf(due: Due): number {
    return firstOf(this.#pieces.length, (at) => !isBefore((this.#pieces[at] as Due[]).at(-1) as Due, due));
  }
}

/** Where an entry stands in a piece, or would stand. */
function placeIn(piece: readonly Due[], due: Due): number {
  return firstOf(piece.length, (at) => !isBefore(piece[at] as Due, due));
}

/** The first place for which something holds that holds for all behind it. */
function firstOf(length: number, holds: (at: number) => boolean): number {
  let low = 0;
  let high = length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (holds(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}

function isBefore(one: Due, other: Due): boolean {
  return one.at < other.at || (one.at === other.at && one.id < other.id);
}
