import { SignalboxError } from '../../errors.ts';
import { stepJob } from '../../model/jobs/step.ts';
import type { ChosenJobs, JobRecord, SliceRecord } from '../../model/records/records.ts';
import { isSystemName } from '../../model/records/system-names.ts';
import { referredJobs } from '../../model/values/values.ts';
import type { Change, Expectation, OpenStore } from '../store.ts';
import { type JobTree, sizeOf, standsAlone, treeOf } from './job-tree.ts';
import {
  annotationOf,
  arrivalOf,
  change,
  correctionOf,
  departureOf,
  revisionsOf,
  sliceChange,
  withdrawalOf,
} from './slice-changes.ts';

/** So many bytes of jobs, about, are enough for one commit: a line of a journal has to fit into one text to be read again. */
const mostBytes = 16 * 1024 * 1024;

/** How far the moving of a slice has come. */
export type SliceStep = 'opened' | 'chosen' | 'pulled' | 'arrived' | 'dropped' | 'finished';

/** Which jobs go where. */
export interface SliceRequest {
  readonly from: OpenStore;
  /** Nobody else has it open. */
  readonly to: OpenStore;
  readonly queue: string;
  /** Where `from` is, in words and without a password: only that finishes what was begun. */
  readonly source: string;
  /** How many jobs the slice has in all. */
  readonly limit: number;
  /** A name that is used once: a slice of this name that is done stays as it is. */
  readonly name: string;
  /** How many are moved at a time. */
  readonly atOnce: number;
  readonly newId: () => string;
  /** Told of each step once it is done; waited for. */
  readonly reached: (step: SliceStep) => void | Promise<void>;
}

/** What became of a slice. */
export interface Slice {
  readonly id: string;
  readonly moved: number;
  /** Jobs that would have been in turn and stayed, since they are tied to others. */
  readonly tied: number;
  /** True when it had been done before. */
  readonly wasDone: boolean;
}

/**
 * Moves jobs that wait, the first of a queue, to a store that one process has. For some of them at a time:
 *
 * 1. The target notes which. 2. The source pulls them, in one commit: they are NEW, and nobody can claim them anywhere.
 * 3. The target puts them, in the commit in which it notes that they have arrived. 4. The source drops them.
 *
 * The note says after any crash which of these was the last; the same call goes on from there. Before 3 a job is in the
 * source alone, from 3 on only the target can claim it.
 */
export async function moveSlice(request: SliceRequest): Promise<Slice> {
  return new Slicing(request).run();
}

/** What the source has of chosen jobs: those that are on their way, and those that are not any more. */
interface Left {
  readonly trees: readonly JobTree[];
  readonly staying: readonly string[];
}

/** @throws SignalboxError `QUEUE_NOT_FOUND`. */
export async function mustHaveQueue(store: OpenStore, name: string): Promise<void> {
  if ((await store.get('queue', name)) !== undefined) return;
  const known = (await store.list('queue', '')).map(({ id }) => id);
  throw new SignalboxError('QUEUE_NOT_FOUND', { name, known });
}

class Slicing {
  readonly #request: SliceRequest;
  readonly #key: string;
  #tied = 0;

  constructor(request: SliceRequest) {
    this.#request = request;
    this.#key = `${request.queue}/${request.name}`;
  }

  async run(): Promise<Slice> {
    const { newId, source, queue, name, limit, reached } = this.#request;
    const known = (await this.#slices())[this.#key];
    if (known !== undefined && known.source !== source)
      throw new SignalboxError('SLICE_ELSEWHERE', { queue, name, from: known.source, found: source });
    await this.#mustFit();
    let slice: SliceRecord = known ?? { id: newId(), source, moved: 0, isDone: false, chosen: null };
    const wasDone = slice.isDone;
    while (!slice.isDone) {
      if (slice.chosen === null || !(await this.#isPulled(slice))) slice = await this.#pull(slice);
      const { chosen } = slice;
      if (chosen !== null) slice = await this.#hand(slice, chosen);
      const moved = slice.moved + arrivedIn(slice.chosen);
      slice = { ...slice, moved, chosen: null, isDone: chosen === null || moved >= limit };
      await this.#note('slice.dropped', slice);
    }
    await reached('finished');
    return { id: slice.id, moved: slice.moved, tied: this.#tied, wasDone };
  }

  /** The queue is there, and both stores encode what programs gave in the same way. */
  async #mustFit(): Promise<void> {
    const { from, to, queue, reached } = this.#request;
    await mustHaveQueue(from, queue);
    const [theirs, ours] = [await from.get('store', 'store'), await to.get('store', 'store')];
    const isFresh = ours?.codec === undefined && (await to.list('queue', '')).length === 0;
    const changes: Change[] = [];
    if (isFresh && theirs?.codec !== undefined)
      changes.push(change('store', 'store', 'codec.set', { codec: theirs.codec }));
    else if (JSON.stringify(theirs?.codec) !== JSON.stringify(ours?.codec))
      throw new SignalboxError('CODEC_MISMATCH', { store: from.name, actual: 'a target with another one' });
    if ((await to.get('queue', queue)) === undefined)
      changes.push(change('queue', queue, 'queue.created', { createdAt: to.now() }));
    if (changes.length > 0) await to.commit({ by: 'slice', changes, expect: [] }).synced;
    await reached('opened');
  }

  /** All of them were pulled in one commit; since then any of them may have been failed, or put again. */
  async #isPulled({ id, chosen }: SliceRecord): Promise<boolean> {
    if (chosen === null || chosen.arrived.length > 0) return chosen !== null;
    for (const [job] of chosen.jobs)
      if (systemOf(await this.#request.from.get('job', job)) === placeOf(id)) return true;
    return false;
  }

  /** Chooses jobs, notes them, and pulls them. Chosen is null when there is none. */
  async #pull(slice: SliceRecord): Promise<SliceRecord> {
    const { limit, atOnce, reached } = this.#request;
    // Those of the note come first: the pull of an earlier call may still be under way, and theirs waits for its end.
    for (let { chosen } = slice; ; chosen = null) {
      const trees = await this.#choose(chosen?.jobs.length ?? Math.min(atOnce, limit - slice.moved), chosen);
      if (chosen === null) {
        if (trees.length === 0) return { ...slice, chosen };
        chosen = { jobs: trees.map(({ root }) => [root.id, lineOf(root)] as const), arrived: [] };
        await this.#note('slice.chosen', { ...slice, chosen });
        await reached('chosen');
      }
      const next: SliceRecord = { ...slice, chosen };
      if ((await this.#takeOut(slice.id, trees)) || (await this.#isPulled(next))) {
        await reached('pulled');
        return next;
      }
    }
  }

  /** Pulls jobs in the source. False: none were, since somebody has claimed one of them meanwhile. */
  async #takeOut(id: string, trees: readonly JobTree[]): Promise<boolean> {
    if (trees.length === 0) return false;
    const changes = trees.map(({ root }) => stepJob(root, { type: 'job.pull', system: placeOf(id) }));
    const expect = trees.map(
      ({ root }): Expectation => ({ what: 'rev', kind: 'job', id: root.id, rev: root.rev }),
    );
    try {
      await this.#request.from.commit({ by: 'slice', changes: changes.map(plain), expect }).synced;
      return true;
    } catch (error) {
      if (!isConflict(error)) throw error;
      return false;
    }
  }

  /** The first jobs of the queue that can be moved alone, or those among these. */
  async #choose(count: number, among: ChosenJobs | null): Promise<readonly JobTree[]> {
    const { from, to, queue } = this.#request;
    const waiting = await from.waiting(queue);
    const referred = new Set(waiting.flatMap((job) => job.args.flatMap(referredJobs)));
    const ids = among === null ? null : new Set(among.jobs.map(([id]) => id));
    const trees: JobTree[] = [];
    let bytes = 0;
    this.#tied = 0;
    for (const job of waiting) {
      if (trees.length >= count || bytes >= mostBytes) break;
      if (ids?.has(job.id) === false) continue;
      const tree = isSystemName(job.name) || referred.has(job.id) ? null : await treeOf(from, job);
      const isFree =
        tree !== null && (await standsAlone(from, tree)) && (await to.get('job', job.id)) === undefined;
      if (isFree) {
        trees.push(tree);
        bytes += sizeOf(tree);
      } else this.#tied += 1;
    }
    return trees;
  }

  /** Puts in the target what has not arrived there, then drops it in the source; again for what was changed meanwhile. */
  async #hand(slice: SliceRecord, chosen: ChosenJobs): Promise<SliceRecord> {
    const { from, reached } = this.#request;
    for (let now = chosen; ; ) {
      const left = await this.#left(slice.id, chosen);
      const arrived = await this.#deliver(slice, now, left);
      now = { ...now, arrived };
      await reached('arrived');
      if (left.trees.length === 0) return { ...slice, chosen: now };
      const departures = left.trees.map(departureOf);
      try {
        await from.commit({
          by: 'slice',
          changes: departures.flatMap(({ changes }) => changes),
          expect: departures.flatMap(({ expect }) => expect),
        }).synced;
        await reached('dropped');
        return { ...slice, chosen: now };
      } catch (error) {
        if (!isConflict(error)) throw error;
      }
    }
  }

  /** What the source still has of the chosen jobs. One that was failed or put there on its way stays. */
  async #left(id: string, { jobs }: ChosenJobs): Promise<Left> {
    const left: { trees: JobTree[]; staying: string[] } = { trees: [], staying: [] };
    for (const [job] of jobs) {
      const root = await this.#request.from.get('job', job);
      if (root?.state === 'new' && systemOf(root) === placeOf(id))
        left.trees.push(await treeOf(this.#request.from, root));
      else if (root !== undefined) left.staying.push(job);
    }
    return left;
  }

  async #deliver(slice: SliceRecord, chosen: ChosenJobs, left: Left): Promise<ChosenJobs['arrived']> {
    const { trees } = left;
    const known = new Map(chosen.arrived);
    const lines = new Map(chosen.jobs);
    const { queue } = this.#request;
    const withdrawn = await this.#withdrawals(left, known);
    for (const { kind, id } of withdrawn) known.delete(`${kind}/${id}`);
    const made = trees.flatMap((tree) => arrivalOf(tree, queue, lines.get(tree.root.id) ?? 'now', known));
    const corrected = await this.#corrections(trees, known);
    if (withdrawn.length + made.length + corrected.length === 0) return chosen.arrived;
    const arrived = [...new Map([...known, ...trees.flatMap(revisionsOf)])];
    const quotas = await this.#missingQuotas(trees);
    const expect = made
      .filter(({ kind }) => kind === 'job')
      .map(({ id }): Expectation => ({ what: 'rev', kind: 'job', id, rev: 0 }));
    const changes = [...withdrawn, ...quotas, ...made, ...corrected];
    await this.#note('slice.arrived', { ...slice, chosen: { ...chosen, arrived } }, changes, expect);
    return arrived;
  }

  /** What has arrived and was taken away in the source since, unless the job has begun here meanwhile: then it was too late. */
  async #withdrawals(
    { trees, staying }: Left,
    known: ReadonlyMap<string, number>,
  ): Promise<readonly Change[]> {
    const { to } = this.#request;
    const given = new Set(trees.flatMap(revisionsOf).map(([subject]) => subject));
    const changes: Change[] = [];
    for (const id of [...trees.map(({ root }) => root.id), ...staying]) {
      const there = known.has(`job/${id}`) ? await to.get('job', id) : undefined;
      if (there?.state === 'pending')
        changes.push(...withdrawalOf(await treeOf(to, there), given.has(`job/${id}`) ? given : null, known));
    }
    return changes;
  }

  /** What was changed in the source after it had arrived, unless the job has begun here meanwhile: then it was too late. */
  async #corrections(
    trees: readonly JobTree[],
    known: ReadonlyMap<string, number>,
  ): Promise<readonly Change[]> {
    const { to } = this.#request;
    const isChanged = (kind: 'job' | 'annotation', { id, rev }: { id: string; rev: number }): boolean =>
      (known.get(`${kind}/${id}`) ?? rev) !== rev;
    const changes: Change[] = [];
    for (const { root, jobs, annotations } of trees) {
      for (const job of jobs.filter((each) => isChanged('job', each))) {
        const arrived = await to.get('job', job.id);
        if (arrived?.state === (job === root ? 'pending' : 'new')) changes.push(correctionOf(job, arrived));
      }
      changes.push(...annotations.filter((each) => isChanged('annotation', each)).map(annotationOf));
    }
    return changes;
  }

  /** Quotas that the jobs name and the target has not, as large as in the source. */
  async #missingQuotas(trees: readonly JobTree[]): Promise<readonly Change[]> {
    const { from, to, queue } = this.#request;
    const names = new Set(trees.flatMap(({ root }) => root.quotaNames));
    const changes: Change[] = [];
    for (const name of names) {
      const id = `${queue}/${name}`;
      const quota = await from.get('quota', id);
      if (quota !== undefined && (await to.get('quota', id)) === undefined)
        changes.push(change('quota', id, 'quota.created', { size: quota.size }));
    }
    return changes;
  }

  async #slices(): Promise<Readonly<Record<string, SliceRecord>>> {
    return (await this.#request.to.get('store', 'store'))?.slices ?? {};
  }

  /** One commit of the target: the note, and what belongs to it. */
  async #note(
    event: string,
    slice: SliceRecord,
    changes: readonly Change[] = [],
    expect: readonly Expectation[] = [],
  ): Promise<void> {
    const slices = { ...(await this.#slices()), [this.#key]: slice };
    await this.#request.to.commit({ by: 'slice', changes: [...changes, sliceChange(event, slices)], expect })
      .synced;
  }
}

/** How many of the chosen jobs have arrived. */
function arrivedIn(chosen: ChosenJobs | null): number {
  const arrived = new Map(chosen?.arrived);
  return (chosen?.jobs ?? []).filter(([id]) => arrived.has(`job/${id}`)).length;
}

/** Where a job stands that is on its way. */
function placeOf(id: string): string {
  return `slice-${id}`;
}

function systemOf(job: JobRecord | undefined): string | null {
  return job?.parent != null && 'system' in job.parent ? job.parent.system : null;
}

function lineOf({ order }: JobRecord): ChosenJobs['jobs'][number][1] {
  const line = order?.[0];
  return line === 'held' || line === 'putBack' ? line : 'now';
}

function plain({ kind, id, event, from, to, patch }: ReturnType<typeof stepJob>): Change {
  return { kind, id, event, from, to, patch };
}

function isConflict(error: unknown): boolean {
  return error instanceof SignalboxError && ['CONFLICT', 'TOO_MANY', 'BAD_STATUS'].includes(error.code);
}
