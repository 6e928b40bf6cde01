import type { JobRecord } from '../model/records/records.ts';
import type { Entry, HistoryEntry, Kind, Line, Records } from './entry.ts';
import type { Callback, JobPageRequest, JournalReader, Past, RecordReader } from './reader.ts';
import type { Change, Claimed, ClaimRequest, Commit, Commits, OpenStore, Ticket } from './store.ts';

/** The calls that ask a store something and change nothing. */
export type ReadCall = keyof RecordReader | 'openings' | 'settled';

/**
 * What a decorated store does differently: members that replace those of the store, and hooks that see every
 * call of their kind. A hook that is left out costs nothing, not even a turn of the microtask queue.
 */
export interface StoreDecoration extends Partial<OpenStore> {
  /** Makes a read: returns what `call` returns, or something else. Default: makes the call. */
  readonly read?: <Value>(
    call: () => Promise<Value>,
    name: ReadCall,
    args: readonly unknown[],
  ) => Promise<Value>;
  /** Turns each record on its way out: of reads, of claims, and for the functions of a claim. */
  readonly record?: <K extends Kind>(kind: K, record: Records[K]) => Records[K];
  /**
   * Turns each change on its way in: of commits, transactions and claims. When it throws nothing is written.
   */
  readonly change?: (change: Change) => Change;
  /** Turns each entry on its way out of the journal. */
  readonly entry?: <E extends Entry>(entry: E) => E;
}

/**
 * An open store that behaves differently in some calls and passes the others on: for a codec, for the
 * simulator, and for tests that put faults between a box and its store. The store itself is not changed.
 *
 * @example
 * ```ts
 * import { createSignalbox, decorateStore, memoryStore } from 'signalbox';
 *
 * const inner = memoryStore();
 * const reads: string[] = [];
 * let isAway = false;
 * const box = await createSignalbox({
 *   jobs: [],
 *   store: {
 *     name: inner.name,
 *     async open(ports) {
 *       const store = await inner.open(ports);
 *       return decorateStore(store, {
 *         read(call, name) {
 *           reads.push(name);
 *           return isAway ? Promise.reject(new Error('the store is away')) : call();
 *         },
 *         claim: (request) => store.claim({ ...request, limit: 1 }),
 *       });
 *     },
 *   },
 * });
 * await box.start();
 * isAway = true;
 * ```
 */
export function decorateStore(store: OpenStore, decoration: StoreDecoration): OpenStore {
  const { read = (call) => call(), record, change, entry, ...replaced } = decoration;
  const decorated: OpenStore = {
    name: store.name,
    epoch: store.epoch,
    exclusive: store.exclusive,
    isVolatile: store.isVolatile,
    directory: store.directory,
    get poolSize() {
      return store.poolSize;
    },
    set poolSize(size) {
      store.poolSize = size;
    },
    now: () => store.now(),
    openings: () => read(() => store.openings(), 'openings', []),
    ...readerOf(store, read, record),
    ...commitsOf(store, record, change),
    settled: () => read(() => store.settled(), 'settled', []),
    ...journalOf(store, entry),
    // What is turned on its way out cannot be read from the files.
    files: record === undefined && entry === undefined ? store.files : null,
    past: store.past && (async () => decoratedPast((await store.past?.()) as Past, read, record, entry)),
    close: () => store.close(),
  };
  // Defined and not assigned: an own `poolSize` must not be set on the store.
  return Object.defineProperties(decorated, Object.getOwnPropertyDescriptors(replaced));
}

type Read = NonNullable<StoreDecoration['read']>;
type TurnRecord = StoreDecoration['record'];
type TurnChange = StoreDecoration['change'];

function readerOf(store: RecordReader, read: Read, record: TurnRecord): RecordReader {
  const ask = <Value>(
    name: keyof RecordReader,
    args: readonly unknown[],
    call: () => Promise<Value>,
    turned?: (found: Value) => Value,
  ): Promise<Value> =>
    read(record === undefined || turned === undefined ? call : () => call().then(turned), name, args);
  const turn = <K extends Kind>(kind: K, found: Records[K]): Records[K] => record?.(kind, found) ?? found;
  const one = <K extends Kind>(kind: K) => {
    return (found: Records[K] | undefined) => found && turn(kind, found);
  };
  const all = <K extends Kind>(kind: K) => {
    return (found: readonly Records[K][]): readonly Records[K][] => found.map((each) => turn(kind, each));
  };
  const jobs = all('job');
  const callbacks = (found: readonly Callback[]): readonly Callback[] =>
    found.map((each) => ({ ...each, record: turn<'job' | 'proxy'>(each.kind, each.record) }) as Callback);
  return {
    get: (...args) => ask('get', args, () => store.get(...args), one(args[0])),
    list: (...args) => ask('list', args, () => store.list(...args), all(args[0])),
    waiting: (...args) => ask('waiting', args, () => store.waiting(...args), jobs),
    waitingCount: (...args) => ask('waitingCount', args, () => store.waitingCount(...args)),
    lanes: (...args) => ask('lanes', args, () => store.lanes(...args)),
    place: (...args) => ask('place', args, () => store.place(...args)),
    find: (...args) => ask('find', args, () => store.find(...args), jobs),
    held: (...args) => ask('held', args, () => store.held(...args), jobs),
    heldCount: (...args) => ask('heldCount', args, () => store.heldCount(...args)),
    completed: (...args) => ask('completed', args, () => store.completed(...args), jobs),
    callbacks: (...args) => ask('callbacks', args, () => store.callbacks(...args), callbacks),
    branches: (...args) => ask('branches', args, () => store.branches(...args), jobs),
    waiters: (...args) => ask('waiters', args, () => store.waiters(...args), jobs),
    referred: (...args) => ask('referred', args, () => store.referred(...args)),
    quotaHolders: (...args) => ask('quotaHolders', args, () => store.quotaHolders(...args)),
    counts: (...args) => ask('counts', args, () => store.counts(...args)),
    jobsPage: (request) =>
      ask(
        'jobsPage',
        [request],
        () => store.jobsPage(turnedRequest(request, record)),
        (page) => ({ ...page, jobs: jobs(page.jobs) }),
      ),
    quarantined: (...args) => ask('quarantined', args, () => store.quarantined(...args), jobs),
    orphans: (...args) => ask('orphans', args, () => store.orphans(...args), jobs),
    overdue: (...args) => ask('overdue', args, () => store.overdue(...args), jobs),
    parked: (...args) => ask('parked', args, () => store.parked(...args)),
    annotations: (...args) => ask('annotations', args, () => store.annotations(...args), all('annotation')),
    annotated: (...args) => ask('annotated', args, () => store.annotated(...args)),
    due: (...args) => ask('due', args, () => store.due(...args)),
    dueActors: (...args) => ask('dueActors', args, () => store.dueActors(...args)),
    mailed: (...args) => ask('mailed', args, () => store.mailed(...args)),
    mail: (...args) => ask('mail', args, () => store.mail(...args), all('message')),
    mailCount: (...args) => ask('mailCount', args, () => store.mailCount(...args)),
    actorsPage: (...args) =>
      ask(
        'actorsPage',
        args,
        () => store.actorsPage(...args),
        (page) => ({ ...page, actors: all('actor')(page.actors) }),
      ),
    actorCounts: (...args) => ask('actorCounts', args, () => store.actorCounts(...args)),
    deadLetters: (...args) => ask('deadLetters', args, () => store.deadLetters(...args), all('message')),
    dueSchedules: (...args) => ask('dueSchedules', args, () => store.dueSchedules(...args), all('schedule')),
  };
}

function decoratedPast(past: Past, read: Read, record: TurnRecord, entry: StoreDecoration['entry']): Past {
  return {
    name: past.name,
    exclusive: past.exclusive,
    isVolatile: past.isVolatile,
    get from() {
      return past.from;
    },
    get seq() {
      return past.seq;
    },
    get to() {
      return past.to;
    },
    now: () => past.now(),
    moveTo: (seq) => past.moveTo(seq),
    fork: async () => decoratedPast(await past.fork(), read, record, entry),
    ...readerOf(past, read, record),
    ...journalOf(past, entry),
  };
}

/** A page is chosen by jobs as they are turned. */
function turnedRequest(request: JobPageRequest, record: TurnRecord): JobPageRequest {
  const { matches } = request;
  if (record === undefined || matches === undefined) return request;
  return { ...request, matches: (job) => matches(record('job', job)) };
}

function commitsOf(store: Commits, record: TurnRecord, change: TurnChange): Omit<Commits, 'settled'> {
  const { transaction } = store;
  const turned = (commit: Commit): Commit =>
    change === undefined ? commit : { ...commit, changes: commit.changes.map(change) };
  return {
    commit(commit) {
      let made: Commit;
      try {
        made = turned(commit);
      } catch (error) {
        return refusedTicket(error);
      }
      return store.commit(made);
    },
    claim(request) {
      if (record === undefined && change === undefined) return store.claim(request);
      return turnedClaim(store, request, record ?? ((_kind, same) => same), change ?? ((same) => same));
    },
    transaction:
      transaction === null
        ? null
        : (work, commit) => transaction(work, (result, refusal) => turned(commit(result, refusal))),
    idle: () => store.idle(),
    onFailure: (listener) => store.onFailure(listener),
  };
}

/** A claim whose functions see turned records, and whose changes are turned. */
async function turnedClaim(
  store: Commits,
  request: ClaimRequest,
  record: NonNullable<TurnRecord>,
  change: NonNullable<TurnChange>,
): Promise<Claimed> {
  const { accepts, choose } = request;
  const { job: accepted } = accepts;
  const each = function* (jobs: Iterable<JobRecord>): Generator<JobRecord> {
    for (const job of jobs) yield record('job', job);
  };
  const claimed = await store.claim({
    ...request,
    // Without `args`: a database would compare them with records that are not turned.
    accepts: {
      lane: (name, quotaNames) => accepts.lane(name, quotaNames),
      job: accepted === null ? null : (job) => accepted(record('job', job)),
    },
    choose: choose === null ? null : (claimable) => choose(each(claimable)),
    take: (candidate) => {
      const changes = request.take({ ...candidate, job: record('job', candidate.job) });
      return changes?.map(change) ?? null;
    },
  });
  return { ...claimed, jobs: claimed.jobs.map((job) => record('job', job)) };
}

function journalOf(store: JournalReader, entry: StoreDecoration['entry']): JournalReader {
  const lines = (found: readonly Line[]): readonly Line[] =>
    entry === undefined
      ? found
      : found.map((line) => ({ ...line, entries: line.entries.map((each) => entry(each)) }));
  const turned = (entries: AsyncIterable<HistoryEntry>): AsyncIterable<HistoryEntry> =>
    entry === undefined ? entries : turnedEntries(entries, entry);
  return {
    follow: (listener) => store.follow((found) => listener(lines(found))),
    onHint: (listener) => store.onHint(listener),
    history: (...args) => turned(store.history(...args)),
    entries: (from) => turned(store.entries(from)),
    oldestSeq: () => store.oldestSeq(),
    position: () => store.position(),
    seqAt: (instant) => store.seqAt(instant),
  };
}

async function* turnedEntries(
  entries: AsyncIterable<HistoryEntry>,
  turn: (entry: HistoryEntry) => HistoryEntry,
): AsyncGenerator<HistoryEntry> {
  for await (const entry of entries) yield turn(entry);
}

/** The ticket of a commit that was refused before it reached the store. */
function refusedTicket(error: unknown): Ticket {
  const refused = Promise.reject(error);
  refused.catch(() => {});
  return { written: refused, synced: refused };
}
