import { Client } from 'pg';

/** What the driver of this process has sent, by what the server has to do for it. */
export interface Sent {
  /** Everything that is nothing of the below. */
  statements: number;
  /** Statements that only read tables: looks at leases, openings and the journal. */
  reads: number;
  /** Commits for which the server writes its log to the disk before it answers. */
  syncs: number;
}

/** Functions of the schema that change nothing: a statement that calls no other one only reads. */
const reading = new Set(['read', 'now']);

/**
 * Counts what the driver of this process sends on any connection, until `end`. Hints (NOTIFY and LISTEN) are not counted, and
 * signs of life are sent by another thread.
 */
export class SentStatements {
  readonly #sent: Sent = { statements: 0, reads: 0, syncs: 0 };
  readonly #call: RegExp;
  readonly #isSyncedAt: number | null;
  readonly #query = Client.prototype.query;

  /** `isSyncedAt`: which value of the function `commit` says whether its own commit is synced; null: it has none. */
  constructor(schema: string, isSyncedAt: number | null) {
    this.#call = new RegExp(`\\b${schema}"?\\.(\\w+)\\(`, 'g');
    this.#isSyncedAt = isSyncedAt;
    const [query, note] = [this.#query, this.#note.bind(this)];
    Client.prototype.query = function (this: Client, ...args: unknown[]) {
      note(args);
      return Reflect.apply(query, this, args);
    } as typeof query;
  }

  /** Begins to count what is sent to a schema that is there already. */
  static async begun(url: string, schema: string): Promise<SentStatements> {
    const client = new Client({ connectionString: url });
    await client.connect();
    const { rows } = await client.query(
      `SELECT array_position(proargnames, 'p_is_synced') AS place FROM pg_proc
        WHERE proname = 'commit' AND pronamespace = $1::regnamespace`,
      [schema],
    );
    await client.end();
    return new SentStatements(schema, rows[0]?.place ?? null);
  }

  /** What was sent by now. */
  get sent(): Sent {
    return { ...this.#sent };
  }

  end(): void {
    Client.prototype.query = this.#query;
  }

  #note([asked, given]: readonly unknown[]): void {
    const { text, values = given } = (typeof asked === 'string' ? { text: asked } : asked) as {
      readonly text: string;
      readonly values?: readonly unknown[];
    };
    if (/\bpg_notify\(|^\s*(?:UN)?LISTEN\b/i.test(text)) return;
    const calls = [...text.matchAll(this.#call)].map(([, name]) => name as string);
    if (/\bpg_logical_emit_message\(/.test(text) || calls.includes('touch')) this.#sent.syncs += 1;
    else if (/^\s*SELECT\b/i.test(text) && calls.every((name) => reading.has(name))) this.#sent.reads += 1;
    else {
      this.#sent.statements += 1;
      if (this.#isSynced(calls, values as readonly unknown[] | undefined)) this.#sent.syncs += 1;
    }
  }

  /** The function `commit` is told whether its own commit may be answered before it is on the disk. All others are not. */
  #isSynced(calls: readonly string[], values: readonly unknown[] | undefined): boolean {
    if (calls.includes('heads')) return false;
    return this.#isSyncedAt === null || !calls.includes('commit') || values?.[this.#isSyncedAt - 1] !== false;
  }
}
