import type {
  AnyEventObject,
  AnyMachineSnapshot,
  AnyStateMachine,
  ContextFrom,
  EventFromLogic,
  InputFrom,
  SnapshotFrom,
} from 'xstate';
import type { TraversalOptions } from 'xstate/graph';
import type { Signalbox } from '../../index.ts';
import { checkOptions, invalid } from '../check-options.ts';

/** How an event comes about. */
export interface EventCause {
  /** In words: the call, or what has to happen. */
  readonly how: string;
  /** The call, where there is one: for the job or the actor with this id. It takes from the event what it can. */
  readonly call?: (box: Signalbox, id: string, event: AnyEventObject) => Promise<unknown>;
}

/** How a model is walked. */
export interface WalkOptions<Life extends string = string> {
  /** What begins. Default: the first of `lives`. */
  readonly life?: Life;
  /**
   * What counts as one place. `state`: a state, with what guards see; what only counts is folded. `row`: a state and the step by
   * which it was reached, so that the shortest paths take every row of the chart. Default `state`.
   */
  readonly by?: 'state' | 'row';
}

/** A machine that `xstate/graph` can walk, with samples of its events, and how each of them comes about. */
export interface GraphModel<Machine extends AnyStateMachine, Life extends string = string> {
  /** The first argument of `getShortestPaths`, `getSimplePaths` and `getAdjacencyMap`. */
  readonly machine: Machine;
  /** One or more events of each type: every row of the chart is reached with them. */
  readonly events: readonly EventFromLogic<Machine>[];
  /** How what it describes may begin. */
  readonly lives: readonly Life[];
  /** By type of event. */
  readonly calls: Readonly<Record<string, EventCause>>;
  /**
   * The second argument of the functions of `xstate/graph`. Only events that the state takes are offered.
   * @throws SignalboxError `INVALID_OPTION`.
   */
  walk(
    options?: WalkOptions<Life>,
  ): TraversalOptions<SnapshotFrom<Machine>, EventFromLogic<Machine>, InputFrom<Machine>>;
}

/** What a model is made of. */
export interface ModelParts<Machine extends AnyStateMachine, Life extends string> {
  readonly machine: Machine;
  readonly events: readonly EventFromLogic<Machine>[];
  readonly calls: Readonly<Record<string, EventCause>>;
  /** The input of each life. */
  readonly lives: { readonly [life in Life]: InputFrom<Machine> };
  /** What may come in a state beside the events. */
  readonly more?: (snapshot: SnapshotFrom<Machine>) => readonly EventFromLogic<Machine>[];
  /** What guards see of a context: two snapshots of one state that have it in common are one. */
  readonly seen: (context: ContextFrom<Machine>) => unknown;
}

/** Makes a model. */
export function graphModel<Machine extends AnyStateMachine, Life extends string>(
  parts: ModelParts<Machine, Life>,
): GraphModel<Machine, Life> {
  const { machine, events, calls, lives, more = () => [], seen } = parts;
  type Snapshot = SnapshotFrom<Machine>;
  type Event = EventFromLogic<Machine>;
  const names = Object.keys(lives) as Life[];
  const place = (snapshot: Snapshot): string => {
    const { value, context } = snapshot as AnyMachineSnapshot;
    return `${pathsOf(value).join('|')} ${JSON.stringify(seen(context))}`;
  };
  const row = (to: Snapshot, event?: Event, from?: Snapshot): string =>
    from === undefined ? place(to) : `${place(from)} ${event?.type} ${place(to)}`;
  return {
    machine,
    events,
    lives: names,
    calls,
    walk: (options = {}) => {
      checkOptions(options, ['life', 'by']);
      const { life = names[0] as Life, by = 'state' } = options;
      if (!names.includes(life)) throw invalid('life', `one of ${names.join(', ')}`, String(life));
      if (by !== 'state' && by !== 'row') throw invalid('by', "'state' or 'row'", String(by));
      return {
        input: lives[life],
        events: (snapshot) =>
          [...events, ...more(snapshot)].filter((event) => (snapshot as AnyMachineSnapshot).can(event)),
        serializeState: by === 'state' ? place : row,
        limit: mostSteps,
      };
    },
  };
}

/** A walk above this has no end: something in the context counts. */
const mostSteps = 100_000;

/** The paths of the leaf states, as records have them. */
function pathsOf(value: unknown, path = ''): readonly string[] {
  const below = (key: string): string => (path === '' ? key : `${path}.${key}`);
  if (typeof value === 'string') return [below(value)];
  const inner = Object.entries(value as object);
  return inner.length === 0 ? [path] : inner.flatMap(([key, each]) => pathsOf(each, below(key)));
}
