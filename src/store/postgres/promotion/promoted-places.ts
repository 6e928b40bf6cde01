import type { AgentPlace } from '../../../../machines/job.context.ts';
import type { JobRecord } from '../../../model/records/records.ts';
import type { Home } from '../jobs/stored-job.ts';
import { placeIn } from '../jobs/stored-job.ts';

/** A row of a table, by its columns. */
export type Row = Readonly<Record<string, unknown>>;

/** How many jobs stand in one run. */
const jobsOfRun = 25;
const dayMs = 24 * 60 * 60 * 1000;
/** What is older counts as of the oldest of these days. */
const oldestDays = 366;

/** Where a promoted job stands. `lane`: that of its queue; null: it is in none. Who is due is woken by the first claim. */
export function homeOf(job: JobRecord, lane: number | null): Home {
  const home = placeIn(job, 0);
  if (home === 'done') return { in: home, seq: job.lastSeq, lane };
  if (home === 'aside') return { in: home };
  if (home === 'lease') return { in: home, token: 0, lane: lane ?? 0 };
  if (home === 'due') return { in: home, at: job.beginAfter ?? 0, lane: lane ?? 0 };
  const [line, key] = job.order ?? ['now', job.lastSeq];
  return { in: home, lane: lane ?? 0, line: line === 'putBack' ? 0 : 2, turn: 2 * key };
}

type Waiting = Extract<Home, { in: 'ready' }> & { readonly id: string; readonly seq: number };

/** What promoted jobs fill beside their own rows: collected while these are written, and written when all of them are known. */
export class PromotedPlaces {
  readonly #now: number;
  readonly #queues = new Map<string, Waiting[]>();
  readonly #leases = new Map<string, { readonly row: Row; ids: string[]; seqs: number[]; lanes: number[] }>();
  readonly #used = new Map<string, number>();
  readonly #days = new Map<number, number>();

  constructor(now: number) {
    this.#now = now;
  }

  add(job: JobRecord, home: Home): void {
    const { id, lastSeq: seq, parent, quotas } = job;
    for (const quota of quotas) this.#used.set(quota, (this.#used.get(quota) ?? 0) + 1);
    if (home.in === 'ready') {
      const { queue } = parent as { readonly queue: string };
      const waiting = this.#queues.get(queue) ?? [];
      this.#queues.set(queue, waiting);
      waiting.push({ ...home, id, seq });
    }
    if (home.in === 'lease') this.#hold(job, home.lane);
    if (home.in === 'done') this.addDay(job.callbacksEnd ?? job.activeEnd ?? this.#now, seq);
  }

  #hold({ id, lastSeq, parent, epoch }: JobRecord, lane: number): void {
    const { queue, dispatcher, agent } = parent as AgentPlace;
    const key = JSON.stringify([epoch, queue, dispatcher, agent]);
    const token = epoch * 2 ** 32 + this.#leases.size + 1;
    const lease = this.#leases.get(key) ?? {
      row: { token, epoch, queue, dispatcher, agent },
      ids: [],
      seqs: [],
      lanes: [],
    };
    this.#leases.set(key, lease);
    lease.ids.push(id);
    lease.seqs.push(lastSeq);
    lease.lanes.push(lane);
  }

  /** An entry was made at an instant: a day has begun at the least of its entries. */
  addDay(at: number, seq: number): void {
    const within = Math.min(this.#now, Math.max(at, this.#now - oldestDays * dayMs));
    const day = within - (within % dayMs);
    this.#days.set(day, Math.min(seq, this.#days.get(day) ?? seq));
  }

  /**
   * Runs: neighbours in the order of their queue that are in one lane, so that the order of all is that of their first jobs. Each
   * begins at the turn of its first.
   */
  runs(): readonly Row[] {
    const runs: (Omit<Waiting, 'id' | 'seq' | 'in'> & { readonly ids: string[]; readonly q: number[] })[] =
      [];
    for (const waiting of this.#queues.values()) {
      let open: (typeof runs)[number] | null = null;
      for (const { lane, line, turn, id, seq } of waiting.sort(
        (one, other) => one.line - other.line || one.turn - other.turn,
      )) {
        if (open === null || open.lane !== lane || open.line !== line || open.ids.length === jobsOfRun) {
          open = { lane, line, turn, ids: [], q: [] };
          runs.push(open);
        }
        open.ids.push(id);
        open.q.push(seq);
      }
    }
    return runs;
  }

  leases(): readonly Row[] {
    return [...this.#leases.values()].map(({ row, ...jobs }) => ({ ...row, rev: 0, ...jobs }));
  }

  rooms(): readonly Row[] {
    return [...this.#used].map(([id, used]) => ({ id, used }));
  }

  days(): readonly Row[] {
    return [...this.#days].map(([at, seq]) => ({ at, seq }));
  }
}
