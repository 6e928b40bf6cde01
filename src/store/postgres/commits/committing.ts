import { ConflictError, ReassignedError, SignalboxError } from '../../../errors.ts';
import type { Line } from '../../entry.ts';
import { mustHaveRoom } from '../../rules/limits.ts';
import { mustHold } from '../../rules/preconditions.ts';
import type { Claimed, ClaimRequest, Commit, Ticket } from '../../store.ts';
import type { DatabaseClock } from '../clock.ts';
import { codeOf, kindOfError, storeError } from '../failures.ts';
import type { Lanes } from '../jobs/lanes.ts';
import { OwnLeases } from '../jobs/leases.ts';
import type { SqlConnection, SqlPort } from '../sql-port.ts';
import { refusedCode } from '../sql/functions.ts';
import { patienceMs, type Transactions } from '../transactions.ts';
import { Draft } from './draft.ts';
import { type Answer, commitText, commitValues, type PlainClaim } from './statement.ts';
import { subjectsOf } from './subjects.ts';
import { Syncing } from './syncing.ts';
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
  committed(line: () => Line, queues: ReadonlySet<string>): void;
}

/** The outcome of one sending: what was judged, and what the server said. */
export interface Sent {
  readonly draft: Draft | null;
  readonly refusals: readonly (Error | null)[];
  readonly answer: Answer | null;
}

interface Waiting {
  readonly commit: Commit;
  readonly written: (error?: unknown) => void;
  readonly synced: (error?: unknown) => void;
}

/** How many changes share a commit. */
const mostChanges = 2000;
/** How often what was refused is read again and sent again, and how long it waits at first. Milliseconds. */
const mostTries = 30;
const firstPauseMs = 2;

/**
 * Commits in the order of calls of each author. Those of one tick, and those that gather while a statement is under way, share
 * the next one: each is judged by itself, and one that is refused leaves the others alone.
 */
export class Committing {
  readonly own = new OwnLeases();
  readonly syncing: Syncing;
  readonly #parts: CommittingParts;
  readonly #text: string;
  readonly #name: string;
  readonly #queues = new Map<string, { waiting: Waiting[]; running: Promise<void> | null }>();
  readonly #open = new Set<Promise<unknown>>();
  #n = 0;
  #token = 0;
  #closed: Error | null = null;

  constructor(parts: CommittingParts) {
    this.#parts = parts;
    this.#text = commitText(parts.schema);
    this.#name = `signalbox ${parts.schema}`.slice(0, 63);
    this.syncing = new Syncing({ ...parts, forget: () => this.own.forget() });
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
    const queue = this.#queueOf(commit.by);
    let written!: Waiting['written'];
    let synced!: Waiting['synced'];
    const ticket = {
      written: new Promise<void>((resolve, reject) => {
        written = (error) => (error === undefined ? resolve() : reject(error as Error));
      }),
      synced: new Promise<void>((resolve, reject) => {
        synced = (error) => (error === undefined ? resolve() : reject(error as Error));
      }),
    };
    // No caller has to wait for a commit; one that waits gets the rejection.
    ticket.written.catch(() => {});
    ticket.synced.catch(() => {});
    queue.waiting.push({ commit, written, synced });
    queue.running ??= new Promise((resolve) => {
      this.#parts.defer(() => resolve(this.#drain(queue)));
    });
    return ticket;
  }

  #queueOf(by: string): { waiting: Waiting[]; running: Promise<void> | null } {
    let queue = this.#queues.get(by);
    if (queue === undefined) {
      queue = { waiting: [], running: null };
      this.#queues.set(by, queue);
    }
    return queue;
  }

  /** Resolves when every commit that was asked for by now is written or refused. */
  async written(): Promise<void> {
    await Promise.all([...this.#queues.values()].map(({ running }) => running));
  }

  /** Resolves when every commit that was asked for by now is synced or refused. */
  async settled(): Promise<void> {
    await this.written();
    await this.syncing.settled();
  }

  async close(): Promise<void> {
    this.#closed ??= new SignalboxError('STORE_CLOSED', { call: 'a call' });
    await this.written();
    await Promise.allSettled([...this.#open]);
    await this.syncing.settled();
  }

  get isClosed(): boolean {
    return this.#closed !== null;
  }

  async #drain(queue: { waiting: Waiting[]; running: Promise<void> | null }): Promise<void> {
    while (queue.waiting.length > 0) {
      const batch = next(queue.waiting);
      try {
        await this.#make(batch);
      } catch (error) {
        for (const { written, synced } of batch) {
          written(error);
          synced(error);
        }
      }
    }
    queue.running = null;
  }

  async #make(batch: readonly Waiting[]): Promise<void> {
    const commits = batch.map(({ commit }) => commit);
    const { by } = commits[0] as Commit;
    const isSynced = by === 'client';
    const { refusals, done } = await this.send('a commit', by, commits, { isSynced, isPatient: !isSynced });
    const made: Waiting[] = [];
    for (const [index, waiting] of batch.entries()) {
      const refusal = refusals[index] ?? null;
      if (refusal === null) {
        waiting.written();
        made.push(waiting);
      } else {
        waiting.written(refusal);
        waiting.synced(refusal);
      }
    }
    if (made.length === 0) return;
    if (done === null) for (const { synced } of made) synced();
    else
      done.then(
        () => {
          for (const { synced } of made) synced();
        },
        (error: unknown) => {
          for (const { synced } of made) synced(error);
        },
      );
  }

  /**
   * Judges commits, sends those that hold as one statement, and again when what it believed is not so. Gives the refusal of each
   * commit, and a promise of the sync; null when nothing was written.
   */
  async send(
    call: string,
    by: string,
    commits: readonly Commit[],
    how: { readonly isSynced: boolean; readonly isPatient: boolean; readonly claim?: PlainClaim },
  ): Promise<Sent & { readonly done: Promise<void> | null }> {
    const { port, transactions } = this.#parts;
    const end = port.elapsed() + this.#parts.queryTimeoutMs;
    let isSure = false;
    for (let tries = 1; ; tries += 1) {
      let connection: SqlConnection | null = null;
      const n = this.#nextN();
      try {
        connection = await port.connect();
        const sent = await this.#judgeAndSend(connection, by, n, commits, how, isSure);
        connection.release();
        if (sent === null) {
          isSure = true;
          continue;
        }
        return { ...sent, done: this.#carryOut(sent, by, n, how.isSynced) };
      } catch (error) {
        const kind = kindOfError(error);
        connection?.release(kind === 'lost' ? (error as Error) : undefined);
        if (kind === 'lost') {
          const limit = port.elapsed() + (how.isPatient ? patienceMs : this.#parts.queryTimeoutMs);
          await this.syncing.lost();
          void limit;
        }
        if (error instanceof SignalboxError || error instanceof ConflictError) throw error;
        const isRefused = codeOf(error) === refusedCode;
        if (isRefused || kind === 'repeat') {
          // What was believed is not so.
          this.own.forget();
          isSure = true;
          if (tries >= mostTries && port.elapsed() >= end) throw storeError(error, call, 'not committed');
        } else if (kind === 'refused' || port.elapsed() >= end) throw storeError(error, call, 'not committed');
        await transactions.pause(Math.min(200, firstPauseMs * tries));
      }
    }
  }

  #nextN(): number {
    this.#n += 1;
    return this.#n;
  }

  /** Null: a commit was refused by what this process believes, which has to be read again. */
  async #judgeAndSend(
    connection: SqlConnection,
    by: string,
    n: number,
    commits: readonly Commit[],
    { isSynced, claim }: { readonly isSynced: boolean; readonly claim?: PlainClaim },
    isSure: boolean,
  ): Promise<Sent | null> {
    const judged = await this.judge(connection, commits, isSure);
    if (!isSure && judged.refusals.some((refusal) => refusal !== null)) return null;
    const { draft, refusals } = judged;
    if (draft.isEmpty && claim === undefined) return { draft: null, refusals, answer: null };
    const answer = await this.#ask(connection, by, n, draft, isSynced, claim ?? null);
    return { draft: draft.isEmpty ? null : draft, refusals, answer };
  }

  /** Judges commits by what is known, and by what has to be read for it. */
  async judge(
    connection: SqlConnection,
    commits: readonly Commit[],
    isSure: boolean,
  ): Promise<{ readonly draft: Draft; readonly refusals: readonly (Error | null)[]; readonly set: WorkingSet }> {
    const { schema, clock, lanes } = this.#parts;
    const subjects = subjectsOf(commits);
    const reads = isSure || !isKnown(subjects, this.own);
    const set = await workingSetOf(reads ? connection : null, schema, subjects, this.own, isSure);
    const draft = new Draft(set, subjects, { lanes, now: clock.now(), newToken: () => this.newToken() });
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
    return { draft, refusals, set };
  }

  async #ask(
    connection: SqlConnection,
    by: string,
    n: number,
    draft: Draft,
    isSynced: boolean | null,
    claim: PlainClaim | null,
  ): Promise<Answer> {
    const { epoch, machineVersion, clock, lanes } = this.#parts;
    const missing = draft.missingLanes();
    if (missing.length > 0) await lanes.make(missing);
    const head = { epoch, n, by: `${by}#${epoch}`, machineVersion, isSynced, now: clock.given() };
    const values = commitValues(head, draft.isEmpty ? null : draft.written(), claim);
    const keepTime = clock.asking();
    const [row] = await connection.named(this.#name, this.#text, values);
    const answer = JSON.parse(String(row?.answer)) as Answer;
    keepTime({ now: answer.at });
    return answer;
  }

  /** Takes note of what was committed. Gives a promise of its sync. */
  #carryOut({ draft, answer }: Sent, by: string, n: number, isSynced: boolean): Promise<void> | null {
    if (draft === null || answer?.c === undefined) return null;
    const { c, at } = answer;
    draft.keepIn(this.own, c);
    const { epoch, machineVersion, committed } = this.#parts;
    const line = (): Line => draft.line(c, { at, by: `${by}#${epoch}`, mv: machineVersion });
    const queues = draft.queues();
    const done = isSynced ? Promise.resolve() : this.syncing.sync(n);
    const told = done.then(() => committed(line, queues));
    told.catch(() => {});
    return done;
  }
}

function next(waiting: Waiting[]): Waiting[] {
  let changes = 0;
  let count = 0;
  for (const { commit } of waiting) {
    changes += commit.changes.length + 1;
    if (count > 0 && changes > mostChanges) break;
    count += 1;
  }
  return waiting.splice(0, count);
}

export function ticketOf(done: Promise<void>): Ticket {
  done.catch(() => {});
  return { written: done, synced: done };
}
