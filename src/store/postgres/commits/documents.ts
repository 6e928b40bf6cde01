import type { JobRecord } from '../../../model/records/records.ts';
import type { Kind, Records } from '../../entry.ts';
import { parentKey, type StoredJob } from '../jobs/stored-job.ts';

/** Placeholders for the seqs of entries until the number of their commit is known: above all real ones, so that they order alike. */
export const provisional = 2 ** 52;
/** A document with more patches is written whole by the next change. */
export const mostPatches = 16;

/** A record that was changed. */
export interface Touched {
  readonly kind: Kind;
  readonly id: string;
  /** Its patches as JSON, with commas between; null: it was removed, so they do not lead from what there was. */
  texts: string | null;
  count: number;
  /** The group of the journal that has its newest entry. */
  group: number;
}

/** Gives the number of an entry by its placeholder. */
export type NumberOf = (seq: number) => number;

/** The document of a job that is made. `isGiven`: it is given a callback, or another job waits for it. */
export function newDoc(
  job: JobRecord,
  { texts, count }: Touched,
  isGiven: boolean,
  numberOf: NumberOf,
): string {
  if (count !== 1 || texts?.startsWith('{"') !== true) return wholeDoc(job, isGiven, numberOf);
  return `{"state":"${job.state}"${isGiven ? `,"${parentKey}":true` : ''},${texts.slice(1)}`;
}

/** The document of a job, with all that it has. */
export function wholeDoc(job: JobRecord, isParent: boolean, numberOf: NumberOf): string {
  const { id: _id, lastSeq: _lastSeq, ...fields } = { ...job, ...distancesOf(job, numberOf) };
  return JSON.stringify(isParent ? { ...fields, [parentKey]: true } : fields);
}

/** The patches that lead from what is in a document to what is so now. `isDoc`: they become part of it, whose newest entry changes. */
export function patchOf(
  { since }: StoredJob,
  after: JobRecord,
  { texts }: Touched,
  isDoc: boolean,
  numberOf: NumberOf,
): string {
  if (texts === null) return wholeDoc(after, false, numberOf);
  const { state, rev } = after;
  const numbers = isDoc || after.line !== null ? distancesOf(after, numberOf) : null;
  const fields = numbers === null ? {} : isDoc ? numbers : { position: numbers.position };
  return listed(listed(since, texts), JSON.stringify({ state, rev, ...fields }));
}

/** Patches one after the other. */
export function listed(before: string, after: string): string {
  return before === '' || after === '' ? before + after : `${before},${after}`;
}

/** The numbers of a job that are of this commit, as distances from its newest entry, which is one of this commit. */
function distancesOf(
  { lastSeq, createdSeq, position }: JobRecord,
  numberOf: NumberOf,
): Pick<JobRecord, 'createdSeq' | 'position'> {
  const newest = numberOf(lastSeq);
  const distance = (seq: number): number => (seq >= provisional ? numberOf(seq) - newest : seq);
  return { createdSeq: distance(createdSeq), position: distance(position) };
}

/** A record of another kind: its newest entry as a number of this commit, others as distances from it. */
export function numberedRecord(record: Records[Kind], numberOf: NumberOf): Records[Kind] {
  const lastSeq = numberOf(record.lastSeq);
  const distance = (seq: number): number => (seq >= provisional ? numberOf(seq) - lastSeq : seq);
  return 'createdSeq' in record
    ? { ...record, lastSeq, createdSeq: distance(record.createdSeq) }
    : { ...record, lastSeq };
}
