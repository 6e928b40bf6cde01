import { ConflictError, ReassignedError, SignalboxError } from '../../errors.ts';
import { isTooLate } from '../../model/deadline.ts';
import type { AnnotationRecord, JobRecord, ProxyRecord } from '../../model/records.ts';
import { newJobRecord } from '../../model/step.ts';
import { systemNames } from '../../model/system-names.ts';
import type { Log } from '../log.ts';
import type {
  Callback,
  Candidate,
  Change,
  Claimed,
  ClaimRequest,
  Commit,
  Expectation,
  HistoryEntry,
  Kind,
  Line,
  OpenStore,
  Records,
  StorePorts,
  Ticket,
} from '../store.ts';
import { Batch, type Staged } from './batch.ts';
import { historyOf } from './history.ts';
import { type Offer, offering } from './offering.ts';
import { splitSubject, type Tables } from './tables.ts';

/** How long completed jobs are kept, and how many. */
export interface Retention {
  /** Milliseconds; default 7 days, as in the lineage. */
  readonly completedMaxAgeMs: number;
  /** Default 100,000. */
  readonly completedMaxCount: number;
}

/** The defaults of retention. */
export const defaultRetention: Retention = {
  completedMaxAgeMs: 7 * 24 * 60 * 60 * 1000,
  completedMaxCount: 100_000,
};

/** What a table store is made from. */
export interface TableStoreParts {
  readonly name: string;
  readonly epoch: number;
  readonly directory: string | null;
  readonly poolSize: number;
  readonly tables: Tables;
  readonly log: Log;
  /** Seq of the newest entry in `tables`: everything so far is synced. */
  readonly seq: number;
  /** Version of the machines, written with every line. */
  readonly machineVersion: string;
  readonly ports: StorePorts;
  readonly retention: Retention;
}

/**
 * A store that keeps its whole state in memory and its commits in a log: the memory store and the json store.
 *
 * A commit is checked and applied at once, in the order of calls, so what follows in the same tick builds on it;
 * it becomes *written* together with everything else of the tick, and *synced* with everything written before a
 * sync began. Nobody learns of a commit before it is written, so one whose write fails is undone without a trace.
 */
export class TableStore implements OpenStore {
  readonly name: string;
  readonly epoch: number;
  readonly exclusive = true;
  readonly directory: string | null;
  readonly isVolatile: boolean;
  poolSize: number;

  readonly #tables: Tables;
  readonly #log: Log;
  readonly #ports: StorePorts;
  readonly #retention: Retention;
  readonly #machineVersion: string;
  readonly #listeners = new Set<(lines: readonly Line[]) => void>();
  readonly #failureListeners: ((error: Error) => void)[] = [];
  #nextSeq: number;
  #writtenSeq: number;
  #syncedSeq: number;
  #batch = new Batch();
  #scheduled = false;
  #unsynced: Batch[] = [];
  #lastWritten = this.#batch;
  #syncing = false;
  #failure: Error | null = null;
  #fullUntil = 0;
  #nextEviction = 0;
  #closing: Promise<void> | null = null;

  constructor(parts: TableStoreParts) {
    this.name = parts.name;
    this.epoch = parts.epoch;
    this.directory = parts.directory;
    this.isVolatile = parts.directory === null;
    this.poolSize = parts.poolSize;
    this.#tables = parts.tables;
    this.#log = parts.log;
    this.#ports = parts.ports;
    this.#retention = parts.retention;
    this.#machineVersion = parts.machineVersion;
    this.#nextSeq = parts.seq + 1;
    this.#writtenSeq = parts.seq;
    this.#syncedSeq = parts.seq;
    this.#log.onWritable = () => this.#schedule();
  }

  now(): number {
    return this.#ports.now();
  }

  async get<K extends Kind>(kind: K, id: string): Promise<Records[K] | undefined> {
    return this.#tables.get(kind, id);
  }

  async list<K extends Kind>(kind: K, prefix: string): Promise<readonly Records[K][]> {
    return this.#tables.list(kind, prefix);
  }

  async waiting(queue: string): Promise<readonly JobRecord[]> {
    const jobs: JobRecord[] = [];
    for (const offer of this.#offering(queue, Number.POSITIVE_INFINITY)) {
      jobs.push(offer.job);
      offer.pass();
    }
    return jobs;
  }

  async waitingCount(queue: string): Promise<number> {
    return this.#tables.waitingCount(queue);
  }

  async held(queue: string, dispatcher: string, agent: string | null): Promise<readonly JobRecord[]> {
    const agents = agent === null ? this.#tables.holdingAgents(queue, dispatcher) : [agent];
    return agents.flatMap((name) => this.#jobs(this.#tables.held(queue, dispatcher, name)));
  }

  async heldCount(queue: string, dispatcher: string, agent: string): Promise<number> {
    return this.#tables.held(queue, dispatcher, agent).size;
  }

  async completed(queue: string, dispatcher: string, agent: string): Promise<readonly JobRecord[]> {
    return this.#jobs(this.#tables.filed(queue, dispatcher, agent)).reverse();
  }

  async callbacks(job: string): Promise<readonly Callback[]> {
    return this.#tables.callbacks(job).map((subject) => {
      const [kind, id] = splitSubject(subject);
      return kind === 'proxy'
        ? { kind, record: this.#tables.get('proxy', id) as ProxyRecord }
        : { kind: 'job', record: this.#tables.get('job', id) as JobRecord };
    });
  }

  async annotated(jobs: readonly string[]): Promise<ReadonlySet<string>> {
    return new Set(jobs.filter((id) => this.#tables.isAnnotated(id)));
  }

  async branches(proxy: string): Promise<readonly JobRecord[]> {
    return this.#jobs(this.#tables.branches(proxy));
  }

  async waiters(job: string): Promise<readonly JobRecord[]> {
    return this.#jobs(this.#tables.waiters(job));
  }

  async quarantined(): Promise<readonly JobRecord[]> {
    return this.#jobs(this.#tables.quarantined);
  }

  async orphans(): Promise<readonly JobRecord[]> {
    return this.#jobs(this.#tables.orphans());
  }

  async quotaHolders(quota: string): Promise<readonly string[]> {
    return [...this.#tables.quotaHolders(quota)];
  }

  async annotations(job: string): Promise<readonly AnnotationRecord[]> {
    return this.#tables
      .annotations(job)
      .map((name) => this.#tables.get('annotation', `${job}/${name}`) as AnnotationRecord);
  }

  async due(): Promise<number | null> {
    return this.#tables.due(this.now());
  }

  commit(commit: Commit): Ticket {
    try {
      this.#mustWrite();
      for (const expectation of commit.expect) this.#mustHold(expectation);
      this.#mustStand(commit.changes);
      return this.#stage(commit.by, commit.changes);
    } catch (error) {
      return refused(error);
    }
  }

  async claim(request: ClaimRequest): Promise<Claimed> {
    this.#mustWrite();
    // After a full disk a claim is tried once a second: its failure costs nothing but must not spin.
    if (this.now() < this.#fullUntil) return nothingClaimed;
    const changes: Change[] = [];
    const ids: string[] = [];
    const taken = new Map<string, number>();
    let newest = 0;
    const claimable = this.#claimable(request, taken);
    const offers =
      request.choose === null
        ? claimable
        : chosen(claimable, request.choose, () => this.#claimable(request, taken));
    for (const { candidate, leave } of offers) {
      const made = request.take(candidate);
      leave();
      if (made === null) continue;
      for (const quota of candidate.expired ? [] : candidate.quotas) {
        if (!candidate.job.quotas.includes(quota)) taken.set(quota, (taken.get(quota) ?? 0) + 1);
      }
      changes.push(...made);
      ids.push(made.findLast((change) => change.kind === 'job')?.id ?? candidate.job.id);
      if (candidate.job.lastSeq > newest) newest = candidate.job.lastSeq;
      if (ids.length >= request.limit) break;
    }
    if (changes.length === 0) return nothingClaimed;
    const ticket = this.#stage(request.by, changes);
    const jobs = ids.map((id) => this.#tables.get('job', id) as JobRecord);
    return { jobs, ticket, startable: newest > this.#syncedSeq ? ticket.synced : ticket.written };
  }

  *#claimable(
    request: ClaimRequest,
    taken: ReadonlyMap<string, number>,
  ): Generator<{ candidate: Candidate; leave: () => void }> {
    const now = this.now();
    for (const offer of this.#offering(request.queue, now, request)) {
      const { job } = offer;
      const expired = isTooLate(job, now);
      const quotas = this.#existingQuotas(request.queue, job.quotaNames);
      if (!expired && this.#isFull(quotas, job, taken)) offer.block();
      else if (!isAccepted(request.accepts, job, expired)) offer.pass();
      else yield { candidate: { job, expired, quotas }, leave: offer.pass };
    }
  }

  #offering(queue: string, now: number, request?: ClaimRequest): Generator<Offer> {
    const accepts = request?.accepts;
    return offering(
      this.#tables.lanes(queue),
      this.#tables.findJob,
      now,
      // Expired jobs are offered as wrappers, which another lane rule may accept: their lanes are always walked.
      (lane) => accepts === undefined || lane.hasDeadlines || accepts.lane(lane.name, lane.quotaNames),
    );
  }

  #existingQuotas(queue: string, names: readonly string[]): readonly string[] {
    if (names.length === 0) return names;
    return [...new Set(names)]
      .map((name) => `${queue}/${name}`)
      .filter((id) => this.#tables.get('quota', id) !== undefined);
  }

  #isFull(quotas: readonly string[], job: JobRecord, taken: ReadonlyMap<string, number>): boolean {
    return quotas.some((id) => {
      if (job.quotas.includes(id)) return false;
      const size = this.#tables.get('quota', id)?.size ?? 0;
      return this.#tables.quotaHolders(id).size + (taken.get(id) ?? 0) >= size;
    });
  }

  settled(): Promise<void> {
    const failure = this.#failure;
    // Refused only once its files are let go: who moves virtual time waits for that, too.
    if (failure !== null) {
      const closed = this.#closing?.catch(() => {}) ?? Promise.resolve();
      return closed.then(() => Promise.reject(failure));
    }
    if (this.#nextSeq - 1 <= this.#syncedSeq) return Promise.resolve();
    return (this.#batch.isEmpty ? this.#lastWritten : this.#batch).synced;
  }

  follow(listener: (lines: readonly Line[]) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  onFailure(listener: (error: Error) => void): void {
    this.#failureListeners.push(listener);
  }

  async *history(kind: Kind, id: string): AsyncIterable<HistoryEntry> {
    await this.settled();
    const record = this.#tables.get(kind, id);
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
    return this.#closing !== null;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    // What a full disk refuses by now has been told to its callers.
    if (this.#failure === null) await this.settled().catch(() => {});
    this.#failure ??= new SignalboxError('STORE_CLOSED', { call: 'a commit' });
    await this.#log.close();
  }

  #jobs(ids: Iterable<string>): JobRecord[] {
    const jobs: JobRecord[] = [];
    for (const id of ids) {
      const job = this.#tables.findJob(id);
      if (job !== undefined) jobs.push(job);
    }
    return jobs;
  }

  #mustWrite(): void {
    if (this.#failure !== null) throw this.#failure;
    // Nothing new while the last commits are synced: it would be neither written nor refused.
    if (this.#closing !== null) throw new SignalboxError('STORE_CLOSED', { call: 'a commit' });
  }

  #mustHold(expectation: Expectation): void {
    const { id } = expectation;
    if (expectation.what === 'rev') {
      const rev = this.#tables.get(expectation.kind, id)?.rev ?? 0;
      if (rev !== expectation.rev)
        throw conflict(`${expectation.kind}/${id}`, `at rev ${expectation.rev}`, `rev ${rev}`);
      return;
    }
    const job = this.#tables.findJob(id);
    if (expectation.what === 'holder') {
      if (job?.epoch !== expectation.epoch || job.claim !== expectation.claim)
        throw new ReassignedError({ id });
    } else if (job === undefined) throw new SignalboxError('JOB_NOT_FOUND', { id });
    else if (expectation.what === 'notCompleted' && job.state === 'completed') {
      throw conflict(`job/${id}`, 'not completed', 'completed');
    } else if (expectation.what === 'noUnstartedCallback' && this.#tables.hasUnstartedCallback(id)) {
      throw conflict(`job/${id}`, 'without callbacks that nobody began', 'one');
    }
  }

  /** A record must still be in the state that its first change leaves: the last defence of the chart. */
  #mustStand(changes: readonly Change[]): void {
    const seen = changes.length > 4 ? new Set<string>() : null;
    for (const [index, change] of changes.entries()) {
      if (change.from === null) continue;
      const subject = `${change.kind}/${change.id}`;
      const isLater =
        seen?.has(subject) ??
        changes.slice(0, index).some((other) => other.id === change.id && other.kind === change.kind);
      seen?.add(subject);
      if (isLater) continue;
      const record = this.#tables.get(change.kind, change.id);
      const state = record !== undefined && 'state' in record ? record.state : null;
      if (state !== null && state !== change.from) throw conflict(subject, change.from, state);
    }
  }

  #stage(by: string, changes: readonly Change[]): Ticket {
    const seq = this.#nextSeq;
    const undo: Staged['undo'][number][] = [];
    const entries = changes.map((change, index) => {
      const before = this.#tables.apply(change, seq + index);
      undo.push([change.kind, change.id, before]);
      return {
        kind: change.kind,
        id: change.id,
        event: change.event,
        from: change.from,
        to: change.to,
        patch: change.patch,
        gone: change.gone === true,
        q: before?.lastSeq ?? 0,
      };
    });
    const line: Line = {
      s: seq,
      at: this.now(),
      by: `${by}#${this.epoch}`,
      mv: this.#machineVersion,
      entries,
    };
    try {
      this.#log.append(line);
    } catch (error) {
      // What the log does not take never was: a value that is no JSON, or a log that has failed by itself.
      for (const [kind, id, before] of undo.toReversed()) this.#tables.restore(kind, id, before);
      if (error instanceof SignalboxError && /^STORE_(IO|FENCED)$/.test(error.code)) this.#fail(error);
      throw error;
    }
    this.#nextSeq = seq + changes.length;
    this.#batch.add({ line, undo });
    this.#schedule();
    return this.#batch;
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#ports.defer(() => {
      this.#scheduled = false;
      this.#flush();
    });
  }

  /** One synchronous write for everything staged in the tick. */
  #flush(): void {
    if (this.#batch.isEmpty || this.#failure !== null) return;
    try {
      if (!this.#log.write()) return;
    } catch (error) {
      this.#undo(error as Error);
      return;
    }
    this.#fullUntil = 0;
    const batch = this.#batch;
    this.#batch = new Batch();
    this.#writtenSeq = this.#nextSeq - 1;
    batch.lastSeq = this.#writtenSeq;
    this.#unsynced.push(batch);
    this.#lastWritten = batch;
    batch.resolveWritten();
    if (this.#log.wantsCheckpoint()) {
      this.#log
        .checkpoint(this.#tables.state(this.#writtenSeq))
        .catch((error: Error) => this.#ports.report(error.message));
    }
    this.#startSync();
  }

  #startSync(): void {
    if (this.#syncing || this.#unsynced.length === 0) return;
    this.#syncing = true;
    const covered = this.#unsynced;
    this.#unsynced = [];
    this.#log.sync().then(
      () => {
        this.#syncing = false;
        this.#syncedSeq = covered.at(-1)?.lastSeq ?? this.#syncedSeq;
        for (const batch of covered) batch.resolveSynced();
        const lines = covered.flatMap((batch) => batch.lines);
        for (const listener of this.#listeners) this.#tell(listener, lines);
        this.#evict();
        this.#startSync();
      },
      (error: Error) => {
        for (const batch of covered) batch.reject(error);
        this.#fail(error);
      },
    );
  }

  /** A listener that throws must not keep the others, or the next sync, from being told. */
  #tell(listener: (lines: readonly Line[]) => void, lines: readonly Line[]): void {
    try {
      listener(lines);
    } catch (error) {
      this.#ports.report(`a listener of the journal failed: ${String(error)}`);
    }
  }

  /** The write did not happen: what was staged is taken back in reverse order, and its callers are told. */
  #undo(error: Error): void {
    const batch = this.#batch;
    this.#batch = new Batch();
    for (const staged of batch.staged.toReversed()) {
      for (const [kind, id, before] of staged.undo.toReversed()) this.#tables.restore(kind, id, before);
    }
    this.#nextSeq = this.#writtenSeq + 1;
    batch.reject(error);
    if (error instanceof SignalboxError && error.code === 'STORE_FULL') this.#fullUntil = this.now() + 1000;
    else this.#fail(error);
  }

  #fail(error: Error): void {
    if (this.#failure !== null) return;
    this.#failure = error;
    for (const batch of [...this.#unsynced, this.#batch]) batch.reject(error);
    for (const listener of this.#failureListeners) listener(error);
  }

  /**
   * Drops completed jobs beyond the retention, oldest first, each with what belongs to it; never one that an unfinished
   * job refers to. Looked at once a minute, or when there are one in a hundred too many.
   */
  #evict(): void {
    const { completedMaxAgeMs, completedMaxCount } = this.#retention;
    const { completed } = this.#tables;
    const now = this.now();
    if (
      this.#failure !== null ||
      this.#closing !== null ||
      (now < this.#nextEviction && completed.size <= completedMaxCount * 1.01)
    )
      return;
    this.#nextEviction = now + 60_000;
    const changes: Change[] = [];
    let excess = completed.size - completedMaxCount;
    for (const id of completed) {
      const job = this.#tables.findJob(id) as JobRecord;
      if ((excess <= 0 && (job.activeEnd ?? 0) >= now - completedMaxAgeMs) || changes.length >= 5000) break;
      if (this.#tables.isReferred(job)) continue;
      excess -= 1;
      changes.push(...this.#evictions(job));
    }
    if (changes.length > 0) this.#stage('retention', changes);
  }

  #evictions(job: JobRecord): Change[] {
    const gone = (kind: Kind, id: string): Change => ({
      kind,
      id,
      event: 'evicted',
      from: null,
      to: null,
      patch: null,
      gone: true,
    });
    const proxies = this.#tables.callbacks(job.id).filter((subject) => subject.startsWith('proxy/'));
    return [
      gone('job', job.id),
      ...proxies.map((subject) => gone('proxy', subject.slice('proxy/'.length))),
      ...this.#tables.annotations(job.id).map((name) => gone('annotation', `${job.id}/${name}`)),
    ];
  }
}

const nothingClaimed: Claimed = {
  jobs: [],
  startable: Promise.resolve(),
  ticket: { written: Promise.resolve(), synced: Promise.resolve() },
};

/** An expired job is offered as the system job that will fail it, so that is what a filter sees. */
function isAccepted(accepts: ClaimRequest['accepts'], job: JobRecord, expired: boolean): boolean {
  const seen = expired ? newJobRecord(job.id, { name: systemNames.fail, args: [{ $job: job.id }] }) : job;
  return accepts.lane(seen.name, seen.quotaNames) && (accepts.job === null || accepts.job(seen));
}

type ClaimOffer = { candidate: Candidate; leave: () => void };

/** Lets a chooser take from what is claimable: it sees everything afresh for each job it takes. */
function* chosen(
  claimable: Iterable<ClaimOffer>,
  choose: NonNullable<ClaimRequest['choose']>,
  again: () => Iterable<ClaimOffer>,
): Generator<ClaimOffer> {
  const takenIds = new Set<string>();
  for (let offers = claimable; ; offers = again()) {
    const seen = new Map<string, Candidate>();
    const job = choose(
      (function* () {
        for (const { candidate, leave } of offers) {
          leave();
          if (takenIds.has(candidate.job.id)) continue;
          seen.set(candidate.job.id, candidate);
          yield candidate.job;
        }
      })(),
    );
    const candidate = job === null ? undefined : seen.get(job.id);
    if (candidate === undefined) return;
    takenIds.add(candidate.job.id);
    yield { candidate, leave: () => {} };
  }
}

function conflict(subject: string, expected: string, actual: string): ConflictError {
  return new ConflictError({ subject, expected, actual });
}

function refused(error: unknown): Ticket {
  const promise = Promise.reject(error);
  promise.catch(() => {});
  return { written: promise, synced: promise };
}
