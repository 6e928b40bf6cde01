import type { Place } from '../../../../machines/job.context.ts';
import { SignalboxError } from '../../../errors.ts';
import type { Commit, Ticket } from '../../store.ts';
import type { SqlConnection } from '../sql-port.ts';
import { type Delivered, type How, type Judged, type Sending, Unsettled } from './sending.ts';
import type { PlainClaim } from './statement.ts';
import { LostCommit } from './syncing.ts';
import {
  type Author,
  type ClaimedPlainly,
  Gathered,
  type WaitingClaim,
  WaitingCommit,
} from './waiting-commit.ts';

/** How many changes share a commit. */
const mostChanges = 2000;

/**
 * Commits in the order of calls of each author. Those of one tick, and those that gather while a statement is under way, share
 * the next one with a claim: each is judged by itself, and one that is refused leaves the others alone.
 */
export class Committing {
  readonly #sending: Sending;
  readonly #defer: (run: () => void) => void;
  readonly #during: (work: Promise<void>) => void;
  readonly #authors = new Map<string, Author>();
  #waiting: WaitingCommit[] = [];
  #index = 0;
  #closed: Error | null = null;

  /** `defer`: runs a function in a later turn of the event loop. `during`: hears of what is under way. */
  constructor(sending: Sending, defer: (run: () => void) => void, during: (work: Promise<void>) => void) {
    this.#sending = sending;
    this.#defer = defer;
    this.#during = during;
  }

  /** @throws SignalboxError `STORE_CLOSED`. */
  mustWrite(): void {
    if (this.#closed !== null) throw this.#closed;
  }

  commit(commit: Commit): Ticket {
    if (this.#closed !== null) return ticketOf(Promise.reject(this.#closed));
    const author = this.#author(commit.by);
    author.gathered ??= this.#gather();
    this.#index += 1;
    const waiting = new WaitingCommit(this.#index, commit, author, author.gathered);
    this.#waiting.push(waiting);
    this.#start(author);
    return waiting;
  }

  #gather(): Gathered {
    const gathered = new Gathered();
    this.#during(gathered.synced);
    return gathered;
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
      author = {
        by,
        gathered: null,
        claims: [],
        running: null,
        atWork: [],
        making: Promise.resolve(),
        waiters: [],
      };
      this.#authors.set(by, author);
    }
    return author;
  }

  #start(author: Author): void {
    author.running ??= new Promise((resolve) => {
      this.#defer(() => resolve(this.#drain(author)));
    });
  }

  /**
   * Resolves when every commit that was asked for by now is written or refused. It does not wait for later ones: under load there is
   * always one.
   */
  async written(): Promise<void> {
    const asked = this.#index;
    await Promise.all(Array.from(this.#authors.values(), (author) => this.#writtenOf(author, asked)));
  }

  #writtenOf(author: Author, asked: number): Promise<void> | null {
    if (!this.#isLeft(author, asked)) return null;
    return new Promise((resolve) => author.waiters.push({ asked, resolve }));
  }

  /** Whether one of the commits of an author up to this one is waiting, or on its way. */
  #isLeft(author: Author, asked: number): boolean {
    const isOne = (commit: WaitingCommit): boolean => commit.author === author && commit.index <= asked;
    return author.atWork.some(isOne) || this.#waiting.some(isOne);
  }

  #tellWaiters(author: Author): void {
    if (author.waiters.length === 0) return;
    const left = author.waiters.filter(({ asked }) => this.#isLeft(author, asked));
    for (const waiter of author.waiters) if (!left.includes(waiter)) waiter.resolve();
    author.waiters = left;
  }

  /** Resolves when every commit that was asked for by now is synced or refused. */
  async settled(): Promise<void> {
    await this.written();
    await this.#sending.synced();
  }

  async close(): Promise<void> {
    this.#closed ??= new SignalboxError('STORE_CLOSED', { call: 'a call' });
    this.#sending.outcomes.close();
    await Promise.all(Array.from(this.#authors.values(), ({ running }) => running));
    await this.#sending.close();
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
      author.making = this.#make(author.by, batch, claiming).catch((error: unknown) =>
        fail(error, batch, claiming),
      );
      await author.making;
      author.atWork = [];
      this.#tellWaiters(author);
    }
    author.running = null;
  }

  /**
   * The next commits of an author, in the order of calls: not one that is about what an earlier commit of another author is about.
   * `behind`: what it has to wait for.
   */
  #next(author: Author): { readonly batch: readonly WaitingCommit[]; readonly behind: Promise<void> | null } {
    author.gathered = null;
    const batch: WaitingCommit[] = [];
    const left: WaitingCommit[] = [];
    const atWork = [...this.#authors.values()].flatMap((other) => (other === author ? [] : other.atWork));
    let behind: Promise<void> | null = null;
    let changes = 0;
    for (const waiting of this.#waiting) {
      const isNext: boolean = waiting.author === author && behind === null && changes < mostChanges;
      const ahead: WaitingCommit | null = isNext ? aheadOf(waiting, [...atWork, ...left]) : null;
      if (ahead !== null)
        behind = ahead.author.making.then(() => new Promise<void>((resolve) => this.#defer(resolve)));
      if (!isNext || ahead !== null) left.push(waiting);
      else {
        batch.push(waiting);
        changes += waiting.commit.changes.length + 1;
      }
    }
    this.#waiting = left;
    return { batch, behind };
  }

  async #make(
    by: string,
    batch: readonly WaitingCommit[],
    claiming: WaitingClaim | undefined,
  ): Promise<void> {
    const commits = batch.map(({ commit }) => commit);
    const isClient = by === 'client';
    const claim = claiming?.claim;
    const how: How = {
      // No process may call the code of a job whose put a crash can take: what is synced is on disk before another one sees it.
      isSynced: isClient || (claim !== undefined && takesSlots(claim)) || commits.some(isPut),
      ...(claim === undefined ? {} : { claim }),
    };
    const judge = async (connection: SqlConnection, isSure: boolean): Promise<Judged> => {
      const judged = await this.#sending.judge(connection, commits, isSure);
      return !isSure && judged.refusals.some((refusal) => refusal !== null) ? null : judged;
    };
    try {
      const call = claim === undefined ? 'a commit' : 'a claim';
      this.#tell(await this.#sending.deliver(call, by, how, judge), batch, claiming);
    } catch (error) {
      if (!(error instanceof Unsettled)) throw error;
      // Clients get that answer. The others get the outcome once the server knows, while later commits and reads go on; it is never
      // sent again here, so it cannot come after one that was asked for later.
      const { doubt, settle } = error;
      this.#sending.own.forget();
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
    batch: readonly WaitingCommit[],
    claiming: WaitingClaim | undefined,
  ): void {
    if (answer !== null && claiming !== undefined)
      claiming.resolve({ answer, first: draft.end, ticket: { written: Promise.resolve(), synced: done } });
    const made: WaitingCommit[] = [];
    for (const [index, waiting] of batch.entries()) {
      const refusal = refusals[index] ?? null;
      waiting.end('written', refusal);
      if (refusal === null) made.push(waiting);
      else waiting.end('synced', refusal);
    }
    if (made.length === 0) return;
    done.then(
      () => {
        for (const waiting of made) waiting.end('synced', null);
      },
      (error: unknown) => {
        if (error instanceof LostCommit) this.#makeAgain(made);
        else for (const waiting of made) waiting.end('synced', error as Error);
      },
    );
  }

  /** A crash of the server took what was written: it is judged and sent again, before what was asked for later. */
  #makeAgain(lost: readonly WaitingCommit[]): void {
    this.#waiting = [...this.#waiting, ...lost].sort((one, other) => one.index - other.index);
    for (const author of new Set(lost.map((waiting) => waiting.author))) this.#start(author);
  }
}

function fail(error: unknown, batch: readonly WaitingCommit[], claiming: WaitingClaim | undefined): void {
  claiming?.reject(error);
  for (const waiting of batch) {
    waiting.end('written', error as Error);
    waiting.end('synced', error as Error);
  }
}

/** The first of earlier commits of others that is about the same. */
function aheadOf(waiting: WaitingCommit, earlier: readonly WaitingCommit[]): WaitingCommit | null {
  const isAhead = (other: WaitingCommit): boolean =>
    other.author !== waiting.author && waiting.isAboutThatOf(other);
  return earlier.find(isAhead) ?? null;
}

function takesSlots({ quotas, isKeyed }: PlainClaim): boolean {
  return quotas.length > 0 || isKeyed;
}

/** Whether a commit puts a new job into a queue. */
function isPut({ changes }: Commit): boolean {
  return changes.some(({ kind, from, patch }) => {
    const place =
      kind === 'job' && (from === null || from === 'new') ? (patch?.parent as Place | undefined) : null;
    return place != null && 'queue' in place;
  });
}

export function ticketOf(done: Promise<void>): Ticket {
  done.catch(() => {});
  return { written: done, synced: done };
}
