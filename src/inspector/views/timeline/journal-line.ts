import type { Ending, FailedAttempt, Failure, Outcome } from '../../../../machines/job.context.ts';
import type { Json } from '../../../../machines/json.ts';
import type { LastAction, ScheduleRecord } from '../../../model/records/records.ts';
import type { ShownJob } from '../../../reading/shown.ts';
import type { HistoryEntry, Patch } from '../../../store/entry.ts';
import type { JournalLine } from '../../protocol/timeline.ts';
import { authorOf, endingOf } from '../job/history-view.ts';
import { noteOf } from '../job/notes.ts';
import type { Subjects } from './subjects.ts';

/** One entry as a line of the journal. Of what it stored only places, instants and the kind of a failure are said. */
export async function journalLine(entry: HistoryEntry, subjects: Subjects): Promise<JournalLine> {
  const { seq, at, commit, kind, id, event, from, to, gone, by } = entry;
  return {
    seq,
    at,
    commit,
    kind,
    id,
    name: await subjects.nameOf(entry),
    event,
    from,
    to: gone ? null : to,
    isGone: gone,
    ending: endingOf(entry.patch ?? {}) ?? (await lastEnding(entry, subjects)),
    ...authorOf(by),
    note: kind === 'job' ? await jobNote(entry, subjects) : settingNote(entry),
  };
}

/** An earlier entry may have brought the ending of the one that completes a job. */
async function lastEnding(entry: HistoryEntry, subjects: Subjects): Promise<Ending | null> {
  if (entry.to !== 'completed' || entry.from === entry.to) return null;
  return (await subjects.of(entry)).job?.ending ?? null;
}

async function jobNote(entry: HistoryEntry, subjects: Subjects): Promise<string | null> {
  // What it was set to is seen in the entry, which knows what it was before.
  if (entry.event.endsWith('.set')) return null;
  const patch = entry.patch ?? {};
  const shown = hasFailure(patch) ? await subjects.safe(await subjects.of(entry)) : null;
  return noteOf({ ...entry, patch: withoutValues(patch, shown) }, {});
}

function settingNote({ kind, event, patch }: HistoryEntry): string | null {
  const acted = (patch?.lastAction ?? null) as LastAction | null;
  if (event === 'operator.acted' && acted !== null) {
    const { user, action, target, reason } = acted;
    return `${user}: ${action} ${target}${reason === null ? '' : `, ${reason}`}`;
  }
  const { lastTick, lastSkip, lastJob } = (patch ?? {}) as Partial<ScheduleRecord>;
  if (kind === 'schedule' && lastTick != null) {
    const became = lastSkip == null ? `job ${lastJob}` : lastSkip.why;
    return `tick ${new Date(lastTick).toISOString()}: ${became}`;
  }
  if ((kind === 'quota' || kind === 'agent') && typeof patch?.size === 'number') return `size ${patch.size}`;
  return null;
}

function hasFailure({ lastFailure, outcome }: Patch): boolean {
  return lastFailure != null || failedOutcome(outcome) !== null;
}

/** The patch with code and name of a failure, and nothing else that a program gave. */
function withoutValues(patch: Patch, shown: ShownJob | null): Patch {
  const kept: Record<string, Json> = {};
  for (const key of ['parent', 'quotaNames', 'beginAfter', 'waitingOn']) {
    const value = patch[key];
    if (value !== undefined) kept[key] = value;
  }
  for (const key of ['stop', 'snoozed']) {
    const value = patch[key] as { readonly [of: string]: Json } | null | undefined;
    if (value != null) kept[key] = { ...value, reason: null };
  }
  const failed = patch.lastFailure as unknown as FailedAttempt | null | undefined;
  if (failed != null)
    kept.lastFailure = { at: failed.at, failure: kindOf(failed.failure, shown) } as unknown as Json;
  const outcome = failedOutcome(patch.outcome);
  if (outcome !== null) kept.outcome = { ok: false, failure: kindOf(outcome, shown) } as unknown as Json;
  return kept;
}

function failedOutcome(value: Json | undefined): Failure | null {
  const outcome = value as unknown as Outcome | null | undefined;
  return outcome == null || outcome.ok ? null : outcome.failure;
}

const nothing = { message: '', stack: '', cause: null, extra: {} };

/** What kind of failure it was. `shown` null: what it may say is not known, so it says nothing. */
function kindOf(failure: Failure, shown: ShownJob | null): Failure {
  if (shown === null) return { ...nothing, name: 'failed', code: null };
  const { name, code } = shown.failure(failure);
  return { ...nothing, name, code };
}
