/** After so many ends without a look at them, what only those who look need is forgotten. */
const mostUnread = 50_000;

/**
 * Jobs that are over. Retention reads them from the oldest on, and pages from the newest on. The list that pages need is made when
 * the first one is read, is kept up to date while pages are read, and costs nothing otherwise.
 */
export class EndedJobs implements Iterable<string> {
  readonly #keyOf: (id: string) => number | undefined;
  readonly #ids = new Set<string>();
  /** Whether each was added behind all that had ended before it. */
  #isInOrder = true;
  #newestKey = 0;
  /** In the order in which they ended, with those that were dropped since; null: no page is read. */
  #list: string[] | null = null;
  readonly #dropped = new Set<string>();
  #unread = 0;

  /** `keyOf`: the seq of the end of a job. */
  constructor(keyOf: (id: string) => number | undefined) {
    this.#keyOf = keyOf;
  }

  get size(): number {
    return this.#ids.size;
  }

  /** How many places the list has, those of dropped jobs included. */
  get length(): number {
    return this.#read().length;
  }

  [Symbol.iterator](): Iterator<string> {
    return this.#ids.values();
  }

  add(id: string, key: number): void {
    this.#ids.add(id);
    const isNewest = key >= this.#newestKey;
    if (isNewest) this.#newestKey = key;
    else this.#isInOrder = false;
    if (this.#list === null) return;
    this.#unread += 1;
    if (!isNewest || this.#unread > mostUnread || this.#dropped.has(id)) this.#forget();
    else this.#list.push(id);
  }

  delete(id: string): void {
    if (!this.#ids.delete(id) || this.#list === null) return;
    if (this.#list.at(-1) !== id) this.#dropped.add(id);
    else {
      // Its end was undone.
      this.#list.pop();
      this.#newestKey = this.#keyOf(this.#list.at(-1) ?? '') ?? this.#newestKey;
    }
    if (this.#dropped.size > 1024 && this.#dropped.size * 2 > this.#list.length) this.#forget();
  }

  /** The newest but so many; undefined where one was dropped. */
  newest(at: number): string | undefined {
    const list = this.#read();
    const id = list[list.length - 1 - at];
    return id !== undefined && this.#ids.has(id) ? id : undefined;
  }

  /** How many are before the one behind a job, which was so far from the newest one: since then others have ended. */
  behind(id: string, at: number): number {
    const list = this.#read();
    const last = list.length - 1;
    const place = list.lastIndexOf(id, Math.max(0, last - at + 1));
    const found = place < 0 ? list.lastIndexOf(id) : place;
    return found < 0 ? Math.min(at, list.length) : last - found + 1;
  }

  #read(): readonly string[] {
    this.#unread = 0;
    if (this.#list !== null) return this.#list;
    const list = [...this.#ids];
    if (!this.#isInOrder) list.sort((one, other) => (this.#keyOf(one) ?? 0) - (this.#keyOf(other) ?? 0));
    this.#newestKey = this.#keyOf(list.at(-1) ?? '') ?? this.#newestKey;
    this.#list = list;
    return list;
  }

  #forget(): void {
    this.#list = null;
    this.#dropped.clear();
  }
}
