import { ConflictError, SignalboxError } from '../../errors.ts';
import { mustHaveRoom } from '../rules/limits.ts';
import { mustHold } from '../rules/preconditions.ts';
import type { Commit, Precondition, Ticket } from '../store.ts';
import type { DatabaseClock } from './clock.ts';
import { codeOf, storeError } from './failures.ts';
import { toldOf } from './notifying.ts';
import { type PlainStep, plainStepOf, type SteppedPlainly, stepPlainly } from './plain-steps.ts';
import { borrowed, type SqlConnection } from './sql-port.ts';
import type { Told } from './told.ts';
import { type Done, Doubt, type Prepared, type Proof, proofOf, type Transactions } from './transactions.ts';
import { allDone, lockedSet, subjectsOf } from './working-set.ts';
import { type Numbered, Written } from './writing.ts';

/** What commits are made with. */
export interface CommittingParts {
  readonly schema: string;
  readonly epoch: number;
  readonly machineVersion: string;
  readonly clock: DatabaseClock;
  readonly transactions: Transactions;
  /** Runs a function in a later turn of the event loop. */
  defer(run: () => void): void;
  /** Hears of what was committed here, before those who wait for it. */
  committed(told: Told): void;
  /**
   * Called with what was written in a transaction that the program ends: the journal knows whether it was
   * committed.
   */
  watch(left: Proof): void;
  /** Notifies in a transaction that the program ends: it is heard when that commits. */
  notifyWithin(connection: SqlConnection, numbered: Numbered): Promise<void>;
}

/** A commit that waits for its transaction. */
interface Waiting {
  readonly commit: Commit;
  /** Null for what is more than a step on the fast path, or was found to be. */
  readonly step: PlainStep | null;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
  /** Reads and claims do not wait for it any more. */
  readonly letGo: () => void;
}

interface Sorted {
  readonly waiting: Waiting;
  readonly step: PlainStep;
}

/** The commits of a batch, by how they are made. */
interface SortedBatch {
  readonly plain: readonly Sorted[];
  readonly general: readonly Waiting[];
}

/** The outcome of a batch: its fast steps, and the refusal of each other commit. */
interface Batched {
  readonly stepped: SteppedPlainly | null;
  readonly refusals: readonly (Error | null)[];
}

/** How many changes go into one transaction. */
const maxChanges = 2000;

/**
 * Commits in the order of calls. Those of one tick, and those that gather while a transaction is under way, share the next
 * one: each is judged by itself, and one that is refused leaves the others alone.
 */
export class Committing {
  readonly #parts: CommittingParts;
  #waiting: Waiting[] = [];
  #running: Promise<void> | null = null;
  #last: Promise<unknown> = Promise.resolve();
  #lastGeneral: Promise<unknown> = Promise.resolve();
  #closed: Error | null = null;

  constructor(parts: CommittingParts) {
    this.#parts = parts;
  }

  /** @throws SignalboxError `STORE_CLOSED`. */
  mustWrite(): void {
    if (this.#closed !== null) throw this.#closed;
  }

  commit(commit: Commit): Ticket {
    if (this.#closed !== null) return ticketOf(Promise.reject(this.#closed));
    if (commit.within !== undefined) {
      const call = 'a commit in a transaction of the program';
      return ticketOf(
        this.#within(commit).catch((error: unknown) => {
          throw codeOf(error) === '23505'
            ? madeElsewhere(commit, error)
            : storeError(error, call, 'not committed');
        }),
      );
    }
    const step = plainStepOf(commit);
    let letGo = (): void => {};
    this.#last = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    if (step === null) this.#lastGeneral = this.#last;
    const done = new Promise<void>((resolve, reject) => this.#add({ commit, step, resolve, reject, letGo }));
    done.then(letGo, letGo);
    return ticketOf(done);
  }

  #add(...waiting: readonly Waiting[]): void {
    if (waiting.length === 0) return;
    this.#waiting.push(...waiting);
    this.#running ??= new Promise((resolve) => {
      this.#parts.defer(() => resolve(this.#drain()));
    });
  }

  /** Resolves when every commit that was asked for by now is made or refused. */
  async settled(): Promise<void> {
    await this.#last;
  }

  /** The same of all commits but fast steps: with any outcome, those make no job that could be claimed. */
  async generalSettled(): Promise<void> {
    await this.#lastGeneral;
  }

  async close(): Promise<void> {
    this.#closed ??= new SignalboxError('STORE_CLOSED', { call: 'a call' });
    await this.#running;
    await this.#parts.transactions.programs.close();
  }

  async #drain(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#next();
      try {
        await this.#make(batch);
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    this.#running = null;
  }

  #next(): Waiting[] {
    let changes = 0;
    let count = 0;
    for (const { commit } of this.#waiting) {
      changes += commit.changes.length + 1;
      if (count > 0 && changes > maxChanges) break;
      count += 1;
    }
    return this.#waiting.splice(0, count);
  }

  async #make(batch: readonly Waiting[]): Promise<void> {
    const { transactions } = this.#parts;
    const parted = sorted(batch);
    const patience = batch.some(isPatient) ? 'leaves' : 'none';
    try {
      const done = await transactions.run(
        'a commit',
        (connection) => this.#both(connection, parted.plain, parted.general),
        patience,
      );
      const again = this.#carryOut(done, parted);
      if (again.length > 0) await this.#make(again);
    } catch (error) {
      if (!(error instanceof Doubt)) throw error;
      this.#leave(error, batch, parted);
    }
  }

  /** What follows a transaction that was committed. Gives those of its commits that are to be judged by the rules. */
  #carryOut({ result, numbered }: Done<Batched>, { plain, general }: SortedBatch): readonly Waiting[] {
    const { stepped, refusals } = result;
    if (stepped !== null) this.#parts.committed(stepped.told);
    if (numbered !== null) this.#parts.committed(toldOf(numbered));
    const refused = new Set(stepped?.refused);
    for (const [index, { waiting }] of plain.entries()) if (!refused.has(index)) waiting.resolve();
    for (const [index, { resolve, reject }] of general.entries()) {
      const refusal = refusals[index] ?? null;
      if (refusal === null) resolve();
      else reject(refusal);
    }
    // The rules say what was wrong with them, or that nothing was: a callback of theirs may have been begun.
    return [...refused].map((index) => ({ ...(plain[index] as Sorted).waiting, step: null }));
  }

  /**
   * The outcome of a batch is not known in time. Clients get that answer; the others get the outcome once the
   * server knows, while later commits and reads continue. It is never made again here, so it cannot come after
   * one that was asked for later.
   */
  #leave(doubt: Doubt<Batched>, batch: readonly Waiting[], parted: SortedBatch): void {
    for (const waiting of batch) {
      waiting.letGo();
      if (!isPatient(waiting)) waiting.reject(doubt.as('unknown'));
    }
    const rejectAll = (error: unknown): void => {
      for (const { reject } of batch) reject(error);
    };
    const ending = this.#parts.transactions.end(doubt, () => this.#closed !== null);
    ending
      .then((error) => {
        if (error === null) this.#add(...this.#carryOut(doubt.done, parted));
        else rejectAll(error);
      })
      .catch(rejectAll);
  }

  async #both(
    connection: SqlConnection,
    plain: readonly Sorted[],
    general: readonly Waiting[],
  ): Promise<Prepared<Batched>> {
    const { clock } = this.#parts;
    const preparing = this.prepare(
      connection,
      general.map(({ commit }) => commit),
    );
    const stepping =
      plain.length === 0
        ? Promise.resolve(null)
        : stepPlainly(
            connection,
            { ...this.#parts, at: clock.now() },
            plain.map(({ step }) => step),
          );
    await allDone([preparing, stepping]);
    const [{ result: refusals, written }, stepped] = [await preparing, await stepping];
    return {
      result: { stepped, refusals },
      written,
      proof: stepped === null ? null : proofOf(stepped.xid, stepped.told.lines),
    };
  }

  /**
   * Makes a commit in the program's own transaction: it is reported when that is over, by the journal and a
   * notification.
   */
  async #within(commit: Commit): Promise<void> {
    const { schema, transactions, clock } = this.#parts;
    const connection = await borrowed(commit.within);
    await clock.ask(connection);
    const { result, written } = await this.prepare(connection, [commit]);
    const [refusal] = result;
    if (refusal !== null && refusal !== undefined) throw refusal;
    if (written?.isEmpty !== false) return;
    const numbered = await written.number(connection, schema);
    this.#parts.watch(numbered);
    await transactions.send(connection, numbered, null);
    await this.#parts.notifyWithin(connection, numbered);
  }

  /** A program's work and the commit that follows from it, in one transaction. */
  async transaction<Result>(
    work: (client: unknown) => Promise<Result>,
    commit: (result: Result, refusal: Error | null) => Commit,
  ): Promise<Result> {
    this.mustWrite();
    const { clock, transactions } = this.#parts;
    const { result, numbered } = await transactions.programs.make(work, async (connection, answer) => {
      await clock.ask(connection);
      for (let refusal: Error | null = null; ; ) {
        const { result: refusals, written } = await this.prepare(connection, [commit(answer, refusal)]);
        refusal = refusals[0] ?? null;
        if (refusal === null) return written;
      }
    });
    if (numbered !== null) this.#parts.committed(toldOf(numbered));
    return result;
  }

  /** Judges commits in a transaction and makes the changes of those that hold. Gives the refusal of each, or null. */
  async prepare(
    connection: SqlConnection,
    commits: readonly Commit[],
  ): Promise<{ readonly result: readonly (Error | null)[]; readonly written: Written }> {
    const { schema, clock, epoch, machineVersion } = this.#parts;
    const set = await lockedSet(connection, schema, subjectsOf(commits));
    const written = new Written(set);
    const result = commits.map((commit) => {
      try {
        for (const precondition of commit.expect) {
          if (precondition.check !== 'atMost') mustHold(set.tables, precondition);
          else mustHaveRoom(set.tables, commit.changes, precondition, set.elsewhere(precondition));
          if (isAbsence(precondition)) written.believeAbsent(precondition.id);
        }
        written.add(`${commit.by}#${epoch}`, clock.now(), machineVersion, commit.changes);
        return null;
      } catch (error) {
        return error as Error;
      }
    });
    return { result, written };
  }
}

function isAbsence(precondition: Precondition): boolean {
  return precondition.check === 'rev' && precondition.kind === 'job' && precondition.rev === 0;
}

/** Another transaction, which could not be seen, has made a record of this one. The database has ended this one for it. */
function madeElsewhere({ changes: [first] }: Commit, cause: unknown): ConflictError {
  const about = {
    subject: `${first?.kind}/${first?.id}`,
    expected: 'absent',
    actual: 'one of another transaction',
  };
  return new ConflictError(about, { cause });
}

/** A caller must get its outcome: a client asks again, but no other process would continue the work of a holder. */
function isPatient({ commit: { by, expect } }: Waiting): boolean {
  return by !== 'client' || expect.some(({ check }) => check === 'holder');
}

/** Fast steps, and everything else. A job that another commit of the batch changes is left to the rules, in order. */
function sorted(batch: readonly Waiting[]): SortedBatch {
  const named = new Set<string>();
  const once = new Set<string>();
  for (const { commit, step } of batch) {
    if (step !== null && !once.has(step.id)) once.add(step.id);
    else for (const id of subjectsOf([commit]).jobs) named.add(id);
  }
  const plain: Sorted[] = [];
  const general: Waiting[] = [];
  for (const waiting of batch) {
    const { step } = waiting;
    if (step === null || named.has(step.id)) general.push(waiting);
    else plain.push({ waiting, step });
  }
  return { plain, general };
}

/** On this store both strengths mean committed: the database syncs before it answers. */
function ticketOf(done: Promise<void>): Ticket {
  // No caller has to wait for a commit; one that waits gets the rejection.
  done.catch(() => {});
  return { written: done, synced: done };
}
