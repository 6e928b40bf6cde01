import { SignalboxError } from '../../../errors.ts';
import type { Line } from '../../entry.ts';
import { mustHaveRoom } from '../../rules/limits.ts';
import { mustHold } from '../../rules/preconditions.ts';
import type { Commit, Ticket } from '../../store.ts';
import type { DatabaseClock } from '../clock.ts';
import { codeOf, kindOfError, storeError } from '../failures.ts';
import type { Lanes } from '../jobs/lanes.ts';
import { OwnLeases } from '../jobs/leases.ts';
import { refusedCode } from '../sql/functions.ts';
import type { SqlConnection, SqlPort } from '../sql-port.ts';
import { nameOf, type Transactions } from '../transactions.ts';
import { Draft } from './draft.ts';
import { claimEntries, seqIn } from './entries.ts';
import { Doubt, Outcomes } from './outcomes.ts';
import { type Answer, commitText, commitValues, type PlainClaim } from './statement.ts';
import { subjectsOf } from './subjects.ts';
import { LostCommit, Syncing } from './syncing.ts';
import { isKnown, type WorkingSet, workingSetOf } from './working-set.ts';

/** What commits are made with. */
export interface CommittingParts {
  readonly schema: string;
  readonly epoch: number;
  readonly machineVersion: string;
  readonly port: SqlPort;
  readonly clock: DatabaseClock;
  readonly transactions: Transactions;
  readonly lanes: Lanes;
  readonly queryTimeoutMs: number;
  /** Runs a function in a later turn of the event loop. */
  defer(run: () => void): void;
  /** Hears of what was committed here, once it is synced. */
  committed(lines: () => readonly Line[], queues: ReadonlySet<string>, puts: readonly LanePut[]): void;
}

/** A commit that waits for its statement. */
interface Waiting {
  /** Counts the calls. */
  readonly index: number;
  readonly commit: Commit;
  readonly author: Author;
  written(error?: unknown): void;
  synced(error?: unknown): void;
}

/** A claim that waits for its statement. */
interface WaitingClaim {
  readonly claim: PlainClaim;
  resolve(claimed: ClaimedPlainly): void;
  reject(error: unknown): void;
}

/** What a claim has come to. */
export interface ClaimedPlainly {
  readonly answer: Answer;
  /** The number of its first entry. */
  readonly first: number;
  readonly ticket: Ticket;
}

/** Who makes statements of his own: programs, whose commits are synced, and the dispatcher. */
interface Author {
  readonly by: string;
  readonly claims: WaitingClaim[];
  running: Promise<void> | null;
  /** What its statement that is under way is about, and that statement. */
  atWork: readonly Waiting[];
  making: Promise<void>;
}

/** How a statement is made. */
interface How {
  /** Null: as the transaction of the program has it. */
  readonly isSynced: boolean | null;
  readonly claim?: PlainClaim;
}

/** What is sent: changes that were judged, and the refusals of those that do not hold. */
interface Sent {
  readonly draft: Draft;
  readonly refusals: readonly (Error | null)[];
}

/** Null: judge again, by what is read. */
type Judged = Sent | null;

/** What was sent, with what the server said. `done`: resolves when it is synced. */
interface Delivered extends Sent {
  readonly answer: Answer | null;
  readonly done: Promise<void>;
}

/** What was sent has an outcome that is not known in time. */
class Unsettled extends Error {
  readonly doubt: Doubt;
  readonly settle: (answer: Answer) => Delivered;

  constructor(doubt: Doubt, settle: (answer: Answer) => Delivered) {
    super(doubt.message);
    this.doubt = doubt;
    this.settle = settle;
  }
}

/** A job that was put into a lane. */
export interface LanePut {
  readonly queue: string;
  readonly lane: number;
  readonly turn: number;
  /** The instant of one that is not due; null: it can be claimed. */
  readonly due: number | null;
}

/** How many changes share a commit. */
const mostChanges = 2000;
/** How long it waits before what was refused is read and sent again, at first. Milliseconds. */
const firstPauseMs = 2;

/**
 * Commits in the order of calls of each author. Those of one tick, and those that gather while a statement is under way, share
 * the next one with a claim: each is judged by itself, and one that is refused leaves the others alone.
 */
export class Committing {
  readonly own = new OwnLeases();
  readonly outcomes: Outcomes;
  readonly #syncing: Syncing;
  readonly #parts: CommittingParts;
  readonly #text: string;
  readonly #name: string;
  readonly #authors = new Map<string, Author>();
  #waiting: Waiting[] = [];
  #index = 0;
  readonly #beside = new Set<Promise<unknown>>();
  /** Puts that are not synced, but for those of programs. */
  readonly #puts = new Set<Promise<void>>();
  #n = 0;
  #token = 0;
  #closed: Error | null = null;

  constructor(parts: CommittingParts) {
    this.#parts = parts;
    this.#text = commitText(parts.schema);
    this.#name = nameOf(parts.schema, 'commit');
    this.outcomes = new Outcomes(parts);
    this.#syncing = new Syncing({ ...parts, forget: () => this.own.forget() });
  }

  /** @throws SignalboxError `STORE_CLOSED`. */
  mustWrite(): void {
    if (this.#closed !== null) throw this.#closed;
  }

  /** A token that no lease had before. */
  newToken(): number {
    this.#token += 1;
    return this.#parts.epoch * 2 ** 32 + this.#token;
  }

  commit(commit: Commit): Ticket {
    if (this.#closed !== null) return ticketOf(Promise.reject(this.#closed));
    const [written, synced] = [deferred(), deferred()];
    const author = this.#author(commit.by);
    this.#index += 1;
    this.#waiting.push({ index: this.#index, commit, author, written: written.end, synced: synced.end });
    if (commit.by !== 'client' && isPut(commit)) this.#keepPut(synced.promise);
    this.#start(author);
    // A claim of the same author goes with it, in one statement.
    return { written: written.promise, synced: synced.promise, isStaged: true };
  }

  #keepPut(synced: Promise<void>): void {
    this.#puts.add(synced);
    const over = (): boolean => this.#puts.delete(synced);
    synced.then(over, over);
  }

  /** Claims from lanes whose jobs need not be told apart, in the next statement of its author. */
  claim(by: string, claim: PlainClaim): Promise<ClaimedPlainly> {
    return new Promise((resolve, reject) => {
      const author = this.#author(by);
      author.claims.push({ claim, resolve, reject });
      this.#start(author);
    });
  }

  #author(by: string): Author {
    let author = this.#authors.get(by);
    if (author === undefined) {
      author = { by, claims: [], running: null, atWork: [], making: Promise.resolve() };
      this.#authors.set(by, author);
    }
    return author;
  }

  #start(author: Author): void {
    author.running ??= new Promise((resolve) => {
      this.#parts.defer(() => resolve(this.#drain(author)));
    });
  }

  /** Resolves when every commit that was asked for by now is written or refused. */
  async written(): Promise<void> {
    await Promise.all([...this.#authors.values()].map(({ running }) => running));
  }

  /** Resolves when the puts that are under way, or written, are synced or refused. */
  async putsSynced(): Promise<void> {
    await this.#authors.get('client')?.running;
    await Promise.allSettled([...this.#puts]);
  }

  /** Resolves when every commit that was asked for by now is synced or refused. */
  async settled(): Promise<void> {
    await this.written();
    await this.#syncing.settled();
  }

  async close(): Promise<void> {
    this.#closed ??= new SignalboxError('STORE_CLOSED', { call: 'a call' });
    this.outcomes.close();
    await this.written();
    await Promise.allSettled([...this.#beside]);
    await this.#syncing.settled();
  }

  async #drain(author: Author): Promise<void> {
    for (;;) {
      const { batch, behind } = this.#next(author);
      const [claiming] = author.claims.splice(0, 1);
      if (batch.length === 0 && claiming === undefined) {
        if (behind === null) break;
        await behind;
        continue;
      }
      author.atWork = batch;
      author.making = this.#make(author.by, batch, claiming).catch((error: unknown) => fail(error, batch, claiming));
      await author.making;
      author.atWork = [];
    }
    author.running = null;
  }

  /**
   * The next commits of an author, in the order of calls: not one that is about what an earlier commit of another author is about.
   * `behind`: what it has to wait for.
   */
  #next(author: Author): { readonly batch: readonly Waiting[]; readonly behind: Promise<void> | null } {
    const batch: Waiting[] = [];
    const left: Waiting[] = [];
    const atWork = [...this.#authors.values()].flatMap((other) => (other === author ? [] : other.atWork));
    let behind: Promise<void> | null = null;
    let changes = 0;
    for (const waiting of this.#waiting) {
      const isNext: boolean = waiting.author === author && behind === null && changes < mostChanges;
      const ahead: Waiting | null = isNext ? aheadOf(waiting, [...atWork, ...left]) : null;
      if (ahead !== null) behind = ahead.author.making.then(() => new Promise<void>((resolve) => this.#parts.defer(resolve)));
      if (!isNext || ahead !== null) left.push(waiting);
      else {
        batch.push(waiting);
        changes += waiting.commit.changes.length + 1;
      }
    }
    this.#waiting = left;
    return { batch, behind };
  }

  async #make(by: string, batch: readonly Waiting[], claiming: WaitingClaim | undefined): Promise<void> {
    const commits = batch.map(({ commit }) => commit);
    const isClient = by === 'client';
    const claim = claiming?.claim;
    const how: How = {
      isSynced: isClient || (claim?.quotas.length ?? 0) > 0,
      ...(claim === undefined ? {} : { claim }),
    };
    const judge = async (connection: SqlConnection, isSure: boolean): Promise<Judged> => {
      const judged = await this.judge(connection, commits, isSure);
      return !isSure && judged.refusals.some((refusal) => refusal !== null) ? null : judged;
    };
    try {
      const call = claim === undefined ? 'a commit' : 'a claim';
      this.#tell(await this.#deliver(call, by, how, judge), batch, claiming);
    } catch (error) {
      if (!(error instanceof Unsettled)) throw error;
      // Clients get that answer. The others get the outcome once the server knows, while later commits and reads go on; it is never
      // sent again here, so it cannot come after one that was asked for later.
      const { doubt, settle } = error;
      this.own.forget();
      if (isClient) throw doubt.error;
      doubt.later.then(
        (answer) =>
          answer === null ? fail(doubt.error, batch, claiming) : this.#tell(settle(answer), batch, claiming),
        (unknown: unknown) => fail(unknown, batch, claiming),
      );
    }
  }

  /** Says what became of a statement to those who asked for it. */
  #tell(
    { draft, refusals, answer, done }: Delivered,
    batch: readonly Waiting[],
    claiming: WaitingClaim | undefined,
  ): void {
    if (answer !== null && claiming !== undefined)
      claiming.resolve({ answer, first: draft.end, ticket: { written: Promise.resolve(), synced: done } });
    const made: Waiting[] = [];
    for (const [index, waiting] of batch.entries()) {
      const refusal = refusals[index] ?? null;
      waiting.written(refusal ?? undefined);
      if (refusal === null) made.push(waiting);
      else waiting.synced(refusal);
    }
    if (made.length === 0) return;
    done.then(
      () => {
        for (const { synced } of made) synced();
      },
      (error: unknown) => {
        if (error instanceof LostCommit) this.#makeAgain(made);
        else for (const { synced } of made) synced(error);
      },
    );
  }

  /** A crash of the server took what was written: it is judged and sent again, before what was asked for later. */
  #makeAgain(lost: readonly Waiting[]): void {
    this.#waiting = [...this.#waiting, ...lost].sort((one, other) => one.index - other.index);
    for (const author of new Set(lost.map((waiting) => waiting.author))) this.#start(author);
  }

  /** Sends the changes of a claim that were judged by what was read. Null: that is not so any more. */
  async sendJudged(
    by: string,
    commit: Commit,
    set: WorkingSet,
  ): Promise<{ readonly draft: Draft; readonly c: number; readonly ticket: Ticket } | null> {
    const draft = this.#newDraft(set, [commit]);
    draft.add(commit.changes, commit.expect);
    const isSynced = draft.entersQuotas;
    let isRefused = false;
    const judge = async (_connection: SqlConnection, isSure: boolean): Promise<Judged> => {
      isRefused = isSure;
      return isSure ? { draft: this.#newDraft(set, []), refusals: [] } : { draft, refusals: [null] };
    };
    const sending = this.#deliver('a claim', by, { isSynced }, judge).catch(async (error: unknown) => {
      if (!(error instanceof Unsettled)) throw error;
      const answer = await error.doubt.later;
      if (answer === null) throw error.doubt.error;
      return error.settle(answer);
    });
    this.#beside.add(sending);
    try {
      const { answer, done } = await sending;
      if (isRefused || answer?.c === undefined) return null;
      return { draft, c: answer.c, ticket: { written: Promise.resolve(), synced: done } };
    } finally {
      this.#beside.delete(sending);
    }
  }

  /**
   * Judges and sends, and does so again when what was believed is not so, or when a connection is lost and the server has nothing of
   * it. `done`: resolves when it is synced.
   */
  async #deliver(
    call: string,
    by: string,
    how: How,
    judge: (connection: SqlConnection, isSure: boolean) => Promise<Judged>,
  ): Promise<Delivered> {
    const { port, transactions, queryTimeoutMs } = this.#parts;
    const end = port.elapsed() + queryTimeoutMs;
    let isSure = false;
    for (let tries = 1; ; tries += 1) {
      let connection: SqlConnection | null = null;
      let sent: Sent | null = null;
      this.#n += 1;
      const n = this.#n;
      try {
        connection = await port.connect();
        const judged = await judge(connection, isSure);
        if (judged === null) {
          connection.release();
          isSure = true;
          continue;
        }
        const isIdle = judged.draft.isEmpty && how.claim === undefined;
        if (!isIdle) await this.makeLanes(judged.draft);
        sent = judged;
        const answer = isIdle ? null : await this.ask(connection, by, n, judged.draft, how);
        connection.release();
        return { ...judged, answer, done: this.carryOut(judged.draft, answer, by, n, how) };
      } catch (error) {
        const kind = kindOfError(error);
        connection?.release(kind === 'lost' ? (error as Error) : undefined);
        if (kind === 'lost' && sent !== null) {
          const settle = (answer: Answer): Delivered => ({
            ...(sent as Sent),
            answer,
            done: this.carryOut((sent as Sent).draft, answer, by, n, how),
          });
          const answer = await this.outcomes.of(call, n, error).catch((doubt: unknown) => {
            throw doubt instanceof Doubt ? new Unsettled(doubt, settle) : doubt;
          });
          if (answer !== null) return settle(answer);
          isSure = true;
        }
        const isRefused = codeOf(error) === refusedCode || kind === 'repeat';
        if (isRefused) {
          this.own.forget();
          isSure = true;
        }
        if ((kind === 'refused' && !isRefused) || port.elapsed() >= end) throw storeError(error, call, 'not committed');
        await transactions.pause(Math.min(1000, firstPauseMs * 2 ** Math.min(tries, 9)));
      }
    }
  }

  /** Judges commits by what is known, and by what has to be read for it. */
  async judge(
    connection: SqlConnection,
    commits: readonly Commit[],
    isSure: boolean,
  ): Promise<{ readonly draft: Draft; readonly refusals: readonly (Error | null)[] }> {
    const subjects = subjectsOf(commits);
    const reads = isSure || !isKnown(subjects, this.own);
    const set = await workingSetOf(reads ? connection : null, this.#parts.schema, subjects, this.own, isSure);
    const draft = this.#newDraft(set, commits);
    const refusals = commits.map((commit) => {
      try {
        for (const precondition of commit.expect) {
          if (precondition.check !== 'atMost') mustHold(set.tables, precondition);
          else mustHaveRoom(set.tables, commit.changes, precondition, set.elsewhere(precondition));
        }
        draft.add(commit.changes, commit.expect);
        return null;
      } catch (error) {
        return error as Error;
      }
    });
    return { draft, refusals };
  }

  #newDraft(set: WorkingSet, commits: readonly Commit[]): Draft {
    const { lanes, clock } = this.#parts;
    return new Draft(set, subjectsOf(commits), { lanes, now: clock.now(), newToken: () => this.newToken() });
  }

  /** Gives the lanes that it needs their numbers, by transactions of their own. */
  async makeLanes(draft: Draft): Promise<void> {
    const missing = draft.missingLanes();
    if (missing.length > 0) await this.#parts.lanes.make(missing);
  }

  /** Sends the statement. */
  async ask(connection: SqlConnection, by: string, n: number, draft: Draft, how: How): Promise<Answer> {
    const { epoch, machineVersion, clock } = this.#parts;
    const head = { epoch, n, by: `${by}#${epoch}`, machineVersion, isSynced: how.isSynced, now: clock.given() };
    const values = commitValues(head, draft.isEmpty ? null : draft.written(), how.claim ?? null);
    const keepTime = clock.asking();
    const [row] = await connection.named(this.#name, this.#text, values);
    const answer = JSON.parse(String(row?.answer)) as Answer;
    keepTime({ now: answer.at });
    return answer;
  }

  /** Takes note of what was committed. Gives a promise of its sync. */
  carryOut(draft: Draft, answer: Answer | null, by: string, n: number, how: How): Promise<void> {
    if (answer?.c === undefined) return Promise.resolve();
    const { c, at, ids = [], jobs = [] } = answer;
    draft.keepIn(this.own, c);
    const { epoch, machineVersion, committed } = this.#parts;
    const lines = (): readonly Line[] => {
      const head = { at, by: `${by}#${epoch}`, mv: machineVersion };
      const made = draft.lines(c, head);
      if (how.claim === undefined || ids.length === 0) return made;
      const last = made.at(-1) ?? { ...head, s: seqIn(c, 0), entries: [] };
      const q = jobs.map(([, seq]) => seq);
      const claimed = claimEntries(last.s, last.entries, how.claim.changes, ids, q);
      return [...made.slice(0, -1), { ...last, entries: claimed }];
    };
    const puts = draft.putIn(c);
    const queues = draft.queues();
    const done = how.isSynced === false ? this.#syncing.sync({ c, n }) : Promise.resolve();
    done.then(() => committed(lines, queues, puts)).catch(() => {});
    return done;
  }

  /** The next number of a commit, for one that is made on another connection. */
  nextN(): number {
    this.#n += 1;
    return this.#n;
  }
}

function fail(error: unknown, batch: readonly Waiting[], claiming: WaitingClaim | undefined): void {
  claiming?.reject(error);
  for (const { written, synced } of batch) {
    written(error);
    synced(error);
  }
}

function deferred(): { readonly promise: Promise<void>; readonly end: (error?: unknown) => void } {
  let end!: (error?: unknown) => void;
  const promise = new Promise<void>((resolve, reject) => {
    end = (error) => (error === undefined ? resolve() : reject(error));
  });
  // No caller has to wait for a commit; one that waits gets the rejection.
  promise.catch(() => {});
  return { promise, end };
}

/** The first of earlier commits of others that is about the same. */
function aheadOf(waiting: Waiting, earlier: readonly Waiting[]): Waiting | null {
  if (earlier.length === 0) return null;
  const own = subjectsIn(waiting);
  const isAbout = (other: Waiting): boolean => [...subjectsIn(other)].some((subject) => own.has(subject));
  return earlier.find((other) => other.author !== waiting.author && isAbout(other)) ?? null;
}

/** Whether a commit puts a job into a queue. */
function isPut({ changes }: Commit): boolean {
  return changes.some(({ kind, patch }) => kind === 'job' && patch?.order != null);
}

function subjectsIn({ commit }: Waiting): ReadonlySet<string> {
  const subjects = new Set<string>();
  for (const { kind, id } of commit.changes) subjects.add(`${kind}/${id}`);
  for (const expected of commit.expect)
    subjects.add(`${expected.check === 'rev' ? expected.kind : 'job'}/${expected.id}`);
  return subjects;
}

export function ticketOf(done: Promise<void>): Ticket {
  done.catch(() => {});
  return { written: done, synced: done };
}
