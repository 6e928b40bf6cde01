import type { ComparedChart, WayCoverage } from '../../../reading/coverage/compare/compare-coverage.ts';
import { eventWords } from '../../../reading/coverage/compare/event-words.ts';
import type { EdgeHeat, MachineHeat } from '../../protocol/machines.ts';
import { edgeKey } from '../chart/edge-key.ts';
import { type Heat, heatOf } from '../chart/heat.ts';
import { shortEvent } from '../chart/layout.ts';
import { durationText } from '../format.ts';

/** A chart for its picture. A way has one figure: how often production took it when no test does, else how often tests did. */
export function coverageHeat({ machine: name, version, states, verdicts }: ComparedChart): Heat {
  const ways = states.flatMap((state) => state.ways);
  const found = new Map(ways.map((way) => [edgeKey(edgeOf(way)), way.verdict]));
  const machine: MachineHeat = {
    ...{ name, version, kind: 'stored', population: null, remark: null, unknown: [] },
    ...{ traffic: null, since: null, ways: ways.length, never: verdicts.untaken },
    states: states.map(({ path, type, dwell }) => ({
      ...{ state: path, holdsOthers: type !== 'atomic', isKnown: true, population: null, dwell },
    })),
    edges: ways.map(edgeOf),
  };
  return { ...heatOf(machine), verdictOf: (edge) => found.get(edgeKey(edge)) ?? 'untaken' };
}

/** The ways of charts that have a picture lead to one state at most. */
function edgeOf({ source, event, guard, targets, tests, production, verdict }: WayCoverage): EdgeHeat {
  return {
    source,
    event,
    guard,
    target: targets[0] ?? null,
    count: verdict === 'untested' ? production : tests,
  };
}

/** `approve if isSmall`, `after reminder`; an event of a chart of the engine without its noun. */
export function wayWords(machine: string, { event, guard }: Pick<WayCoverage, 'event' | 'guard'>): string {
  const words = eventWords(shortEvent({ chart: machine }, event), durationText);
  return guard === null ? words : `${words} if ${guard}`;
}

/** `paying`; states beside the one that it leads from are called by their last key. */
export function targetWords({ source, targets }: Pick<WayCoverage, 'source' | 'targets'>): string {
  const outer = source.slice(0, source.lastIndexOf('.') + 1);
  const named = targets.map((target) => (target.startsWith(outer) ? target.slice(outer.length) : target));
  return named.length === 0 ? 'stays' : `→ ${named.join(' + ')}`;
}
