import { agent, defineJob, memoryStore, type Store } from 'signalbox';
import { describe, expect, it } from 'vitest';
import { decorated, disconnect } from '../behaviours/faulty-store.ts';
import { makeBox } from '../behaviours/stores.ts';

/** What a test does to a store: around its answers to `due`, and after its claims. */
class Interference {
  asked = 0;
  isAway = false;
  isHolding = false;
  afterClaim = (): void => {};
  #held: (() => void)[] = [];

  async due(answer: () => Promise<number | null>): Promise<number | null> {
    this.asked += 1;
    if (this.isAway) throw disconnect();
    const due = await answer();
    if (this.isHolding) await new Promise<void>((resolve) => this.#held.push(resolve));
    return due;
  }

  /** Lets the answers go that were held up. */
  release(): void {
    for (const resolve of this.#held.splice(0)) resolve();
  }
}

function storeWith(interference: Interference): Store {
  return decorated(memoryStore(), (store) => ({
    due: (since) => interference.due(() => store.due(since)),
    claim: async (request) => {
      const claimed = await store.claim(request);
      interference.afterClaim();
      return claimed;
    },
  }));
}

async function startedBox() {
  const interference = new Interference();
  const note = defineJob({ name: 'note', run: (text: string) => text });
  let end = (): void => {};
  const wait = defineJob({ name: 'wait', run: () => new Promise<void>((resolve) => (end = resolve)) });
  const { box, reactor } = await makeBox({
    store: storeWith(interference),
    jobs: [note, wait],
    queues: [''],
  });
  await box.start({ agent: agent({ size: 1 }) });
  await reactor.advance('1s');
  return { interference, reactor, queue: box.queue(), note, wait, endWait: () => end() };
}

describe('a job that waits for its time begins then, not with the next poll,', () => {
  it('though it becomes due between the look of a claim and the question for the next due time', async () => {
    const { interference, queue, reactor, note } = await startedBox();
    interference.afterClaim = () => {
      reactor.setNow(reactor.now() + 20);
      interference.afterClaim = () => {};
    };

    const job = await queue.put(note('x'), { beginAfter: '10ms' });
    await reactor.advance('1ms');

    expect((await job.refresh()).status).toBe('COMPLETED');
  });

  it('though the answer to an older question comes after that to a newer one', async () => {
    const { interference, queue, reactor, note } = await startedBox();
    interference.isHolding = true;
    await queue.put(note('late'), { beginAfter: '3s' });
    await reactor.advance('1ms');
    interference.isHolding = false;

    const soon = await queue.put(note('soon'), { beginAfter: '10ms' });
    await reactor.advance('1ms');
    interference.release();
    await reactor.advance('20ms');

    expect((await soon.refresh()).status).toBe('COMPLETED');
  });

  it('though the store failed when it was asked for the next due time since', async () => {
    const { interference, queue, reactor, note } = await startedBox();
    const job = await queue.put(note('x'), { beginAfter: '1s' });
    await reactor.advance('1ms');

    interference.isAway = true;
    const before = interference.asked;
    await queue.put(note('y'), { beginAfter: '1h' });
    await reactor.advance('1s');

    expect(interference.asked).toBeGreaterThan(before);
    expect((await job.refresh()).status).toBe('COMPLETED');
  });

  it('though the store failed when it was asked as the job before became due', async () => {
    const { interference, queue, reactor, note } = await startedBox();
    await queue.put(note('x'), { beginAfter: '1s' });
    const job = await queue.put(note('y'), { beginAfter: '1500ms' });
    await reactor.advance('900ms');

    interference.isAway = true;
    await reactor.advance('200ms');
    interference.isAway = false;
    await reactor.advance('1100ms');

    expect((await job.refresh()).status).toBe('COMPLETED');
  });

  it('though the clock was set back since the store was asked', async () => {
    const { queue, reactor, note } = await startedBox();
    await queue.put(note('x'), { beginAfter: '1ms' });
    await reactor.advance('2ms');

    reactor.setNow(reactor.now() - 60_000);
    const job = await queue.put(note('y'), { beginAfter: '10ms' });
    await reactor.advance('20ms');

    expect((await job.refresh()).status).toBe('COMPLETED');
  });
});

it('a job that is due and finds no room makes the runtime ask the store once more, and not repeatedly', async () => {
  const { interference, queue, reactor, note, wait, endWait } = await startedBox();
  await queue.put(wait());
  const job = await queue.put(note('x'), { beginAfter: '1s' });
  await reactor.advance('900ms');
  const before = interference.asked;

  await reactor.advance('3s');
  const times = interference.asked - before;
  endWait();

  expect(await job.result()).toBe('x');
  expect(times).toBe(2);
});

it('a job that is put for now makes the runtime ask nothing', async () => {
  const { interference, queue, note } = await startedBox();
  const before = interference.asked;

  const job = await queue.put(note('x'));

  expect(await job.result()).toBe('x');
  expect(interference.asked).toBe(before);
});

it('a job that is put for now and waits fails at its last instant, not with the next poll', async () => {
  const { queue, reactor, note } = await startedBox();
  await queue.pause();
  await reactor.advance('1ms');

  const job = await queue.put(note('x'), { beginBy: '1s' });
  await reactor.advance('1001ms');

  expect((await job.refresh()).ending).toBe('expired');
});

it('a job of a far day is not asked for repeatedly, also on a reactor that makes far calls at once', async () => {
  const { interference, queue, reactor, note } = await startedBox();
  const callLater = reactor.callLater.bind(reactor);
  reactor.callLater = (delayMs, call) => callLater(delayMs < 2 ** 31 ? delayMs : 1, call);
  await queue.put(note('x'), { beginAfter: '60d' });
  await reactor.runUntilIdle();
  const before = interference.asked;

  await reactor.advance('4s');

  expect(interference.asked - before).toBe(0);
});

it("a job that is put for now begins at once, though the store's clock is an hour behind that of its process", async () => {
  const note = defineJob({ name: 'note', run: (text: string) => text });
  const inner = memoryStore();
  const behind: Store = {
    name: inner.name,
    open: (ports) => inner.open({ ...ports, now: () => ports.now() - 3_600_000 }),
  };
  const { box, reactor } = await makeBox({ store: behind, jobs: [note] });
  await box.start();

  const job = await box.queue().put(note('x'));
  const later = await box.queue().put(note('x'), { beginAfter: '10s' });
  await reactor.runUntilIdle();
  expect([(await job.refresh()).status, (await later.refresh()).status]).toEqual(['COMPLETED', 'PENDING']);
  await reactor.advance('10s');

  expect((await later.refresh()).status).toBe('COMPLETED');
});
