import type { JobRecord } from '../../../model/records/records.ts';
import type { Shown } from '../../../reading/shown.ts';
import type { FailureGroup } from '../../protocol/overview.ts';
import { endOf } from '../job-row.ts';
import { cut, ownPlace } from '../values/failure-view.ts';

/** How many failures are looked at, newest first. */
const mostFailures = 1000;

/** Failures by cause and place, most first. `jobs`: newest first. Pure. */
export function failureGroups(jobs: readonly JobRecord[], all: Shown): readonly FailureGroup[] {
  const groups = new Map<string, FailureGroup>();
  for (const job of jobs.filter(({ outcome }) => outcome?.ok === false).slice(0, mostFailures)) {
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
      count: (known?.count ?? 0) + 1,
      name,
      code,
      message: known?.message ?? cut(line, 200),
      place,
      firstAt: Math.min(known?.firstAt ?? at, at),
      lastAt: Math.max(known?.lastAt ?? at, at),
      latest: known?.latest ?? job.id,
      names: [...new Set([...(known?.names ?? []), job.name])].sort(),
    });
  }
  return [...groups.values()].sort((one, other) => other.count - one.count || other.lastAt - one.lastAt);
}
