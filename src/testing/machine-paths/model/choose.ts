import { SignalboxError } from '../../../errors.ts';
import type { Edge, Graph, Node } from './walk.ts';

/** Which paths are taken. */
export type PathsMode = 'transitions' | 'shortest' | 'simple';

/** A path: a start, and the steps after it. */
export type Path = readonly [Edge, ...Edge[]];

/**
 * Chooses paths through a graph: `transitions` takes every transition at least once, `shortest` goes to every state by the shortest
 * way, `simple` goes every way that meets no state twice. `endsOnly`: those that end in an end. Pure.
 *
 * @throws SignalboxError `INVALID_OPTION` when there are more simple paths than the limit.
 */
export function choosePaths(
  graph: Graph,
  mode: PathsMode,
  { endsOnly, limit }: { readonly endsOnly: boolean; readonly limit: number },
): readonly Path[] {
  if (mode === 'transitions') return transitionPaths(graph);
  if (mode === 'shortest') return shortestPaths(graph, endsOnly);
  const paths: Path[] = [];
  for (const path of simplePaths(graph)) {
    if (endsOnly && !nodeOf(graph, path.at(-1) as Edge).isEnd) continue;
    if (paths.length === limit) throw tooMany(limit);
    paths.push(path);
  }
  return paths;
}

function tooMany(limit: number): SignalboxError {
  return new SignalboxError('INVALID_OPTION', {
    option: 'limit',
    expected:
      "at least the number of simple paths. Take `paths: 'transitions'`, end paths with `until`, or raise it",
    actual: String(limit),
  });
}

function nodeOf({ nodes }: Graph, { to }: Edge): Node {
  return nodes[to] as Node;
}

/** The shortest path whose last edge this is. */
function pathTo({ nodes }: Graph, edge: Edge): Path {
  const path = [edge];
  for (let at = edge; at.from !== -1; ) {
    at = (nodes[at.from] as Node).by;
    path.unshift(at);
  }
  return path as unknown as Path;
}

function transitionPaths(graph: Graph): Path[] {
  const seen = new Set<string>();
  const isNew = (edge: Edge): boolean => itemsOf(edge).some((item) => !seen.has(item));
  const see = (edge: Edge): void => {
    for (const item of itemsOf(edge)) seen.add(item);
  };
  const paths: Path[] = [];
  for (const edge of [...graph.starts, ...graph.nodes.flatMap(({ edges }) => edges)]) {
    if (!isNew(edge)) continue;
    const path = [...pathTo(graph, edge)];
    for (const each of path) see(each);
    // It goes on as long as there is something new: fewer paths take everything.
    for (let at = edge; ; ) {
      const next = at.grown.refused === null ? nodeOf(graph, at).edges.find(isNew) : undefined;
      if (next === undefined) break;
      see(next);
      path.push(next);
      at = next;
    }
    paths.push(path as unknown as Path);
  }
  return paths;
}

/** What an edge takes of machines: their transitions, and where from and where to. */
function itemsOf({ grown: { moved, refused }, name, from }: Edge): readonly string[] {
  if (refused !== null) return [`${from} ${name}`];
  return moved.flatMap(({ machine, event, from, to, ways }) =>
    [{ event, from, to }, ...ways].map((each) => JSON.stringify([machine.name, each])),
  );
}

/** Those that are the beginning of no other. */
function shortestPaths(graph: Graph, endsOnly: boolean): Path[] {
  const { nodes, starts } = graph;
  const passed = new Set(nodes.map(({ by }) => by.from));
  const reached = nodes.flatMap((node, place) =>
    (endsOnly ? node.isEnd : !passed.has(place)) ? [pathTo(graph, node.by)] : [],
  );
  const refused = [...starts, ...nodes.flatMap(({ edges }) => edges)].filter(({ grown }) => grown.refused);
  return [...reached, ...refused.map((edge) => pathTo(graph, edge))];
}

/** Those that cannot go on without meeting a state again. */
function* simplePaths(graph: Graph): Generator<Path> {
  const stack = [...graph.starts].reverse().map((edge) => [edge]);
  for (let path = stack.pop(); path !== undefined; path = stack.pop()) {
    const last = path.at(-1) as Edge;
    const met = new Set(path.map(({ to }) => to));
    const { edges } = nodeOf(graph, last);
    const onward =
      last.grown.refused === null ? edges.filter(({ to, grown }) => grown.refused || !met.has(to)) : [];
    if (onward.length === 0) yield path as unknown as Path;
    for (const edge of [...onward].reverse()) stack.push([...path, edge]);
  }
}
