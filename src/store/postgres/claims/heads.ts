import { defaultAgingMs } from '../../../model/jobs/priority.ts';
import type { QueuePause, QueueRecord } from '../../../model/records/records.ts';
import type { DatabaseClock } from '../clock.ts';
import { type LaneKey, type LanePut, type Lanes, partsOfLane } from '../jobs/lanes.ts';
import type { SqlPort } from '../sql-port.ts';
import { nameOf, type Transactions } from '../transactions.ts';

/** The first job of one line of a lane. */
export interface Head extends LaneKey {
  readonly lane: number;
  readonly line: number;
  readonly turn: number;
}

/** What is known of a queue. */
export interface Known {
  heads: readonly Head[];
  /** Its record, and its marks, which say whether that is still so; null: it has none. */
  readonly marks: number | null;
  readonly agingMs: number | null;
  readonly pauses: readonly QueuePause[];
  /** It has lanes of several priorities, or had. */
  readonly isLeveled: boolean;
  /** When something becomes due. */
  due: number;
  readAt: number;
  /** Behind which turn the next claim begins: what is before was taken, and its rows are dead. */
  after: number;
  /** The same for each lane, where several levels have jobs. */
  readonly afters: Map<number, number>;
  /** The lane of the last job that was claimed, where several levels have jobs: the next ones are most likely in it, too. */
  leading: number | null;
  /** How many jobs a run had at the last claim. */
  perRun: number;
  /** The turn before which a claim ends: a job that is put into another lane later must not be passed over by one that is put behind it. */
  end: number;
  /** How often this process has put something into it since. */
  puts: number;
  /** It was empty before these puts: what others have put since is not known, and a claim has to see that there is none. */
  isOwn: boolean;
}

/** What looks at heads need. */
export interface HeadsParts {
  readonly schema: string;
  readonly port: SqlPort;
  readonly clock: DatabaseClock;
  readonly transactions: Transactions;
  readonly lanes: Lanes;
}

/** What a claim needs: what is known, what is so now, or also what a poll finds. */
export type Look = 'any' | 'exact' | 'poll';

/** How long a look serves. Milliseconds. */
const freshMs = 250;

/** The heads of lanes, as hints: a claim that came short looks again. */
export class Heads {
  readonly #parts: HeadsParts;
  readonly #known = new Map<string, Known>();
  /** The last key of each queue at which a poll has looked. */
  readonly #polled = new Map<string, string>();
  /** What was put while a look is under way, which may not have seen it. */
  readonly #looking = new Set<LanePut[]>();

  constructor(parts: HeadsParts) {
    this.#parts = parts;
  }

  /**
   * The heads of a queue; jobs that are due are woken first. A poll also offers one more job of each key that has room, since nobody
   * may take the first.
   */
  async of(queue: string, look: Look): Promise<{ readonly known: Known; readonly isExact: boolean }> {
    const { port, schema, clock, transactions, lanes } = this.#parts;
    const known = this.#known.get(queue);
    const isFresh = known !== undefined && port.elapsed() - known.readAt < freshMs && known.due > clock.now();
    if (isFresh && look === 'any') return { known, isExact: false };
    const meanwhile: LanePut[] = [];
    this.#looking.add(meanwhile);
    const rows = await transactions
      .inOrder('a claim', (connection) =>
        connection.named(nameOf(schema, 'heads'), `SELECT * FROM ${schema}.heads($1, $2, $3)`, [
          queue,
          clock.given(),
          look === 'poll' ? (this.#polled.get(queue) ?? '') : null,
        ]),
      )
      .finally(() => this.#looking.delete(meanwhile));
    const heads = rows.slice(1).map((row) => {
      const [lane, key] = [Number(row.lane), String(row.key)];
      lanes.learn(queue, key, lane);
      return { ...partsOfLane(key), lane, line: Number(row.line), turn: Number(row.turn) };
    });
    const { marks = null, body, is_leveled: isLeveled, key: polled } = rows[0] ?? {};
    if (look === 'poll' && polled != null) this.#polled.set(queue, String(polled));
    else if (look === 'poll') this.#polled.delete(queue);
    const { agingMs = defaultAgingMs, pauses = [] } = (body ?? {}) as Partial<QueueRecord>;
    const queueIs = {
      marks: marks === null ? null : Number(marks),
      agingMs,
      pauses,
      isLeveled: isLeveled === true,
    };
    const end = Number(rows[0]?.turn);
    const due = Number(rows[0]?.due ?? Number.POSITIVE_INFINITY);
    const perRun = known?.perRun ?? 1;
    const found: Known = {
      ...queueIs,
      heads,
      due,
      readAt: port.elapsed(),
      after: -1,
      afters: new Map(),
      leading: known?.leading ?? null,
      perRun,
      end,
      puts: 0,
      isOwn: false,
    };
    this.#known.set(queue, found);
    for (const put of meanwhile) if (put.queue === queue) this.#keep(put);
    return { known: found, isExact: true };
  }

  /** All that was known to wait was taken by a claim that was made when so many puts were known. */
  isEmpty(queue: string, known: Known, puts: number): void {
    known.heads = [];
    known.after = -1;
    known.afters.clear();
    if (known.puts !== puts) this.forget(queue);
  }

  /** Something else may wait in it by now. */
  forget(queue: string): void {
    this.#known.delete(queue);
  }

  /** This process has put a job into a lane. */
  put(put: LanePut): void {
    for (const meanwhile of this.#looking) meanwhile.push(put);
    this.#keep(put);
  }

  #keep({ queue, lane, turn, end, isPutBack, due }: LanePut): void {
    if (isPutBack) this.forget(queue);
    const known = this.#known.get(queue);
    const key = this.#parts.lanes.of(lane)?.key;
    if (known === undefined || key === undefined) return;
    known.puts += 1;
    known.end = Math.max(known.end, end);
    if (due !== null) {
      known.due = Math.min(known.due, due);
      return;
    }
    if (known.heads.some((head) => head.lane === lane && head.line === 2)) return;
    if (known.heads.length === 0) {
      known.readAt = this.#parts.port.elapsed();
      known.isOwn = true;
    }
    known.heads = [...known.heads, { ...partsOfLane(key), lane, line: 2, turn }];
  }
}
