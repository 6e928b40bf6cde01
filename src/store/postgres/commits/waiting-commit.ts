import type { Kind } from '../../entry.ts';
import type { Commit, Precondition, Ticket } from '../../store.ts';
import type { Answer, PlainClaim } from './statement.ts';

type Stage = 'written' | 'synced';

/** A claim that waits for its statement. */
export interface WaitingClaim {
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
export interface Author {
  readonly by: string;
  /** What its next commit joins. */
  gathered: Gathered | null;
  readonly claims: WaitingClaim[];
  running: Promise<void> | null;
  /** What its statement that is under way is about, and that statement. */
  atWork: readonly WaitingCommit[];
  making: Promise<void>;
  /** Who waits until its commits up to one are made. */
  waiters: { readonly asked: number; readonly resolve: () => void }[];
}

/** Commits that gather for the next statement of their author: each promise resolves when its stage is over for all of them. */
export class Gathered implements Pick<Ticket, Stage> {
  readonly written: Promise<void>;
  readonly synced: Promise<void>;
  readonly #open = { written: 0, synced: 0 };
  readonly #resolve: { [stage in Stage]: () => void };

  constructor() {
    let [written, synced] = [(): void => {}, (): void => {}];
    this.written = new Promise((resolve) => {
      written = resolve;
    });
    this.synced = new Promise((resolve) => {
      synced = resolve;
    });
    this.#resolve = { written, synced };
  }

  add(): void {
    this.#open.written += 1;
    this.#open.synced += 1;
  }

  isOver(stage: Stage): void {
    this.#open[stage] -= 1;
    if (this.#open[stage] === 0) this.#resolve[stage]();
  }
}

/** A commit that waits for its statement. Promises of its own are made only for callers that ask for them. */
export class WaitingCommit implements Ticket {
  // A claim of the same author goes with it, in one statement.
  readonly isStaged = true;
  readonly index: number;
  readonly commit: Commit;
  readonly author: Author;
  readonly group: Gathered;
  /** Undefined: not over; null: not refused. */
  readonly #ends: { [stage in Stage]?: Error | null } = {};
  readonly #promises: { [stage in Stage]?: Promise<void> } = {};
  #subjects: ReadonlySet<string> | null = null;
  readonly #settle: { [stage in Stage]?: () => void } = {};

  /** `index`: counts the calls. */
  constructor(index: number, commit: Commit, author: Author, group: Gathered) {
    this.index = index;
    this.commit = commit;
    this.author = author;
    this.group = group;
    group.add();
  }

  /** Whether it is about a record that another is about. */
  isAboutThatOf(other: WaitingCommit): boolean {
    this.#subjects ??= subjectsIn(this.commit);
    other.#subjects ??= subjectsIn(other.commit);
    for (const subject of this.#subjects) if (other.#subjects.has(subject)) return true;
    return false;
  }

  get written(): Promise<void> {
    return this.#promise('written');
  }

  get synced(): Promise<void> {
    return this.#promise('synced');
  }

  refusal(stage: Stage): Error | null {
    return this.#ends[stage] ?? null;
  }

  /** What became of it. The first time counts: one that a crash took is written again. */
  end(stage: Stage, error: Error | null): void {
    if (this.#ends[stage] !== undefined) return;
    this.#ends[stage] = error;
    this.#settle[stage]?.();
    this.group.isOver(stage);
  }

  #promise(stage: Stage): Promise<void> {
    let promise = this.#promises[stage];
    if (promise === undefined) {
      promise = new Promise((resolve, reject) => {
        const settle = (): void => {
          const error = this.#ends[stage] ?? null;
          if (error === null) resolve();
          else reject(error);
        };
        if (this.#ends[stage] === undefined) this.#settle[stage] = settle;
        else settle();
      });
      // No caller has to wait for a commit; one that waits gets the rejection.
      promise.catch(() => {});
      this.#promises[stage] = promise;
    }
    return promise;
  }
}

function subjectsIn({ changes, expect }: Commit): ReadonlySet<string> {
  const subjects = new Set<string>();
  for (const { kind, id } of changes) subjects.add(`${kind}/${id}`);
  for (const expected of expect) subjects.add(`${kindOf(expected)}/${expected.id}`);
  return subjects;
}

/** What kind of record a precondition is about, as far as commits have to be kept apart. */
function kindOf(expected: Precondition): Kind {
  if (expected.check === 'rev') return expected.kind;
  return expected.check === 'noMail' || expected.check === 'accepts' ? 'actor' : 'job';
}
