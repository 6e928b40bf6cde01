import type { AgentPlace } from '../../../../machines/job.context.ts';
import { readySince } from '../../../model/jobs/priority.ts';
import type { JobRecord } from '../../../model/records/records.ts';
import { endingNumber, parentOf } from '../commits/writing.ts';
import { asideState, type Home, placeIn } from '../jobs/stored-job.ts';
import { dayMs } from '../opening/retention.ts';

export type Row = Readonly<Record<string, unknown>>;

export type TableRows = readonly (readonly [table: string, rows: readonly Row[]])[];

/** How many jobs stand in one run. */
const jobsOfRun = 25;
/** What is older counts as of the oldest of these days. */
const oldestDays = 366;

/** Where a promoted job stands. `lane`: that of its queue; null: it is in none. Who is due is woken by the first claim. */
export function homeOf(job: JobRecord, lane: number | null): Home {
  const home = placeIn(job, 0);
  if (home === 'done') return { in: home, seq: job.lastSeq, lane };
  if (home === 'aside') return { in: home };
  if (home === 'lease') return { in: home, token: 0, lane: lane ?? 0 };
  if (home === 'due') return { in: home, at: job.beginAfter ?? 0, lane: lane ?? 0 };
  const key = job.line === null ? job.lastSeq : job.position;
  return { in: home, lane: lane ?? 0, line: job.line === 'putBack' ? 0 : 2, turn: 2 * key };
}

interface Run {
  readonly queue: string;
  readonly lane: number;
  readonly line: number;
  readonly turn: number;
  readonly at: number;
  readonly ids: string[];
  readonly q: number[];
}

interface Held extends Row {
  readonly ids: string[];
  readonly seqs: number[];
  readonly lanes: number[];
}

/** The rows that promoted jobs are: their own, and those of the places where they stand. */
export class PromotedPlaces {
  readonly #now: number;
  readonly #rows = {
    job: [] as Row[],
    due: [] as Row[],
    aside: [] as Row[],
    done: [] as Row[],
    tag: [] as Row[],
  };
  readonly #waiting: Run[] = [];
  /** Queues in which jobs are due: one of them may come to stand between any two that wait. */
  readonly #waking = new Set<string>();
  readonly #leases = new Map<string, Held>();
  readonly #used = new Map<string, number>();
  readonly #days = new Map<number, number>();

  constructor(now: number) {
    this.#now = now;
  }

  add(job: JobRecord, lane: number | null): void {
    const { id, lastSeq: seq, ...record } = job;
    const home = homeOf(job, lane);
    const turn = home.in === 'ready' && home.turn !== 2 * seq ? home.turn : null;
    const [parent, waiting_on, doc] = [parentOf(job), job.waitingOn, JSON.stringify(record)];
    const { queue = '' } = (job.parent ?? {}) as { readonly queue?: string };
    this.#rows.job.push({ id, rev: 1, seq, lane, turn, parent, waiting_on, doc });
    for (const quota of job.quotas) this.addSlots(quota, 1);
    for (const tag of new Set(job.tags)) this.#rows.tag.push({ tag, seq: job.createdSeq, id });
    if (home.in === 'ready') {
      const { lane, line, turn } = home;
      this.#waiting.push({ queue, lane, line, turn, at: readySince(job), ids: [id], q: [seq] });
    }
    if (home.in === 'due') {
      this.#rows.due.push({ id, at: home.at, lane });
      if (home.at <= this.#now) this.#waking.add(queue);
    }
    if (home.in === 'aside') this.#rows.aside.push({ id, state: asideState(job), epoch: job.epoch });
    if (home.in === 'lease') this.#hold(job, home.lane);
    if (home.in !== 'done') return;
    this.#rows.done.push({ id, seq, lane, ending: endingNumber(job.ending), patch: '{}' });
    this.addDay(job.callbacksEnd ?? job.activeEnd ?? this.#now, seq);
  }

  #hold({ id, lastSeq, parent, epoch }: JobRecord, lane: number): void {
    const { queue, dispatcher, agent } = parent as AgentPlace;
    const key = JSON.stringify([epoch, queue, dispatcher, agent]);
    const token = epoch * 2 ** 32 + this.#leases.size + 1;
    const none: Held = { token, epoch, queue, dispatcher, agent, rev: 0, ids: [], seqs: [], lanes: [] };
    const lease = this.#leases.get(key) ?? none;
    this.#leases.set(key, lease);
    lease.ids.push(id);
    lease.seqs.push(lastSeq);
    lease.lanes.push(lane);
  }

  addSlots(quota: string, count: number): void {
    this.#used.set(quota, (this.#used.get(quota) ?? 0) + count);
  }

  /** An entry was made at an instant: a day has begun at the least of its entries. */
  addDay(at: number, seq: number): void {
    const within = Math.min(this.#now, Math.max(at, this.#now - oldestDays * dayMs));
    const day = within - (within % dayMs);
    this.#days.set(day, Math.min(seq, this.#days.get(day) ?? seq));
  }

  /** The rows that were added since the last call, of jobs and of places with a row for each. */
  take(): TableRows {
    return Object.entries(this.#rows).map(([table, rows]) => [table, rows.splice(0)] as const);
  }

  /** The rows that are known when all jobs are. */
  rest(): TableRows {
    return [
      ['ready', this.#runs()],
      ['lease', [...this.#leases.values()]],
      ['room', [...this.#used].map(([id, used]) => ({ id, used }))],
      ['day', [...this.#days].map(([at, seq]) => ({ at, seq }))],
    ];
  }

  /** Neighbours in the order of their queue that are in one lane. Each run begins at the turn of its first: that is the order of all. */
  #runs(): readonly Row[] {
    const runs: Run[] = [];
    for (const run of this.#waiting.sort(byPlace)) {
      const open = runs.at(-1);
      const most = this.#waking.has(run.queue) ? 1 : jobsOfRun;
      if (open?.lane === run.lane && open.line === run.line && open.at === run.at && open.ids.length < most) {
        open.ids.push(...run.ids);
        open.q.push(...run.q);
      } else runs.push(run);
    }
    return runs.map(({ queue: _, ...row }) => row);
  }
}

function byPlace(one: Run, other: Run): number {
  if (one.queue !== other.queue) return one.queue < other.queue ? -1 : 1;
  return one.line - other.line || one.turn - other.turn;
}
