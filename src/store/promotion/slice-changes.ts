import type { Json } from '../../../machines/json.ts';
import { newJobRecord } from '../../model/jobs/step.ts';
import type {
  AnnotationRecord,
  ChosenJobs,
  JobRecord,
  ProxyRecord,
  StoreRecord,
} from '../../model/records/records.ts';
import type { Kind, Patch } from '../entry.ts';
import type { Change, Expectation } from '../store.ts';
import type { JobTree } from './job-tree.ts';

/** What the store writes itself, and what a job that waits has not. */
const ownKeys: ReadonlySet<string> = new Set(['id', 'v', 'rev', 'lastSeq', 'createdSeq', 'state', 'quotas']);
/** Where it stands, which is the matter of the store that it stands in. */
const placeKeys: ReadonlySet<string> = new Set(['parent', 'order', 'lane']);
const blank = newJobRecord('', { name: '' }) as unknown as Readonly<Record<string, unknown>>;

/** The changes that make a tree in another store, without what has arrived there. */
export function arrivalOf(
  { root, jobs, proxies, annotations }: JobTree,
  queue: string,
  line: ChosenJobs['jobs'][number][1],
  arrived: ReadonlyMap<string, number>,
): readonly Change[] {
  const put = (job: JobRecord): Change => ({
    kind: 'job',
    id: job.id,
    event: 'job.put',
    from: 'new',
    to: 'pending',
    patch: { ...contentOf(job), parent: { queue }, order: [line, 0] },
  });
  const add = (job: JobRecord): Change => ({
    kind: 'job',
    id: job.id,
    event: 'callback.add',
    from: null,
    to: 'new',
    patch: { ...contentOf(job), order: ['callback', 0] },
  });
  const addProxy = ({ id, rev, lastSeq, v, ...patch }: ProxyRecord): Change =>
    change('proxy', id, 'callback.add', { ...patch, order: ['callback', 0] } as unknown as Patch);
  const below = [
    ...jobs.filter((job) => job.id !== root.id).map((job) => [job, add(job)] as const),
    ...proxies.map((proxy) => [proxy, addProxy(proxy)] as const),
  ];
  // They get their places anew, in the order of these changes: callbacks of both kinds are called in the order of before.
  below.sort(([one], [other]) => keyOf(one) - keyOf(other));
  const changes: Change[] = [put(root), ...below.map(([, each]) => each), ...annotations.map(annotationOf)];
  return changes.filter(({ kind, id }) => !arrived.has(`${kind}/${id}`));
}

/** Every record of a tree as `<kind>/<id>`, with its revision. */
export function revisionsOf(tree: JobTree): readonly (readonly [subject: string, rev: number])[] {
  return recordsOf(tree).map(([kind, { id, rev }]) => [`${kind}/${id}`, rev] as const);
}

/** The change that brings a job that has arrived to what it is in the source now; its place stays unless its hour has changed. */
export function correctionOf(job: JobRecord, arrived: JobRecord): Change {
  const { id, state, order, beginAfter } = arrived;
  const patch = Object.fromEntries(
    Object.entries(job).filter(([key]) => !ownKeys.has(key) && !placeKeys.has(key)),
  ) as Record<string, Json>;
  if (order !== null && job.beginAfter !== beginAfter) patch.order = [order[0], 0];
  return { kind: 'job', id, event: 'slice.changed', from: state, to: state, patch };
}

/** The change of an annotation that has arrived. */
export function annotationOf({ id, value }: AnnotationRecord): Change {
  return change('annotation', id, 'annotation.set', { value });
}

/** The records of a tree, children first. */
function recordsOf({ jobs, proxies, annotations }: JobTree) {
  return [
    ...annotations.map((record) => ['annotation', record] as const),
    ...proxies.map((record) => ['proxy', record] as const),
    ...jobs.map((record) => ['job', record] as const),
  ];
}

/** The changes that drop a tree, and what has to hold: nothing was added to it since it was read. */
export function departureOf(tree: JobTree): {
  readonly changes: readonly Change[];
  readonly expect: readonly Expectation[];
} {
  const { jobs, annotations, callbackCounts } = tree;
  const records = recordsOf(tree);
  const annotationsOf = (id: string): number =>
    annotations.filter((annotation) => annotation.id.startsWith(`${id}/`)).length;
  return {
    changes: records.map(([kind, { id }]) => ({ ...change(kind, id, 'slice.moved', null), gone: true })),
    expect: [
      ...records.map(([kind, { id, rev }]): Expectation => ({ what: 'rev', kind, id, rev })),
      ...jobs.flatMap(({ id }): readonly Expectation[] => [
        { what: 'atMost', of: 'callbacks', id, most: callbackCounts.get(id) ?? 0 },
        { what: 'atMost', of: 'annotations', id, most: annotationsOf(id) },
      ]),
    ],
  };
}

/**
 * The changes that take out of the target again what has arrived of a tree and the source does not give any more.
 * @param there - what stands in the target.
 * @param given - subjects that are still on their way; null: the whole tree stays in the source.
 */
export function withdrawalOf(
  there: JobTree,
  given: ReadonlySet<string> | null,
  arrived: ReadonlyMap<string, number>,
): readonly Change[] {
  const isWithdrawn = (subject: string): boolean =>
    given === null || (arrived.has(subject) && !given.has(subject));
  return recordsOf(there)
    .filter(([kind, { id }]) => isWithdrawn(`${kind}/${id}`))
    .map(([kind, { id }]) => ({ ...change(kind, id, 'slice.withdrawn', null), gone: true }));
}

/** The change of the record of a store that keeps a slice. */
export function sliceChange(event: string, slices: NonNullable<StoreRecord['slices']>): Change {
  return change('store', 'store', event, { slices: slices as unknown as Json });
}

/** A change of a record without a state. */
export function change(kind: Kind, id: string, event: string, patch: Patch | null): Change {
  return { kind, id, event, from: null, to: null, patch };
}

function keyOf({ order }: JobRecord | ProxyRecord): number {
  return order?.[1] ?? 0;
}

/** What a job says besides what every new one does. */
function contentOf(job: JobRecord): Record<string, Json> {
  const said: Record<string, Json> = {};
  for (const [key, value] of Object.entries(job)) {
    if (!ownKeys.has(key) && JSON.stringify(value) !== JSON.stringify(blank[key])) said[key] = value as Json;
  }
  return said;
}
