import type { ChartRow } from './chart-row.ts';
import {
  type CoverageChart,
  type CoverageState,
  type CoverageWay,
  isUnder,
  leavesOf,
  lineOf,
} from './coverage-chart.ts';

/** A way, and the state that has it. */
interface Placed {
  readonly source: string;
  readonly way: CoverageWay;
}

/**
 * Says which ways of a chart a row took. A row has whole places, and a chart has ways: what a row cannot tell apart counts for each.
 *
 * 1. For each leaf before, the ways that fit the event are looked for as XState does: inner states first, and none behind one
 *    without a guard.
 * 2. Those whose targets hold a leaf after, are taken; of those that change no state, when the leaves below them are still there.
 * 3. Where none does, ways without an event lead on: `always`, and the `onDone` of states. Each on a route to a leaf after is taken.
 * 4. Where that finds none and the place has changed, raised events led on: every way of 1 is taken.
 */
export class TakenWays {
  readonly #states: ReadonlyMap<string, CoverageState>;
  readonly #begins: readonly string[];

  constructor({ states, begins = [] }: Pick<CoverageChart, 'states' | 'begins'>) {
    this.#states = new Map(states.map((state) => [state.path, state]));
    this.#begins = begins;
  }

  /** None: this chart has no way like it, or the machine starts and stays where it begins. */
  of({ from, event, to }: ChartRow): readonly CoverageWay[] {
    if (from === '') return this.#started(leavesOf(to));
    const [before, after] = [leavesOf(from), leavesOf(to)];
    const lines = before.map((leaf) => this.#candidates(leaf, event));
    const direct = lines.map((line) => line.filter((each) => this.#fits(each, before, after)));
    const found = lines.flatMap((line, at) => {
      const fitting = direct[at] ?? [];
      if (fitting.length > 0) return fitting.map(({ way }) => way);
      return line.flatMap((each) => this.#route(each, after));
    });
    const any = found.length > 0 || from === to ? found : lines.flat().map(({ way }) => way);
    return [...new Set(any)];
  }

  /** A start takes no way; those without an event may follow it. */
  #started(after: readonly string[]): readonly CoverageWay[] {
    const begins = this.#begins;
    if (begins.every((leaf) => after.includes(leaf))) return [];
    const start = { event: '', guard: null, targets: begins };
    return this.#route({ source: '', way: start }, after).filter((way) => way !== start);
  }

  #candidates(leaf: string, event: string): readonly Placed[] {
    const found: Placed[] = [];
    for (const source of lineOf(leaf)) {
      const ways = (this.#states.get(source)?.ways ?? []).filter((way) => describes(way.event, event));
      // A longer description is the closer one; of equal ones the chart has the order.
      for (const way of ways.sort((one, other) => closeness(other.event) - closeness(one.event))) {
        found.push({ source, way });
        if (way.guard === null) return found;
      }
    }
    return found;
  }

  #fits({ source, way }: Placed, before: readonly string[], after: readonly string[]): boolean {
    if (way.targets.length > 0) return way.targets.every((target) => this.#holds(target, after));
    return before.filter((leaf) => isUnder(leaf, source)).every((leaf) => after.includes(leaf));
  }

  #holds(target: string, after: readonly string[]): boolean {
    const isMemory = this.#states.get(target)?.type === 'history';
    const place = isMemory ? (lineOf(target)[1] ?? '') : target;
    return after.some((leaf) => isUnder(leaf, place));
  }

  /** A way and those without an event by which it leads to a leaf after; empty: it does not. */
  #route({ source, way }: Placed, after: readonly string[]): readonly CoverageWay[] {
    const onward = this.#onward(way.targets.length > 0 ? way.targets : [source]);
    const good = new Set(
      onward.filter(({ targets }) => targets.some((target) => this.#holds(target, after))),
    );
    for (let size = 0; size !== good.size; ) {
      size = good.size;
      for (const each of onward)
        if (each.targets.length > 0 && this.#next(each.targets).some((next) => good.has(next)))
          good.add(each);
    }
    return good.size === 0 ? [] : [way, ...good];
  }

  /** All ways without an event that can follow. */
  #onward(targets: readonly string[]): readonly CoverageWay[] {
    const found = new Set(this.#next(targets));
    for (const way of found) for (const next of this.#next(way.targets)) found.add(next);
    return [...found];
  }

  #next(targets: readonly string[]): readonly CoverageWay[] {
    return [...this.#states.values()]
      .filter(({ path }) => targets.some((target) => isUnder(path, target) || isUnder(target, path)))
      .flatMap(({ ways }) =>
        ways.filter(({ event }) => event === '' || event.startsWith('xstate.done.state.')),
      );
  }
}

/** As XState reads descriptions of events: a type, a beginning with `.*`, or `*`. */
function describes(description: string, type: string): boolean {
  if (description === type || description === '*') return true;
  if (!description.endsWith('.*')) return false;
  const beginning = description.slice(0, -2);
  return type === beginning || type.startsWith(`${beginning}.`);
}

function closeness(description: string): number {
  return description.includes('*') ? description.length : Number.POSITIVE_INFINITY;
}
