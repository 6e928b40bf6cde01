import type { ActorsView, AgentNode, DispatcherNode, HeldJob } from '../../../protocol/actors.ts';

/** A line of the tree. */
export interface TreeItem {
  readonly id: string;
  readonly level: 1 | 2 | 3 | 4;
  /** Null: it is at the top. */
  readonly parent: string | null;
  /** Null: there is nothing in it. */
  readonly isOpen: boolean | null;
  readonly what:
    | { readonly is: 'supervisor'; readonly state: string }
    | { readonly is: 'dispatcher'; readonly of: DispatcherNode }
    | { readonly is: 'agent'; readonly of: AgentNode; readonly dispatcher: string }
    | { readonly is: 'job'; readonly of: HeldJob }
    | { readonly is: 'more'; readonly count: number; readonly queue: string };
}

/** What a person folded and unfolded; the rest is as it is by itself. */
export type Folds = ReadonlyMap<string, boolean>;

/** Whether a dispatcher is unfolded by itself: those that do nothing are in the way. */
function opensItself({ state, record }: DispatcherNode): boolean {
  return state !== null || record === 'at work';
}

/** Ids of the agents whose jobs the tree shows. */
export function openAgents(view: ActorsView | null, folds: Folds, chosen: string | null): readonly string[] {
  const agents = view?.dispatchers.flatMap((dispatcher) => dispatcher.agents) ?? [];
  const known = agents.filter(({ id }) => folds.get(id) ?? id === chosen).map(({ id }) => id);
  // Before the first answer no agent is known, and the one in the address is asked for.
  return view === null && chosen?.startsWith('agent:') === true ? [chosen] : known;
}

/** The lines that can be seen, from top to bottom. */
export function itemsOf(view: ActorsView, folds: Folds, chosen: string | null): readonly TreeItem[] {
  const { supervisor, dispatchers } = view;
  const root = supervisor === null ? null : supervisor.id;
  const isOpen = root === null || (folds.get(root) ?? true);
  const below = isOpen ? dispatchers.flatMap((node) => dispatcherItems(node, root, folds, chosen)) : [];
  if (supervisor === null) return below;
  const top: TreeItem = {
    id: supervisor.id,
    level: 1,
    parent: null,
    isOpen: dispatchers.length === 0 ? null : isOpen,
    what: { is: 'supervisor', state: supervisor.state },
  };
  return [top, ...below];
}

function dispatcherItems(
  of: DispatcherNode,
  parent: string | null,
  folds: Folds,
  chosen: string | null,
): readonly TreeItem[] {
  const { id, agents, uuid } = of;
  const isOpen = folds.get(id) ?? (opensItself(of) || agents.some((agent) => agent.id === chosen));
  const below = isOpen ? agents.flatMap((agent) => agentItems(agent, id, uuid, folds, chosen)) : [];
  const item: TreeItem = {
    id,
    level: 2,
    parent,
    isOpen: agents.length === 0 ? null : isOpen,
    what: { is: 'dispatcher', of },
  };
  return [item, ...below];
}

function agentItems(
  of: AgentNode,
  parent: string,
  dispatcher: string,
  folds: Folds,
  chosen: string | null,
): readonly TreeItem[] {
  const { id, held, jobs, queue } = of;
  const isOpen = held > 0 && (folds.get(id) ?? id === chosen);
  const item: TreeItem = {
    id,
    level: 3,
    parent,
    isOpen: held === 0 ? null : isOpen,
    what: { is: 'agent', of, dispatcher },
  };
  if (!isOpen || jobs === null) return [item];
  const below = jobs.map(
    (job): TreeItem => ({
      id: `job:${job.id}`,
      level: 4,
      parent: id,
      isOpen: null,
      what: { is: 'job', of: job },
    }),
  );
  const rest = held - jobs.length;
  if (rest <= 0) return [item, ...below];
  const more = { is: 'more', count: rest, queue } as const;
  return [item, ...below, { id: `more:${id}`, level: 4, parent: id, isOpen: null, what: more }];
}

/** What a key does in the tree: where the focus goes, or what is folded. Null: nothing. */
export function treeKey(
  key: string,
  items: readonly TreeItem[],
  focused: string,
): { readonly focus: string } | { readonly fold: string; readonly isOpen: boolean } | null {
  const at = items.findIndex(({ id }) => id === focused);
  const item = items[at];
  if (item === undefined) return null;
  const to = (index: number): { readonly focus: string } | null => {
    const id = items[index]?.id;
    return id === undefined ? null : { focus: id };
  };
  if (key === 'ArrowDown') return to(at + 1);
  if (key === 'ArrowUp') return to(at - 1);
  if (key === 'Home') return to(0);
  if (key === 'End') return to(items.length - 1);
  if (key === 'ArrowRight') {
    if (item.isOpen === false) return { fold: item.id, isOpen: true };
    return items[at + 1]?.parent === item.id ? to(at + 1) : null;
  }
  if (key === 'ArrowLeft') {
    if (item.isOpen === true) return { fold: item.id, isOpen: false };
    return item.parent === null ? null : { focus: item.parent };
  }
  return null;
}
