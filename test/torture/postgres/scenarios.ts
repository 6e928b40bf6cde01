import { setTimeout as pause } from 'node:timers/promises';
import type { Job, OpenStore } from 'signalbox';
import { claimFor, presenceIn, putOf } from './claims.ts';
import { nameForTwo, tickForTwo } from './feature-scenarios.ts';
import { statements } from './proxy.ts';
import { atOnce, type ScenarioBox, type ScenarioDatabase } from './scenario-database.ts';

/** One race or one fault, made on purpose. Returns what is wrong, or null. */
export type Scenario = (database: ScenarioDatabase) => Promise<string | null>;

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
  const told = await eventsOf(second, put.id, 'job.finish');
  return told === 1 ? null : `the journal has ${told} results of one job`;
}

/** How often the journal has an event of a job. */
async function eventsOf({ box }: ScenarioBox, id: string | null, event: string): Promise<number> {
  let count = 0;
  for await (const entry of box.store.entries(1)) if (entry.id === id && entry.event === event) count += 1;
  return count;
}

/** A job is given a callback while its result is on its way. */
async function callbackBesideResult(database: ScenarioDatabase): Promise<string | null> {
  const [first, second] = [await database.makeBox({ size: 3 }), await database.makeBox()];
  const put = await first.box.queue('a').put(first.jobs.hold());
  await database.until(() => first.calls.length > 0);
  await database.slow(1.5);
  const callback = second.jobs.told.partial();
  const adding = second.box.job(put.id ?? '').addCallback(callback);
  await database.isSlow();
  first.open();
  await adding;
  await database.fast();
  await put.result({ timeout: '20s' });
  const isCalled = await database.until(() => first.calls.includes(callback.id ?? ''), 5_000);
  return isCalled ? null : 'a callback that was added is never called';
}

/** Three processes share a quota of 7. */
async function quotaOfSeven(database: ScenarioDatabase): Promise<string | null> {
  const making = [1, 2, 3].map(() => database.makeBox({ size: 10, pollInterval: 1_000 }));
  const boxes = (await Promise.all(making)) as [ScenarioBox, ...ScenarioBox[]];
  const [first] = boxes;
  await first.box.queue('a').quotas.create('seven', { size: 7 });
  const jobs = Array.from({ length: 300 }, () => first.jobs.brief());
  // Their first claims meet.
  await database.slow(0.5);
  const put = await first.box.queue('a').putAll(jobs, { quotaNames: ['seven'] });
  await database.isSlow();
  await pause(300);
  await database.fast();
  await Promise.all(put.map((job) => job.result({ timeout: '60s' })));
  if (boxes.some(({ calls }) => calls.length === 0)) return 'a process has run no job of a quota';
  return atOnce.most === 7 ? null : `${atOnce.most} jobs of a quota of 7 were at work at once`;
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
      const patch = { parent, line: 'claimed', epoch: store.epoch, claim: job.claim + 1, quotas };
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

/** The answer to a commit is lost: of a put, of a claim and of a result. */
async function answersLost(database: ScenarioDatabase): Promise<string | null> {
  const runner = await database.makeBox({ size: 3, isCut: true });
  const other = await database.makeBox();
  const cutAt = (): Promise<void> => database.proxy.cutAt(statements.commit, 'answer');
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

/** The answer to a claim is lost, and the server is away for longer than other calls wait. */
async function claimOfLongSilence(database: ScenarioDatabase): Promise<string | null> {
  await database.makeBox({ size: 3, isCut: true, queryTimeout: 1_000 });
  const other = await database.makeBox();
  const isCut = database.proxy.cutAt('job.claim', 'silence');
  const put = await other.box.queue('a').put(other.jobs.note());
  await isCut;
  // Until it has arrived.
  await pause(200);
  database.proxy.shut();
  await pause(2_500);
  database.proxy.reopen();
  const isOver = await database.until(async () => (await put.refresh()).outcome !== null, 8_000);
  return isOver ? null : 'a job was claimed and its agent does not know';
}

/** A commit never arrives. */
async function commitLost(database: ScenarioDatabase): Promise<string | null> {
  const runner = await database.makeBox({ isCut: true });
  const isCut = database.proxy.cutAt(statements.commit, 'before');
  await runner.box.queue('a').put(runner.jobs.note(), { id: 'x' });
  await isCut;
  const found = await database.sql(`SELECT FROM ${database.schema}.job WHERE id = 'x'`);
  return found.length === 1 ? null : 'a job that was put is gone';
}

/** A commit never arrives, the server crashes, and another process commits under the same number. */
async function numberGivenAgain(database: ScenarioDatabase): Promise<string | null> {
  const [runner, other] = [await database.makeBox({ isCut: true }), await database.makeBox()];
  // Processes count their commits by themselves.
  for (let count = 0; count < 40; count += 1) await other.box.queue('a').put(other.jobs.note());
  const isCut = database.proxy.cutAt(statements.commit, 'before').then(() => database.proxy.shut());
  const putting = runner.box.queue('a').put(runner.jobs.note(), { id: 'x' });
  await isCut;
  await database.crash();
  for (let count = 0; count < 10; count += 1) await other.box.queue('a').put(other.jobs.note());
  database.proxy.reopen();
  await putting;
  const found = await other.box.store.get('job', 'x');
  return found === undefined ? 'a job that was put is gone' : null;
}

/**
 * A result is written, and the server crashes before that is synced. Needs that nothing else is synced between the two, so it is
 * tried more than once.
 */
async function writtenIsLost(database: ScenarioDatabase): Promise<string | null> {
  const [runner, other] = [await database.makeBox({ size: 3, isCut: true }), await database.makeBox()];
  for (let tries = 0; tries < 5; tries += 1) {
    const put = await other.box.queue('a').put(other.jobs.nap());
    await database.until(
      async () => (await other.box.store.get('job', put.id ?? ''))?.state === 'active.running',
    );
    await pause(200);
    const isCut = database.proxy.cutAt(statements.sync, 'before').then(() => database.proxy.shut());
    await isCut;
    await database.crash();
    const isLost = (await other.box.store.get('job', put.id ?? ''))?.outcome == null;
    database.proxy.reopen();
    const isOver = await database.until(async () => (await put.refresh()).outcome !== null, 10_000);
    if (!isOver) return 'a result that was written and lost is never written again';
    const told = await eventsOf(other, put.id, 'job.finish');
    if (told !== 1) return `the journal has ${told} results of one job`;
    if (runner.calls.filter((id) => id === put.id).length !== 1) return 'a job was called twice';
    if (isLost) return null;
  }
  return 'no crash took what was written';
}

/** Two claims of one moment, each for all slots of one agent. */
async function moreThanFits(database: ScenarioDatabase): Promise<string | null> {
  const store = await database.store();
  const puts = Array.from({ length: 8 }, (_, index) => putOf(`job-${index}`, []));
  await store.commit({ by: 'd', changes: [...presenceIn(store, 2), ...puts], expect: [] }).synced;
  await Promise.all([claimFor(store, 2), claimFor(store, 2)]);
  const held = await store.heldCount('a', 'd', 'main');
  await store.close();
  return held === 2 ? null : `an agent of size 2 holds ${held} jobs`;
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
  callbackBesideResult,
  quotaForTwo,
  quotaOfSeven,
  jobForTwo,
  jobForTwoBoxes,
  answersLost,
  claimOfLongSilence,
  commitLost,
  numberGivenAgain,
  writtenIsLost,
  moreThanFits,
  hintLost,
  nameForTwo,
  tickForTwo,
};
