/*
 * Room: in-memory.
 *
 * Owns: A store whose records are in memory: commits and claims on tables, batches for the log below,
 *   retention. The memory store is this with a log that keeps nothing on disk; the json store is this with a
 *   journal.
 *
 * Invariant: A commit is applied as a whole or not at all, and what is read is written.
 *
 * May import: rules.
 */
import { SignalboxError } from '../../errors.ts';
import type { JobRecord } from '../../model/records/records.ts';
import { createPast } from '../../reading/past.ts';
import { entriesOf, type HistoryEntry, type Kind, type Line } from '../entry.ts';
import type { Log } from '../log.ts';
import type { Hint, Openings, Past, Position } from '../reader.ts';
import { heldBy, letOutAfter, mayClaim, roomOf, type Taken, take } from '../rules/claim-rules.ts';
import { historyOf } from '../rules/history.ts';
import { mustHaveRoom } from '../rules/limits.ts';
import { mustFindRoom } from '../rules/parking/deadlock.ts';
import { mustHold } from '../rules/preconditions.ts';
import { TableQueries } from '../rules/table-queries.ts';
import type { Claimed, ClaimRequest, Commit, OpenStore, StorePorts, Ticket } from '../store.ts';
import { Committer, type CommitterDeps } from './committer.ts';
import { Evictions, type Retention } from './retention.ts';

/** What a table store is made from. */
export interface TableStoreDeps extends CommitterDeps {
  readonly name: string;
  readonly directory: string | null;
  readonly poolSize: number;
  readonly retention: Retention;
}

/**
 * A store that keeps its whole state in memory and its commits in a log: the memory store and the json store.
 * The tables and the rules decide what it reads, refuses, claims and drops; the committer decides when a
 * commit is durable.
 */
export class TableStore extends TableQueries implements OpenStore {
  readonly name: string;
  readonly epoch: number;
  readonly exclusive = true;
  readonly directory: string | null;
  readonly isVolatile: boolean;
  readonly transaction = null;
  poolSize: number;
  readonly #log: Log;
  readonly #ports: StorePorts;
  readonly #committer: Committer;
  readonly #evictions: Evictions;

  constructor(deps: TableStoreDeps) {
    super(deps.tables);
    this.name = deps.name;
    this.epoch = deps.epoch;
    this.directory = deps.directory;
    this.isVolatile = deps.directory === null;
    this.poolSize = deps.poolSize;
    this.#log = deps.log;
    this.#ports = deps.ports;
    this.#evictions = new Evictions(deps.tables, deps.retention);
    this.#committer = new Committer(deps);
    this.#committer.afterSync = () => this.#evict();
  }

  override now(): number {
    return this.#ports.now();
  }

  /** Only one process can hold the store, so every earlier opening has ended. */
  async openings(): Promise<Openings> {
    return { alive: new Set([this.epoch]), newest: this.epoch };
  }

  commit(commit: Commit): Ticket {
    try {
      this.#committer.mustWrite();
      if (commit.within !== undefined)
        throw new SignalboxError('NO_TRANSACTIONS', { call: 'put with a client' });
      for (const precondition of commit.expect) {
        if (precondition.check === 'atMost') mustHaveRoom(this.tables, commit.changes, precondition);
        else mustHold(this.tables, precondition);
        if (precondition.check === 'notAwaitedBy') mustFindRoom(this.tables, commit.changes, precondition);
      }
      return this.#committer.stage(commit.by, commit.changes);
    } catch (error) {
      return refused(error);
    }
  }

  async claim(request: ClaimRequest): Promise<Claimed> {
    const committer = this.#committer;
    const now = this.now();
    committer.mustWrite();
    // After a full disk a claim is tried once a second: a failed one costs little, but must not be repeated
    // in a loop.
    if (now < committer.fullUntil) return nothingClaimed;
    if (!mayClaim(this.tables, request, now)) return nothingClaimed;
    const held = heldBy(this.tables, request);
    const limit = roomOf(request, held);
    if (limit <= 0) return { ...nothingClaimed, held };
    const taken = take(this.tables, { ...request, limit }, now);
    const { changes, ids, newestSeq } = taken;
    if (changes.length === 0) return { ...nothingClaimed, held, ...this.#whatFollows(request, now, taken) };
    const ticket = committer.stage(request.by, changes);
    const follows = this.#whatFollows(request, now, taken);
    committer.writeAlone();
    const jobs = ids.map((id) => this.tables.findJob(id) as JobRecord);
    const startable = newestSeq > committer.syncedSeq ? ticket.synced : ticket.written;
    const annotated = new Set(ids.filter((id) => this.tables.isAnnotated(id)));
    return { jobs, held: held + jobs.length, annotated, ticket, startable, ...follows };
  }

  /** Whether there may be more to claim, and something new to wait for. */
  #whatFollows(
    request: ClaimRequest,
    now: number,
    { changes, mayBeMore, isHeldUp }: Taken,
  ): Pick<Claimed, 'mayBeMore' | 'opensLater'> {
    const isMore = letOutAfter(this.tables, request, now) || mayBeMore;
    const isLater =
      isHeldUp ||
      this.tables.jobs.queues.parking(request.queue) !== undefined ||
      changes.at(-1)?.kind === 'limit';
    return { ...(isMore ? { mayBeMore: true } : {}), ...(isLater ? { opensLater: true } : {}) };
  }

  #evict(): void {
    if (!this.#committer.isOpen) return;
    const changes = this.#evictions.due(this.now());
    if (changes.length > 0) this.#committer.stage('retention', changes);
  }

  settled(): Promise<void> {
    return this.#committer.settled();
  }

  /** Only syncs take time here. In a store that failed or was closed nothing is under way. */
  idle(): Promise<void> {
    return this.settled().catch(() => {});
  }

  follow(listener: (lines: readonly Line[]) => void): () => void {
    return this.#committer.follow(listener);
  }

  onHint(_listener: (hint: Hint) => void): void {}

  onFailure(listener: (error: Error) => void): void {
    this.#committer.onFailure(listener);
  }

  async *history(kind: Kind, id: string, from?: number): AsyncIterable<HistoryEntry> {
    await this.settled();
    yield* historyOf(this.#log, kind, id, from ?? this.tables.get(kind, id)?.lastSeq ?? 0);
  }

  async *entries(from: number): AsyncIterable<HistoryEntry> {
    await this.settled();
    for await (const line of this.#log.read(from)) yield* entriesOf(line, from);
  }

  oldestSeq(): number {
    return this.#log.oldestSeq();
  }

  get files(): OpenStore['files'] {
    return this.#log.files;
  }

  async seqAt(instant: number): Promise<number> {
    await this.settled();
    return this.#log.seqAt(instant);
  }

  readonly past = (): Promise<Past> =>
    createPast({
      name: this.name,
      exclusive: this.exclusive,
      isVolatile: this.isVolatile,
      log: this.#log,
      newestSeq: () => this.#committer.syncedSeq,
      now: () => this.now(),
      defer: () => new Promise((resolve) => this.#ports.defer(resolve)),
    });

  async position(): Promise<Position> {
    const seq = this.#committer.syncedSeq;
    return { seq, at: (await this.#log.find(seq))?.at ?? this.now() };
  }

  get isClosed(): boolean {
    return this.#committer.isClosed;
  }

  close(): Promise<void> {
    return this.#committer.close();
  }
}

const nothingClaimed: Claimed = {
  jobs: [],
  startable: Promise.resolve(),
  ticket: { written: Promise.resolve(), synced: Promise.resolve() },
};

function refused(error: unknown): Ticket {
  const promise = Promise.reject(error);
  promise.catch(() => {});
  return { written: promise, synced: promise };
}
