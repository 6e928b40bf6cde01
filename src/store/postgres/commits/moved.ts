import type { JobRecord } from '../../../model/records/records.ts';
import type { Tables } from '../../rules/tables.ts';
import { type Lane, type LanePut, type Lanes, laneKeyOf } from '../jobs/lanes.ts';
import { type Home, placeIn, type StoredJob } from '../jobs/stored-job.ts';
import type { Fields } from './beliefs.ts';
import { type NumberOf, provisional } from './documents.ts';

/** A job that a commit changes: how it was, how it is then, and where it belongs. */
export interface Moved {
  readonly id: string;
  readonly before: StoredJob | undefined;
  readonly after: JobRecord | undefined;
  /** Null for one that is removed. */
  readonly place: Home['in'] | null;
  /** Where it waits; null for one that does not. */
  readonly lane: Lane | null;
}

/** What becomes of a job. `now`: by which it is judged what is due. */
export function movedJob(
  id: string,
  before: StoredJob | undefined,
  tables: Tables,
  { lanes, now }: { readonly lanes: Lanes; readonly now: number },
): Moved {
  const after = tables.findJob(id);
  if (after === undefined) return { id, before, after, place: null, lane: null };
  const belongs = placeIn(after, now);
  // One that waits for its instant waits until it is woken, though the instant may have come.
  const waited = before?.home.in === 'due' && before.record.position === after.position;
  const place = belongs === 'ready' && waited ? 'due' : belongs;
  if (place !== 'ready' && place !== 'due') return { id, before, after, place, lane: null };
  const { queue } = after.parent as { readonly queue: string };
  return { id, before, after, place, lane: lanes.in(queue, laneKeyOf(after)) };
}

/** Lanes that jobs enter and that have no number yet. */
export function missingLanes(moved: readonly Moved[]): readonly Lane[] {
  const missing = new Set<Lane>();
  for (const { lane } of moved) if (lane !== null && lane.number === null) missing.add(lane);
  return [...missing];
}

/** Whether a job takes a slot of a quota. */
export function entersQuotas(moved: readonly Moved[]): boolean {
  return moved.some(({ before, after }) => {
    const had = before?.record.quotas ?? [];
    return after !== undefined && after.quotas !== had && after.quotas.some((quota) => !had.includes(quota));
  });
}

/** Whether a job is put back into a queue: before all that waits there. */
export function putsBackIn(queue: string, moved: readonly Moved[]): boolean {
  return moved.some(
    ({ before, after, lane }) =>
      lane?.queue === queue && after?.line === 'putBack' && after.position !== before?.record.position,
  );
}

/**
 * The first of the jobs in each lane, and of those that are not due the one that is due first. `end`: the seq behind the commit;
 * `seqOf`: the real seq of a record.
 */
export function putsIn(
  moved: readonly Moved[],
  end: number,
  seqOf: (job: JobRecord) => number,
): readonly LanePut[] {
  const puts = new Map<number, LanePut>();
  const due = new Map<number, LanePut>();
  for (const { after, place, lane: waits } of moved) {
    if (after === undefined || waits === null) continue;
    const { queue } = waits;
    const lane = waits.number ?? 0;
    const isPutBack = after.line === 'putBack';
    const at = after.beginAfter ?? 0;
    if (place === 'ready' ? puts.has(lane) : at >= (due.get(lane)?.due ?? Number.POSITIVE_INFINITY)) continue;
    const put = { queue, lane, turn: 2 * seqOf(after), end: 2 * end, isPutBack };
    if (place === 'ready') puts.set(lane, { ...put, due: null });
    else due.set(lane, { ...put, due: at });
  }
  return [...puts.values(), ...due.values()];
}

/** Queues in which work is put, or room made for some. */
export function queuesIn(moved: readonly Moved[]): Set<string> {
  const queues = new Set<string>();
  for (const { before, after } of moved) {
    for (const quota of before?.record.quotas ?? [])
      if (after?.quotas.includes(quota) !== true) queues.add(quota.slice(0, quota.indexOf('/')));
    const parent = after?.parent ?? null;
    if (parent !== null && 'queue' in parent && !('agent' in parent)) queues.add(parent.queue);
  }
  return queues;
}

/** Jobs whose code is asked to stop from outside its process: a time limit is that process's own. */
export function stopsIn(moved: readonly Moved[]): Set<string> {
  const stops = new Set<string>();
  for (const { id, before, after } of moved)
    if (after?.state === 'active.cancelling' && before?.record.state !== after.state) stops.add(id);
  return stops;
}

/** A tag of a job, and the entry that made the job: its seq, or its number in this commit. */
type Tag = readonly [tag: string, id: string, seq: number | null, entry: number | null];

/** The changes of the rows that list jobs by their tags: none where no job has any. `numberOf`: of an entry of this commit, by its placeholder. */
export function tagChanges(moved: readonly Moved[], numberOf: NumberOf): readonly Fields[] {
  const [dropped, added]: [Tag[], Tag[]] = [[], []];
  for (const { before, after } of moved) {
    const old = before?.record;
    if (old?.tags == null && after?.tags == null) continue;
    const isSame = old?.createdSeq === after?.createdSeq;
    dropped.push(...tagsOf(old, isSame ? after : undefined, numberOf));
    added.push(...tagsOf(after, isSame ? old : undefined, numberOf));
  }
  const changes: Fields[] = [];
  if (dropped.length > 0) changes.push({ is: 'tag', id: '-', gone: true, jobs: dropped });
  if (added.length > 0) changes.push({ is: 'tag', id: '', jobs: added });
  return changes;
}

/** The tags of a job that another form of it has not. */
function tagsOf(job: JobRecord | undefined, other: JobRecord | undefined, numberOf: NumberOf): Tag[] {
  if (job?.tags == null) return [];
  const { id, createdSeq } = job;
  const made =
    createdSeq >= provisional ? ([null, numberOf(createdSeq)] as const) : ([createdSeq, null] as const);
  const names = [...new Set(job.tags)].filter((tag) => other?.tags?.includes(tag) !== true);
  return names.map((tag) => [tag, id, ...made]);
}
