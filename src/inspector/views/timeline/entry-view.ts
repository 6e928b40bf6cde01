import type { Failure } from '../../../../machines/job.context.ts';
import type { Json } from '../../../../machines/json.ts';
import type { ScheduledJob } from '../../../../machines/schedule.context.ts';
import { Shown } from '../../../reading/shown.ts';
import type { Ways } from '../../../store/coded-fields.ts';
import type { HistoryEntry, Patch } from '../../../store/entry.ts';
import { fieldsInWays } from '../../../store/kinds.ts';
import type { StoreReader } from '../../../store/reader.ts';
import type { EntryView, JournalLine } from '../../protocol/timeline.ts';
import { changesOf, patched } from '../job/diff.ts';
import { jobHistory } from '../job/job-view.ts';
import { journalLine } from './journal-line.ts';
import { Subjects } from './subjects.ts';
import { entriesIn } from './walk.ts';

/** Entries of one commit that are listed, and read. */
const [mostListed, mostOfCommit] = [20, 1000];
/** Entries of one record that are read. */
const mostEntries = 10_000;

/** One entry: what it changed, and what was committed with it. */
export async function entryView(reader: StoreReader, seq: number): Promise<EntryView> {
  const [entry] = await entriesIn(reader, seq, seq + 1);
  if (entry === undefined) return missing(reader, seq);
  const subjects = new Subjects(reader, await Shown.of(reader));
  const { commit } = entry;
  const all = (await entriesIn(reader, commit, commit + mostOfCommit)).filter(
    (other) => other.commit === commit,
  );
  // The entry itself is among those that are listed.
  const start = Math.max(0, Math.min(all.length - mostListed, seq - commit - mostListed + 2));
  const listed: JournalLine[] = [];
  for (const other of all.slice(start, start + mostListed)) listed.push(await journalLine(other, subjects));
  return {
    line: await journalLine(entry, subjects),
    missing: null,
    charts: entry.mv === '' ? [] : entry.mv.split(','),
    rev: await revisionOf(reader, entry),
    ...(await changedBy(reader, subjects, entry)),
    commit: listed,
    more: all.length - listed.length,
  };
}

function missing(reader: StoreReader, seq: number): EntryView {
  const kept = reader.oldestSeq();
  const text = seq < kept ? `History begins at seq ${kept}.` : 'There is no entry of that number.';
  return { line: null, missing: text, charts: [], rev: null, changes: [], hidden: null, commit: [], more: 0 };
}

/** Each entry of a record raises its revision by one. */
async function revisionOf(reader: StoreReader, { kind, id, seq }: HistoryEntry): Promise<number | null> {
  const record = await reader.get(kind, id);
  if (record === undefined) return null;
  let later = 0;
  for await (const entry of reader.history(kind, id)) {
    if (entry.seq === seq) return record.rev - later;
    later += 1;
    if (later >= mostEntries) break;
  }
  return null;
}

type Changed = Pick<EntryView, 'changes' | 'hidden'>;

async function changedBy(reader: StoreReader, subjects: Subjects, entry: HistoryEntry): Promise<Changed> {
  if (entry.kind !== 'job') return settingChanged(reader, subjects, entry);
  const history = await jobHistory(reader, entry.id, entry.seq + 1);
  const line = history?.lines.at(-1);
  if (line?.seq === entry.seq) return { changes: line.changes, hidden: null };
  return { changes: [], hidden: 'the job is no longer kept, so what it hides is not known' };
}

/** What changed in a record that is no job: settings, and what is known of a process. */
async function settingChanged(
  reader: StoreReader,
  subjects: Subjects,
  entry: HistoryEntry,
): Promise<Changed> {
  const earlier: Patch[] = [];
  for await (const { seq, patch, gone } of reader.history(entry.kind, entry.id, entry.seq)) {
    if (gone && seq !== entry.seq) break;
    if (seq !== entry.seq && patch !== null) earlier.push(patch);
    if (earlier.length >= mostEntries) break;
  }
  let before: Readonly<Record<string, Json>> = {};
  for (const patch of earlier.reverse()) before = patched(before, patch);
  const [old, now] = [
    await settingShown(subjects, entry, before),
    await settingShown(subjects, entry, entry.patch ?? {}),
  ];
  return { changes: changesOf(old, now, 'redacted'), hidden: null };
}

const hiding: Ways = {
  value: () => '[redacted]',
  outcome: (outcome) => outcome,
  failure: ({ name, code }) => ({ name, code, message: '', stack: '', cause: null, extra: {} }),
};

async function settingShown(subjects: Subjects, entry: HistoryEntry, patch: Patch): Promise<Patch> {
  const { kind } = entry;
  // What machines hide is not known: nothing of what a program gave is shown.
  if (kind === 'actor' || kind === 'message') return fieldsInWays(kind, patch, hiding) as Patch;
  const safe: Record<string, Json> = { ...patch };
  if (kind === 'annotation' && 'value' in patch) {
    const shown = await subjects.safe(await subjects.of(entry));
    safe.value = shown === null ? '[redacted]' : shown.annotation(patch.value ?? null);
  }
  if (kind === 'schedule' && patch.job != null)
    safe.job = subjects.scheduled(patch.job as unknown as ScheduledJob) as unknown as Json;
  if (kind === 'agent' && patch.failure != null) {
    const { name, code } = patch.failure as unknown as Failure;
    safe.failure = { name, code };
  }
  if (kind === 'store' && 'codec' in patch) safe.codec = '[redacted]';
  return safe;
}
