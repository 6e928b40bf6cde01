import { invalidOption } from '../../errors.ts';
import { checkKnown } from '../../model/checks/check-options.ts';
import { Ticks } from '../../model/schedules/ticks.ts';
import { type Instant, instantMs } from '../../time.ts';
import { retryConflicts } from '../commits/retry.ts';
import type { UnitOfWork } from '../commits/unit-of-work.ts';
import { mustHaveSchedule } from './change-schedule.ts';
import { putConditions } from './put-conditions.ts';
import { partsOf, putOf, tickJobId } from './scheduled-job.ts';

/** A time of the past, both ends included. */
export interface BackfillRange {
  readonly from: Instant;
  readonly to: Instant;
}

const mostTicks = 1000;

/**
 * Puts the job of each tick of a time of the past that has none. Returns how many: the call can be repeated.
 * @throws SignalboxError `SCHEDULE_NOT_FOUND`, `INVALID_OPTION`, `INVALID_INSTANT`, and what a put throws.
 */
export async function backfill(
  work: UnitOfWork,
  queue: string,
  name: string,
  range: BackfillRange,
): Promise<number> {
  checkKnown(range, ['from', 'to']);
  const [from, to] = [instantMs(range.from, 'from'), instantMs(range.to, 'to')];
  if (to > work.context.store.now()) throw invalidOption('to', 'an instant of the past', range.to);
  const schedule = await mustHaveSchedule(work, queue, name);
  let count = 0;
  for (const tick of ticksBetween(new Ticks(schedule.id, schedule.figures), from, to))
    if (await putTick(work, queue, name, tick)) count += 1;
  return count;
}

function ticksBetween(ticks: Ticks, from: number, to: number): readonly number[] {
  const found: number[] = [];
  for (let next = ticks.after(from - 1); next !== null && next.tick <= to; next = ticks.after(next.tick)) {
    if (found.length === mostTicks)
      throw invalidOption('to', `so early that ${mostTicks} ticks are before it`, to);
    found.push(next.tick);
  }
  return found;
}

/** Puts the job of one tick, unless it is there. */
function putTick(work: UnitOfWork, queue: string, name: string, tick: number): Promise<boolean> {
  return retryConflicts(5, async () => {
    const schedule = await mustHaveSchedule(work, queue, name);
    const id = tickJobId(schedule.id, tick);
    // The planned one comes by itself.
    if (tick === schedule.nextTick || (await work.read('job', id)) !== undefined) return false;
    const put = putOf(work.context, schedule, id, tick);
    const { changes, expect } = await putConditions(work, partsOf(schedule.id).queue, put.job);
    await work.submit([...put.changes, ...changes], expect);
    return true;
  });
}
