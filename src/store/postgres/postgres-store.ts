import type { AnnotationRecord, JobRecord } from '../../model/records/records.ts';
import { entriesOf, type HistoryEntry, type Kind, type Line, type Records } from '../entry.ts';
import type {
  Callback,
  JobCounts,
  JobPage,
  JobPageRequest,
  LaneSummary,
  Openings as OpeningEpochs,
  Position,
  QueuePlace,
} from '../reader.ts';
import { countsByReads, lanesByReads, pageByReads, placeByReads } from '../rules/lists/lists-by-reads.ts';
import type { Claimed, ClaimRequest, Commit, OpenStore, StorePorts, Ticket } from '../store.ts';
import { Claiming } from './claiming.ts';
import type { DatabaseClock } from './clock.ts';
import { Committing } from './committing.ts';
import { Following } from './following.ts';
import { endOf, Journal } from './journal.ts';
import { Notifying } from './notifying.ts';
import type { Openings } from './opening/openings.ts';
import type { Partitions } from './opening/partitions.ts';
import { Reading } from './reading.ts';
import type { SqlPort } from './sql-port.ts';
import type { Told } from './told.ts';
import type { Transactions } from './transactions.ts';

/** What an open PostgreSQL store is made from. */
export interface PostgresStoreParts {
  readonly name: string;
  /** Quoted. */
  readonly schema: string;
  readonly schemaName: string;
  readonly epoch: number;
  readonly poolSize: number;
  readonly machineVersion: string;
  readonly port: SqlPort;
  readonly clock: DatabaseClock;
  readonly transactions: Transactions;
  readonly ports: StorePorts;
  readonly oldestSeq: number;
  readonly openings: Openings;
  readonly partitions: Partitions;
}

/** A store in a PostgreSQL database: any number of processes share it. */
export class PostgresStore implements OpenStore {
  readonly name: string;
  readonly epoch: number;
  readonly exclusive = false;
  readonly isVolatile = false;
  readonly directory = null;
  readonly past = null;
  readonly files = null;
  readonly #port: SqlPort;
  readonly #ports: StorePorts;
  readonly #clock: DatabaseClock;
  readonly #committing: Committing;
  readonly #claiming: Claiming;
  readonly #reading: Reading;
  readonly #journal: Journal;
  readonly #following: Following;
  readonly #notifying: Notifying;
  readonly #openings: Openings;
  readonly #partitions: Partitions;
  readonly #hinted: ((queue: string) => void)[] = [];
  readonly #oldestSeq: number;
  #poolSize: number;
  /** Calls under way. */
  readonly #open = new Set<Promise<unknown>>();
  #closing: Promise<void> | null = null;

  constructor(parts: PostgresStoreParts) {
    this.name = parts.name;
    this.epoch = parts.epoch;
    this.#poolSize = parts.poolSize;
    this.#port = parts.port;
    this.#ports = parts.ports;
    this.#clock = parts.clock;
    this.#oldestSeq = parts.oldestSeq;
    const report = (message: string): void => parts.ports.report(message);
    this.#journal = new Journal(parts);
    this.#following = new Following({ ...parts, journal: this.#journal, report });
    this.#notifying = new Notifying({
      ...parts,
      report,
      following: this.#following,
      hint: (queues) => this.#hint(queues),
    });
    const shared = { ...parts, committed: (told: Told) => this.#committed(told) };
    this.#committing = new Committing({
      ...shared,
      defer: (run) => parts.ports.defer(run),
      watch: (left) => this.#following.watch(left),
      notifyWithin: (connection, numbered) => this.#notifying.notifyWithin(connection, numbered),
    });
    this.#claiming = new Claiming(shared);
    this.#reading = new Reading(parts);
    this.#openings = parts.openings;
    this.#partitions = parts.partitions;
    parts.transactions.onUncertain((left) => this.#following.watch(left));
    this.#notifying.listen();
  }

  get poolSize(): number {
    return this.#poolSize;
  }

  set poolSize(connections: number) {
    this.#poolSize = connections;
    this.#port.resize(connections);
  }

  now(): number {
    return this.#clock.now();
  }

  openings(): Promise<OpeningEpochs> {
    return this.#read(() => this.#openings.found());
  }

  get<K extends Kind>(kind: K, id: string, within?: unknown): Promise<Records[K] | undefined> {
    return this.#read(() => this.#reading.get(kind, id, within));
  }

  list<K extends Kind>(kind: K, prefix: string): Promise<readonly Records[K][]> {
    return this.#read(() => this.#reading.list(kind, prefix));
  }

  waiting(queue: string, most?: number): Promise<readonly JobRecord[]> {
    return this.#read(() => this.#reading.waiting(queue, most));
  }

  waitingCount(queue: string, name?: string): Promise<number> {
    return this.#read(() => this.#reading.waitingCount(queue, name));
  }

  lanes(queue: string): Promise<readonly LaneSummary[]> {
    return lanesByReads(this, queue);
  }

  place(job: string): Promise<QueuePlace | null> {
    return placeByReads(this, job);
  }

  find(prefix: string, limit: number): Promise<readonly JobRecord[]> {
    return this.#read(() => this.#reading.find(prefix, limit));
  }

  held(queue: string, dispatcher: string, agent: string | null): Promise<readonly JobRecord[]> {
    return this.#read(() => this.#reading.held(queue, dispatcher, agent));
  }

  heldCount(queue: string, dispatcher: string, agent: string): Promise<number> {
    return this.#read(() => this.#reading.heldCount(queue, dispatcher, agent));
  }

  completed(queue: string, dispatcher: string, agent: string): Promise<readonly JobRecord[]> {
    return this.#read(() => this.#reading.completed(queue, dispatcher, agent));
  }

  callbacks(job: string): Promise<readonly Callback[]> {
    return this.#read(() => this.#reading.callbacks(job));
  }

  branches(proxy: string): Promise<readonly JobRecord[]> {
    return this.#read(() => this.#reading.branches(proxy));
  }

  waiters(jobs: readonly string[]): Promise<readonly JobRecord[]> {
    return this.#read(() => this.#reading.waiters(jobs));
  }

  quotaHolders(quota: string): Promise<readonly string[]> {
    return this.#read(() => this.#reading.quotaHolders(quota));
  }

  counts(): Promise<JobCounts> {
    return countsByReads(this);
  }

  jobsPage(request: JobPageRequest): Promise<JobPage> {
    return pageByReads(this, request);
  }

  quarantined(): Promise<readonly JobRecord[]> {
    return this.#read(() => this.#reading.quarantined());
  }

  orphans(): Promise<readonly JobRecord[]> {
    return this.#read(() => this.#leftBehind());
  }

  annotations(job: string): Promise<readonly AnnotationRecord[]> {
    return this.#read(() => this.#reading.annotations(job));
  }

  annotated(jobs: readonly string[]): Promise<ReadonlySet<string>> {
    return this.#read(() => this.#reading.annotated(jobs));
  }

  due(since: number): Promise<number | null> {
    return this.#read(() => this.#reading.due(since));
  }

  commit(commit: Commit): Ticket {
    const ticket = this.#committing.commit(commit);
    this.#during(ticket.synced).catch(() => {});
    return ticket;
  }

  /** Not counted as under way: how long the program's own work takes is its own matter. */
  readonly transaction = <Result>(
    work: (client: unknown) => Promise<Result>,
    commit: (result: Result, refusal: Error | null) => Commit,
  ): Promise<Result> => this.#committing.transaction(work, commit);

  /** Made beside the results of jobs, which are under way most of the time: it counts those that are not there yet as held. */
  claim(request: ClaimRequest): Promise<Claimed> {
    return this.#after(this.#committing.generalSettled(), () => {
      this.#committing.mustWrite();
      return this.#claiming.claim(request);
    });
  }

  /** What was read was committed, so only what this process itself has asked for can be unsettled. */
  settled(): Promise<void> {
    return this.#committing.settled();
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

  onHint(listener: (queue: string) => void): void {
    this.#hinted.push(listener);
  }

  /** A connection that is lost is made again: this store never gives up. */
  onFailure(_listener: (error: Error) => void): void {}

  async *history(kind: Kind, id: string, from?: number): AsyncIterable<HistoryEntry> {
    const seq = from ?? (await this.get(kind, id))?.lastSeq;
    if (seq !== undefined) yield* this.#journal.history(kind, id, seq);
  }

  async *entries(from: number): AsyncIterable<HistoryEntry> {
    await this.settled();
    for await (const line of this.#journal.lines(from)) yield* entriesOf(line, from);
  }

  oldestSeq(): number {
    return this.#oldestSeq;
  }

  async position(): Promise<Position> {
    const line = await this.#read(() => this.#journal.newest());
    return line === null ? { seq: 0, at: this.now() } : { seq: endOf(line) - 1, at: line.at };
  }

  async seqAt(instant: number): Promise<number> {
    await this.settled();
    return this.#journal.seqAt(instant);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await this.#committing.close();
    await this.#answered();
    await this.#notifying.close();
    await this.#following.close();
    await this.#partitions.end();
    await this.#openings.end();
    await this.#port.end();
  }

  /** Orphans that no living process runs. */
  async #leftBehind(): Promise<readonly JobRecord[]> {
    const left: JobRecord[] = [];
    for (const orphan of await this.#reading.orphans()) {
      const { job } = orphan;
      // The process that completed a job is not responsible for what others add to it later.
      const records = job.state === 'completed' ? orphan.left : await this.#withCallbacks(job);
      if (await this.#isInCare(job)) continue;
      if (await this.#isLeftBehind(records)) left.push(job);
    }
    for (const job of await this.#reading.endedElsewhere())
      if (await this.#isLeftBehind(await this.#withCallbacks(job))) left.push(job);
    return left;
  }

  /**
   * A job that is not completed, and its callbacks: the process that runs it wrote one of them last. The process that
   * added a callback that has not begun need not run it.
   */
  async #withCallbacks(job: JobRecord): Promise<readonly { readonly lastSeq: number }[]> {
    const records: { readonly lastSeq: number }[] = [job];
    for (const { kind, record } of await this.#reading.callbacks(job.id)) {
      if (kind === 'proxy' && record.chosen === null) continue;
      if (kind === 'proxy') records.push(record);
      const called = kind === 'job' ? record : await this.#reading.get('job', record.chosen ?? '');
      if (called !== undefined && (called.state !== 'new' || called.claim > 0)) records.push(called);
    }
    return records;
  }

  /** Whether a system job handles it: that one is run until it has decided, even after an interruption. */
  async #isInCare({ parent }: JobRecord): Promise<boolean> {
    if (parent === null || !('system' in parent)) return false;
    const system = await this.#reading.get('job', parent.system);
    return system !== undefined && system.state !== 'completed';
  }

  async #isLeftBehind(records: readonly { readonly lastSeq: number }[]): Promise<boolean> {
    const seqs = new Set(records.map(({ lastSeq }) => lastSeq));
    return (await this.#openings.leftBehind([...seqs])).size === seqs.size;
  }

  /**
   * A program sees what it did before: a read is made after the commits that were asked for before it. And who follows the
   * journal reports what is committed after the read.
   */
  #read<Result>(read: () => Promise<Result>): Promise<Result> {
    return this.#after(this.#committing.settled(), read);
  }

  #after<Result>(settled: Promise<void>, read: () => Promise<Result>): Promise<Result> {
    const begun = this.#following.begun();
    begun.catch(() => {});
    return this.#during(settled.then(() => begun.then(read)));
  }

  /** Its end is reported in a later turn, which a reactor with its own time counts. */
  #during<Result>(work: Promise<Result>): Promise<Result> {
    const over = work.then(
      () => new Promise<void>((resolve) => this.#ports.defer(resolve)),
      () => new Promise<void>((resolve) => this.#ports.defer(resolve)),
    );
    this.#open.add(over);
    void over.then(() => this.#open.delete(over));
    return work;
  }

  #committed({ lines, queues }: Told): void {
    this.#following.tell(lines);
    this.#notifying.notify(queues);
  }

  #hint(queues: Iterable<string>): void {
    for (const queue of queues) for (const listener of this.#hinted) listener(queue);
  }
}
