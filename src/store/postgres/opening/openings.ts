import type { Openings as OpeningEpochs } from '../../reader.ts';
import { type Heartbeat, startHeartbeat } from '../heartbeat-port.ts';
import { entriesOfCommit } from '../jobs/stored-job.ts';
import type { Parts } from '../parts.ts';
import type { Rows, Scheduled } from '../sql-port.ts';

export interface OpeningsParts extends Pick<Parts, 'schema' | 'epoch' | 'port' | 'transactions' | 'clock'> {
  /** Time between two signs of life; null: no sign is given, in virtual time. */
  readonly heartbeatMs: number | null;
}

/** How long an opening counts as alive without a sign. */
const deathMs = 60_000;

/**
 * Which openings of the store are alive. Each gives signs of life from a thread of its own, for itself and for the
 * representations that are activated in it.
 */
export class Openings {
  readonly #parts: OpeningsParts;
  readonly #heartbeat: Heartbeat | null;

  constructor(parts: OpeningsParts) {
    this.#parts = parts;
    const { schema, epoch, port, heartbeatMs: intervalMs } = parts;
    const settings = port.settings();
    if (intervalMs === null) this.#heartbeat = null;
    else if (settings === null) this.#heartbeat = this.#onMainThread(intervalMs);
    else {
      const statement = signOfLife(schema, 'clock_timestamp()');
      this.#heartbeat = startHeartbeat({ settings, statement, values: [epoch], intervalMs });
    }
  }

  /** For a pool whose settings cannot be passed to another thread: a busy event loop delays these. */
  #onMainThread(intervalMs: number): Heartbeat {
    let beating: Promise<unknown> = Promise.resolve();
    let timer: Scheduled | null = null;
    const schedule = (): void => {
      timer = this.#parts.port.callLater(intervalMs, () => {
        beating = this.#beat()
          .catch(() => {})
          .then(() => timer !== null && schedule());
      });
    };
    schedule();
    return {
      async stop() {
        timer?.cancel();
        timer = null;
        await beating;
      },
    };
  }

  #beat(): Promise<Rows> {
    const { schema, epoch, transactions, clock } = this.#parts;
    return transactions.query(signOfLife(schema, clock.expression()), [epoch], 'a sign of life');
  }

  /** Takes note of this opening, and forgets those that have been over for a day. */
  async begin(): Promise<void> {
    const { schema, transactions, clock } = this.#parts;
    await this.#beat();
    const old = `DELETE FROM ${schema}.opening WHERE seen_at < ${clock.expression()} - interval '1 day'`;
    await transactions.query(old, [], 'the opening');
  }

  /** Alive are those that were neither closed nor without a sign of life for long, this one in any case. */
  async found(): Promise<OpeningEpochs> {
    const { schema, epoch, transactions } = this.#parts;
    const [row] = await transactions.query(
      `SELECT (body ->> 'epoch')::bigint AS newest, ARRAY(SELECT epoch FROM ${schema}.opening WHERE ${this.#isAlive()}) AS alive
       FROM ${schema}.store WHERE id = 'store'`,
    );
    const alive = (row?.alive ?? []) as readonly (number | string)[];
    return { alive: new Set([epoch, ...alive.map(Number)]), newest: Number(row?.newest ?? epoch) };
  }

  /** Of these numbers of entries, those that no living opening has written. */
  async leftBehind(seqs: readonly number[]): Promise<ReadonlySet<number>> {
    const { schema, transactions } = this.#parts;
    const rows = await transactions.query(
      // What came with a promotion was written by no living process, though its line may not have come with it.
      `SELECT q.seq FROM unnest($1::bigint[]) AS q (seq) LEFT JOIN ${schema}.line l ON l.c = q.seq / ${entriesOfCommit}
       WHERE q.seq <= (SELECT (body #>> '{promotion,seq}')::bigint FROM ${schema}.store WHERE id = 'store')
         OR l.epoch IS NOT NULL AND NOT EXISTS (SELECT FROM ${schema}.opening WHERE epoch = l.epoch AND ${this.#isAlive()})`,
      [seqs],
    );
    return new Set(rows.map((row) => Number(row.seq)));
  }

  #isAlive(): string {
    return `seen_at > ${this.#parts.clock.expression()} - interval '${deathMs} ms'`;
  }

  /** This opening is over: what it has left, others may take up at once. */
  async end(): Promise<void> {
    await this.#heartbeat?.stop();
    const { schema, epoch, transactions } = this.#parts;
    await transactions
      .query(`DELETE FROM ${schema}.opening WHERE epoch = $1`, [epoch], 'the closing')
      // A database that is away finds out by itself.
      .catch(() => {});
  }
}

/**
 * The database's clock decides what is due. The row of an opening is made again: an opening that was stopped
 * for a day is not there any more, and lives. A representation that was declared dead is not revived here: its
 * poll finds out.
 */
function signOfLife(schema: string, time: string): string {
  const now = `floor(extract(epoch FROM ${time}) * 1000)`;
  return `WITH seen AS (
      INSERT INTO ${schema}.opening (epoch, seen_at) VALUES ($1, ${time})
      ON CONFLICT (epoch) DO UPDATE SET seen_at = excluded.seen_at
    )
    UPDATE ${schema}.representation
    SET body = jsonb_set(body::jsonb, '{lastPing}', to_jsonb(${now}))::json, rev = rev + 1
    WHERE epoch = $1 AND body ->> 'state' = 'activated'
      AND coalesce((body ->> 'lastPing')::float8, 0) + (body ->> 'pingInterval')::float8 <= ${now}`;
}
