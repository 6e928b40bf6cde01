import { createSignalbox, type HistoryEntry, type JobRecord, type OpenStore } from 'signalbox';
import { postgresStore } from 'signalbox/postgres';
import { RunChecker, type Verdict } from '../run-checker.ts';
import { quotaSize } from '../workload.ts';
import type { Campaign } from './campaign.ts';
import { mostAtOnce, type Run } from './runs.ts';
import { ticks, wrongTicks } from './ticks.ts';
import { connectedTo } from './torture-server.ts';

/** Compares what the workers wrote with what the store and the tables of their effects hold. */
export async function judge({ schema: { url, schema }, ledger }: Campaign): Promise<Verdict> {
  const checker = new PostgresChecker({ torn: 0, wrongEndings: 0, ticksMissed: 0, ticksDoubled: 0 });
  checker.readLedger(ledger);
  const store = postgresStore({ connectionString: url, schema });
  const box = await createSignalbox({ store, jobs: [], uuid: 'ffffffff-0000-4000-8000-000000000000' });
  const client = await connectedTo(url);
  const rows = async (text: string): Promise<string[]> =>
    (await client.query(text)).rows.map((row) => String(Object.values(row)[0]));
  try {
    await checker.compare(box.store, { boxPrefix: '', allowsFalseDeaths: true, hasPeers: true });
    await checker.checkTicks(box.store);
    checker.checkRoom(await rows(`SELECT id FROM ${schema}.room WHERE used <> 0`));
    checker.checkQuota(await rows(`SELECT running FROM ${schema}_effects.over_quota`));
    checker.checkEffects(await rows(`SELECT job FROM ${schema}_effects.effect`));
    checker.checkBought(await rows(`SELECT job FROM ${schema}_effects.bought`));
  } finally {
    await client.end();
    await box.stop();
  }
  return checker.verdict();
}

/**
 * `torn`: effects without their job's success, and the other way round. `wrongEndings`: jobs that did not succeed, though
 * nothing but faults from outside was in their way. `ticksMissed`, `ticksDoubled`: ticks of the schedule without a job, and jobs of a
 * tick beside its first.
 */
class PostgresChecker extends RunChecker<'torn' | 'wrongEndings' | 'ticksMissed' | 'ticksDoubled'> {
  readonly #runs = new Map<string, Run>();
  readonly #killed = new Map<string, number>();
  readonly #cancelled = new Set<string>();
  readonly #deaths = new Map<string, number[]>();

  protected isAskable(id: string): boolean {
    return id.startsWith('put-');
  }

  protected readOwn(word: string, id: string, rest: readonly string[]): void {
    if (word === 'cancel') this.#cancelled.add(id);
    if (word === 'killed') this.#killed.set(id, Number(rest[0]));
    const [name, worker = '', claim, claimedAt, at] = rest;
    const key = `${id} ${worker} ${claim}`;
    if (word === 'start' && name === 'narrow')
      this.#runs.set(key, { id, worker, claimedAt: Number(claimedAt), from: Number(at), to: null });
    const run = this.#runs.get(key);
    if (word === 'end' && run !== undefined) this.#runs.set(key, { ...run, to: Number(at) });
  }

  /** No job of these fails by itself, and all policies but one retry after every fault. */
  protected override checkJob({ id, name, state, ending }: JobRecord): void {
    const mayEndSo =
      ending === 'succeeded' || name === 'once' || (ending === 'cancelled' && name === 'doomed');
    if (state === 'completed' && !mayEndSo) this.count('wrongEndings', `${id} (${name}) is ${ending}`);
    if (state !== 'completed' && this.#cancelled.has(id))
      this.count('wrongEndings', `${id} (${name}) was cancelled and is ${state}`);
  }

  protected override followEntry({ event, id, at }: HistoryEntry): void {
    if (event !== 'representation.deactivate') return;
    const uuid = id.slice(id.indexOf('/') + 1);
    this.#deaths.set(uuid, [...(this.#deaths.get(uuid) ?? []), at]);
  }

  async checkTicks(store: OpenStore): Promise<void> {
    const schedule = await store.get('schedule', `${ticks.queue}/${ticks.name}`);
    const { from = null, every = null } = schedule?.figures ?? {};
    if (schedule?.lastTick == null || from === null || every === null)
      return this.count('ticksMissed', 'all of them');
    const jobs = await store.list('job', '');
    const { missed, doubled } = wrongTicks(
      { from, everyMs: every, lastTick: schedule.lastTick },
      jobs.flatMap(({ id, origin }) => (origin?.tick == null ? [] : [{ id, tick: origin.tick }])),
    );
    for (const what of missed) this.count('ticksMissed', what);
    for (const what of doubled) this.count('ticksDoubled', what);
  }

  /** By the ledger, and by a trigger that counts at every commit. */
  checkQuota(overQuota: readonly string[]): void {
    for (const running of overQuota) this.count('quotaExceeded', `${running} held the quota at a commit`);
    const most = mostAtOnce([...this.#runs.values()], this.#killed, this.#deaths);
    if (most.count > quotaSize) this.count('quotaExceeded', `${most.runs.join(', ')} ran at once`);
  }

  /** When all is over no slot is taken. */
  checkRoom(ids: readonly string[]): void {
    if ([...this.jobs.values()].some(({ ending }) => ending === null)) return;
    for (const id of ids) this.count('torn', `slots of ${id} are taken, and no job holds one`);
  }

  /** Each success of `paid` has one effect, and each effect its success. */
  checkEffects(ids: readonly string[]): void {
    const effects = new Map<string, number>();
    for (const id of ids) effects.set(id, (effects.get(id) ?? 0) + 1);
    for (const [id, count] of effects) {
      if (count > 1) this.count('doubleCompletions', `${id} has left its effect ${count} times`);
      const ending = this.jobs.get(id)?.ending;
      if (ending !== 'succeeded') this.count('torn', `${id} has left its effect and is ${ending}`);
    }
    for (const [id, { name, ending }] of this.jobs)
      if (name === 'paid' && ending === 'succeeded' && !effects.has(id))
        this.count('torn', `${id} succeeded without its effect`);
  }

  /** A row of a program's transaction and the job that was put in it are both there or both not. */
  checkBought(ids: readonly string[]): void {
    const bought = new Set(ids);
    for (const [id, kind] of this.asked) {
      if (kind !== 'within' || bought.has(id) === this.jobs.has(id)) continue;
      this.count('torn', `${id}: row ${bought.has(id)}, job ${this.jobs.has(id)}`);
    }
  }
}
