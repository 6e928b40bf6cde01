import { isFailed } from '../../../model/jobs/step.ts';
import type { JobRecord } from '../../../model/records/records.ts';
import type { Shown } from '../../../reading/shown.ts';
import type { StoreReader } from '../../../store/reader.ts';
import type { FailureGroup } from '../../protocol/overview.ts';
import { shownWithHistory } from '../job/explanation-view.ts';
import { endOf } from '../jobs/job-row.ts';
import { cut, ownPlace } from '../values/failure-view.ts';

/** How many failures are looked at, newest first. */
const mostFailures = 1000;

/** Failures by cause and place, most first. `jobs`: newest first. The newest of each group is the one whose texts are shown. */
export async function failureGroups(
  reader: StoreReader,
  all: Shown,
  jobs: readonly JobRecord[],
): Promise<readonly FailureGroup[]> {
  const groups = new Map<string, FailureGroup>();
  for (const job of jobs.filter(({ ending }) => isFailed(ending)).slice(0, mostFailures)) {
    const { outcome } = all.job(job);
    if (outcome === null || outcome.ok) continue;
    const { name, code, message } = outcome.failure;
    const [line = ''] = message.split('\n');
    const place = ownPlace(outcome.failure);
    // Numbers differ from one failure of a cause to the next: ids, ports, durations.
    const key = JSON.stringify([name, code ?? line.replaceAll(/\d+/g, '#'), place]);
    const at = endOf(job) ?? 0;
    const known = groups.get(key);
    groups.set(key, {
      ...(known ?? (await shownTexts(reader, all, job))),
      count: (known?.count ?? 0) + 1,
      firstAt: Math.min(known?.firstAt ?? at, at),
      lastAt: Math.max(known?.lastAt ?? at, at),
      latest: known?.latest ?? job.id,
      names: [...new Set([...(known?.names ?? []), job.name])].sort(),
    });
  }
  return [...groups.values()].sort((one, other) => other.count - one.count || other.lastAt - one.lastAt);
}

/** Without the secrets of earlier arguments: of one failure its history is read. */
async function shownTexts(
  reader: StoreReader,
  all: Shown,
  job: JobRecord,
): Promise<Pick<FailureGroup, 'name' | 'code' | 'message' | 'place'>> {
  const { outcome } = await shownWithHistory(reader, all, job);
  if (outcome === null || outcome.ok) return { name: '', code: null, message: '', place: null };
  const { name, code, message } = outcome.failure;
  const [line = ''] = message.split('\n');
  return { name, code, message: cut(line, 200), place: ownPlace(outcome.failure) };
}
