import { SignalboxError } from '../../errors.ts';
import type { JobRecord } from '../../model/records/records.ts';
import type { HistoryEntry, Kind, Line } from '../entry.ts';
import type { Log } from '../log.ts';
import { heldBy, mayClaim, roomOf, take } from '../rules/claim-rules.ts';
import { historyOf } from '../rules/history.ts';
import { mustHaveRoom } from '../rules/limits.ts';
import { mustHold } from '../rules/preconditions.ts';
import { TableQueries } from '../rules/table-queries.ts';
import type { Claimed, ClaimRequest, Commit, Openings, OpenStore, StorePorts, Ticket } from '../store.ts';
import { Committing, type CommittingParts } from './committer.ts';
import { Evictions, type Retention } from './retention.ts';

/** What a table store is made from. */
export interface TableStoreParts extends CommittingParts {
  readonly name: string;
  readonly directory: string | null;
  readonly poolSize: number;
  readonly retention: Retention;
}

/**
 * A store that keeps its whole state in memory and its commits in a log: the memory store and the json store. What it
 * reads, checks, takes and drops is told by the tables; how a commit becomes durable is the matter of `Committing`.
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
  readonly #committing: Committing;
  readonly #evictions: Evictions;

  constructor(parts: TableStoreParts) {
    super(parts.tables);
    this.name = parts.name;
    this.epoch = parts.epoch;
    this.directory = parts.directory;
    this.isVolatile = parts.directory === null;
    this.poolSize = parts.poolSize;
    this.#log = parts.log;
    this.#ports = parts.ports;
    this.#evictions = new Evictions(parts.tables, parts.retention);
    this.#committing = new Committing(parts);
    this.#committing.afterSync = () => this.#evict();
  }

  now(): number {
    return this.#ports.now();
  }

  /** Only one process can hold it, so every earlier one is gone. */
  async openings(): Promise<Openings> {
    return { alive: new Set([this.epoch]), newest: this.epoch };
  }

  commit(commit: Commit): Ticket {
    try {
      this.#committing.mustWrite();
      if (commit.within !== undefined)
        throw new SignalboxError('NO_TRANSACTIONS', { call: 'put with a client' });
      for (const expectation of commit.expect) {
        if (expectation.what === 'atMost') mustHaveRoom(this.tables, commit.changes, expectation);
        else mustHold(this.tables, expectation);
      }
      return this.#committing.stage(commit.by, commit.changes);
    } catch (error) {
      return refused(error);
    }
  }

  async claim(request: ClaimRequest): Promise<Claimed> {
    const committing = this.#committing;
    const now = this.now();
    committing.mustWrite();
    // After a full disk a claim is tried once a second: its failure costs nothing but must not spin.
    if (now < committing.fullUntil) return nothingClaimed;
    if (!mayClaim(this.tables, request, now)) return nothingClaimed;
    const held = heldBy(this.tables, request);
    const limit = roomOf(request, held);
    if (limit <= 0) return { ...nothingClaimed, held };
    const { changes, ids, newestSeq } = take(this.tables, { ...request, limit }, now);
    if (changes.length === 0) return { ...nothingClaimed, held };
    const ticket = committing.stage(request.by, changes);
    committing.writeAlone();
    const jobs = ids.map((id) => this.tables.findJob(id) as JobRecord);
    const startable = newestSeq > committing.syncedSeq ? ticket.synced : ticket.written;
    return { jobs, held: held + jobs.length, ticket, startable };
  }

  #evict(): void {
    if (!this.#committing.isOpen) return;
    const changes = this.#evictions.due(this.now());
    if (changes.length > 0) this.#committing.stage('retention', changes);
  }

  settled(): Promise<void> {
    return this.#committing.settled();
  }

  /** Only syncs take time here. A store that failed or was closed has nothing under way. */
  idle(): Promise<void> {
    return this.settled().catch(() => {});
  }

  follow(listener: (lines: readonly Line[]) => void): () => void {
    return this.#committing.follow(listener);
  }

  onHint(_listener: (queue: string) => void): void {}

  onFailure(listener: (error: Error) => void): void {
    this.#committing.onFailure(listener);
  }

  async *history(kind: Kind, id: string): AsyncIterable<HistoryEntry> {
    await this.settled();
    const record = this.tables.get(kind, id);
    if (record !== undefined) yield* historyOf(this.#log, record.lastSeq);
  }

  async *entries(from: number): AsyncIterable<HistoryEntry> {
    await this.settled();
    for await (const line of this.#log.read(from)) {
      for (const [index, entry] of line.entries.entries()) {
        if (line.s + index >= from) yield { ...entry, seq: line.s + index, at: line.at, by: line.by };
      }
    }
  }

  oldestSeq(): number {
    return this.#log.oldestSeq();
  }

  get isClosed(): boolean {
    return this.#committing.isClosed;
  }

  close(): Promise<void> {
    return this.#committing.close();
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
