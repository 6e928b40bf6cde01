import type { Json } from '../../../machines/json.ts';
import type { JobRecord } from '../../model/records/records.ts';
import { type ResolveJob, referredJobs } from '../../model/values/values.ts';
import type { UnitOfWork } from '../commits/unit-of-work.ts';
import type { JobHandles, JobLike } from './job-like.ts';

/** Jobs by id, as the store answered last. */
export type KnownJobs = ReadonlyMap<string, JobRecord>;

/** No jobs: what most values refer to. */
export const noKnownJobs: KnownJobs = new Map();

/** Reads the jobs that stored values refer to, and those in the results of these: a program may look at them at once. */
export async function jobsIn(
  read: (id: string) => Promise<JobRecord | undefined>,
  values: readonly Json[],
): Promise<KnownJobs> {
  const outer = values.flatMap(referredJobs);
  if (outer.length === 0) return noKnownJobs;
  const known = new Map<string, JobRecord>();
  const learn = async (ids: readonly string[]): Promise<void> => {
    for (const id of ids) {
      const record = known.has(id) ? undefined : await read(id);
      if (record !== undefined) known.set(id, record);
    }
  };
  await learn(outer);
  await learn([...known.values()].flatMap(jobsInResult));
  return known;
}

/** The ids of the jobs that the result of a job refers to. */
function jobsInResult({ outcome }: JobRecord): readonly string[] {
  return outcome?.ok === true ? referredJobs(outcome.value) : [];
}

/** How programs see the jobs of a value: one handle for each, with what is known of it; otherwise only its id. */
export function asHandles(handles: JobHandles, work: UnitOfWork, known: KnownJobs): ResolveJob {
  const made = new Map<string, JobLike>();
  return (id) => {
    const record = known.get(id);
    const job =
      made.get(id) ?? (record === undefined ? handles.reference(work, id) : handles.of(work, record, known));
    made.set(id, job);
    return job;
  };
}
