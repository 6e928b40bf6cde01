/** Something that becomes due. */
export interface Instant {
  readonly id: string;
  readonly at: number;
}

/** What becomes due at instants: a binary heap. What was taken back stays in it until then, and is for the caller to notice. */
export class Instants {
  readonly #all: Instant[] = [];

  add(id: string, at: number): void {
    const all = this.#all;
    let place = all.length;
    const added = { id, at };
    all.push(added);
    while (place > 0) {
      const up = (place - 1) >> 1;
      const parent = all[up] as Instant;
      if (parent.at <= at) break;
      all[place] = parent;
      place = up;
    }
    all[place] = added;
  }

  /** Takes out those that are not later than an instant, earliest first. */
  *takeUntil(now: number): Generator<Instant> {
    for (let first = this.#all[0]; first !== undefined && first.at <= now; first = this.#all[0]) {
      const last = this.#all.pop() as Instant;
      if (this.#all.length > 0) this.#sink(last);
      yield first;
    }
  }

  /** With what was taken back. */
  get size(): number {
    return this.#all.length;
  }

  /** The earliest that is later than an instant. Costs those that are not, and what was taken back before it. */
  after(instant: number, isHere: (one: Instant) => boolean = always): number | null {
    let earliest: number | null = null;
    const open = [0];
    for (let place = open.pop(); place !== undefined; place = open.pop()) {
      const one = this.#all[place];
      if (one === undefined || (earliest !== null && one.at >= earliest)) continue;
      if (one.at <= instant || !isHere(one)) open.push(2 * place + 1, 2 * place + 2);
      else earliest = one.at;
    }
    return earliest;
  }

  #sink(sunk: Instant): void {
    const all = this.#all;
    let place = 0;
    for (;;) {
      const left = 2 * place + 1;
      if (left >= all.length) break;
      const right = left + 1;
      const least =
        right < all.length && (all[right] as Instant).at < (all[left] as Instant).at ? right : left;
      const child = all[least] as Instant;
      if (child.at >= sunk.at) break;
      all[place] = child;
      place = least;
    }
    all[place] = sunk;
  }
}

function always(): boolean {
  return true;
}
