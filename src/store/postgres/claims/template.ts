import { newJobRecord } from '../../../model/jobs/step.ts';
import type { JobRecord } from '../../../model/records/records.ts';
import type { Change, ClaimRequest } from '../../store.ts';
import type { LaneKey } from '../jobs/lanes.ts';

/**
 * What a claim makes of each job of a lane, as the chart says of one like them: two changes, which the statement writes once for
 * all that it takes. Null for jobs that have to be judged one by one.
 */
export function templateOf(
  request: ClaimRequest,
  { name, quotaNames, policy, isPlain, level }: LaneKey,
  quotas: readonly string[],
): readonly Change[] | null {
  if (!isPlain || request.agent === null || request.choose !== null || request.accepts.job !== null)
    return null;
  const blank = newJobRecord('?', {
    name,
    quotaNames,
    retryPolicy: policy,
    priority: level,
    parent: { queue: request.queue },
    line: 'now',
  });
  const job: JobRecord = { ...blank, state: 'pending' };
  const changes = request.take({ job, expired: false, quotas, isExample: true });
  const [claim, start] = changes ?? [];
  if (claim === undefined || start === undefined || changes?.length !== 2) return null;
  const isFirst =
    claim.from === 'pending' &&
    claim.to === start.from &&
    claim.patch?.claim === 1 &&
    start.patch?.attempts === 1;
  const isOfJob = [claim, start].every(({ kind, id }) => kind === 'job' && id === '?');
  if (!isFirst || !isOfJob) return null;
  return [claim, start].map(({ kind, event, from, to, patch }) => ({ kind, id: '', event, from, to, patch }));
}
