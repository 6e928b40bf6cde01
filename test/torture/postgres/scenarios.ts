import { setTimeout as pause } from 'node:timers/promises';
import type { Job, OpenStore } from 'signalbox';
import { commitText } from './proxy.ts';
import { connectedTo } from './site.ts';
import type { Actor, Stage } from './stage.ts';

/** One race or one fault, brought about on purpose. Gives what is wrong, or null. */
export type Scenario = (stage: Stage, url: string) => Promise<string | null>;

/** The former holder of a job that was handed on comes to its result, while the new one is at it. */
async function zombie(stage: Stage, job: 'hold' | 'forks'): Promise<string | null> {
  const [first, second] = [await stage.actor({ size: 3 }), await stage.actor({ pollInterval: 100 })];
  const put = await first.box.queue('a').put(first.jobs[job]());
  await stage.until(() => first.calls.length > 0);
  await declareDead(second, first);
  await second.box.start({ pollInterval: '100ms' });
  if (!(await stage.until(() => second.calls.length > 0))) return 'the job was not handed on';
  first.open();
  await stage.until(async () => first.logged.length > 0 || (await put.refresh()).outcome !== null, 5_000);
  second.open();
  const result = await put.result({ timeout: '20s' });
  return result === second.uuid ? null : 'a former holder has written its result';
}

async function declareDead(by: Actor, dead: Actor): Promise<void> {
  await (await by.box.queue('a').dispatchers.get(dead.uuid)).deactivate();
}

/** The same of a job whose effect stands in the transaction of its result. */
async function zombieThatPays(stage: Stage): Promise<string | null> {
  const [first, second] = [await stage.actor({ size: 3 }), await stage.actor()];
  await stage.sql(`CREATE TABLE ${stage.schema}.effect (job text)`);
  const put = await first.box.queue('a').put(first.jobs.pay());
  await stage.until(() => first.calls.length > 0);
  second.open();
  await declareDead(second, first);
  await second.box.start({ pollInterval: '100ms' });
  await put.result({ timeout: '20s' });
  first.open();
  await stage.until(() => first.logged.length > 0, 5_000);
  const effects = await stage.sql(`SELECT FROM ${stage.schema}.effect`);
  return effects.length === 1 ? null : `an effect stands ${effects.length} times`;
}

/** A result on its way meets a take-over that is not committed yet. */
async function resultDuringTakeOver(stage: Stage): Promise<string | null> {
  const [first, second] = [await stage.actor({ size: 3 }), await stage.actor()];
  const put = await first.box.queue('a').put(first.jobs.hold());
  await stage.until(() => first.calls.length > 0);
  await stage.slow(1.5);
  const declaring = declareDead(second, first);
  await stage.isSlow();
  first.open();
  await declaring;
  await stage.fast();
  await stage.until(async () => first.logged.length > 0 || (await put.refresh()).outcome !== null, 5_000);
  await second.box.start({ pollInterval: '100ms' });
  second.open();
  const result = await put.result({ timeout: '20s' });
  if (result !== second.uuid) return 'a former holder has written its result';
  const told = await stage.sql(
    `SELECT FROM ${stage.schema}.line, json_array_elements(entries::json) AS entry
     WHERE entry ->> 'event' = 'job.finish' AND entry ->> 'id' = '${put.id}'`,
  );
  return told.length === 1 ? null : `the journal tells of ${told.length} results of one job`;
}

/** A dispatcher is declared dead while a claim of its own is not committed yet. */
async function claimDuringTakeOver(stage: Stage, quotaNames: readonly string[]): Promise<string | null> {
  const [first, second] = [await stage.actor({ size: 3 }), await stage.actor()];
  if (quotaNames.length > 0) await second.box.queue('a').quotas.create('q', { size: 1 });
  await stage.slow(1.5);
  const put = await second.box.queue('a').put(second.jobs.hold(), { quotaNames: [...quotaNames] });
  await stage.isSlow();
  await declareDead(second, first);
  await stage.fast();
  second.open();
  await second.box.start({ pollInterval: '100ms' });
  const isOver = await stage.until(async () => (await put.refresh()).outcome !== null, 8_000);
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
  stage: Stage,
  jobs: number,
  quotaNames: readonly string[],
): Promise<readonly string[]> {
  const stores = [await stage.store(), await stage.store()] as const;
  const body = { kind: 'quota', id: 'a/q', event: 'quota.created', from: null, to: null } as const;
  const puts = Array.from({ length: jobs }, (_, index) => putOf(`job-${index}`, quotaNames));
  const changes = [{ ...body, patch: { size: 1 } }, ...puts];
  await stores[0].commit({ by: 'box', changes, expect: [] }).synced;
  await stage.slow(1);
  const all = await Promise.all(stores.map((store) => claimed(store, 1)));
  await Promise.all(stores.map((store) => store.close()));
  return all.flat();
}

async function quotaForTwo(stage: Stage): Promise<string | null> {
  const got = await claimedByTwo(stage, 4, ['q']);
  return got.length === 1 ? null : `${got.length} jobs are in a quota of size 1`;
}

async function jobForTwo(stage: Stage): Promise<string | null> {
  const got = await claimedByTwo(stage, 1, []);
  return got.length === 1 ? null : `one job was claimed ${got.length} times`;
}

/** Two boxes hear of one job at the same moment. */
async function jobForTwoBoxes(stage: Stage): Promise<string | null> {
  const boxes = [await stage.actor({ size: 3 }), await stage.actor({ size: 3 })];
  const third = await stage.actor();
  await stage.slow(1.5);
  const put = await third.box.queue('a').put(third.jobs.note());
  const isOver = await put.result({ timeout: '10s' }).then(
    () => true,
    () => false,
  );
  await stage.fast();
  await pause(300);
  const calls = boxes.flatMap((actor) => actor.calls);
  if (calls.length !== 1) return `a job was started ${calls.length} times`;
  return isOver ? null : 'a job was started and never came to its end';
}

/** The answer to COMMIT is lost: of a put, of a claim and of a result. */
async function answersLost(stage: Stage): Promise<string | null> {
  const actor = await stage.actor({ size: 3, isCut: true });
  const other = await stage.actor();
  const cutAt = (): Promise<void> => stage.proxy.cutAt(commitText, 'answer');
  const isPutCut = cutAt();
  const put = await actor.box
    .queue('a')
    .put(actor.jobs.hold(), { id: 'x' })
    .catch(() => null);
  await isPutCut;
  if (put === null) return 'a put that was made was refused';
  if (!(await stage.until(() => actor.calls.length > 0, 10_000))) return 'a job that was put is not claimed';
  const isResultCut = cutAt();
  actor.open();
  await isResultCut;
  const isOver = (job: Job<unknown>): Promise<boolean> =>
    stage.until(async () => (await job.refresh()).outcome !== null, 10_000);
  if (!(await isOver(put))) return 'a result that was written is not known';
  const isClaimCut = cutAt();
  const claimedJob = await other.box.queue('a').put(other.jobs.note());
  await isClaimCut;
  if (!(await isOver(claimedJob))) return 'a job that was claimed is not run';
  return actor.logged.length === 0 ? null : `it was logged: ${actor.logged[0]?.slice(0, 200)}`;
}

/** The answer to the COMMIT of a claim is lost, and the server is away for longer than other calls wait. */
async function claimOfLongSilence(stage: Stage): Promise<string | null> {
  await stage.actor({ size: 3, isCut: true, queryTimeout: 1_000 });
  const other = await stage.actor();
  const claim = stage.proxy.holdAnswer('claim_jobs');
  const put = await other.box.queue('a').put(other.jobs.note());
  await claim.held;
  const isCut = stage.proxy.cutAt(commitText, 'silence');
  claim.release();
  await isCut;
  // Until it has arrived.
  await pause(200);
  stage.proxy.shut();
  await pause(2_500);
  stage.proxy.reopen();
  const isOver = await stage.until(async () => (await put.refresh()).outcome !== null, 8_000);
  return isOver ? null : 'a job was claimed without a word to its agent';
}

/** COMMIT never arrives. */
async function commitLost(stage: Stage): Promise<string | null> {
  const actor = await stage.actor({ isCut: true });
  const isCut = stage.proxy.cutAt(commitText, 'before');
  await actor.box.queue('a').put(actor.jobs.note(), { id: 'x' });
  await isCut;
  const found = await stage.sql(`SELECT FROM ${stage.schema}.job WHERE id = 'x'`);
  return found.length === 1 ? null : 'a job that was put is gone';
}

/**
 * COMMIT never arrives, the server crashes, and another transaction gets the number. That happens only when nobody commits
 * between the cut and the crash, so it is tried more than once.
 */
async function numberGivenAgain(stage: Stage, url: string): Promise<string | null> {
  const actor = await stage.actor({ isCut: true });
  for (const id of ['x', 'y', 'z']) {
    // Until what this process tells others is told.
    await pause(500);
    const isCut = stage.proxy.cutAt(commitText, 'before').then(() => stage.proxy.shut());
    const putting = actor.box.queue('a').put(actor.jobs.note(), { id });
    await isCut;
    await stage.crash();
    const client = await connectedTo(url);
    await client.query(`CREATE TABLE ${stage.schema}.others_${id} (a int)`);
    for (let count = 0; count < 10; count += 1)
      await client.query(`INSERT INTO ${stage.schema}.others_${id} VALUES (1)`);
    stage.proxy.reopen();
    await putting;
    const { rows } = await client.query(`SELECT FROM ${stage.schema}.job WHERE id = $1`, [id]);
    await client.end();
    if (rows.length === 0) return 'a job that was put is gone';
  }
  return null;
}

/** More is waiting than an agent has room for, and a slot becomes free. */
async function moreThanFits(stage: Stage): Promise<string | null> {
  const actor = await stage.actor({ size: 2 });
  const other = await stage.actor();
  await other.box.queue('a').putAll([other.jobs.nap(), ...[1, 2, 3, 4].map(() => other.jobs.hold())]);
  await stage.until(() => actor.calls.length >= 3, 5_000);
  await pause(500);
  return actor.calls.length === 3 ? null : `an agent of size 2 holds ${actor.calls.length - 1} jobs`;
}

/** A notification is lost, and the connection that should hear it stays. */
async function hintLost(stage: Stage): Promise<string | null> {
  const actor = await stage.actor({ size: 2, pollInterval: 200, isCut: true });
  const other = await stage.actor();
  await pause(300);
  stage.proxy.deafen();
  await other.box.queue('a').put(other.jobs.note());
  const isCalled = await stage.until(() => actor.calls.length > 0, 4_000);
  return isCalled ? null : 'a job that nobody was told of is not found';
}

/** By name. */
export const scenarios: Readonly<Record<string, Scenario>> = {
  zombie: (stage) => zombie(stage, 'hold'),
  zombieThatPuts: (stage) => zombie(stage, 'forks'),
  zombieThatPays,
  resultDuringTakeOver,
  claimDuringTakeOver: (stage) => claimDuringTakeOver(stage, []),
  quotaClaimDuringTakeOver: (stage) => claimDuringTakeOver(stage, ['q']),
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
