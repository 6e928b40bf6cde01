import type { AnyMachineSnapshot, AnyStateMachine, AnyStateNode } from 'xstate';

const mostStates = 1000;
const mostEventTypes = 10_000;

/** A machine with what is computed once for each of its states. */
export class Engine {
  machine: AnyStateMachine;
  nodes: ReadonlyMap<string, AnyStateNode>;
  readonly #make: () => AnyStateMachine;
  readonly #snapshots = new Map<string, AnyMachineSnapshot>();
  readonly #eventTypes = new Set<string>();

  constructor(make: () => AnyStateMachine) {
    this.#make = make;
    this.machine = make();
    this.nodes = nodesOf(this.machine);
  }

  /**
   * Call it with the type of each event before its step. XState remembers which transitions each type may take, for ever; types that
   * hold the id of a child are without end. So the machine is made anew after ten thousand of them.
   */
  expect(eventType: string): void {
    if (this.#eventTypes.has(eventType)) return;
    this.#eventTypes.add(eventType);
    if (this.#eventTypes.size <= mostEventTypes) return;
    this.#eventTypes.clear();
    this.#snapshots.clear();
    this.machine = this.#make();
    this.nodes = nodesOf(this.machine);
  }

  /** A snapshot in this state, without context: to be copied, never handed out. @throws Error for a state that the machine does not have. */
  snapshotIn(state: string): AnyMachineSnapshot {
    const known = this.#snapshots.get(state);
    if (known !== undefined) return known;
    const resolved = this.machine.resolveState({ value: treeOf(state) as never, context: {} });
    const nodes = [...resolved._nodes].sort((one, other) => one.order - other.order);
    const snapshot = { ...resolved, _nodes: nodes } as AnyMachineSnapshot;
    if (this.textOf(nodes) !== state)
      throw new Error(
        `Expected "${state}" to be a state of machine "${this.machine.id}", got a part of "${this.textOf(nodes)}". Give defineMachine a migration.`,
      );
    if (this.#snapshots.size >= mostStates) this.#snapshots.clear();
    this.#snapshots.set(state, snapshot);
    return snapshot;
  }

  /** The state that nodes make: the paths of its leaves in document order. */
  textOf(nodes: readonly AnyStateNode[]): string {
    return nodes
      .filter((node) => node.type === 'atomic' || node.type === 'final')
      .sort((one, other) => one.order - other.order)
      .map((node) => node.path.join('.'))
      .join('|');
  }
}

interface StateTree {
  [key: string]: StateTree;
}

function treeOf(state: string): StateTree {
  const root: StateTree = Object.create(null);
  if (state === '') return root;
  for (const path of state.split('|')) {
    let at = root;
    for (const key of path.split('.')) at = at[key] ??= Object.create(null) as StateTree;
  }
  return root;
}

function nodesOf(machine: AnyStateMachine): ReadonlyMap<string, AnyStateNode> {
  const found = new Map<string, AnyStateNode>();
  const visit = (node: AnyStateNode): void => {
    found.set(node.id, node);
    for (const child of Object.values(node.states)) visit(child as AnyStateNode);
  };
  visit(machine.root);
  return found;
}
