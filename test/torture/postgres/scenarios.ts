import { setTimeout as pause } from 'node:timers/promises';
import type { Job, OpenStore } from 'signalbox';
import { commitText } from './proxy.ts';
import type { ScenarioBox, ScenarioDatabase } from './scenario-database.ts';
import { connectedTo } from './torture-server.ts';

/** One race or one fault, made on purpose. Returns what is wrong, or null. */
export type Scenario = (database: ScenarioDatabase, url: string) => Promise<string | null>;

/** The former holder of a job that was reassigned has its result, while the new one runs it. */
async function zombie(database: ScenarioDatabase, job: 'hold' | 'forks'): Promise<string | null> {
  const [first, second] = [
    await database.makeBox({ size: 3 }),
    await database.makeBox({ pollInterval: 100 }),
  ];
  const put = await first.box.queue('a').put(first.jobs[job]());
  await database.until(() => first.calls.length > 0);
  await declareDead(second, first);
  await second.box.start({ pollInterval: '100ms' });
  if (!(await database.until(() => second.calls.length > 0))) return 'the job was not reassigned';
  first.open();
  await database.until(async () => first.logged.length > 0 || (await put.refresh()).outcome !== null, 5_000);
  second.open();
  const result = await put.result({ timeout: '20s' });
  return result === second.uuid ? null : 'a former holder has written its result';
}

async function declareDead(by: ScenarioBox, dead: ScenarioBox): Promise<void> {
  await (await by.box.queue('a').dispatchers.get(dead.uuid)).deactivate();
}

/** The same of a job whose effect is in the transaction of its result. */
async function zombieThatPays(database: ScenarioDatabase): Promise<string | null> {
  const [first, second] = [await database.makeBox({ size: 3 }), await database.makeBox()];
  await database.sql(`CREATE TABLE ${database.schema}.effect (job text)`);
  const put = await first.box.queue('a').put(first.jobs.pay());
  await database.until(() => first.calls.length > 0);
  second.open();
  await declareDead(second, first);
  await second.box.start({ pollInterval: '100ms' });
  await put.result({ timeout: '20s' });
  first.open();
  await database.until(() => first.logged.length > 0, 5_000);
  const effects = await database.sql(`SELECT FROM ${database.schema}.effect`);
  return effects.length === 1 ? null : `an effect is there ${effects.length} times`;
}

/** A result on its way meets a take-over that is not committed yet. */
async function resultDuringTakeOver(database: ScenarioDatabase): Promise<string | null> {
  const [first, second] = [await database.makeBox({ size: 3 }), await database.makeBox()];
  const put = await first.box.queue('a').put(first.jobs.hold());
  await database.until(() => first.calls.length > 0);
  await database.slow(1.5);
  const declaring = declareDead(second, first);
  await database.isSlow();
  first.open();
  await declaring;
  await database.fast();
  await database.until(async () => first.logged.length > 0 || (await put.refresh()).outcome !== null, 5_000);
  await second.box.start({ pollInterval: '100ms' });
  second.open();
  const result = await put.result({ timeout: '20s' });
  if (result !== second.uuid) return 'a former holder has written its result';
  const told = await database.sql(
    `SELECT FROM ${database.schema}.line, json_array_elements(entries::json) AS entry
     WHERE entry ->> 'event' = 'job.finish' AND entry ->> 'id' = '${put.id}'`,
  );
  return told.length === 1 ? null : `the journal has ${told.length} results of one job`;
}

/** A dispatcher is declared dead while a claim of its own is not committed yet. */
async function claimDuringTakeOver(
  database: ScenarioDatabase,
  quotaNames: readonly string[],
): Promise<string | null> {
  const [first, second] = [await database.makeBox({ size: 3 }), await database.makeBox()];
  if (quotaNames.length > 0) await second.box.queue('a').quotas.create('q', { size: 1 });
  await database.slow(1.5);
  const put = await second.box.queue('a').put(second.jobs.hold(), { quotaNames: [...quotaNames] });
  await database.isSlow();
  await declareDead(second, first);
  await database.fast();
  second.open();
  await second.box.start({ pollInterval: '100ms' });
  const isOver = await database.until(async () => (await put.refresh()).outcome !== null, 8_000);
  return isOver ? null : 'a job stays with a dispatcher that was declared dead';
}

function putOf(id: string, quotaNames: readonly string[]) {
  const given = { name: 'work', args: [], quotaNames, beginAfter: 0 };
  const patch = { ...given, parent: { queue: 'a' }, order: ['now', 0] };
  return { kind: 'job', id, event: 'job.put', from: 'new', to: 'pending', patch } as const;
}

async function claimed(store: OpenStore, limit: number): Promise<readonly string[]> {
  const { jobs } = await store.claim({
    queue: 'a',
    limit,
    by: 'd',
    agent: null,
    accepts: { lane: () => true, job: null },
    choose: null,
    take: ({ job, quotas }) => {
      const parent = { queue: 'a', dispatcher: 'd', agent: 'main' };
      const patch = { parent, order: ['claimed', 0], epoch: store.epoch, claim: job.claim + 1, quotas };
      return [{ kind: 'job', id: job.id, event: 'job.claim', from: 'pending', to: 'assigned', patch }];
    },
  });
  return jobs.map((job) => job.id);
}

/** Two openings claim at the same moment. Gives what both got. */
async function claimedByTwo(
  database: ScenarioDatabase,
  jobs: number,
  quotaNames: readonly string[],
): Promise<readonly string[]> {
  const stores = [await database.store(), await database.store()] as const;
  const body = { kind: 'quota', id: 'a/q', event: 'quota.created', from: null, to: null } as const;
  const puts = Array.from({ length: jobs }, (_, index) => putOf(`job-${index}`, quotaNames));
  const changes = [{ ...body, patch: { size: 1 } }, ...puts];
  await stores[0].commit({ by: 'box', changes, expect: [] }).synced;
  await database.slow(1);
  const all = await Promise.all(stores.map((store) => claimed(store, 1)));
  await Promise.all(stores.map((store) => store.close()));
  return all.flat();
}

async function quotaForTwo(database: ScenarioDatabase): Promise<string | null> {
  const got = await claimedByTwo(database, 4, ['q']);
  return got.length === 1 ? null : `${got.length} jobs are in a quota of size 1`;
}

async function jobForTwo(database: ScenarioDatabase): Promise<string | null> {
  const got = await claimedByTwo(database, 1, []);
  return got.length === 1 ? null : `one job was claimed ${got.length} times`;
}

/** Two boxes are notified of one job at the same moment. */
async function jobForTwoBoxes(database: ScenarioDatabase): Promise<string | null> {
  const boxes = [await database.makeBox({ size: 3 }), await database.makeBox({ size: 3 })];
  const third = await database.makeBox();
  await database.slow(1.5);
  const put = await third.box.queue('a').put(third.jobs.note());
  const isOver = await put.result({ timeout: '10s' }).then(
    () => true,
    () => false,
  );
  await database.fast();
  await pause(300);
  const calls = boxes.flatMap(({ calls }) => calls);
  if (calls.length !== 1) return `a job was started ${calls.length} times`;
  return isOver ? null : 'a job was started and never ended';
}

/** The answer to COMMIT is lost: of a put, of a claim and of a result. */
async function answersLost(database: ScenarioDatabase): Promise<string | null> {
  const runner = await database.makeBox({ size: 3, isCut: true });
  const other = await database.makeBox();
  const cutAt = (): Promise<void> => database.proxy.cutAt(commitText, 'answer');
  const isPutCut = cutAt();
  const put = await runner.box
    .queue('a')
    .put(runner.jobs.hold(), { id: 'x' })
    .catch(() => null);
  await isPutCut;
  if (put === null) return 'a put that was made was refused';
  if (!(await database.until(() => runner.calls.length > 0, 10_000)))
    return 'a job that was put is not claimed';
  const isResultCut = cutAt();
  runner.open();
  await isResultCut;
  const isOver = (job: Job<unknown>): Promise<boolean> =>
    database.until(async () => (await job.refresh()).outcome !== null, 10_000);
  if (!(await isOver(put))) return 'a result that was written is not known';
  const isClaimCut = cutAt();
  const claimedJob = await other.box.queue('a').put(other.jobs.note());
  await isClaimCut;
  if (!(await isOver(claimedJob))) return 'a job that was claimed is not run';
  return runner.logged.length === 0 ? null : `it was logged: ${runner.logged[0]?.slice(0, 200)}`;
}

/** The answer to the COMMIT of a claim is lost, and the server is away for longer than other calls wait. */
async function claimOfLongSilence(database: ScenarioDatabase): Promise<string | null> {
  await database.makeBox({ size: 3, isCut: true, queryTimeout: 1_000 });
  const other = await database.makeBox();
  const claim = database.proxy.holdAnswer('claim_jobs');
  const put = await other.box.queue('a').put(other.jobs.note());
  await claim.held;
  const isCut = database.proxy.cutAt(commitText, 'silence');
  claim.release();
  await isCut;
  // Until it has arrived.
  await pause(200);
  database.proxy.shut();
  await pause(2_500);
  database.proxy.reopen();
  const isOver = await database.until(async () => (await put.refresh()).outcome !== null, 8_000);
  return isOver ? null : 'a job was claimed and its agent does not know';
}

/** COMMIT never arrives. */
async function commitLost(database: ScenarioDatabase): Promise<string | null> {
  const runner = await database.makeBox({ isCut: true });
  const isCut = database.proxy.cutAt(commitText, 'before');
  await runner.box.queue('a').put(runner.jobs.note(), { id: 'x' });
  await isCut;
  const found = await database.sql(`SELECT FROM ${database.schema}.job WHERE id = 'x'`);
  return found.length === 1 ? null : 'a job that was put is gone';
}

/**
 * COMMIT never arrives, the server crashes, and another transaction gets the number. That needs that no other transaction
 * commits between the cut and the crash, so it is tried more than once.
 */
async function numberGivenAgain(database: ScenarioDatabase, url: string): Promise<string | null> {
  const runner = await database.makeBox({ isCut: true });
  for (const id of ['x', 'y', 'z']) {
    // Until its notifications are sent.
    await pause(500);
    const isCut = database.proxy.cutAt(commitText, 'before').then(() => database.proxy.shut());
    const putting = runner.box.queue('a').put(runner.jobs.note(), { id });
    await isCut;
    await database.crash();
    const client = await connectedTo(url);
    await client.query(`CREATE TABLE ${database.schema}.others_${id} (a int)`);
    for (let count = 0; count < 10; count += 1)
      await client.query(`INSERT INTO ${database.schema}.others_${id} VALUES (1)`);
    database.proxy.reopen();
    await putting;
    const { rows } = await client.query(`SELECT FROM ${database.schema}.job WHERE id = $1`, [id]);
    await client.end();
    if (rows.length === 0) return 'a job that was put is gone';
  }
  return null;
}

/** More is waiting than an agent has room for, and a slot becomes free. */
async function moreThanFits(database: ScenarioDatabase): Promise<string | null> {
  const runner = await database.makeBox({ size: 2 });
  const other = await database.makeBox();
  await other.box.queue('a').putAll([other.jobs.nap(), ...[1, 2, 3, 4].map(() => other.jobs.hold())]);
  await database.until(() => runner.calls.length >= 3, 5_000);
  await pause(500);
  return runner.calls.length === 3 ? null : `an agent of size 2 holds ${runner.calls.length - 1} jobs`;
}

/** A notification is lost, and the connection that should hear it stays. */
async function hintLost(database: ScenarioDatabase): Promise<string | null> {
  const runner = await database.makeBox({ size: 2, pollInterval: 200, isCut: true });
  const other = await database.makeBox();
  await pause(300);
  database.proxy.deafen();
  await other.box.queue('a').put(other.jobs.note());
  const isCalled = await database.until(() => runner.calls.length > 0, 4_000);
  return isCalled ? null : 'a job without a notification is not found';
}

/** By name. */
export const scenarios: Readonly<Record<string, Scenario>> = {
  zombie: (database) => zombie(database, 'hold'),
  zombieThatPuts: (database) => zombie(database, 'forks'),
  zombieThatPays,
  resultDuringTakeOver,
  claimDuringTakeOver: (database) => claimDuringTakeOver(database, []),
  quotaClaimDuringTakeOver: (database) => claimDuringTakeOver(database, ['q']),
  quotaForTwo,
  jobForTwo,
  jobForTwoBoxes,
  answersLost,
  claimOfLongSilence,
  commitLost,
  numberGivenAgain,
  moreThanFits,
  hintLost,
};
