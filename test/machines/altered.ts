import { type AnyStateMachine, type AnyStateNode, createMachine } from 'xstate';

/** One transition of a chart as it is written: `to` is null where it stays. */
export interface Edge {
  readonly from: string;
  readonly event: string;
  readonly to: string | null;
}

/** Every transition of a chart, from each leaf state, including those of its parents. */
export function edgesOf(machine: AnyStateMachine): Edge[] {
  return leavesOf(machine.root).flatMap((leaf) => {
    const edges = new Map<string, Edge[]>();
    for (let node: AnyStateNode | undefined = leaf; node !== undefined; node = node.parent) {
      for (const [event, transitions] of node.transitions) {
        // The innermost state that knows an event decides.
        if (edges.has(event)) continue;
        const to = transitions.map(({ target }) =>
          target?.[0] === undefined ? null : nameOf(initialOf(target[0])),
        );
        edges.set(
          event,
          [...new Set(to)].map((target) => ({ from: nameOf(leaf), event, to: target })),
        );
      }
    }
    return [...edges.values()].flat();
  });
}

function leavesOf(node: AnyStateNode): AnyStateNode[] {
  const children = Object.values(node.states) as AnyStateNode[];
  return children.length === 0 ? [node] : children.flatMap(leavesOf);
}

function initialOf(node: AnyStateNode): AnyStateNode {
  const [first] = node.initial.target ?? [];
  return Object.keys(node.states).length === 0 || first === undefined
    ? node
    : initialOf(first as AnyStateNode);
}

function nameOf(node: AnyStateNode): string {
  return node.path.join('.');
}

interface StateConfig {
  readonly on?: Record<string, unknown>;
  readonly states?: Record<string, StateConfig>;
}

/** Every place in a chart's definition that accepts an event: the path of the state, and the event. */
export function takingsOf(machine: AnyStateMachine): (readonly [path: string, event: string])[] {
  const walk = (config: StateConfig, path: string): (readonly [string, string])[] => [
    ...Object.keys(config.on ?? {}).map((event) => [path, event] as const),
    ...Object.entries(config.states ?? {}).flatMap(([name, child]) =>
      walk(child, path === '' ? name : `${path}.${name}`),
    ),
  ];
  return walk(machine.config as StateConfig, '');
}

/** The same machine without one transition, as after a mistake. */
export function without<Machine extends AnyStateMachine>(
  machine: Machine,
  path: string,
  event: string,
): Machine {
  const cut = (config: StateConfig, [name, ...rest]: readonly string[]): StateConfig => {
    if (name === undefined) {
      if (config.on === undefined || !(event in config.on)) throw new Error(`${path} does not take ${event}`);
      const { [event]: _gone, ...on } = config.on;
      return { ...config, on };
    }
    const child = config.states?.[name];
    if (child === undefined) throw new Error(`there is no state ${path}`);
    return { ...config, states: { ...config.states, [name]: cut(child, rest) } };
  };
  const config = cut(machine.config as StateConfig, path === '' ? [] : path.split('.'));
  return createMachine(config as never).provide(machine.implementations as never) as unknown as Machine;
}
