/** What becomes due, in order of its instants: each id once. */
export class DueList {
  readonly #all: { readonly at: number; readonly id: string }[] = [];

  add(id: string, at: number): void {
    this.#all.splice(this.#placeOf(id, at), 0, { at, id });
  }

  drop(id: string, at: number): void {
    this.#all.splice(this.#placeOf(id, at), 1);
  }

  /** The earliest instant that is later than another one. */
  after(instant: number): number | null {
    return this.#all[this.#placeBehind(instant)]?.at ?? null;
  }

  /** The ids of what is due by an instant, earliest first. */
  *until(instant: number): Generator<string> {
    for (const { at, id } of this.#all) {
      if (at > instant) return;
      yield id;
    }
  }

  #placeBehind(instant: number): number {
    let low = 0;
    let high = this.#all.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#all[middle]?.at ?? 0) <= instant) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Where an entry stands, or would stand. To move the others costs a microsecond among ten thousand. */
  #placeOf(id: string, at: number): number {
    let low = 0;
    let high = this.#all.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const found = this.#all[middle] as { readonly at: number; readonly id: string };
      if (found.at < at || (found.at === at && found.id < id)) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
