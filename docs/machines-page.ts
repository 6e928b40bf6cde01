import {
  actorMachine,
  agentMachine,
  deliveryMachine,
  describeMachine,
  dispatcherMachine,
  jobMachine,
  type MachineEdge,
  type MachineGraph,
  type MachineNode,
  representationMachine,
  scheduleMachine,
  supervisorMachine,
} from 'signalbox/machines';
import type { AnyStateMachine } from 'xstate';

/** The charts in the order of the page, by the name of their file. */
const charts: Readonly<Record<string, AnyStateMachine>> = {
  job: jobMachine,
  agent: agentMachine,
  representation: representationMachine,
  schedule: scheduleMachine,
  actor: actorMachine,
  dispatcher: dispatcherMachine,
  delivery: deliveryMachine,
  supervisor: supervisorMachine,
};

/** Reads the source of a chart: `job` returns the text of `machines/job.machine.ts`. */
export type ReadChartSource = (name: string) => string;

/** Returns the text of docs/machines.md. Everything except its first paragraphs is derived from the machines. */
export function machinesPage(read: ReadChartSource): string {
  return [
    intro,
    ...Object.entries(charts).map(([name, machine]) => chartText(name, machine, read(name))),
  ].join('\n\n');
}

const intro = `<!-- Written by \`npm run docs\` from machines/. Change the charts, not this page. -->

# Machines

These eight statecharts are the engine. The runtime changes a status only as one of them defines. If a chart does not list an
event in a state, the event is refused in that state and nothing changes. \`signalbox/machines\` exports the charts.

In the pictures an arrow is labelled \`event [guard] / actions\`. Events inside a state do not leave that state. In the
tables **bold** actions are effects: the chart only names them, and \`src/runtime\` carries them out. The other actions
compute the new context. The transitions for one event are tried from top to bottom; the first one whose guard is true is
taken. Rows of \`any\` apply to every state that does not list the event itself. A row without a target does not change the
state.`;

function chartText(name: string, machine: AnyStateMachine, source: string): string {
  const graph = describeMachine(machine);
  const text = `## ${graph.id}

${docOf(source, `${name}Machine`)}

Source: \`machines/${name}.machine.ts\`, in the package \`dist/machines/${name}.machine.js\`. Version ${graph.version ?? 'none'}, initial state \`${graph.initial}\`.

\`\`\`mermaid
${diagram(graph)}
\`\`\``;
  return `${text}\n\n${table(machine, graph)}`;
}

/** Returns the doc comment above the machine, without its drawing, because the page has a better one. */
function docOf(source: string, exported: string): string {
  const end = source.indexOf(`*/\nexport const ${exported} `);
  const start = source.lastIndexOf('/**', end);
  if (end < 0) throw new Error(`Expected a doc comment above ${exported}, found none. Write one.`);
  return source
    .slice(start + 3, end)
    .replaceAll(/^ *\* ?/gm, '')
    .replaceAll(/```text\n[\s\S]*?```\n?/g, '')
    .replaceAll(/\n{3,}/g, '\n\n')
    .trim();
}

function statesIn(graph: MachineGraph, parent: string): readonly MachineNode[] {
  return graph.nodes.filter((node) => node.parent === parent);
}

function edgesFrom(graph: MachineGraph, source: string): readonly MachineEdge[] {
  return graph.edges.filter((edge) => edge.source === source);
}

// Pictures.

function diagram(graph: MachineGraph): string {
  return ['stateDiagram-v2', ...stateLines(graph, '', '  '), ...arrowLines(graph, '')].join('\n');
}

function stateLines(graph: MachineGraph, parent: string, indent: string): string[] {
  const { initial } = nodeAt(graph, parent);
  const first = initial === null ? [] : [`${indent}[*] --> ${mermaidId(initial)}`];
  return [...statesIn(graph, parent).flatMap((node) => oneState(graph, node, indent)), ...first];
}

function oneState(graph: MachineGraph, node: MachineNode, indent: string): string[] {
  const id = mermaidId(node.path);
  if (statesIn(graph, node.path).length > 0) {
    const inner = stateLines(graph, node.path, `${indent}  `);
    return [`${indent}state "${node.key}" as ${id} {`, ...inner, `${indent}}`];
  }
  // The first line of a state is its title. The other lines are shown below it.
  const inside = [
    ...node.entry.map((action) => `entry / ${action}`),
    ...node.exit.map((action) => `exit / ${action}`),
    ...familyOf(graph, node).flatMap((owner) =>
      edgesFrom(graph, owner.path)
        .filter((edge) => edge.targetless)
        .filter((edge) => owner === node || !decidesItself(graph, node.path, edge.event))
        .map(labelOf),
    ),
  ];
  return [node.key, ...inside].map((line) => `${indent}${id} : ${line}`);
}

function nodeAt(graph: MachineGraph, path: string): MachineNode {
  const found = graph.nodes.find((node) => node.path === path);
  if (found === undefined) throw new Error(`Expected a state ${path} in ${graph.id}, found none.`);
  return found;
}

/** Returns the state and its parents without the root. Their transitions apply to the state too. */
function familyOf(graph: MachineGraph, node: MachineNode): readonly MachineNode[] {
  return node.parent === null ? [] : [node, ...familyOf(graph, nodeAt(graph, node.parent))];
}

/** Whether the state handles an event in every case, so that its parents never handle it. */
function decidesItself(graph: MachineGraph, path: string, event: string): boolean {
  return edgesFrom(graph, path).some((edge) => edge.event === event && edge.guard === null);
}

function arrowLines(graph: MachineGraph, parent: string): string[] {
  const states = statesIn(graph, parent).map(({ path }) => path);
  const sources = parent === '' ? states : [parent];
  const arrows = edgesFrom(graph, parent).flatMap((edge) =>
    edge.target === null ? [] : sources.flatMap((source) => arrow(graph, source, edge, edge.target ?? '')),
  );
  return [...arrows, ...states.flatMap((path) => arrowLines(graph, path))];
}

function arrow(graph: MachineGraph, source: string, edge: MachineEdge, target: string): string[] {
  if (source !== edge.source && decidesItself(graph, source, edge.event)) return [];
  return [`  ${mermaidId(source)} --> ${mermaidId(target)} : ${labelOf(edge)}`];
}

function mermaidId(path: string): string {
  return path.replaceAll('.', '_');
}

function labelOf({ event, guard, actions }: MachineEdge): string {
  const condition = guard === null ? '' : ` [${guard}]`;
  return `${event}${condition}${actions.length === 0 ? '' : ` / ${actions.join(', ')}`}`;
}

// Tables.

function table(machine: AnyStateMachine, graph: MachineGraph): string {
  return aligned([
    ['state', 'event', 'guard', 'target', 'actions'],
    ...graph.nodes.flatMap((node) => rowsOf(machine, graph, node)),
  ]);
}

/** Pads the cells to the width of their column, as the formatter does. */
function aligned(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_head, column) =>
    Math.max(...rows.map((row) => (row[column] ?? '').length)),
  );
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  const [head = [], ...body] = rows;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...body.map(line)].join('\n');
}

function rowsOf(machine: AnyStateMachine, graph: MachineGraph, node: MachineNode): string[][] {
  const row = (event: string, guard: string, target: string, actions: readonly string[]): string[] => [
    node.parent === null ? 'any' : `\`${node.path}\``,
    event,
    guard,
    target,
    actions.map((action) => actionText(machine, action)).join(', '),
  ];
  return [
    ...(node.entry.length > 0 ? [row('_entry_', '', '', node.entry)] : []),
    ...edgesFrom(graph, node.path).map(({ event, guard, target, actions }) =>
      row(
        `\`${event}\``,
        guard === null ? '' : `\`${guard}\``,
        target === null ? '' : `\`${target}\``,
        actions,
      ),
    ),
    ...(node.exit.length > 0 ? [row('_exit_', '', '', node.exit)] : []),
  ];
}

function actionText(machine: AnyStateMachine, name: string): string {
  const implementation: unknown = machine.implementations.actions[name];
  // Actions that XState carries out itself (assigns, spawns) have a type.
  const isEffect = !(typeof implementation === 'function' && 'type' in implementation);
  return isEffect ? `**\`${name}\`**` : `\`${name}\``;
}
