import type { CoverageVerdict } from '../../../reading/coverage/compare/compare-coverage.ts';
import type { Count } from '../../protocol/answer.ts';
import type { EdgeName } from '../../protocol/job.ts';
import type { EdgeHeat, MachineHeat } from '../../protocol/machines.ts';
import { numberText } from '../format.ts';
import { edgeKey } from './edge-key.ts';
import type { EdgeLayout } from './layout.ts';

/** How strong a way is drawn: 0 is never, 5 is a thousand times or more. The same in every chart, so that charts compare. */
export type HeatLevel = 0 | 1 | 2 | 3 | 4 | 5;

const steps = [1, 10, 100, 300, 1000];

export function heatLevel(count: number): HeatLevel {
  return steps.filter((step) => count >= step).length as HeatLevel;
}

/** How much colour a state gets: by the digits of what is in it. What is over is not warm. */
export function warmth({
  state,
  population,
}: Pick<MachineHeat['states'][number], 'state' | 'population'>): number {
  const n = population?.n ?? 0;
  if (n === 0 || state === 'completed') return 0;
  return Math.min(0.34, 0.06 + 0.07 * Math.log10(n));
}

/** `12,408`, `10,000+`, and `–` for what is not counted. */
export function countText(count: Count | null): string {
  if (count === null || (count.n === 0 && count.more)) return '–';
  return `${numberText(count.n)}${count.more ? '+' : ''}`;
}

/** The figures of a chart by the names that its picture has. */
export interface Heat {
  readonly machine: MachineHeat;
  stateOf(state: string): MachineHeat['states'][number] | undefined;
  edgeOf(key: string): EdgeHeat | undefined;
  /** What a state takes without being left. */
  staysOf(state: string): readonly EdgeHeat[];
  /** Where tests are compared with production: what that says of a way. Null: they are not. */
  readonly verdictOf: ((edge: EdgeName) => CoverageVerdict) | null;
}

export function heatOf(machine: MachineHeat): Heat {
  const states = new Map(machine.states.map((each) => [each.state, each]));
  const edges = new Map(machine.edges.map((edge) => [edgeKey(edge), edge]));
  return {
    machine,
    stateOf: (state) => states.get(state),
    edgeOf: (key) => edges.get(key),
    staysOf: (state) => machine.edges.filter(({ source, target }) => source === state && target === null),
    verdictOf: null,
  };
}

/** What a state takes by one event without being left. */
export interface Stay {
  readonly count: number;
  /** How it looks: a verdict, or `taken`; empty: never. */
  readonly look: string;
}

/** Of several ways of an event the worst verdict counts, with the ways that have it. */
export function stayOf({ staysOf, verdictOf }: Heat, state: string, event: string): Stay {
  const ways = staysOf(state).filter((edge) => edge.event === event);
  const countOf = (some: readonly EdgeHeat[]): number =>
    some.reduce((sum, { count }) => sum + (count ?? 0), 0);
  if (verdictOf === null) return { count: countOf(ways), look: countOf(ways) > 0 ? 'taken' : '' };
  const worst = (['untested', 'tested'] as const).find((each) => ways.some((way) => verdictOf(way) === each));
  if (worst === undefined) return { count: 0, look: '' };
  return { count: countOf(ways.filter((way) => verdictOf(way) === worst)), look: worst };
}

/** Where the count of a way stands: after its name; or where there is no room for both, across the track or below its name. */
export function flowAt({
  points,
  plate: [x, y],
  label,
  anchor,
}: EdgeLayout): 'after' | readonly [number, number] {
  if (anchor === 'start') return 'after';
  const length = Math.max(
    ...points.map((point, index) => {
      const next = points[index + 1];
      const isLevel = next !== undefined && point[1] === next[1];
      return isLevel && point[1] === y ? Math.abs(next[0] - point[0]) : 0;
    }),
  );
  if (length > 120) return 'after';
  return label[1] < y ? [x, y + 14] : [label[0], label[1] + 13];
}
