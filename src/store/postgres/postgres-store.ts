import { isSpent } from '../../model/jobs/rate.ts';
import type { JobRecord } from '../../model/records/records.ts';
import { entriesOf, type HistoryEntry, type Kind, type Line } from '../entry.ts';
import type { Hint, Openings as OpeningEpochs, Position } from '../reader.ts';
import type { Claimed, ClaimRequest, Commit, OpenStore, StorePorts, Ticket } from '../store.ts';
import { Claiming } from './claims/claiming.ts';
import { Committing, ticketOf } from './commits/committing.ts';
import { ProgramTransactions } from './commits/program-transactions.ts';
import { Sending } from './commits/sending.ts';
import { codeOf, madeElsewhere, storeError } from './failures.ts';
import { Lanes } from './jobs/lanes.ts';
import { Following } from './journal/following.ts';
import { Journal } from './journal/journal.ts';
import { type News, Notifying } from './journal/notifying.ts';
import type { Openings } from './opening/openings.ts';
import type { Partitions } from './opening/partitions.ts';
import { dayMs } from './opening/retention.ts';
import type { Parts } from './parts.ts';
import { Reading } from './reading/reading.ts';
import type { Records as Reads } from './reading/records.ts';

export interface PostgresStoreParts extends Parts {
  readonly name: string;
  readonly poolSize: number;
  readonly machineVersion: string;
  readonly ports: StorePorts;
  readonly oldestSeq: number;
  readonly openings: Openings;
  readonly partitions: Partitions;
}

/** A store in a PostgreSQL database: any number of processes share it. */
export class PostgresStore extends Reading implements OpenStore {
  readonly name: string;
  readonly epoch: number;
  readonly exclusive = false;
  readonly isVolatile = false;
  readonly directory = null;
  readonly past = null;
  readonly files = null;
  readonly #parts: PostgresStoreParts;
  readonly #sending: Sending;
  readonly #committing: Committing;
  readonly #claiming: Claiming;
  readonly #programs: ProgramTransactions;
  readonly #journal: Journal;
  readonly #following: Following;
  readonly #notifying: Notifying;
  readonly #hinted: ((hint: Hint) => void)[] = [];
  #poolSize: number;
  /** Calls under way. */
  readonly #open = new Set<Promise<unknown>>();
  #closing: Promise<void> | null = null;
  /** Since it was asked whether all is settled. */
  #hasRead = false;
  #readsSynced: Promise<void> = Promise.resolve();

  constructor(parts: PostgresStoreParts) {
    super(parts);
    this.#parts = parts;
    this.name = parts.name;
    this.epoch = parts.epoch;
    this.#poolSize = parts.poolSize;
    this.#journal = new Journal(parts);
    const following = new Following({ ...parts, journal: this.#journal });
    this.#following = following;
    this.#notifying = new Notifying({ ...parts, following, hint: (news) => this.#hint(news) });
    const lanes = new Lanes(parts.schema, (text, values) =>
      parts.transactions.query(text, values, 'a commit'),
    );
    const sending = new Sending({
      ...parts,
      lanes,
      committed: (lines, news) => this.#committed(lines, news),
      put: (puts) => {
        for (const put of puts) this.#claiming.heads.put(put);
      },
    });
    this.#sending = sending;
    const committing = new Committing(
      sending,
      (run) => parts.ports.defer(run),
      (work) => void this.#during(work),
    );
    this.#committing = committing;
    this.#programs = new ProgramTransactions({
      ...parts,
      sending,
      limitMs: parts.queryTimeoutMs,
      notifyWithin: (connection, news) => this.#notifying.notifyWithin(connection, news),
    });
    this.#claiming = new Claiming({ ...parts, lanes, committing, sending });
    this.#notifying.listen();
    parts.partitions.dropWith((today) => this.#dropLimits(today - dayMs).catch(() => {}));
  }

  /** Drops the records of limits that have said nothing since an instant, each unless it was changed. */
  async #dropLimits(before: number): Promise<void> {
    const spent = (await this.list('limit', '')).filter((limit) => isSpent(limit, before));
    const commits = spent.map(({ id, rev }) => {
      const change = {
        kind: 'limit',
        id,
        event: 'evicted',
        from: null,
        to: null,
        patch: null,
        gone: true,
      } as const;
      const expect = [{ check: 'rev', kind: 'limit', id, rev }] as const;
      return this.#committing.commit({ by: 'retention', changes: [change], expect }).written;
    });
    await Promise.allSettled(commits);
  }

  get poolSize(): number {
    return this.#poolSize;
  }

  set poolSize(connections: number) {
    this.#poolSize = connections;
    this.#parts.port.resize(connections);
  }

  now(): number {
    return this.#parts.clock.now();
  }

  openings(): Promise<OpeningEpochs> {
    return this.read(() => this.#parts.openings.found());
  }

  override waiters(jobs: readonly string[]): Promise<readonly JobRecord[]> {
    const asked = jobs.filter((id) => !this.#sending.own.hasEndedAlone(id));
    return asked.length === 0 ? Promise.resolve([]) : super.waiters(asked);
  }

  commit(commit: Commit): Ticket {
    if (commit.within === undefined) return this.#committing.commit(commit);
    const within = this.#within(commit);
    this.#during(within).catch(() => {});
    return ticketOf(within);
  }

  async #within(commit: Commit): Promise<void> {
    this.#committing.mustWrite();
    try {
      await this.#programs.within(commit);
    } catch (error) {
      const call = 'a commit in a transaction of the program';
      // Where a transaction does not see what was committed since it began, a unique name is refused by 40001.
      throw codeOf(error) === '23505' || codeOf(error) === '40001'
        ? madeElsewhere(commit, error)
        : storeError(error, call, 'not committed');
    }
  }

  /** Not counted as under way: how long the program's own work takes is its own matter. */
  readonly transaction = async <Result>(
    work: (client: unknown) => Promise<Result>,
    commit: (result: Result, refusal: Error | null) => Commit,
  ): Promise<Result> => {
    this.#committing.mustWrite();
    return this.#programs.make(work, commit);
  };

  /** Goes with the commits that were asked for before it: what frees a slot and what fills it again is one statement. */
  claim(request: ClaimRequest): Promise<Claimed> {
    return this.#during(
      this.#following.begun().then(() => {
        this.#committing.mustWrite();
        return this.#claiming.claim(request);
      }),
    );
  }

  /** What was read may be of another process, which has only written it. */
  async settled(): Promise<void> {
    const own = this.#committing.settled();
    if (this.#hasRead) {
      this.#hasRead = false;
      this.#readsSynced = own
        .then(() => this.#journal.sync())
        .catch((error: unknown) => {
          this.#hasRead = true;
          throw error;
        });
    }
    await this.#during(Promise.all([own, this.#readsSynced]));
  }

  async idle(): Promise<void> {
    await this.#answered();
    await this.#closing?.catch(() => {});
  }

  async #answered(): Promise<void> {
    while (this.#open.size > 0) await Promise.allSettled([...this.#open]);
  }

  follow(listener: (lines: readonly Line[]) => void): () => void {
    return this.#following.follow(listener);
  }

  onHint(listener: (hint: Hint) => void): void {
    this.#hinted.push(listener);
  }

  /** A connection that is lost is made again: this store never gives up. */
  onFailure(_listener: (error: Error) => void): void {}

  async *history(kind: Kind, id: string, from?: number): AsyncIterable<HistoryEntry> {
    const seq = from ?? (await this.get(kind, id))?.lastSeq;
    if (seq !== undefined) yield* this.#journal.history(kind, id, seq);
  }

  async *entries(from: number): AsyncIterable<HistoryEntry> {
    await this.#committing.settled();
    for await (const line of this.#journal.lines(from)) yield* entriesOf(line, from);
  }

  oldestSeq(): number {
    return this.#parts.oldestSeq;
  }

  async position(): Promise<Position> {
    await this.#committing.settled();
    return (await this.#journal.position()) ?? { seq: 0, at: this.now() };
  }

  async seqAt(instant: number): Promise<number> {
    await this.#committing.settled();
    return this.#journal.seqAt(instant);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await this.#programs.close();
    await this.#committing.close();
    await this.#answered();
    await this.#notifying.close();
    await this.#following.close();
    await this.#parts.partitions.end();
    await this.#parts.openings.end();
    await this.#parts.port.end();
  }

  /**
   * A program sees what it did before: a read is made after the commits that were asked for before it. And who follows the
   * journal reports what is committed after the read.
   */
  protected override read<Result>(work: (records: Reads) => Promise<Result>): Promise<Result> {
    this.#hasRead = true;
    const begun = this.#following.begun();
    begun.catch(() => {});
    return this.#during(
      this.#committing
        .written()
        .then(() => begun)
        .then(() => super.read(work)),
    );
  }

  /** Its end is reported in a later turn, which a reactor with its own time counts. */
  #during<Result>(work: Promise<Result>): Promise<Result> {
    const later = (): Promise<void> => new Promise((resolve) => this.#parts.ports.defer(resolve));
    const over = work.then(later, later);
    this.#open.add(over);
    void over.then(() => this.#open.delete(over));
    return work;
  }

  #committed(lines: () => readonly Line[], news: News): void {
    if (this.#following.isFollowed) this.#following.tell(lines());
    this.#notifying.notify(news);
  }

  #hint({ queues, stops, machines }: News): void {
    for (const queue of queues) this.#claiming.heads.forget(queue);
    const hints: Hint[] = [...queues].map((queue) => ({ queue }));
    for (const stop of stops) hints.push({ stop });
    for (const machine of machines) hints.push({ machine });
    for (const hint of hints) for (const listener of this.#hinted) listener(hint);
  }
}
