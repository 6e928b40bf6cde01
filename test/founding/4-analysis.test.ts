import { Dispatcher, NodeReactor, PollInfo } from 'signalbox';
import { getPoll, waitForAnnotation, waitForDeactivation, waitForResult } from 'signalbox/testing';
import { describe, expect, it } from 'vitest';
import {
  converse,
  handOff,
  multiply,
  newBox,
  opening,
  remainder,
  stores,
  virtualOpening,
} from './document.ts';

describe.each(stores)('The dispatcher can be analysed, on a %s store:', (_, makeStore) => {
  it('getStatistics counts the whole document: 8 started, 6 successful, 2 failed, 0 unknown', async () => {
    const { box, dispatcher, queue, representation } = await opening(makeStore());
    const ran: string[] = [];
    const run = async (job: Parameters<typeof waitForResult>[0]): Promise<void> => {
      await waitForResult(job);
      ran.push(job.id ?? '');
    };
    await run(await queue.put(multiply(14, 3)));
    const failing = await queue.put(multiply(14, null));
    await run(failing);
    const badJob = await box.transaction(async (tx) => {
      const put = await tx.queue().put(multiply(21, 2));
      await put.fail();
      return put;
    });
    await run(await queue.put(multiply(21, 2)));
    await run(await queue.put(handOff()));
    const talking = await queue.put(converse());
    await waitForAnnotation(talking, 'hello');
    await talking.setAnnotation('reply', 'HIYA');
    await run(talking);
    await representation.setActivated(new Date(Date.now() - 365 * 24 * 60 * 60 * 1000));
    await representation.deactivate();
    const last = await queue.put(remainder(85, 43));
    await getPoll(dispatcher);
    await run(last);

    const statistics = dispatcher.getStatistics();

    const name = [expect.any(String), 'main'];
    expect(statistics).toEqual({
      started: 8,
      successful: 6,
      failed: 2,
      unknown: 0,
      longestActive: null,
      shortestActive: null,
      longestFailed: name,
      shortestFailed: name,
      longestSuccessful: name,
      shortestSuccessful: name,
      statisticsStart: dispatcher.getPollInfo().timestamp,
      statisticsEnd: [...dispatcher.polls].at(-1)?.timestamp,
    });
    const { longestFailed, shortestFailed, longestSuccessful } = statistics;
    expect([failing.id, badJob.id]).toContain(longestFailed?.[0]);
    expect([failing.id, badJob.id]).toContain(shortestFailed?.[0]);
    expect(ran).toContain(longestSuccessful?.[0]);
  });

  it('getStatusInfo reports that it is RUNNING, for how long, and when it polled last', async () => {
    const { dispatcher, reactor } = await virtualOpening(makeStore());
    await reactor.advance('2s');

    const status = dispatcher.getStatusInfo();

    expect(status).toEqual({
      status: 'RUNNING',
      pollInterval: 5000,
      timeSinceLastPoll: 2000,
      uptime: 7000,
      uuid: dispatcher.uuid,
      unknownJobs: [],
      abandoned: 0,
      threads: [],
    });
  });

  it('when the reactor is stopped, the dispatcher also deactivates', async () => {
    const { dispatcher, reactor, representation } = await opening(makeStore());

    reactor.callFromThread(() => void reactor.stop());
    await waitForDeactivation(dispatcher);

    expect(dispatcher.activated).toBeNull();
    expect((await representation.refresh()).activated).toBeNull();
  });

  it('then getStatusInfo reports that it is STOPPED', async () => {
    const { dispatcher, reactor } = await opening(makeStore());

    await reactor.stop();

    expect(dispatcher.getStatusInfo()).toEqual({
      status: 'STOPPED',
      pollInterval: 50,
      timeSinceLastPoll: null,
      uptime: null,
      uuid: dispatcher.uuid,
      unknownJobs: [],
      abandoned: 0,
      threads: [],
    });
  });

  it('the connection budget has returned to the original value: 11 becomes 7', async () => {
    const { box, reactor } = await opening(makeStore());
    const before = box.store.poolSize;

    await reactor.stop();

    expect([before, box.store.poolSize]).toEqual([11, 7]);
  });
});

describe.each(stores)('Footnote getPollInfo finds a poll, on a %s store:', (_, makeStore) => {
  async function polled() {
    const opened = await virtualOpening(makeStore());
    const poll = opened.dispatcher.getPollInfo();
    const previous = [...opened.dispatcher.polls][1];
    return { ...opened, poll, previous };
  }

  it('at its key', async () => {
    const { dispatcher, poll } = await polled();

    expect(dispatcher.getPollInfo({ at: poll.key })).toBe(poll);
  });

  it('at its instant', async () => {
    const { dispatcher, poll } = await polled();

    expect(dispatcher.getPollInfo({ at: poll.timestamp })).toBe(poll);
  });

  it('another one before its key', async () => {
    const { dispatcher, poll, previous } = await polled();

    expect(dispatcher.getPollInfo({ before: poll.key })).not.toBe(poll);
    expect(dispatcher.getPollInfo({ before: poll.key })).toBe(previous);
  });

  it('another one before its instant', async () => {
    const { dispatcher, poll, previous } = await polled();

    expect(dispatcher.getPollInfo({ before: poll.timestamp })).not.toBe(poll);
    expect(dispatcher.getPollInfo({ before: poll.timestamp })).toBe(previous);
  });

  it('before a key that is 16 less, since keys decrease with time', async () => {
    const { dispatcher, poll } = await polled();

    expect(dispatcher.getPollInfo({ before: poll.key - 16n })).toBe(poll);
  });

  it('before an instant 0.4 seconds later', async () => {
    const { dispatcher, poll, reactor } = await polled();
    await reactor.until(getPoll(dispatcher));

    expect(dispatcher.getPollInfo({ before: new Date(poll.timestamp.getTime() + 400) })).toBe(poll);
  });

  it('iterPolls gives those of a range, newest first', async () => {
    const { dispatcher, reactor } = await polled();
    await reactor.until(getPoll(dispatcher));
    const [newest, middle, oldest] = [...dispatcher.polls];

    expect([...dispatcher.iterPolls()]).toEqual([newest, middle, oldest]);
    expect([...dispatcher.iterPolls({ at: middle?.key ?? 0n })]).toEqual([middle, oldest]);
    expect([...dispatcher.iterPolls({ before: middle?.key ?? 0n })]).toEqual([oldest]);
    expect([...dispatcher.iterPolls({ since: middle?.timestamp ?? new Date(0) })]).toEqual([newest, middle]);
    expect([...dispatcher.iterPolls({ count: 1 })]).toEqual([newest]);
  });
});

describe.each(stores)('Footnote roll-off: only the newest are kept, on a %s store:', (_, makeStore) => {
  async function alternative() {
    const { box } = await newBox(makeStore());
    const reactor = new NodeReactor();
    const uuid = '12345678-0000-4000-8000-000000000000';
    return new Dispatcher(box, { reactor, pollInterval: '500ms', uuid, jobsSize: 50, pollsSize: 100 });
  }

  it('by default 400 polls and 200 jobs', async () => {
    const { dispatcher } = await opening(makeStore());

    expect([dispatcher.polls.size, dispatcher.jobs.size]).toEqual([400, 200]);
  });

  it('the sizes can be set when the dispatcher is made', async () => {
    const dispatcher = await alternative();

    expect([dispatcher.polls.size, dispatcher.jobs.size]).toEqual([100, 50]);
  });

  it('polls roll off, newest first', async () => {
    const { polls } = await alternative();
    const parallel: PollInfo[] = [];
    const add = (count: number): void => {
      for (let note = 0; note < count; note += 1) {
        const info = new PollInfo(note);
        polls.add(info, Date.now());
        parallel.unshift(info);
      }
    };

    add(10);
    expect(polls.length).toBe(10);
    expect(isSame([...polls], parallel)).toBe(true);
    add(90);
    expect(polls.length).toBe(100);
    expect(isSame([...polls], parallel)).toBe(true);
    add(1);
    expect([polls.length, parallel.length]).toEqual([100, 101]);
    expect(isSame([...polls], parallel)).toBe(false);
    expect(isSame([...polls], parallel.slice(0, 100))).toBe(true);
    add(10);
    expect([polls.length, parallel.length]).toEqual([100, 111]);
    expect(isSame([...polls], parallel.slice(0, 100))).toBe(true);
  });

  it('polls of one instant keep their order and have keys of their own', async () => {
    const { polls } = await alternative();
    const [first, second] = [new PollInfo(1), new PollInfo(2)];

    polls.add(first, 1_000_000);
    polls.add(second, 1_000_000);

    expect([...polls].map((poll) => poll.note)).toEqual([2, 1]);
    expect(second.key).toBeLessThan(first.key);
  });

  it('jobs roll off, newest first', async () => {
    const { jobs } = await alternative();
    const parallel: [string, unknown][] = [];
    const set = (from: number, to: number): void => {
      for (let number = from; number < to; number += 1) {
        const info = { note: number } as never;
        jobs.set(String(number), info);
        parallel.unshift([String(number), info]);
      }
    };

    set(0, 10);
    expect(jobs.length).toBe(10);
    expect([...jobs]).toEqual(parallel);
    set(10, 50);
    expect([jobs.length, [...jobs].length]).toEqual([50, 50]);
    expect([...jobs]).toEqual(parallel);
    set(50, 51);
    expect([jobs.length, [...jobs].length, parallel.length]).toEqual([50, 50, 51]);
    expect([...jobs]).not.toEqual(parallel);
    expect([...jobs]).toEqual(parallel.slice(0, 50));
    set(51, 60);
    expect([jobs.length, [...jobs].length, parallel.length]).toEqual([50, 50, 60]);
    expect([...jobs]).toEqual(parallel.slice(0, 50));
  });
});

/** By identity, as the document compares. */
function isSame(one: readonly unknown[], other: readonly unknown[]): boolean {
  return one.length === other.length && one.every((element, index) => element === other[index]);
}
