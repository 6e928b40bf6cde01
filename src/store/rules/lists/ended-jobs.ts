/**
 * Jobs that are over, in the order in which they ended, which can be read from both ends. Places of jobs that were dropped are
 * given up lazily, as those of lanes: as a rule the oldest ones are dropped, and then they are taken off the front.
 */
export class EndedJobs implements Iterable<string> {
  /** The key of each job by id. */
  readonly #keys = new Map<string, number>();
  #ids: string[] = [];
  /** The key of each place: it only grows. */
  #places: number[] = [];
  #head = 0;

  get size(): number {
    return this.#keys.size;
  }

  /** How many places there are, those that were given up between jobs included. */
  get length(): number {
    return this.#ids.length - this.#head;
  }

  [Symbol.iterator](): Iterator<string> {
    return this.#keys.keys();
  }

  /** Adds a job. `key`: the seq of its end. One that was dropped, and comes back as that was undone, gets its place again. */
  add(id: string, key: number): void {
    this.#keys.set(id, key);
    const last = this.#places.at(-1);
    if (last === undefined || last < key) {
      this.#ids.push(id);
      this.#places.push(key);
      return;
    }
    const at = this.#indexOf(key);
    if (at < this.#head) this.#head = at;
    if (this.#ids[at] === id && this.#places[at] === key) return;
    this.#ids.splice(at, 0, id);
    this.#places.splice(at, 0, key);
  }

  delete(id: string): void {
    if (!this.#keys.delete(id)) return;
    if (this.#ids.at(-1) === id) {
      this.#ids.pop();
      this.#places.pop();
    }
    while (this.#head < this.#ids.length && !this.#isTaken(this.#head)) this.#head += 1;
    if (this.#ids.length > 2 * this.size + 1024) this.#sweep();
  }

  /** The newest but so many; undefined where a place was given up. */
  newest(at: number): string | undefined {
    const index = this.#ids.length - 1 - at;
    return index >= this.#head && this.#isTaken(index) ? this.#ids[index] : undefined;
  }

  /** Which one it is from the newest on; undefined: it is not among them. */
  placeOf(id: string): number | undefined {
    const key = this.#keys.get(id);
    return key === undefined ? undefined : this.#ids.length - 1 - this.#indexOf(key);
  }

  #isTaken(index: number): boolean {
    return this.#keys.get(this.#ids[index] ?? '') === this.#places[index];
  }

  /** The index of the first place with this key or a later one. */
  #indexOf(key: number): number {
    let low = 0;
    let high = this.#places.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#places[middle] ?? 0) < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Forgets the places that were given up. */
  #sweep(): void {
    const kept = [...this.#ids.keys()].filter((index) => this.#isTaken(index));
    this.#ids = kept.map((index) => this.#ids[index] as string);
    this.#places = kept.map((index) => this.#places[index] as number);
    this.#head = 0;
  }
}
