import type { Moment } from '../../protocol/timeline.ts';

/** Reads the instant of an entry; null: it is not kept any more. */
export type ReadInstant = (seq: number) => Promise<number | null>;

/** How many entries are read for one answer, and how many are remembered. */
const mostReads = 240;
const mostKept = 1000;

/**
 * Entries of a journal with their instants, oldest first: enough of them to say how much happened when, without reading all. What
 * was read once stays known, since what has happened does not change.
 */
export class Samples {
  #known: readonly Moment[] = [];

  get known(): readonly Moment[] {
    return this.#known;
  }

  /** Takes the ends of the journal as they are now. What retention has dropped is forgotten. */
  extend(from: Moment, to: Moment): void {
    const between = this.#known.filter(({ seq }) => seq > from.seq && seq < to.seq);
    this.#known = from.seq === to.seq ? [to] : [from, ...between, to];
  }

  /** Reads entries in the middle of what is too long, the longest first, until no gap is longer than a step. */
  async refine(stepMs: number, read: ReadInstant, pause: () => Promise<void>): Promise<void> {
    for (let reads = 0; reads < mostReads; reads += 1) {
      const gap = longestGap(this.#known, stepMs);
      if (gap === null) break;
      const seq = Math.floor((gap.from.seq + gap.to.seq) / 2);
      const at = await read(seq);
      this.#add({ seq, at: at ?? gap.from.at });
      // An entry may be one of thousands in its line, which is parsed for it.
      await pause();
    }
    if (this.#known.length > mostKept) this.#known = thinned(this.#known, stepMs / 2);
  }

  /** Seq of the newest entry not after an instant, read where it is not known. */
  async seqAt(instant: number, read: ReadInstant): Promise<number | null> {
    const first = this.#known[0];
    if (first === undefined || instant < first.at) return null;
    let [low, high] = this.#around(instant);
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      const at = await read(middle);
      if (at === null || at <= instant) low = middle;
      else high = middle;
    }
    return low;
  }

  #around(instant: number): [low: number, high: number] {
    const index = this.#known.findLastIndex(({ at }) => at <= instant);
    const low = this.#known[index]?.seq ?? 0;
    return [low, this.#known[index + 1]?.seq ?? low + 1];
  }

  #add(moment: Moment): void {
    const index = this.#known.findIndex(({ seq }) => seq > moment.seq);
    this.#known = [...this.#known.slice(0, index), moment, ...this.#known.slice(index)];
  }
}

/** The longest time between two entries of which the ones between are not known; null: none is longer than a step. */
function longestGap(
  known: readonly Moment[],
  stepMs: number,
): { readonly from: Moment; readonly to: Moment } | null {
  let longest: { readonly from: Moment; readonly to: Moment } | null = null;
  let most = stepMs;
  for (const [index, to] of known.entries()) {
    const from = known[index - 1];
    if (from === undefined || to.seq - from.seq < 2 || to.at - from.at <= most) continue;
    most = to.at - from.at;
    longest = { from, to };
  }
  return longest;
}

/** Leaves out what lies closer to the one before than a distance. */
function thinned(known: readonly Moment[], distance: number): readonly Moment[] {
  const kept: Moment[] = [];
  for (const [index, moment] of known.entries()) {
    const last = kept.at(-1);
    if (last === undefined || index === known.length - 1 || moment.at - last.at >= distance)
      kept.push(moment);
  }
  return kept;
}

/** Seq at each of some instants, by the straight line between the samples around it. Pure. */
export function seqsAt(known: readonly Moment[], instants: readonly number[]): readonly number[] {
  let index = 0;
  return instants.map((instant) => {
    while (index < known.length - 1 && (known[index + 1] as Moment).at <= instant) index += 1;
    const before = known[index];
    const next = known[index + 1];
    if (before === undefined) return 0;
    if (instant < before.at) return before.seq - 1;
    if (next === undefined) return before.seq;
    const share = (instant - before.at) / (next.at - before.at);
    // The next entry is not there before its instant.
    return Math.min(next.seq - 1, before.seq + Math.floor(share * (next.seq - before.seq)));
  });
}
