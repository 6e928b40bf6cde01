import { SignalboxError } from '../../../errors.ts';
import { grown, planted } from './growth.ts';
import type { JobChild } from './job-child.ts';
import type { Scripted } from './outcomes.ts';
import { stateKey } from './state-key.ts';
import { type Grown, nextDue, type Root, type Tree, type TreeStep } from './tree.ts';

/** What may happen on the paths of a machine. */
export interface Walked {
  readonly root: Root;
  readonly inputs: readonly unknown[];
  /** Events from outside, each for whichever actor takes it. */
  readonly events: readonly { readonly type: string }[];
  /** The outcomes that a job may have. */
  outcomesOf(job: JobChild): readonly Scripted[];
  /** Whether paths end here. */
  isEnd(tree: Tree): boolean;
  /** What stands for the context of the root; null: the context itself does. */
  fold(tree: Tree): string | null;
  readonly limit: number;
  readonly now: number;
}

/** A step of paths, with what it comes to. */
export interface Edge {
  readonly name: string;
  readonly step: TreeStep | { readonly kind: 'start'; readonly input: unknown };
  readonly grown: Grown;
  /** Place of the node it leaves; -1: it starts the machine. */
  readonly from: number;
  /** Place of the node it leads to. */
  readonly to: number;
}

/** A state that paths go through. */
export interface Node {
  readonly tree: Tree;
  /** The edge by which the shortest path comes. */
  readonly by: Edge;
  readonly edges: Edge[];
  readonly isEnd: boolean;
}

/** All states that can be reached, nearest first, and the steps between them. */
export interface Graph {
  readonly starts: readonly Edge[];
  readonly nodes: readonly Node[];
}

/**
 * Walks from the start of a machine through all that may happen. Pure.
 * @throws what a start throws, and SignalboxError `INVALID_OPTION` when there are more states than the limit.
 */
export function walk(walked: Walked): Graph {
  const { root, inputs, limit } = walked;
  const nodes: Node[] = [];
  const places = new Map<string, number>();
  const edge = (name: string, step: Edge['step'], result: Grown, from: number): Edge => {
    const key = stateKey(result.tree, walked.fold(result.tree));
    const known = places.get(key);
    const made: Edge = { name, step, grown: result, from, to: known ?? nodes.length };
    if (known === undefined) {
      if (nodes.length === limit) throw tooMany(walked);
      places.set(key, nodes.length);
      nodes.push({ tree: result.tree, by: made, edges: [], isEnd: walked.isEnd(result.tree) });
    }
    return made;
  };
  const starts = inputs.map((input, place) => {
    const name = inputs.length === 1 ? '' : `input ${place + 1}`;
    return edge(name, { kind: 'start', input }, planted(root, input, walked.now), -1);
  });
  for (let place = 0; place < nodes.length; place += 1) {
    const { tree, edges, isEnd } = nodes[place] as Node;
    if (isEnd || tree.actors.get(root.id)?.record.status !== 'active') continue;
    for (const { name, step } of stepsOf(walked, tree)) {
      const result = grown(root, tree, step);
      // An event that nothing takes changes nothing.
      if (result.moved.length > 0 || result.refused !== null) edges.push(edge(name, step, result, place));
    }
  }
  return { starts, nodes };
}

function tooMany({ root, limit }: Walked): SignalboxError {
  return new SignalboxError('INVALID_OPTION', {
    option: 'limit',
    expected: `at least the number of states that machine "${root.machine.name}" can reach, its context included. Fold counters with \`stateKey\`, end paths with \`until\`, give fewer events, or raise it`,
    actual: String(limit),
  });
}

interface NamedStep {
  readonly name: string;
  readonly step: TreeStep;
}

/** What may happen next. */
function stepsOf(walked: Walked, tree: Tree): readonly NamedStep[] {
  const { root, events } = walked;
  const sent = [...tree.actors].flatMap(([actor, { machine, record }]) =>
    record.status !== 'active'
      ? []
      : events.map((event, place): NamedStep => {
          const number = numberOf(events, place, (each) => each.type === event.type);
          const prefix = `${machine.name}.`;
          const short = event.type.startsWith(prefix) ? event.type.slice(prefix.length) : event.type;
          const to = actor === root.id ? '' : ` to ${relative(root, actor)}`;
          return { name: `${short}${number}${to}`, step: { kind: 'event', actor, event } };
        }),
  );
  const ended = [...tree.jobs].flatMap(([job, child]) =>
    walked.outcomesOf(child).map((outcome, place, all): NamedStep => {
      const number = numberOf(all, place, (each) => each.ok === outcome.ok);
      const name = `${relative(root, job)} ${outcome.ok ? 'done' : 'failed'}${number}`;
      return { name, step: { kind: 'outcome', job, outcome } };
    }),
  );
  return [...sent, ...ended, ...timeOf(root, tree)];
}

/** Time does not pass beyond the limit of a job, which would have ended it. */
function timeOf(root: Root, tree: Tree): readonly NamedStep[] {
  const due = nextDue(tree);
  if (due === null || [...tree.jobs.values()].some(({ overAt }) => overAt <= due.at)) return [];
  const name = due.actor === root.id ? 'time passes' : `time passes for ${relative(root, due.actor)}`;
  return [{ name, step: { kind: 'time' } }];
}

/** An actor or a job by its place below the root. */
function relative({ id }: Root, child: string): string {
  return child.slice(id.length + 1);
}

/** Of things with one name the second has a 2 behind it. */
function numberOf<Each>(all: readonly Each[], place: number, isLike: (each: Each) => boolean): string {
  const before = all.slice(0, place).filter(isLike).length;
  return before === 0 ? '' : ` ${before + 1}`;
}
