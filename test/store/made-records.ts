import type { Json, OpenStore } from 'signalbox';

type Change = Parameters<OpenStore['commit']>[0]['changes'][number];
type Parent = { readonly [where: string]: string } | null;

/** A job in a given state, independent of the path to it. */
export function madeJob(id: string, to: string, parent: Parent, args: readonly Json[] = []): Change {
  return { kind: 'job', id, event: 'made', from: null, to, patch: { name: 'work', parent, args } };
}

/** Callbacks of a job of which one is chosen by outcome; null: not yet. */
export function madeProxy(id: string, parent: string, chosen: string | null): Change {
  const patch = { parent: { job: parent }, branches: [], chosen };
  return { kind: 'proxy', id, event: 'made', from: null, to: null, patch };
}

/** A completed job, with branches that were not chosen, what belongs to those, and jobs that must stay. */
export const overWithBranches: readonly Change[] = [
  madeJob('over', 'completed', null),
  madeProxy('p1', 'over', 'ended'),
  madeJob('ended', 'completed', { proxy: 'p1' }),
  madeJob('left out', 'new', { proxy: 'p1' }),
  madeJob('below', 'new', { job: 'left out' }),
  madeProxy('p2', 'below', 'x'),
  { kind: 'annotation', id: 'below/n', event: 'made', from: null, to: null, patch: { value: 1 } },
  madeJob('referred', 'new', { proxy: 'p1' }),
  madeJob('refers', 'pending', { queue: '' }, [{ $job: 'referred' }]),
  madeJob('pulled', 'new', null),
];
