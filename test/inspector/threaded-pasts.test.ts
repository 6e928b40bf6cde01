import { SignalboxError } from 'signalbox';
import { describe, expect, it } from 'vitest';
import type { PastThreadListener } from '../../src/inspector/server/past/past-port.ts';
import type { PastRequest } from '../../src/inspector/server/past/past-server.ts';
import type { PastQuestion } from '../../src/inspector/server/past/pasts.ts';
import { ThreadedPasts } from '../../src/inspector/server/past/threaded-pasts.ts';

/** Pasts whose threads are played by the test, and whose timers fire by hand. */
function threaded({ isBuilt = true, jobs = 5 } = {}) {
  const threads: {
    listener: PastThreadListener;
    sent: PastRequest[];
    isEnded: boolean;
    isAwaited: boolean;
  }[] = [];
  const timers = new Set<() => void>();
  let seq = 100;
  const pasts = new ThreadedPasts({
    name: 'main',
    place: 'data/jobs',
    files: () => ({ dir: 'data/jobs', generation: 1, at: 0, seq }),
    hidden: async () => ({ note: ['0'] }),
    check: async () => {
      if (jobs > 10) throw new SignalboxError('PAST_UNAVAILABLE', { found: 'too many', repair: '' });
    },
    after: (_ms, run) => {
      timers.add(run);
      return () => timers.delete(run);
    },
    start: (_data, listener) => {
      if (!isBuilt) return null;
      const thread = { listener, sent: [] as PastRequest[], isEnded: false, isAwaited: false };
      threads.push(thread);
      return {
        send: (request) => void thread.sent.push(request),
        setAwaited: (isAwaited) => {
          thread.isAwaited = isAwaited;
        },
        end: () => {
          thread.isEnded = true;
        },
      };
    },
    instead: { answer: async ({ at }) => ({ seq: at, at: 0, text: 'inside' }) },
  });
  const ask = async (at: number) => {
    const answer = pasts.answer({ path: 'overview', id: '', query: {}, at } as PastQuestion);
    await Promise.resolve();
    await Promise.resolve();
    return { answer: answer.catch((error: unknown) => error) };
  };
  const reply = (thread = 0, index = -1) => {
    const request = threads[thread]?.sent.at(index) as PastRequest;
    const { id, question } = request;
    threads[thread]?.listener.onReply({ id, answer: { seq: question.at, at: 1, text: `at ${question.at}` } });
  };
  return { ask, reply, threads, timers, write: () => (seq += 1) };
}

describe('A past in a thread', () => {
  it('learns with each question how far the store is synced', async () => {
    const { ask, reply, threads, write } = threaded();

    const one = await ask(90);
    reply();
    write();
    const two = await ask(101);
    reply();

    expect([await one.answer, await two.answer]).toMatchObject([{ text: 'at 90' }, { text: 'at 101' }]);
    expect(threads.map(({ sent }) => sent.map(({ store }) => store.seq))).toEqual([[100, 101]]);
  });

  it('that dies fails what was asked by a code, and the next question begins another', async () => {
    const { ask, reply, threads } = threaded();

    const [one, two] = [await ask(90), await ask(91)];
    threads[0]?.listener.onEnd('out of memory');
    const three = await ask(92);
    reply(1);

    for (const { answer } of [one, two])
      expect(await answer).toMatchObject({
        code: 'PAST_UNAVAILABLE',
        message: expect.stringContaining('a thread that could not read it: out of memory'),
      });
    expect(await three.answer).toMatchObject({ text: 'at 92' });
    expect(threads.length).toBe(2);
  });

  it('gives errors by their code', async () => {
    const { ask, threads } = threaded();

    const one = await ask(3);
    threads[0]?.listener.onReply({ id: 1, failure: { code: 'HISTORY_CUT', details: { seq: 3, from: 50 } } });
    const two = await ask(4);
    threads[0]?.listener.onReply({ id: 2, failure: { code: null, message: 'a fault' } });
    const three = await ask(5);
    threads[0]?.listener.onReply({ id: 3, answer: null });

    expect(await one.answer).toMatchObject({ code: 'HISTORY_CUT', details: { seq: 3, from: 50 } });
    expect(await two.answer).toMatchObject({ message: 'a fault' });
    expect(await three.answer).toBeUndefined();
  });

  it('keeps the process alive only for an answer, and ends after a minute without a question', async () => {
    const { ask, reply, threads, timers } = threaded();

    const one = await ask(90);
    expect([threads[0]?.isAwaited, timers.size]).toEqual([true, 0]);
    reply();
    await one.answer;
    expect([threads[0]?.isAwaited, timers.size]).toEqual([false, 1]);
    for (const run of timers) run();

    expect(threads[0]?.isEnded).toBe(true);
  });

  it('is not begun for a store that is too large', async () => {
    const { ask, threads } = threaded({ jobs: 11 });

    expect(await (await ask(90)).answer).toMatchObject({ code: 'PAST_UNAVAILABLE' });
    expect(threads).toEqual([]);
  });

  it('is replaced by one in this thread where the package was not built', async () => {
    const { ask } = threaded({ isBuilt: false });

    expect(await (await ask(90)).answer).toMatchObject({ text: 'inside' });
  });
});
