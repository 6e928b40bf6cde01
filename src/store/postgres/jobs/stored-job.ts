import { wholeJob } from '../../../model/jobs/copy-job.ts';
import { isReadable, newJobRecord } from '../../../model/jobs/step.ts';
import { inPresentShape } from '../../../model/records/earlier-shape.ts';
import type { JobRecord } from '../../../model/records/records.ts';
import type { Patch } from '../../entry.ts';
import { changed, SharedValues } from '../../rules/changes/record-change.ts';
import type { Change } from '../../store.ts';
import type { Rows } from '../sql-port.ts';

/** Numbers of entries within one commit: an entry has seq `c * entriesOfCommit + i`. */
export const entriesOfCommit = 4096;

/** Where a job stands in the tables: the row that is locked before the job is changed. */
export type Home =
  /** In a run of a lane; `turn`: where it waits. */
  | { readonly in: 'ready'; readonly lane: number; readonly line: number; readonly turn: number }
  | { readonly in: 'due'; readonly at: number; readonly lane: number }
  | { readonly in: 'lease'; readonly token: number; readonly lane: number }
  | { readonly in: 'aside' }
  | { readonly in: 'done'; readonly seq: number; readonly lane: number | null };

/** A job as the tables have it. */
export interface StoredJob {
  readonly record: JobRecord;
  /** What was set since its document was written, and stands in another row: patches as JSON, with commas between. */
  readonly since: string;
  /** How often its row was written. */
  readonly rev: number;
  readonly home: Home;
  /** How many patches its document has. */
  readonly patches: number;
  /** It was given a callback at some time, or another job has waited for it. */
  readonly isParent: boolean;
}

/** A key of a document that no record has: the job was given a callback, or another one has waited for it. */
export const parentKey = '$parent';

type Fields = Record<string, unknown>;

const shared = new SharedValues();
const blank = newJobRecord('', { name: '' });

/** A record from the patches of a document, of which those of the newest may be relative to its newest entry. */
function recordOf(id: string, fields: Fields, seq: number): JobRecord {
  const { line, position, createdSeq } = fields as Partial<JobRecord>;
  fields.id = id;
  fields.rev ??= 1;
  fields.lastSeq = seq;
  if (createdSeq === undefined || createdSeq <= 0) fields.createdSeq = seq + (createdSeq ?? 0);
  if (line == null) fields.position = 0;
  else if (position === undefined || position <= 0) fields.position = seq + (position ?? 0);
  const job = wholeJob(fields, blank);
  if (fields.unsound !== undefined) job.unsound = fields.unsound;
  shared.share(job);
  return job as unknown as JobRecord;
}

/** The record that a document makes. */
export function writtenRecord(id: string, seq: number, patches: readonly Fields[]): JobRecord {
  const fields: Fields = {};
  for (const patch of patches) Object.assign(fields, patch);
  delete fields[parentKey];
  return recordOf(id, fields, seq);
}

/** Whether a document says that the job was given a callback. */
export function saysParent(patches: readonly Fields[]): boolean {
  return patches.some((patch) => patch[parentKey] === true);
}

/** The record after the changes that a claim made of each job that it took. */
export function claimedRecord(written: JobRecord, claim: readonly Change[], seq: number): JobRecord {
  let record = written;
  for (const [index, change] of claim.entries())
    record = changed({ ...change, id: written.id }, record, seq + index, shared, index > 0) as JobRecord;
  return record;
}

/** The changes of a claim for a job that enters keys: the first of them says which. */
export function withSlots(claim: readonly Change[], slots: readonly string[] = []): readonly Change[] {
  const [first, ...others] = claim;
  if (slots.length === 0 || first === undefined) return claim;
  return [{ ...first, patch: { ...first.patch, quotas: slots } }, ...others];
}

/** Patches of jobs from their text: JSON with commas between. */
function patchesIn(texts: unknown): Fields[] {
  return (JSON.parse(`[${String(texts)}]`) as Fields[]).map((patch) => inPresentShape('job', patch, false));
}

/** The changes of a claim from their text. */
export function claimIn(text: unknown): readonly Change[] {
  const changes = JSON.parse(String(text)) as Change[];
  return changes.map((change) => ({ ...change, patch: inPresentShape('job', change.patch as Patch, true) }));
}

/** What the changes of a claim set, as JSON. */
export function patchesOf(claim: readonly Change[]): string {
  return JSON.stringify(Object.assign({}, ...claim.map(({ patch }) => patch)));
}

/** The records of rows of `read`. Null for a job that was on its way from one place to another: look again. */
export function storedJobOf(row: Rows[number]): StoredJob | null {
  const id = String(row.id);
  const patches = patchesIn(row.doc);
  const written = writtenRecord(id, Number(row.seq), patches);
  const home = homeOf(row);
  if (home === null) return null;
  const base = {
    since: '',
    rev: Number(row.rev),
    home,
    patches: patches.length,
    isParent: saysParent(patches),
  };
  const patched = (since: string, seq: number): StoredJob => {
    const fields = Object.assign({ ...written }, ...patchesIn(since));
    return { ...base, record: recordOf(id, fields, seq), since };
  };
  if (home.in === 'done') return patched(String(row.patch), home.seq);
  const heldSeq = Number(row.held_seq);
  // A job that was changed since it is held has all in its document.
  if (home.in !== 'lease' || heldSeq <= written.lastSeq) return { ...base, record: written };
  if (row.claim !== null) {
    const own = row.own == null ? {} : (JSON.parse(String(row.own)) as Partial<JobRecord>);
    const claim = withSlots(claimIn(row.claim), own.quotas);
    return { ...base, record: claimedRecord(written, claim, heldSeq), since: patchesOf(claim) };
  }
  if (row.own != null) return patched(String(row.own), heldSeq);
  return { ...base, record: written };
}

function homeOf(row: Rows[number]): Home | null {
  const lane = row.lane === null ? null : Number(row.lane);
  switch (row.place) {
    case 'ready':
      return { in: 'ready', lane: lane ?? 0, line: Number(row.line), turn: Number(row.turn) };
    case 'due':
      return { in: 'due', at: Number(row.due_at), lane: lane ?? 0 };
    case 'lease':
      return { in: 'lease', token: Number(row.token), lane: lane ?? 0 };
    case 'aside':
      return { in: 'aside' };
    case 'done':
      return { in: 'done', seq: Number(row.done_seq), lane };
    default:
      return null;
  }
}

/** What is kept of the state of a job that stands aside. One that this version cannot read has to be found by it, too. */
export function asideState(job: JobRecord): string {
  return isReadable(job) ? job.state : `quarantined ${job.state}`;
}

/** The kind of place in which a record belongs. `now`: whether it is due. */
export function placeIn(job: JobRecord, now: number): Home['in'] {
  const { parent, state } = job;
  const isHeld = parent !== null && 'agent' in parent;
  const waits = parent !== null && 'queue' in parent && !isHeld;
  if (!isReadable(job)) return 'aside';
  if (state === 'completed' && !waits && (!isHeld || job.callbacksEnd !== null)) return 'done';
  if (isHeld) return 'lease';
  if (!waits) return 'aside';
  return job.line === 'held' && (job.beginAfter ?? 0) > now ? 'due' : 'ready';
}
