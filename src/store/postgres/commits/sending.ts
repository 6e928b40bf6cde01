import type { Line } from '../../entry.ts';
import { mustHaveRoom } from '../../rules/limits.ts';
import { mustFindRoom } from '../../rules/parking/deadlock.ts';
import { mustHold } from '../../rules/preconditions.ts';
import type { Commit, Ticket } from '../../store.ts';
import type { DatabaseClock } from '../clock.ts';
import { changedAgain, codeOf, kindOfError, storeError } from '../failures.ts';
import type { LanePut, Lanes } from '../jobs/lanes.ts';
import { OwnLeases } from '../jobs/leases.ts';
import type { News } from '../journal/notifying.ts';
import { refusedCode } from '../sql/settings.ts';
import type { SqlConnection, SqlPort } from '../sql-port.ts';
import { nameOf, type Transactions } from '../transactions.ts';
import { Draft } from './draft.ts';
import { claimEntries, seqIn } from './entries.ts';
import { entersQuotas, missingLanes, putsBackIn, putsIn } from './moved.ts';
import { Doubt, Outcomes } from './outcomes.ts';
import {
  type Answer,
  answerIn,
  commitText,
  commitValues,
  nothingWritten,
  type PlainClaim,
} from './statement.ts';
import { subjectsOf } from './subjects.ts';
import { Syncing } from './syncing.ts';
import { isKnown, loadHolders, type WorkingSet, workingSetOf } from './working-set.ts';
import type { Written } from './writing.ts';

/** What commits are made with. */
export interface SendingParts {
  readonly schema: string;
  readonly epoch: number;
  readonly machineVersion: string;
  readonly port: SqlPort;
  readonly clock: DatabaseClock;
  readonly transactions: Transactions;
  readonly lanes: Lanes;
  readonly queryTimeoutMs: number;
  /** Hears of what was committed here, once it is synced. */
  committed(lines: () => readonly Line[], news: News): void;
  /** Hears of jobs that were put, once they are written. */
  put(puts: readonly LanePut[]): void;
}

/** How a statement is made. */
export interface How {
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
export type Judged = Sent | null;

/** What was sent, with what the server said. `done`: resolves when it is synced. */
export interface Delivered extends Sent {
  readonly answer: Answer | null;
  readonly done: Promise<void>;
}

/** A sending of which the server had nothing when its connection was lost: it may still arrive. */
interface Late {
  readonly n: number;
  readonly settle: (answer: Answer) => Delivered;
}

/** What was sent has an outcome that is not known in time. */
export class Unsettled extends Error {
  readonly doubt: Doubt;
  readonly settle: (answer: Answer) => Delivered;

  constructor(doubt: Doubt, settle: (answer: Answer) => Delivered) {
    super(doubt.message);
    this.doubt = doubt;
    this.settle = settle;
  }
}

/** How long it waits before what was refused is read and sent again, at first. Milliseconds. */
const firstPauseMs = 2;

/**
 * Judges commits and sends them, each statement until it is known what became of it: judged and sent again when what was believed is
 * not so, asked for when a connection is lost.
 */
export class Sending {
  readonly own = new OwnLeases();
  readonly outcomes: Outcomes;
  readonly #syncing: Syncing;
  readonly #parts: SendingParts;
  readonly #text: string;
  readonly #name: string;
  /** Claims that were judged, on their way. */
  readonly #beside = new Set<Promise<unknown>>();
  #n = 0;
  #token = 0;

  constructor(parts: SendingParts) {
    this.#parts = parts;
    this.#text = commitText(parts.schema);
    this.#name = nameOf(parts.schema, 'commit');
    this.outcomes = new Outcomes(parts);
    this.#syncing = new Syncing({ ...parts, forget: () => this.own.forget() });
  }

  /** A token that no lease had before. */
  newToken(): number {
    this.#token += 1;
    return this.#parts.epoch * 2 ** 32 + this.#token;
  }

  /** The next number of a commit, for one that is made on another connection. */
  nextN(): number {
    this.#n += 1;
    return this.#n;
  }

  /** Resolves when all that was written by now is synced. */
  synced(): Promise<void> {
    return this.#syncing.settled();
  }

  /** Resolves when nothing is on its way any more. What is in doubt is not asked for further. */
  async close(): Promise<void> {
    await Promise.allSettled([...this.#beside]);
    await this.#syncing.settled();
  }

  /** Sends the changes of a claim that were judged by what was read. Null: that is not so any more. */
  async sendJudged(
    by: string,
    commit: Commit,
    set: WorkingSet,
  ): Promise<{
    readonly draft: Draft;
    readonly answer: Answer;
    readonly c: number;
    readonly ticket: Ticket;
  } | null> {
    const draft = this.#newDraft(set, [commit]);
    draft.add(commit.changes, commit.expect);
    const isSynced = entersQuotas(draft.moved());
    let isRefused = false;
    const judge = async (_connection: SqlConnection, isSure: boolean): Promise<Judged> => {
      isRefused = isSure;
      return isSure ? { draft: this.#newDraft(set, []), refusals: [] } : { draft, refusals: [null] };
    };
    const sending = this.deliver('a claim', by, { isSynced }, judge).catch(async (error: unknown) => {
      if (!(error instanceof Unsettled)) throw error;
      const answer = await error.doubt.later;
      if (answer === null) throw error.doubt.error;
      return error.settle(answer);
    });
    this.#beside.add(sending);
    try {
      const { answer, done } = await sending;
      if (isRefused || answer?.c === undefined) return null;
      return { draft, answer, c: answer.c, ticket: { written: Promise.resolve(), synced: done } };
    } finally {
      this.#beside.delete(sending);
    }
  }

  /**
   * Judges and sends, and does so again when what was believed is not so, or when a connection is lost and the server has nothing of
   * it. A later sending is made only if none of the earlier ones has arrived meanwhile. `done`: resolves when it is synced.
   */
  async deliver(
    call: string,
    by: string,
    how: How,
    judge: (connection: SqlConnection, isSure: boolean) => Promise<Judged>,
  ): Promise<Delivered> {
    const { port, transactions, queryTimeoutMs } = this.#parts;
    const end = port.elapsed() + queryTimeoutMs;
    const late: Late[] = [];
    let isSure = false;
    for (let tries = 1; ; tries += 1) {
      let connection: SqlConnection | null = null;
      let sent: Sent | null = null;
      this.#n += 1;
      const n = this.#n;
      try {
        connection = await port.connect();
        const judged = await judge(connection, isSure);
        const arrived = isRefusedBy(judged) ? await this.#arrived(call, late) : null;
        if (arrived !== null) {
          connection.release();
          return arrived;
        }
        if (judged === null) {
          connection.release();
          isSure = true;
          continue;
        }
        // Its claim was made from heads that do not know what the commit puts before them.
        const claim = putsBackIn(how.claim?.queue ?? '', judged.draft.moved()) ? undefined : how.claim;
        const isIdle = judged.draft.isEmpty && claim === undefined;
        if (!isIdle) await this.makeLanes(judged.draft);
        sent = judged;
        const notBefore = late.map((sending) => sending.n);
        const asked = { isSynced: how.isSynced, ...(claim === undefined ? {} : { claim }) };
        const answer = isIdle ? null : await this.ask(connection, by, n, judged.draft, asked, notBefore);
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
          late.push({ n, settle });
        }
        const arrived = codeOf(error) === refusedCode ? await this.#arrived(call, late) : null;
        if (arrived !== null) return arrived;
        const isRefused = codeOf(error) === refusedCode || kind === 'repeat';
        if (isRefused) {
          this.own.forget();
          isSure = true;
        }
        if ((kind === 'refused' && !isRefused) || port.elapsed() >= end)
          throw codeOf(error) === refusedCode
            ? changedAgain(error as Error)
            : storeError(error, call, 'not committed');
        await transactions.pause(Math.min(1000, firstPauseMs * 2 ** Math.min(tries, 9)));
      }
    }
  }

  /** The outcome of the sending that has arrived after all; null: none has. */
  async #arrived(call: string, late: readonly Late[]): Promise<Delivered | null> {
    for (const { n, settle } of late) {
      const answer = await this.outcomes.of(call, n, new Error('refused')).catch((doubt: unknown) => {
        throw doubt instanceof Doubt ? new Unsettled(doubt, settle) : doubt;
      });
      if (answer !== null) return settle(answer);
    }
    return null;
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
    if (subjects.chains.length > 0) await loadHolders(connection, this.#parts.schema, set, commits);
    const draft = this.#newDraft(set, commits);
    const refusals = commits.map((commit) => {
      try {
        for (const precondition of commit.expect) {
          const { check, id } = precondition;
          if (check === 'atMost')
            mustHaveRoom(set.tables, commit.changes, precondition, set.elsewhere(precondition));
          else mustHold(set.tables, precondition, check === 'noMail' ? set.elsewhere({ of: 'mail', id }) : 0);
          if (check === 'notAwaitedBy') mustFindRoom(set.tables, commit.changes, precondition);
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
    const missing = missingLanes(draft.moved());
    if (missing.length > 0) await this.#parts.lanes.make(missing);
  }

  /** Sends the statement. `late`: numbers of earlier sendings, of which none may have arrived. */
  async ask(
    connection: SqlConnection,
    by: string,
    n: number,
    draft: Draft,
    how: How,
    late: readonly number[] = [],
  ): Promise<Answer> {
    const { epoch, machineVersion, clock } = this.#parts;
    const head = {
      epoch,
      n,
      by: `${by}#${epoch}`,
      machineVersion: draft.version(machineVersion),
      isSynced: how.isSynced,
      now: clock.given(),
    };
    const written = draft.isEmpty ? null : draft.written();
    const values = commitValues(
      head,
      late.length === 0 ? written : withoutLate(written, late),
      how.claim ?? null,
    );
    const keepTime = clock.asking();
    const [row] = await connection.named(this.#name, this.#text, values);
    const answer = answerIn(String(row?.answer));
    keepTime({ now: answer.at });
    return answer;
  }

  /** Takes note of what was committed. Gives a promise of its sync. */
  carryOut(draft: Draft, answer: Answer | null, by: string, n: number, how: How): Promise<void> {
    if (answer?.c === undefined) return Promise.resolve();
    const { c, at, ids = [], jobs = [], slots = [] } = answer;
    draft.keepIn(this.own, c);
    const { epoch, machineVersion, committed } = this.#parts;
    const lines = (): readonly Line[] => {
      const head = { at, by: `${by}#${epoch}`, mv: draft.version(machineVersion) };
      const made = draft.lines(c, head);
      if (how.claim === undefined || ids.length === 0) return made;
      const last = made.at(-1) ?? { ...head, s: seqIn(c, 0), entries: [] };
      const q = jobs.map(([, , seq]) => seq);
      const claimed = claimEntries(last.s, last.entries, how.claim.changes, ids, q, slots);
      return [...made.slice(0, -1), { ...last, entries: claimed }];
    };
    this.#parts.put(putsIn(draft.moved(), seqIn(c, draft.end), (job) => draft.seqOf(c, job)));
    const news = draft.news();
    const done = how.isSynced === false ? this.#syncing.sync({ c, n }) : Promise.resolve();
    done.then(() => committed(lines, news)).catch(() => {});
    return done;
  }
}

function isRefusedBy(judged: Judged): boolean {
  return judged === null || judged.refusals.some((refusal) => refusal !== null);
}

/** What is written, if none of its earlier sendings was. */
function withoutLate(written: Written | null, late: readonly number[]): Written {
  const all = written ?? nothingWritten;
  return { ...all, beliefs: [...late.map((n) => ({ is: 'late', n })), ...all.beliefs] };
}
