import { readFileSync } from 'node:fs';
import type { HistoryEntry, JobRecord, OpenStore } from 'signalbox';
import { Audit, type AuditOptions } from '../../src/testing/simulate/audit/audit.ts';

/** The result of a campaign. */
export interface Verdict {
  readonly totals: {
    /** Jobs in the store at the end, callbacks and system jobs included. */
    readonly jobs: number;
    /** Puts that resolved, and transactions of programs with a put in them that did. */
    readonly acknowledged: number;
    /** Calls of job code. */
    readonly starts: number;
    /** Results of former holders that were refused. */
    readonly staleWritesRejected: number;
  };
  /** Violations by rule: each has to be 0. */
  readonly counts: Readonly<Record<string, number>>;
  /** The first hundred violations in words. */
  readonly problems: readonly string[];
}

/** What every checker counts. */
const counted = {
  /** I1: acknowledged jobs that are not in the store. */
  lost: 0,
  /** I2: jobs in the store that no worker asked for, or whose transaction was not committed. */
  phantoms: 0,
  /** I4: outcomes, completions and effects of a job after its first, and starts after a completion. */
  doubleCompletions: 0,
  /** I5: starts of an at-most-once job after its first, and jobs that succeeded without a start. */
  wrongStarts: 0,
  /** I7: moments at which more jobs were in the quota than it has slots. */
  quotaExceeded: 0,
  /** I20: moments at which more jobs of a key were at work than its limit lets. */
  keysExceeded: 0,
  /** Jobs that are not completed at the end. */
  unfinished: 0,
  /** What the journal says against the rules of a job's life: see src/testing/simulate/audit/audit.ts. */
  journal: 0,
};

/** One of the rules that a checker counts violations of. */
export type Count = keyof typeof counted;

/** Checks what the store holds against the ledger in which the workers wrote what they did. */
export abstract class RunChecker<Own extends string = never> {
  /** Kinds of jobs by the id under which a worker asked for them. */
  protected readonly asked = new Map<string, string>();
  /** Jobs of the store. */
  protected readonly jobs = new Map<string, Pick<JobRecord, 'name' | 'ending'>>();
  readonly #acknowledged = new Set<string>();
  readonly #starts = new Map<string, number>();
  readonly #problems: string[] = [];
  readonly #counts: Record<Count | Own, number>;
  #stale = 0;

  /** `own`: rules of this store alone. */
  constructor(own: Readonly<Record<Own, number>>) {
    this.#counts = { ...counted, ...own };
  }

  /** True for an id that a worker gave: others are those of callbacks and system jobs. */
  protected abstract isAskable(id: string): boolean;

  /** Reads a line of the ledger that only this store's workers or campaign write, or the start or end of a call. */
  protected abstract readOwn(word: string, id: string, rest: readonly string[]): void;

  /** Looks at one job of the store. */
  protected checkJob(_job: JobRecord): void {}

  /** Looks at one entry of the journal. */
  protected followEntry(_entry: HistoryEntry): void {}

  protected count(what: Count | Own, problem: string): void {
    this.#counts[what] += 1;
    this.#problems.push(`${what}: ${problem}`);
  }

  /** Reads the ledger, which is in the order of what happened. */
  readLedger(path: string): void {
    for (const line of readFileSync(path, 'utf8').split('\n')) {
      const [word = '', id = '', ...rest] = line.split(' ');
      if (word === 'ask') this.asked.set(id, rest[0] ?? '');
      else if (word === 'ack') this.#acknowledged.add(id);
      else if (word === 'stale') this.#stale += 1;
      else if (word === 'start') this.#started(id, rest[0]);
      this.readOwn(word, id, rest);
    }
  }

  #started(id: string, name: string | undefined): void {
    const starts = (this.#starts.get(id) ?? 0) + 1;
    this.#starts.set(id, starts);
    if (name === 'once' && starts > 1) this.count('wrongStarts', `${id} was started ${starts} times`);
  }

  /** Compares the store with the ledger, and the journal with the rules. */
  async compare(store: OpenStore, options: AuditOptions): Promise<void> {
    for (const job of await store.list('job', '')) {
      const { id, state, ending, name } = job;
      this.jobs.set(id, job);
      if (state !== 'completed') this.count('unfinished', `${id} (${name}) is ${state}`);
      const isSystem = name.startsWith('signalbox.');
      if (!isSystem && ending === 'succeeded' && !this.#starts.has(id))
        this.count('wrongStarts', `${id} (${name}) succeeded and was never started`);
      if (this.isAskable(id) && !this.asked.has(id.replace(/-(also|inner)$/, '')))
        this.count('phantoms', `${id} was never asked for`);
      this.checkJob(job);
    }
    for (const id of this.#acknowledged)
      if (!this.jobs.has(id)) this.count('lost', `${id} was acknowledged and is gone`);
    await this.#audit(store, options);
  }

  async #audit(store: OpenStore, options: AuditOptions): Promise<void> {
    const audit = new Audit(options);
    for await (const entry of store.entries(1)) {
      audit.follow(entry);
      this.followEntry(entry);
    }
    await audit.compare(store);
    for (const problem of audit.problems) {
      this.count('journal', problem);
      if (/a second (outcome|completion)/.test(problem)) this.#counts.doubleCompletions += 1;
      const full = /^.*I(7|20) \S+ of size \d+ is full with/.exec(problem)?.[1];
      if (full !== undefined) this.#counts[full === '7' ? 'quotaExceeded' : 'keysExceeded'] += 1;
    }
  }

  verdict(): Verdict {
    return {
      totals: {
        jobs: this.jobs.size,
        acknowledged: this.#acknowledged.size,
        starts: [...this.#starts.values()].reduce((sum, count) => sum + count, 0),
        staleWritesRejected: this.#stale,
      },
      counts: this.#counts,
      problems: this.#problems.slice(0, 100),
    };
  }
}

/** Everything in a campaign that must not be, in words. `verdict` null: only what its processes showed. */
export function violationsOf(
  { problems }: { readonly problems: readonly string[] },
  verdict: Verdict | null,
): readonly string[] {
  const broken = Object.entries(verdict?.counts ?? {}).filter(([, count]) => count > 0);
  return [...problems, ...broken.map(([what, count]) => `${what}: ${count}`), ...(verdict?.problems ?? [])];
}
