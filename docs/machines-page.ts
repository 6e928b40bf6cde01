import {
  agentMachine,
  dispatcherMachine,
  jobMachine,
  representationMachine,
  supervisorMachine,
} from 'signalbox/machines';
import type { AnyStateMachine, AnyStateNode, AnyTransitionDefinition } from 'xstate';

/** The charts in the order of the page, by the name of their file. */
const charts: Readonly<Record<string, AnyStateMachine>> = {
  job: jobMachine,
  agent: agentMachine,
  representation: representationMachine,
  dispatcher: dispatcherMachine,
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

These five statecharts are the engine. The runtime changes a status only as one of them defines. If a chart does not list an
event in a state, the event is refused in that state and nothing changes. \`signalbox/machines\` exports the charts.

In the pictures an arrow is labelled \`event [guard] / actions\`. Events inside a state do not leave that state. In the
tables **bold** actions are effects: the chart only names them, and \`src/runtime\` carries them out. The other actions
compute the new context. The transitions for one event are tried from top to bottom; the first one whose guard is true is
taken. Rows of \`any\` apply to every state that does not list the event itself. A row without a target does not change the
state.`;

function chartText(name: string, machine: AnyStateMachine, source: string): string {
  const text = `## ${machine.id}

${docOf(source, `${name}Machine`)}

Source: \`machines/${name}.machine.ts\`, in the package \`dist/machines/${name}.machine.js\`. Version ${machine.version ?? 'none'}, initial state \`${initialOf(machine.root)}\`.

\`\`\`mermaid
${diagram(machine)}
\`\`\``;
  return `${text}\n\n${table(machine)}`;
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

function statesOf(node: AnyStateNode): readonly AnyStateNode[] {
  return Object.values(node.states).sort((one, other) => one.order - other.order);
}

function pathOf(node: AnyStateNode): string {
  return node.path.join('.');
}

/** Returns the initial state, down to its leaf. */
function initialOf(node: AnyStateNode): string {
  const first = statesOf(node).length === 0 ? undefined : node.initial.target[0];
  return first === undefined ? pathOf(node) : initialOf(first);
}

// Pictures.

function diagram(machine: AnyStateMachine): string {
  return ['stateDiagram-v2', ...stateLines(machine.root, '  '), ...arrowLines(machine.root)].join('\n');
}

function stateLines(parent: AnyStateNode, indent: string): string[] {
  const initial = parent.initial.target[0];
  const first = initial === undefined ? [] : [`${indent}[*] --> ${mermaidId(initial)}`];
  return [...statesOf(parent).flatMap((node) => oneState(node, indent)), ...first];
}

function oneState(node: AnyStateNode, indent: string): string[] {
  const id = mermaidId(node);
  if (statesOf(node).length > 0) {
    return [`${indent}state "${node.key}" as ${id} {`, ...stateLines(node, `${indent}  `), `${indent}}`];
  }
  // The first line of a state is its title. The other lines are shown below it.
  const inside = [
    ...node.entry.map((action) => `entry / ${nameOf(action)}`),
    ...node.exit.map((action) => `exit / ${nameOf(action)}`),
    ...familyOf(node).flatMap((owner) =>
      transitionsOf(owner)
        .filter((transition) => transition.target === undefined)
        .filter((transition) => owner === node || !decidesItself(node, transition.eventType))
        .map(labelOf),
    ),
  ];
  return [node.key, ...inside].map((line) => `${indent}${id} : ${line}`);
}

/** Returns the state and its parents without the root. Their transitions apply to the state too. */
function familyOf(node: AnyStateNode): readonly AnyStateNode[] {
  return node.parent === undefined ? [] : [node, ...familyOf(node.parent)];
}

/** Whether the state handles an event in every case, so that its parents never handle it. */
function decidesItself(node: AnyStateNode, eventType: string): boolean {
  return transitionsOf(node).some(
    (transition) => transition.eventType === eventType && transition.guard === undefined,
  );
}

function arrowLines(parent: AnyStateNode): string[] {
  const own = transitionsOf(parent).flatMap((transition) =>
    (transition.target ?? []).map((target) => [target, transition] as const),
  );
  const sources = parent.parent === undefined ? statesOf(parent) : [parent];
  const arrows = own.flatMap(([target, transition]) =>
    sources
      .filter((source) => source === parent || !decidesItself(source, transition.eventType))
      .map((source) => `  ${mermaidId(source)} --> ${mermaidId(target)} : ${labelOf(transition)}`),
  );
  return [...arrows, ...statesOf(parent).flatMap(arrowLines)];
}

function mermaidId(node: AnyStateNode): string {
  return node.path.join('_');
}

function labelOf(transition: AnyTransitionDefinition): string {
  const guard = transition.guard === undefined ? '' : ` [${guardOf(transition.guard)}]`;
  const actions = transition.actions.map(nameOf).join(', ');
  return `${transition.eventType}${guard}${actions === '' ? '' : ` / ${actions}`}`;
}

// Tables.

function table(machine: AnyStateMachine): string {
  return aligned([['state', 'event', 'guard', 'target', 'actions'], ...rowsOf(machine, machine.root)]);
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

function rowsOf(machine: AnyStateMachine, node: AnyStateNode): string[][] {
  const state = node.parent === undefined ? 'any' : `\`${pathOf(node)}\``;
  const row = (event: string, guard: string, target: string, actions: readonly unknown[]): string[] => [
    state,
    event,
    guard,
    target,
    actions.map((action) => actionText(machine, action)).join(', '),
  ];
  return [
    ...(node.entry.length > 0 ? [row('_entry_', '', '', node.entry)] : []),
    ...transitionsOf(node).map((transition) =>
      row(
        `\`${transition.eventType}\``,
        transition.guard === undefined ? '' : `\`${guardOf(transition.guard)}\``,
        (transition.target ?? []).map((target) => `\`${pathOf(target)}\``).join(', '),
        transition.actions,
      ),
    ),
    ...(node.exit.length > 0 ? [row('_exit_', '', '', node.exit)] : []),
    ...statesOf(node).flatMap((child) => rowsOf(machine, child)),
  ];
}

function actionText(machine: AnyStateMachine, action: unknown): string {
  const name = nameOf(action);
  const implementation: unknown = machine.implementations.actions[name];
  // Actions that XState carries out itself (assigns, spawns) have a type.
  const isEffect = !(typeof implementation === 'function' && 'type' in implementation);
  return isEffect ? `**\`${name}\`**` : `\`${name}\``;
}

function transitionsOf(node: AnyStateNode): readonly AnyTransitionDefinition[] {
  return [...node.transitions.values()].flat();
}

/** Returns `isCallback`, `not isCallback` or `(a and b)`. */
function guardOf(guard: unknown): string {
  if (typeof guard !== 'function') return nameOf(guard);
  const inner: unknown = Reflect.get(guard, 'guards');
  if (!Array.isArray(inner)) return nameOf(guard);
  const names = inner.map(guardOf);
  return guard.name === 'not' ? `not ${names[0]}` : `(${names.join(` ${guard.name} `)})`;
}

/** Returns the name of a guard or an action. A guard or action without a name would not be readable either. */
function nameOf(named: unknown): string {
  if (typeof named === 'string') return named;
  const type: unknown = typeof named === 'object' && named !== null ? Reflect.get(named, 'type') : undefined;
  if (typeof type === 'string') return type;
  throw new Error(`Expected a guard or an action with a name, got ${String(named)}. Name it in setup().`);
}
