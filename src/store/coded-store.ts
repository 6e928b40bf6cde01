import type { Failure, Outcome } from '../../machines/job.context.ts';
import type { Json } from '../../machines/json.ts';
import { SignalboxError } from '../errors.ts';
import type { AnnotationRecord, JobRecord } from '../model/records/records.ts';
import {
  type Codec,
  coded,
  codedFailure,
  codedOutcome,
  decoded,
  decodedFailure,
  decodedOutcome,
} from '../model/values/codec.ts';
import type { HistoryEntry, Kind, Line, Patch, Records } from './entry.ts';
import type {
  Callback,
  Change,
  Claimed,
  ClaimRequest,
  Commit,
  Openings,
  OpenStore,
  Ticket,
} from './store.ts';

/** How each key of a record is coded that holds what a program gave. */
interface Ways {
  value(value: Json): Json;
  outcome(outcome: Outcome): Outcome;
  failure(failure: Failure): Failure;
}

/**
 * A store as the engine sees it when there is a codec: arguments, outcomes, annotations, what retry policies keep and the
 * failures of agents are encoded on their way in and decoded on their way out. Names, ids, instants, quotas and the data
 * of filters are not: the store works with them.
 */
class CodedStore implements OpenStore {
  readonly #store: OpenStore;
  readonly #in: Ways;
  readonly #out: Ways;
  /** Records are replaced and never changed, so each is decoded once. */
  readonly #decoded = new WeakMap<object, object>();

  constructor(store: OpenStore, codec: Codec) {
    this.#store = store;
    this.#in = {
      value: (value) => coded(codec, value),
      outcome: (outcome) => codedOutcome(codec, outcome),
      failure: (failure) => codedFailure(codec, failure),
    };
    this.#out = {
      value: (value) => decoded(codec, value),
      outcome: (outcome) => decodedOutcome(codec, outcome),
      failure: (failure) => decodedFailure(codec, failure),
    };
  }

  get name(): string {
    return this.#store.name;
  }

  get epoch(): number {
    return this.#store.epoch;
  }

  get exclusive(): boolean {
    return this.#store.exclusive;
  }

  get isVolatile(): boolean {
    return this.#store.isVolatile;
  }

  get directory(): string | null {
    return this.#store.directory;
  }

  get poolSize(): number {
    return this.#store.poolSize;
  }

  set poolSize(size: number) {
    this.#store.poolSize = size;
  }

  now(): number {
    return this.#store.now();
  }

  openings(): Promise<Openings> {
    return this.#store.openings();
  }

  get transaction(): OpenStore['transaction'] {
    const { transaction } = this.#store;
    if (transaction === null) return null;
    return (work, commit) =>
      transaction(work, (result, refusal) => {
        const made = commit(result, refusal);
        return { ...made, changes: made.changes.map((change) => this.#write(change)) };
      });
  }

  async get<K extends Kind>(kind: K, id: string, within?: unknown): Promise<Records[K] | undefined> {
    const record = await this.#store.get(kind, id, within);
    return record === undefined ? undefined : this.#read(kind, record);
  }

  async list<K extends Kind>(kind: K, prefix: string): Promise<readonly Records[K][]> {
    return (await this.#store.list(kind, prefix)).map((record) => this.#read(kind, record));
  }

  waiting(queue: string, most?: number): Promise<readonly JobRecord[]> {
    return this.#jobs(this.#store.waiting(queue, most));
  }

  waitingCount(queue: string): Promise<number> {
    return this.#store.waitingCount(queue);
  }

  held(queue: string, dispatcher: string, agent: string | null): Promise<readonly JobRecord[]> {
    return this.#jobs(this.#store.held(queue, dispatcher, agent));
  }

  heldCount(queue: string, dispatcher: string, agent: string): Promise<number> {
    return this.#store.heldCount(queue, dispatcher, agent);
  }

  completed(queue: string, dispatcher: string, agent: string): Promise<readonly JobRecord[]> {
    return this.#jobs(this.#store.completed(queue, dispatcher, agent));
  }

  async callbacks(job: string): Promise<readonly Callback[]> {
    return (await this.#store.callbacks(job)).map((callback) =>
      callback.kind === 'job' ? { kind: 'job', record: this.#read('job', callback.record) } : callback,
    );
  }

  branches(proxy: string): Promise<readonly JobRecord[]> {
    return this.#jobs(this.#store.branches(proxy));
  }

  waiters(jobs: readonly string[]): Promise<readonly JobRecord[]> {
    return this.#jobs(this.#store.waiters(jobs));
  }

  quotaHolders(quota: string): Promise<readonly string[]> {
    return this.#store.quotaHolders(quota);
  }

  quarantined(): Promise<readonly JobRecord[]> {
    return this.#jobs(this.#store.quarantined());
  }

  orphans(): Promise<readonly JobRecord[]> {
    return this.#jobs(this.#store.orphans());
  }

  async annotations(job: string): Promise<readonly AnnotationRecord[]> {
    return (await this.#store.annotations(job)).map((record) => this.#read('annotation', record));
  }

  annotated(jobs: readonly string[]): Promise<ReadonlySet<string>> {
    return this.#store.annotated(jobs);
  }

  due(since: number): Promise<number | null> {
    return this.#store.due(since);
  }

  commit(commit: Commit): Ticket {
    let changes: readonly Change[];
    try {
      changes = commit.changes.map((change) => this.#write(change));
    } catch (error) {
      // A codec that cannot encode: nothing may be written then.
      const refused = Promise.reject(error);
      refused.catch(() => {});
      return { written: refused, synced: refused };
    }
    return this.#store.commit({ ...commit, changes });
  }

  async claim(request: ClaimRequest): Promise<Claimed> {
    const { accepts, choose } = request;
    const { job: acceptsJob } = accepts;
    const claimed = await this.#store.claim({
      ...request,
      accepts: {
        lane: (name, quotaNames) => accepts.lane(name, quotaNames),
        job: acceptsJob === null ? null : (job) => acceptsJob(this.#read('job', job)),
      },
      choose: choose === null ? null : (claimable) => choose(this.#readEach(claimable)),
      take: (candidate) => {
        const made = request.take({ ...candidate, job: this.#read('job', candidate.job) });
        return made?.map((change) => this.#write(change)) ?? null;
      },
    });
    return { ...claimed, jobs: claimed.jobs.map((job) => this.#read('job', job)) };
  }

  settled(): Promise<void> {
    return this.#store.settled();
  }

  idle(): Promise<void> {
    return this.#store.idle();
  }

  onHint(listener: (queue: string) => void): void {
    this.#store.onHint(listener);
  }

  follow(listener: (lines: readonly Line[]) => void): () => void {
    return this.#store.follow((lines) => listener(lines.map((line) => this.#readLine(line))));
  }

  onFailure(listener: (error: Error) => void): void {
    this.#store.onFailure(listener);
  }

  async *history(kind: Kind, id: string): AsyncIterable<HistoryEntry> {
    for await (const entry of this.#store.history(kind, id)) yield this.#readEntry(entry);
  }

  async *entries(from: number): AsyncIterable<HistoryEntry> {
    for await (const entry of this.#store.entries(from)) yield this.#readEntry(entry);
  }

  oldestSeq(): number {
    return this.#store.oldestSeq();
  }

  close(): Promise<void> {
    return this.#store.close();
  }

  #write(change: Change): Change {
    return change.patch === null
      ? change
      : { ...change, patch: inWays(change.kind, change.patch, this.#in) as Patch };
  }

  #read<K extends Kind>(kind: K, record: Records[K]): Records[K] {
    const known = this.#decoded.get(record);
    if (known !== undefined) return known as Records[K];
    const plain = inWays(kind, record, this.#out) as Records[K];
    this.#decoded.set(record, plain);
    return plain;
  }

  *#readEach(jobs: Iterable<JobRecord>): Generator<JobRecord> {
    for (const job of jobs) yield this.#read('job', job);
  }

  async #jobs(records: Promise<readonly JobRecord[]>): Promise<readonly JobRecord[]> {
    return (await records).map((record) => this.#read('job', record));
  }

  #readLine(line: Line): Line {
    return { ...line, entries: line.entries.map((entry) => this.#readEntry(entry)) };
  }

  #readEntry<E extends { readonly kind: Kind; readonly patch: Patch | null }>(entry: E): E {
    return entry.patch === null
      ? entry
      : { ...entry, patch: inWays(entry.kind, entry.patch, this.#out) as Patch };
  }
}

/** The fields of a record, or of a patch of one, with what a program gave turned one way or the other. */
function inWays(kind: Kind, fields: object, ways: Ways): object {
  if (kind === 'job') return jobInWays(fields as Partial<JobRecord>, ways);
  if (kind === 'annotation' && 'value' in fields)
    return { ...fields, value: ways.value(fields.value as Json) };
  if (kind === 'agent' && 'failure' in fields && fields.failure !== null)
    return { ...fields, failure: ways.failure(fields.failure as Failure) };
  return fields;
}

function jobInWays(fields: Partial<JobRecord>, ways: Ways): object {
  const { args, outcome, retryData } = fields;
  if (!args?.length && !outcome && !retryData) return fields;
  return {
    ...fields,
    ...(args && { args: args.map((arg) => ways.value(arg)) }),
    ...(outcome && { outcome: ways.outcome(outcome) }),
    ...(retryData && { retryData: ways.value(retryData) }),
  };
}

/** What shows at every opening whether the codec is the one that the store was written with. */
const proof = 'signalbox';

/**
 * The store with its codec. A store remembers that it has one: without it, or with another, every job would fail.
 * @throws SignalboxError `CODEC_MISMATCH`.
 */
export async function withCodec(store: OpenStore, codec: Codec | null): Promise<OpenStore> {
  const known = (await store.get('store', 'store'))?.codec ?? null;
  if (codec === null) {
    if (known === null) return store;
    throw new SignalboxError('CODEC_MISMATCH', { store: store.name, actual: 'none' });
  }
  if (known === null) {
    const patch = { codec: coded(codec, proof) };
    const change = { kind: 'store', id: 'store', event: 'codec.set', from: null, to: null, patch } as const;
    await store.commit({ by: 'store', changes: [change], expect: [] }).synced;
  } else if (decoded(codec, known) !== proof)
    throw new SignalboxError('CODEC_MISMATCH', { store: store.name, actual: 'another one' });
  return new CodedStore(store, codec);
}
