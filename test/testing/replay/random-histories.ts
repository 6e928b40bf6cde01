import {
  defineJob,
  type HistoryEntry,
  type JobDefinition,
  local,
  memoryStore,
  NeverRetry,
  type RetryPolicy,
  SignalboxError,
} from 'signalbox';
import { createTestBox, SeededRandom, type TestBox, VirtualReactor } from 'signalbox/testing';
import { eventTypes } from '../../durable/random-machine.ts';
import { machineOf, work } from './copied-machines.ts';

/** Fixed waits: those of a backoff depend on chance. */
const often: RetryPolicy = {
  ...NeverRetry,
  name: 'often',
  startsOnce: false,
  jobError: (failure, _cache, { attempt }) => {
    if (attempt >= 4) return false;
    return failure.message === 'at once' ? true : { after: attempt * 700 };
  },
  interrupted: (data, { attempt }) => ({ answer: attempt < 4 && { after: 0 }, data }),
};

/** Leads a system of jobs at random: its code throws, waits, puts itself off; its processes die and stop; jobs are cancelled. */
export async function randomJobHistories(seed: number): Promise<readonly (readonly HistoryEntry[])[]> {
  const random = new SeededRandom(seed);
  const code = async (_given: unknown): Promise<unknown> => {
    switch (random.integer(0, 8)) {
      case 0:
        throw Object.assign(new TypeError(`it's "wrong"\nat ${seed}`), {
          code: 'E_WRONG',
          cause: new Error('deep'),
        });
      case 1:
        throw new Error('at once');
      case 2:
        await local.sleep(1000 * random.integer(1, 90), { signal: local.signal });
        return 'late';
      case 3:
        return local.snooze(`${random.integer(1, 20)}s`, 'not ready');
      default:
        await local.sleep(100 * random.integer(0, 40), { signal: local.signal });
        return {
          list: [1, null, 'x'],
          'a-b': { $odd: true, nested: [{ deep: "text with 'quotes' and \\" }] },
        };
    }
  };
  const plain = defineJob({ name: 'plain', retry: often, run: code });
  const brief = defineJob({ name: 'brief', retry: often, timeout: '30s', run: code });
  const once = defineJob({ name: 'once', retry: 'NeverRetry', run: code });
  const jobs: readonly JobDefinition<readonly [unknown], unknown>[] = [plain, brief, once];
  const reactor = new VirtualReactor();
  let test: TestBox = await createTestBox({
    ...{ reactor, store: memoryStore(), jobs, retryPolicies: { often }, log: null },
  });
  const ids: string[] = [];
  for (let step = 0; step < 25; step += 1) {
    const { box } = test;
    try {
      switch (random.integer(0, 9)) {
        case 0:
          await test.crash();
          test = await test.reopen();
          break;
        case 1:
          await reactor.until(box.stop({ abort: '2s' }));
          test = await test.reopen();
          break;
        case 2:
          await box.job(ids[random.integer(0, ids.length - 1)] ?? '').cancel({ reason: 'of no use' });
          break;
        case 3:
          await box.queue().pause();
          await reactor.advance(1000 * random.integer(1, 60));
          await box.queue().resume();
          break;
        case 4:
        case 5:
          await reactor.advance(100 * random.integer(1, 300));
          break;
        default: {
          const make = jobs[random.integer(0, jobs.length - 1)] as (typeof jobs)[number];
          const job = await box.queue().put(make({ n: step, at: new Date(reactor.now()).toISOString() }), {
            ...(random.chance(0.2) && { beginBy: 1000 * random.integer(1, 30) }),
            ...(random.chance(0.2) && { beginAfter: { after: 1000 * random.integer(1, 30) } }),
            ...(random.chance(0.15) && { deadline: { after: 1000 * random.integer(5, 60) } }),
          });
          ids.push(job.id ?? '');
        }
      }
    } catch (error) {
      if (!(error instanceof SignalboxError)) throw error;
    }
    await reactor.runUntilIdle();
  }
  await reactor.advance('5m');
  const histories = await historiesOf(test, 'job');
  await test.crash();
  return ids.flatMap((id) => (histories.has(id) ? [histories.get(id) as HistoryEntry[]] : []));
}

/** Leads the actor of a random machine, with crashes, and gives its history. */
export async function randomActorHistory(seed: number): Promise<readonly HistoryEntry[]> {
  const random = new SeededRandom(seed);
  const machine = machineOf(seed);
  const reactor = new VirtualReactor();
  let test = await createTestBox({
    ...{ reactor, store: memoryStore(), jobs: [work], machines: [machine], log: null },
  });
  try {
    await reactor.until(test.box.actor(machine, 'a').start());
    for (let step = 0; step < 12; step += 1) {
      try {
        if (random.chance(0.1)) {
          await test.crash();
          await reactor.advance(random.integer(1, 100));
          test = await test.reopen();
        } else if (random.chance(0.4)) await reactor.advance(random.integer(1, 60));
        else
          await reactor.until(
            test.box.actor(machine, 'a').send({ type: eventTypes[random.integer(0, 4)] as string } as never),
          );
      } catch (error) {
        if (!(error instanceof SignalboxError)) throw error;
      }
      await reactor.runUntilIdle();
    }
    return (await historiesOf(test, 'actor')).get(`random${seed}/a`) ?? [];
  } catch (error) {
    // Its machine cannot start.
    if (error instanceof SignalboxError) return [];
    throw error;
  } finally {
    await test.crash();
  }
}

async function historiesOf({ box }: TestBox, kind: string): Promise<Map<string, HistoryEntry[]>> {
  const histories = new Map<string, HistoryEntry[]>();
  for await (const entry of box.store.entries(1)) {
    if (entry.kind !== kind) continue;
    const history = histories.get(entry.id) ?? [];
    histories.set(entry.id, history);
    history.push(entry);
  }
  return histories;
}
