import type { ScheduleFigures } from '../../../../machines/schedule.context.ts';
import type { ScheduleRecord } from '../../../model/records/records.ts';
import { nextTicks } from '../../../model/schedules/decide.ts';
import type { HistoryEntry } from '../../../store/entry.ts';
import type { StoreReader } from '../../../store/reader.ts';
import { durationText } from '../../../time.ts';
import type { ScheduleRow, SchedulesView, ScheduleView, TickView } from '../../protocol/queues.ts';

/** How many schedules are listed, how many of their next ticks, and how many of their last. */
const mostListed = 200;
const nextShown = 10;
const lastShown = 50;
/** How many entries of a schedule are looked at for its last ticks. */
const mostEntries = 500;

/** The schedules of all queues, or of one, with the ticks that come next. */
export async function schedulesView(reader: StoreReader, queue: string | null): Promise<SchedulesView> {
  const all = await reader.list('schedule', queue === null ? '' : `${queue}/`);
  return {
    schedules: all.slice(0, mostListed).map((record) => rowOf(record, reader.now())),
    more: Math.max(0, all.length - mostListed),
  };
}

/** One schedule, with what each of its last ticks became. `id`: queue and name. Undefined: there is none. */
export async function scheduleView(reader: StoreReader, id: string): Promise<ScheduleView | undefined> {
  const record = await reader.get('schedule', id);
  if (record === undefined) return undefined;
  const last: TickView[] = [];
  let looked = 0;
  for await (const entry of reader.history('schedule', id)) {
    looked += 1;
    const tick = await tickOf(reader, entry);
    if (tick !== null) last.push(tick);
    if (last.length >= lastShown || looked >= mostEntries || entry.gone) break;
  }
  return { ...rowOf(record, reader.now()), last };
}

function rowOf(record: ScheduleRecord, now: number): ScheduleRow {
  const { id, state, figures, job, paused, lastTick, lastJob, runs, missed, skipped, setAt, setBy } = record;
  const at = id.indexOf('/');
  return {
    queue: id.slice(0, at),
    name: id.slice(at + 1),
    state,
    when: whenText(figures),
    overlap: figures.overlap,
    misfire: figures.misfire,
    job: String(job.content.name),
    next: nextTicks(record, now, nextShown).map(({ tick }) => tick),
    paused: paused === null ? null : { job: null, until: null, ...paused },
    ...{ lastTick, lastJob, runs, missed, skipped, setAt, setBy },
  };
}

/** `30 2 * * * in Europe/Berlin`, `every 15 minutes`. Pure. */
function whenText({ cron, tz, every, jitter, until, maxRuns }: ScheduleFigures): string {
  return [
    cron === null ? `every ${durationText(every ?? 0)}` : `${cron} in ${tz}`,
    ...(jitter === 0 ? [] : [`later by up to ${durationText(jitter)}`]),
    ...(until === null ? [] : [`until ${new Date(until).toISOString()}`]),
    ...(maxRuns === null ? [] : [`${maxRuns} times`]),
  ].join(', ');
}

/** What a tick became; null: the entry is of something else. */
async function tickOf(reader: StoreReader, { event, at, patch }: HistoryEntry): Promise<TickView | null> {
  const { lastTick, lastJob, lastSkip } = (patch ?? {}) as Partial<ScheduleRecord>;
  if (lastTick == null) return null;
  if (event === 'schedule.skip')
    return { tick: lastTick, at, became: lastSkip?.why ?? 'missed', job: null, state: null, ending: null };
  if (event !== 'schedule.tick' || lastJob == null) return null;
  const job = await reader.get('job', lastJob);
  const { state = null, ending = null } = job ?? {};
  return { tick: lastTick, at, became: 'job', job: lastJob, state, ending };
}
