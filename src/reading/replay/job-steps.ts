import { newJobContext } from '../../../machines/job.context.ts';
import type { JobEvent } from '../../../machines/job.events.ts';
import { newJobRecord } from '../../model/jobs/step.ts';
import type { JobRecord } from '../../model/records/records.ts';
import type { HistoryEntry, Patch } from '../../store/entry.ts';
import { changed, SharedValues } from '../../store/rules/changes/record-change.ts';
import { eventOf } from './event-of.ts';

/** One entry of a job, with the job around it. */
export interface JobStep {
  readonly entry: HistoryEntry;
  readonly before: JobRecord;
  /** Null: it is none of the chart. */
  readonly event: JobEvent | null;
  readonly after: JobRecord;
  /** What the step has changed: of a first entry without what the job was made with. */
  readonly patch: Patch | null;
}

/** What the first entry of a job sets by its step. All else was given before it. */
const setByFirst: { readonly [event: string]: readonly string[] } = {
  'job.put': ['parent', 'line', 'beginAfter', 'readyAt', 'deadline', 'assigner'],
  'job.start': ['activeStart', 'attempts'],
};

/** The whole history of a job, oldest first, with the job before and after each entry and the event of the chart. */
export function* jobSteps(entries: Iterable<HistoryEntry>): Generator<JobStep> {
  let job: JobRecord | undefined;
  for (const entry of entries) {
    if (entry.gone) {
      job = undefined;
      continue;
    }
    const before: JobRecord = job ?? firstOf(entry);
    const after = changed(entry, job, entry.seq, new SharedValues()) as JobRecord;
    const patch = ofStep(entry, job === undefined);
    yield { entry, before, event: eventOf(entry, before), after, patch };
    job = after;
  }
}

/** What of a patch the chart has set. The runtime adds what is no data of the chart, such as a unique name. */
function ofStep({ event, patch }: HistoryEntry, isFirst: boolean): Patch | null {
  const keys = isFirst ? (setByFirst[event] ?? []) : known;
  const set = Object.entries(patch ?? {}).filter(([key]) => keys.includes(key));
  return set.length === 0 ? null : Object.fromEntries(set);
}

const known: readonly string[] = Object.keys(newJobContext({ name: '' }));

/** A job before its first entry, which holds what it was made with as well. */
function firstOf({ id, event, from, patch }: HistoryEntry): JobRecord {
  const steps = setByFirst[event] ?? [];
  const given = Object.entries((patch ?? {}) as Patch).filter(([key]) => !steps.includes(key));
  const state = (from ?? 'new') as JobRecord['state'];
  return { ...newJobRecord(id, Object.fromEntries(given) as never), state };
}
