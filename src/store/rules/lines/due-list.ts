import { Pieces } from './pieces.ts';

/** Something that is due. */
interface Due {
  readonly at: number;
  readonly id: string;
}

/** What becomes due, in order of its instants: each id once. */
export class DueList {
  readonly #all = new Pieces<Due>(isBefore);

  add(id: string, at: number): void {
    this.#all.add({ at, id });
  }

  /** An entry that is here: its instant is the one that it was added with. */
  drop(id: string, at: number): void {
    this.#all.drop({ at, id });
  }

  /** The earliest instant that is later than another one. */
  after(instant: number): number | null {
    // No id is behind this one.
    return this.#all.firstFrom({ at: instant, id: '\u{10ffff}' })?.at ?? null;
  }

  /** The ids of what is due by an instant, earliest first. */
  *until(instant: number): Generator<string> {
    for (const { at, id } of this.#all.all()) {
      if (at > instant) return;
      yield id;
    }
  }

  /** The ids of all, latest first. */
  *latest(): Generator<string> {
    for (const { id } of this.#all.latest()) yield id;
  }
}

function isBefore(one: Due, other: Due): boolean {
  return one.at < other.at || (one.at === other.at && one.id < other.id);
}
