/** A chart as data, in as few words as comparing and drawing it needs. */
export interface CoverageChart {
  readonly machine: string;
  readonly version: string;
  /** In document order; the chart itself, under the path `''`, has what every state takes. */
  readonly states: readonly CoverageState[];
  /** The leaf states in which it begins; absent where a start takes no way. */
  readonly begins?: readonly string[];
}

/** A state of a chart. */
export interface CoverageState {
  /** Keys from the outside in, joined by dots. */
  readonly path: string;
  readonly type: 'atomic' | 'compound' | 'parallel' | 'final' | 'history';
  readonly ways: readonly CoverageWay[];
}

/** A transition of a state. */
export interface CoverageWay {
  /** As the chart calls it: it may end in a wildcard. Empty: as soon as its guard lets it pass. */
  readonly event: string;
  readonly guard: string | null;
  /** Paths of the states that it leads to; empty: it changes no state. */
  readonly targets: readonly string[];
}

/** A state and those around it, from the inside out, the chart itself last. */
export function lineOf(path: string): readonly string[] {
  if (path === '') return [''];
  const at = path.lastIndexOf('.');
  return at < 0 ? [path, ''] : [path, ...lineOf(path.slice(0, at))];
}

/** Whether a state is another one or inside it. */
export function isUnder(path: string, outer: string): boolean {
  return outer === '' || path === outer || path.startsWith(`${outer}.`);
}

/** The leaf states of a place; a machine that has not started is in none. */
export function leavesOf(place: string): readonly string[] {
  return place === '' ? [] : place.split('|');
}

/** The leaf states of a place and all states around them, without the chart itself. */
export function around(place: string): readonly string[] {
  const found = new Set(leavesOf(place).flatMap((leaf) => lineOf(leaf).slice(0, -1).reverse()));
  return [...found];
}

/** Which of two versions is the newer one: numbers in them count as numbers. */
export function isNewer(version: string, other: string): boolean {
  return version.localeCompare(other, 'en', { numeric: true }) > 0;
}
