import { readFileSync } from 'node:fs';
import { createSignalbox, type HistoryEntry, type OpenStore } from 'signalbox';
import { jsonStore } from 'signalbox/json';
import { Audit } from '../../src/testing/simulate/audit/audit.ts';
import type { Campaign } from './campaign.ts';
import { quotaSize } from './jobs.ts';

/** What came of a campaign, in numbers. All but the first four have to be 0. */
export interface Verdict {
  /** Jobs in the store at the end, callbacks and system jobs included. */
  readonly jobs: number;
  /** Puts that resolved. */
  readonly acknowledged: number;
  /** Calls of job code. */
  readonly starts: number;
  /** Results that came from a holder of former times and were refused. */
  readonly staleWritesRejected: number;
  /** I1: acknowledged jobs that are not in the store. */
  readonly lost: number;
  /** I2: jobs in the store that nobody asked for. */
  readonly phantoms: number;
  /** I4: completions after the first, and starts after a completion. */
  readonly doubleCompletions: number;
  /** I5: starts of an at-most-once job after its first, and jobs that succeeded without a start. */
  readonly wrongStarts: number;
  /** I7: moments at which more jobs were in the quota than it has slots. */
  readonly quotaExceeded: number;
  /** Jobs that are not completed at the end. */
  readonly unfinished: number;
  /** What the journal says against the rules of a job's life: see src/testing/simulate/audit/audit.ts. */
  readonly journal: number;
  /** In words, the first hundred. */
  readonly problems: readonly string[];
}

/** Compares what was said outside with what the store holds, read by the code of the project and not by a mutant. */
export async function judge(campaign: Campaign): Promise<Verdict> {
  const book = new Book();
  for (const lines of campaign.told.lives) for (const line of lines) book.hear(line);
  for (const line of readFileSync(campaign.ledger, 'utf8').split('\n')) book.read(line);
  const box = await createSignalbox({
    store: jsonStore(campaign.directory, { historyMaxBytes: Number.MAX_SAFE_INTEGER }),
    jobs: [],
  });
  try {
    await book.compare(box.store);
  } finally {
    await box.stop();
  }
  return book.verdict();
}

type Count = 'lost' | 'phantoms' | 'doubleCompletions' | 'wrongStarts' | 'quotaExceeded' | 'unfinished';

/** What a job's code and its completion left in the ledger. */
interface Trace {
  starts: number;
  isDone: boolean;
}

class Book {
  readonly #asked = new Map<string, string>();
  readonly #acknowledged = new Set<string>();
  readonly #traces = new Map<string, Trace>();
  readonly #running = new Set<string>();
  readonly #problems: string[] = [];
  readonly #counts = {
    lost: 0,
    phantoms: 0,
    doubleCompletions: 0,
    wrongStarts: 0,
    quotaExceeded: 0,
    unfinished: 0,
  };
  #starts = 0;
  #stale = 0;
  #jobs = 0;
  #journal = 0;

  /** A line of the pipe. */
  hear(line: string): void {
    const [word, id = '', kind = ''] = line.split(' ');
    if (word === 'ask') this.#asked.set(id, kind);
    else if (word === 'ack') this.#acknowledged.add(id);
    else if (word === 'stale') this.#stale += 1;
  }

  /** A line of the ledger. A new life has nothing running. */
  read(line: string): void {
    const [word, id = ''] = line.split(' ');
    if (word === 'life') this.#running.clear();
    else if (word === 'start') this.#started(id);
    else if (word === 'end') this.#running.delete(id);
    else if (word === 'done') this.#done(id);
  }

  #started(id: string): void {
    this.#starts += 1;
    const trace = this.#trace(id);
    trace.starts += 1;
    if (trace.isDone) this.#count('doubleCompletions', `${id} was started after its completion`);
    const kind = this.#asked.get(id);
    if (kind === 'once' && trace.starts > 1)
      this.#count('wrongStarts', `${id} was started ${trace.starts} times`);
    if (kind !== 'narrow') return;
    this.#running.add(id);
    if (this.#running.size > quotaSize) this.#count('quotaExceeded', `${[...this.#running]} ran at once`);
  }

  #done(id: string): void {
    const trace = this.#trace(id);
    if (trace.isDone) this.#count('doubleCompletions', `${id} was completed twice`);
    trace.isDone = true;
  }

  async compare(store: OpenStore): Promise<void> {
    const jobs = await store.list('job', '');
    this.#jobs = jobs.length;
    const found = new Set(jobs.map(({ id }) => id));
    for (const id of this.#acknowledged)
      if (!found.has(id)) this.#count('lost', `${id} was acknowledged and is gone`);
    for (const { id, state, ending, name } of jobs) {
      const isOurs = /^\d+-\d+$/.test(id);
      if (isOurs && !this.#asked.has(id)) this.#count('phantoms', `${id} was never asked for`);
      if (state !== 'completed') this.#count('unfinished', `${id} (${name}) is ${state}`);
      const hasCode = !name.startsWith('signalbox.');
      if (hasCode && ending === 'succeeded' && this.#trace(id).starts === 0)
        this.#count('wrongStarts', `${id} (${name}) succeeded and was never started`);
    }
    await this.#audit(store);
  }

  async #audit(store: OpenStore): Promise<void> {
    const audit = new Audit({ boxPrefix: 'box' });
    const entries: AsyncIterable<HistoryEntry> = store.entries(1);
    for await (const entry of entries) audit.follow(entry);
    await audit.compare(store);
    this.#journal = audit.problems.length;
    this.#problems.push(...audit.problems.map((problem) => `journal: ${problem}`));
    for (const problem of audit.problems) {
      if (/a second (outcome|completion)/.test(problem)) this.#counts.doubleCompletions += 1;
      if (/of size \d+ is filled/.test(problem)) this.#counts.quotaExceeded += 1;
    }
  }

  verdict(): Verdict {
    return {
      jobs: this.#jobs,
      acknowledged: this.#acknowledged.size,
      starts: this.#starts,
      staleWritesRejected: this.#stale,
      ...this.#counts,
      journal: this.#journal,
      problems: this.#problems.slice(0, 100),
    };
  }

  #trace(id: string): Trace {
    const trace = this.#traces.get(id) ?? { starts: 0, isDone: false };
    this.#traces.set(id, trace);
    return trace;
  }

  #count(what: Count, problem: string): void {
    this.#counts[what] += 1;
    this.#problems.push(problem);
  }
}
