import type { LevelOrder } from '../../../model/jobs/priority.ts';
import type { JobRecord } from '../../../model/records/records.ts';
import type { LaneSummary, QueuePlace } from '../../reader.ts';
import { waitingInOrder } from '../claim-order.ts';
import type { Lane } from '../lanes.ts';
import { type FindJob, mostLooked, type Tally } from '../lines/line.ts';
import type { AsideSummary } from '../parking/aside.ts';

/**
 * How many jobs are offered before one, as `Offers` walks when every lane is accepted: counted in each line of each lane
 * by its order, so that no job is walked over. Where several levels are in use the first ones are walked over.
 */
export function placeAmong(
  lanes: readonly Lane[],
  job: JobRecord,
  find: FindJob,
  order: () => LevelOrder,
): QueuePlace {
  if (lanes.some(({ level }) => level !== job.priority)) return placeAmongLevels(lanes, job, find, order);
  const { line, position } = job;
  const parts: Tally[] = [];
  const count = (of: (lane: Lane) => Tally): void => void parts.push(...lanes.map(of));
  if (line === 'putBack') count((lane) => lane.putBack.countBefore(position, find));
  else {
    count((lane) => lane.putBack.countBefore(Number.POSITIVE_INFINITY, find));
    if (line === 'held') {
      const due = job.beginAfter ?? 0;
      const since = Math.min(...lanes.map((lane) => lane.now.firstReaching(due, find)));
      count((lane) => lane.now.countBefore(since, find));
      count((lane) => lane.held.countBefore({ id: job.id, beginAfter: due }, find));
    } else {
      const latest = Math.max(...lanes.map((lane) => lane.now.latestUpTo(position, find)));
      count((lane) => lane.now.countBefore(position, find));
      // On a tie the held one comes first, whatever its id.
      count((lane) => lane.held.countBefore({ id: '\uffff', beginAfter: latest }, find));
    }
  }
  const parked = lanes.reduce((sum, { aside }) => sum + (aside?.countBefore(job, find) ?? 0), 0);
  const n = parts.reduce((sum, part) => sum + part.n, parked);
  return { n, is: parts.every(({ isExact }) => isExact) ? 'exact' : 'atMost' };
}

function placeAmongLevels(
  lanes: readonly Lane[],
  { id }: JobRecord,
  find: FindJob,
  order: () => LevelOrder,
): QueuePlace {
  let n = 0;
  for (const job of waitingInOrder(lanes, find, order)) {
    if (job.id === id) return { n, is: 'exact' };
    n += 1;
    if (n === mostLooked) break;
  }
  return { n, is: 'atLeast' };
}

/** What a lane holds, without looking at its jobs. */
export function laneSummary(
  { name, level, quotaNames, hasDeadlines, holdsSlots, ...lines }: Lane,
  find: FindJob,
): LaneSummary {
  const { putBack, now, held, aside } = lines;
  const parked = aside?.summary(find) ?? noneParked;
  const heads = [
    putBack.next(0, find)?.beginAfter,
    now.next(0, find)?.beginAfter,
    held.peek(find)?.beginAfter,
  ]
    .concat(parked.oldestAt)
    .filter((at) => at != null);
  return {
    name,
    level,
    quotaNames,
    hasDeadlines,
    holdsSlots,
    putBack: putBack.size + parked.putBack,
    now: now.size + parked.now,
    held: held.size + parked.held,
    oldestAt: heads.length === 0 ? null : Math.min(...heads),
    isCut: false,
  };
}

const noneParked: AsideSummary = { putBack: 0, now: 0, held: 0, oldestAt: null };
