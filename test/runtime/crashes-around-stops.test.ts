import {
  agent,
  decorateStore,
  defineJob,
  type Job,
  local,
  memoryStore,
  type Signalbox,
  SignalboxError,
  type Store,
} from 'signalbox';
import { createTestBox, VirtualReactor } from 'signalbox/testing';
import { expect, it } from 'vitest';

type When = 'before' | 'after';

/** A store whose process dies at one of its commits: before that is made, or right after it. */
function dyingStore(at: number, when: When, die: () => void): { readonly store: Store; count(): number } {
  const inner = memoryStore();
  let count = 0;
  const store: Store = {
    name: inner.name,
    open: async (ports) => {
      const open = await inner.open(ports);
      return decorateStore(open, {
        commit: (commit) => {
          count += 1;
          if (count !== at) return open.commit(commit);
          if (when === 'before') {
            die();
            const refused = Promise.reject(new SignalboxError('STORE_CLOSED', { call: 'a commit' }));
            refused.catch(() => {});
            return { written: refused, synced: refused };
          }
          const ticket = open.commit(commit);
          die();
          return ticket;
        },
      });
    },
  };
  return { store, count: () => count };
}

const retry = { maxAttempts: 3, delay: '2s', jitter: 0, backoff: 'fixed', maxInterruptions: null } as const;
const listen = defineJob({ name: 'listen', retry, run: () => local.sleep('1h') });
const deaf = defineJob({
  name: 'deaf',
  retry,
  grace: '2s',
  run: () => new Promise<null>((resolve) => void local.getReactor().callLater(9000, () => resolve(null))),
});
const timed = defineJob({ name: 'timed', retry, timeout: '2s', run: () => local.sleep('1h') });
const late = defineJob({ name: 'late', retry, deadline: '6s', run: () => local.sleep('1h') });
const nap = defineJob({
  name: 'nap',
  run: () => ((local.getJob()?.record.snoozed?.times ?? 0) < 2 ? local.snooze('1s') : 'awake'),
});
const note = defineJob({ name: 'note', run: (text: string) => text });
const outer = defineJob({ name: 'outer', retry, run: (inner: Job<unknown>) => inner });
const jobs = [listen, deaf, timed, late, nap, note, outer];

/** Puts one job of each kind, and cancels some. Returns what was acknowledged. */
function lead(box: Signalbox): { readonly put: string[]; readonly cancelled: string[] } {
  const told = { put: [] as string[], cancelled: [] as string[] };
  const live = async (): Promise<void> => {
    const queue = box.queue();
    const put = async (id: string, job: Job<unknown>): Promise<void> => {
      await queue.put(job, { id });
      told.put.push(id);
    };
    await put('running', listen() as Job<unknown>);
    await put('deaf', deaf() as Job<unknown>);
    await put('timed', timed() as Job<unknown>);
    await put('late', late() as Job<unknown>);
    await put('nap', nap() as Job<unknown>);
    await put('inner', listen() as Job<unknown>);
    await put('outer', outer(box.job('inner')) as Job<unknown>);
    const waiting = note('never').with({ beginAfter: '1h' });
    await waiting.addCallback(note.partial('callback') as never);
    await put('waiting', waiting as Job<unknown>);
    for (const id of ['waiting', 'outer', 'running', 'deaf']) {
      await box.job(id).cancel();
      told.cancelled.push(id);
    }
  };
  void live().catch(() => {});
  return told;
}

async function lifeWithDeath(at: number, when: When): Promise<{ readonly commits: number }> {
  const reactor = new VirtualReactor();
  let crashed: Promise<void> | null = null;
  const dying = dyingStore(at, when, () => {
    crashed = first.crash();
  });
  const options = { reactor, store: dying.store, jobs, log: null, agent: agent({ size: 9 }) };
  const first = await createTestBox(options);
  const told = lead(first.box);
  for (let second = 0; second < 20; second += 1) await reactor.advance('1s');
  const commits = dying.count();
  await crashed;
  const last = crashed === null ? first : await first.reopen();
  await reactor.advance('2m');

  for (const id of told.put) {
    const job = await last.box.job(id).refresh();
    // What was not cancelled by then runs for an hour, or waits.
    if (!['running', 'inner', 'outer', 'waiting'].includes(id) || told.cancelled.includes(id))
      expect([id, job.status]).toEqual([id, 'COMPLETED']);
    const events: string[] = [];
    for await (const { event } of job.history()) events.push(event);
    const cancel = events.indexOf('job.cancel');
    if (cancel >= 0) expect(events.slice(cancel)).not.toContain('job.start');
    expect(
      events.filter((event) => ['job.finish', 'job.cancelled', 'job.abort'].includes(event)).length,
    ).toBeLessThan(2);
  }
  for (const id of told.cancelled)
    expect([id, (await last.box.job(id).refresh()).ending]).toEqual([id, 'cancelled']);
  const endings = Object.fromEntries(
    await Promise.all(told.put.map(async (id) => [id, (await last.box.job(id).refresh()).ending] as const)),
  );
  if (told.put.includes('nap')) expect(endings.nap).toBe('succeeded');
  if (told.put.includes('timed')) expect(endings.timed).toBe('failed');
  if (told.put.includes('late')) expect(endings.late).toBe('expired');
  if (told.cancelled.includes('waiting')) {
    const [callback] = await last.box.job('waiting').callbacks();
    expect(await (await (callback as Job<unknown>).refresh()).result()).toBe('callback');
  }
  await last.tearDown();
  return { commits };
}

it('Whichever commit a process dies at, each cancel, limit and snooze ends as it was asked', {
  timeout: 60_000,
}, async () => {
  const { commits } = await lifeWithDeath(0, 'before');
  expect(commits).toBeGreaterThan(25);

  for (let at = 8; at <= commits; at += 1)
    for (const when of ['before', 'after'] as const) {
      try {
        await lifeWithDeath(at, when);
      } catch (error) {
        throw new Error(`The process died ${when} commit ${at}.`, { cause: error });
      }
    }
});
