import { readFileSync } from 'node:fs';
import { createSignalbox, type OpenStore } from 'signalbox';
import { postgresStore } from 'signalbox/postgres';
import { Audit } from '../../../src/testing/simulate/audit/audit.ts';
import type { Campaign } from './campaign.ts';
import { quotaSize } from './jobs.ts';
import { mostAtOnce, type Run } from './runs.ts';
import { connectedTo } from './site.ts';

/** What came of a campaign, in numbers. All but the first four have to be 0. */
export interface Verdict {
  /** Jobs in the store at the end, callbacks and system jobs included. */
  readonly jobs: number;
  /** Puts that resolved, and transactions of programs with a put in them that did. */
  readonly acknowledged: number;
  /** Calls of job code. */
  readonly starts: number;
  /** Results that came from a holder of former times and were refused. */
  readonly staleWritesRejected: number;
  /** I1: acknowledged jobs that are not in the store. */
  readonly lost: number;
  /** I2: jobs that nobody asked for, or whose transaction was not committed. */
  readonly phantoms: number;
  /** I4: outcomes, completions and effects of a job after its first. */
  readonly doubleCompletions: number;
  /** I5: starts of an at-most-once job after its first, and jobs that succeeded without a start. */
  readonly wrongStarts: number;
  /** I7: moments at which more jobs were in the quota than it has slots: by the ledger, by a trigger, by the journal. */
  readonly quotaExceeded: number;
  /** Effects that stand without their job's success, and the other way round. */
  readonly torn: number;
  /** Jobs that did not succeed, though nothing but faults from outside was in their way. */
  readonly wrongEndings: number;
  /** Jobs that are not completed at the end. */
  readonly unfinished: number;
  /** What the journal says against the rules of a job's life, and records that are not what it says. */
  readonly journal: number;
  /** In words, the first hundred. */
  readonly problems: readonly string[];
}

type Count =
  | 'lost'
  | 'phantoms'
  | 'doubleCompletions'
  | 'wrongStarts'
  | 'quotaExceeded'
  | 'torn'
  | 'wrongEndings'
  | 'unfinished';

/** Compares what was said outside with what the store holds. */
export async function judge({ ground, ledger }: Campaign): Promise<Verdict> {
  const book = new Book();
  for (const line of readFileSync(ledger, 'utf8').split('\n')) book.read(line);
  const store = postgresStore({ connectionString: ground.url, schema: ground.schema });
  const box = await createSignalbox({ store, jobs: [], uuid: 'ffffffff-0000-4000-8000-000000000000' });
  const client = await connectedTo(ground.url);
  const rows = async (text: string): Promise<string[]> =>
    (await client.query(text)).rows.map((row) => String(Object.values(row)[0]));
  try {
    await book.compare(box.store);
    book.weigh({
      effects: await rows(`SELECT job FROM ${ground.schema}_effects.effect`),
      bought: await rows(`SELECT job FROM ${ground.schema}_effects.bought`),
      overQuota: await rows(`SELECT running FROM ${ground.schema}_effects.over_quota`),
    });
  } finally {
    await client.end();
    await box.stop();
  }
  return book.verdict();
}

class Book {
  readonly #asked = new Map<string, string>();
  readonly #acknowledged = new Set<string>();
  readonly #starts = new Map<string, number>();
  readonly #runs = new Map<string, Run>();
  readonly #killed = new Map<string, number>();
  readonly #deaths = new Map<string, number[]>();
  readonly #jobs = new Map<string, { readonly name: string; readonly ending: string | null }>();
  readonly #problems: string[] = [];
  readonly #counts: Record<Count, number> = {
    lost: 0,
    phantoms: 0,
    doubleCompletions: 0,
    wrongStarts: 0,
    quotaExceeded: 0,
    torn: 0,
    wrongEndings: 0,
    unfinished: 0,
  };
  #stale = 0;
  #journal = 0;

  /** A line of the ledger. */
  read(line: string): void {
    const [word, id = '', ...rest] = line.split(' ');
    if (word === 'ask') this.#asked.set(id, rest[0] ?? '');
    else if (word === 'ack') this.#acknowledged.add(id);
    else if (word === 'stale') this.#stale += 1;
    else if (word === 'killed') this.#killed.set(id, Number(rest[0]));
    else if (word === 'start' || word === 'end') this.#ran(word, id, rest);
  }

  #ran(word: 'start' | 'end', id: string, [name = '', worker = '', claim, claimedAt, at]: string[]): void {
    const key = `${id} ${worker} ${claim}`;
    if (word === 'start') {
      this.#starts.set(id, (this.#starts.get(id) ?? 0) + 1);
      if (name === 'narrow')
        this.#runs.set(key, { id, worker, claimedAt: Number(claimedAt), from: Number(at), to: null });
      return;
    }
    const run = this.#runs.get(key);
    if (run !== undefined) this.#runs.set(key, { ...run, to: Number(at) });
  }

  async compare(store: OpenStore): Promise<void> {
    for (const { id, state, ending, name } of await store.list('job', '')) {
      this.#jobs.set(id, { name, ending });
      if (state !== 'completed') this.#count('unfinished', `${id} (${name}) is ${state}`);
      const starts = this.#starts.get(id) ?? 0;
      if (!name.startsWith('signalbox.') && ending === 'succeeded' && starts === 0)
        this.#count('wrongStarts', `${id} (${name}) succeeded and was never started`);
      // No job of these fails by itself, and all policies but one retry whatever comes.
      if (state === 'completed' && ending !== 'succeeded' && name !== 'once')
        this.#count('wrongEndings', `${id} (${name}) is ${ending}`);
      if (name === 'once' && starts > 1) this.#count('wrongStarts', `${id} was started ${starts} times`);
      const asked = id.replace(/-(also|inner)$/, '');
      if (id.startsWith('put-') && !this.#asked.has(asked))
        this.#count('phantoms', `${id} was never asked for`);
    }
    for (const id of this.#acknowledged)
      if (!this.#jobs.has(id)) this.#count('lost', `${id} was acknowledged and is gone`);
    await this.#audit(store);
  }

  async #audit(store: OpenStore): Promise<void> {
    const audit = new Audit({ boxPrefix: '', allowsFalseDeaths: true, hasPeers: true });
    for await (const entry of store.entries(1)) {
      audit.follow(entry);
      if (entry.event !== 'representation.deactivate') continue;
      const uuid = entry.id.slice(entry.id.indexOf('/') + 1);
      this.#deaths.set(uuid, [...(this.#deaths.get(uuid) ?? []), entry.at]);
    }
    await audit.compare(store);
    this.#journal = audit.problems.length;
    for (const problem of audit.problems) {
      this.#problems.push(`journal: ${problem}`);
      if (/a second (outcome|completion)/.test(problem)) this.#counts.doubleCompletions += 1;
      if (/I7 .*\/narrow of size \d+ is filled/.test(problem)) this.#counts.quotaExceeded += 1;
    }
  }

  /** What jobs and transactions have left in tables of their own. */
  weigh(left: {
    readonly effects: readonly string[];
    readonly bought: readonly string[];
    readonly overQuota: readonly string[];
  }): void {
    const effects = new Map<string, number>();
    for (const id of left.effects) effects.set(id, (effects.get(id) ?? 0) + 1);
    for (const [id, count] of effects) {
      if (count > 1) this.#count('doubleCompletions', `${id} has left its effect ${count} times`);
      if (this.#jobs.get(id)?.ending !== 'succeeded')
        this.#count('torn', `${id} has left its effect and is ${this.#jobs.get(id)?.ending}`);
    }
    for (const [id, { name, ending }] of this.#jobs)
      if (name === 'paid' && ending === 'succeeded' && !effects.has(id))
        this.#count('torn', `${id} succeeded without its effect`);
    const bought = new Set(left.bought);
    for (const [id, kind] of this.#asked) {
      if (kind !== 'within' || bought.has(id) === this.#jobs.has(id)) continue;
      this.#count('torn', `${id}: row ${bought.has(id)}, job ${this.#jobs.has(id)}`);
    }
    for (const running of left.overQuota)
      this.#count('quotaExceeded', `${running} held the quota at a commit`);
    const most = mostAtOnce([...this.#runs.values()], this.#killed, this.#deaths);
    if (most.count > quotaSize) this.#count('quotaExceeded', `${most.runs.join(', ')} ran at once`);
  }

  verdict(): Verdict {
    return {
      jobs: this.#jobs.size,
      acknowledged: this.#acknowledged.size,
      starts: [...this.#starts.values()].reduce((sum, count) => sum + count, 0),
      staleWritesRejected: this.#stale,
      ...this.#counts,
      journal: this.#journal,
      problems: this.#problems.slice(0, 100),
    };
  }

  #count(what: Count, problem: string): void {
    this.#counts[what] += 1;
    this.#problems.push(`${what}: ${problem}`);
  }
}
