import type { Origin } from '../../../../machines/job.context.ts';
import type { HistoryEntry } from '../../../index.ts';
import type { ReplayedRecord } from './replayed-record.ts';

type Records = ReadonlyMap<string, ReplayedRecord>;

/** The figures of a schedule that its ticks are held against. */
interface Figures {
  readonly every: number | null;
  readonly from: number | null;
  readonly overlap: string;
  readonly maxRuns: number | null;
}

/** Checks what schedules promise: each tick has one job, put in the commit of the tick, at its time and after the last one. */
export class ScheduleAudit {
  readonly #records: Records;
  /** Jobs by the schedule and the tick that their origin names. */
  readonly #jobs = new Map<string, string>();
  /** Of the newest commit: the jobs that its ticks name, and those that it puts. A store may write these in any order. */
  #commit = 0;
  readonly #owed = new Set<string>();
  readonly #put = new Set<string>();

  constructor(records: Records) {
    this.#records = records;
  }

  /** What is wrong with any entry, given the record before it. */
  *follow(entry: HistoryEntry, before: ReplayedRecord | undefined): Generator<string> {
    if (entry.commit !== this.#commit) yield* this.#begin(entry.commit);
    if (entry.kind === 'job' && entry.event === 'job.put') this.#put.add(entry.id);
    if (entry.kind === 'job' && entry.patch?.origin != null) yield* this.#named(entry);
    if (entry.kind !== 'schedule' || before === undefined || entry.gone) return;
    if (entry.event === 'schedule.tick' || entry.event === 'schedule.skip') yield* this.#tick(entry, before);
    yield* this.#planned(entry, before);
  }

  /** The entries of the commit before are known: each of its ticks has put its job. */
  *#begin(commit: number): Generator<string> {
    for (const job of this.#owed)
      if (!this.#put.has(job)) yield `I24 the commit before was a tick, and did not put its job ${job}`;
    this.#owed.clear();
    this.#put.clear();
    this.#commit = commit;
  }

  /** No two jobs name one tick. */
  *#named(entry: HistoryEntry): Generator<string> {
    const { schedule, tick } = (entry.patch?.origin ?? {}) as Partial<Origin>;
    if (tick == null) return;
    const key = `${schedule} ${tick}`;
    const other = this.#jobs.get(key);
    if (other !== undefined && other !== entry.id)
      yield `I24 job ${other} was put for tick ${tick} of ${schedule}, too`;
    this.#jobs.set(key, entry.id);
  }

  *#tick(entry: HistoryEntry, { state, fields }: ReplayedRecord): Generator<string> {
    const { lastTick, lastJob, runs } = entry.patch ?? {};
    const tick = Number(lastTick);
    if (state !== 'active') yield `I24 is ${state}`;
    if (tick <= Number(fields.lastTick ?? Number.NEGATIVE_INFINITY))
      yield `I24 tick ${tick} is not after ${fields.lastTick}`;
    if (tick < Number(fields.nextTick)) yield `I24 tick ${tick} is before the planned ${fields.nextTick}`;
    if (entry.at < Number(fields.nextAt)) yield `I24 is ${Number(fields.nextAt) - entry.at} ms early`;
    if (entry.event === 'schedule.skip') return;
    this.#owed.add(String(lastJob));
    const { maxRuns, overlap } = fields.figures as Figures;
    if (maxRuns !== null && Number(runs) > maxRuns) yield `I24 is run ${runs} of ${maxRuns}`;
    const last = this.#records.get(`job/${fields.lastJob}`);
    const waits = last?.state === 'pending' && Number(last.fields.attempts ?? 0) === 0;
    const isOver =
      last === undefined ||
      last.fields.outcome != null ||
      (last.state === 'new' && last.fields.parent == null);
    if (overlap === 'skip' && !isOver) yield `I24 puts a job while job ${last?.id} is ${last?.state}`;
    if (overlap === 'buffer' && waits) yield `I24 puts a job while job ${last?.id} waits`;
  }

  /** The next tick is one of the present figures, and only what is active has one. */
  *#planned({ patch, to }: HistoryEntry, before: ReplayedRecord): Generator<string> {
    const fields = { ...before.fields, ...patch };
    const { every, from } = fields.figures as Figures;
    const next = fields.nextTick as number | null;
    if ((next !== null) !== (to === 'active')) yield `I24 is ${to} and its next tick is ${next}`;
    if (next !== null && every !== null && (next - Number(from)) % every !== 0)
      yield `I24 its next tick ${next} is not every ${every} ms from ${from}`;
  }

  /** What is due for longer than `slackMs`, and was not made. */
  *forgotten(now: number, slackMs: number): Generator<string> {
    for (const { kind, id, fields } of this.#records.values())
      if (kind === 'schedule' && fields.nextAt != null && Number(fields.nextAt) < now - slackMs)
        yield `I24 schedule ${id} is due since ${now - Number(fields.nextAt)} ms`;
  }
}
