import { agent, createSignalbox, memoryStore } from 'signalbox';
import { describe, expect, it } from 'vitest';
import { changesOf } from '../../../src/runtime/definitions/agent-settings.ts';

const codeOf = (make: () => unknown): unknown => {
  try {
    make();
    return null;
  } catch (error) {
    return (error as { code?: unknown; message: string }).message;
  }
};

describe('The settings of an agent', () => {
  it('have no threads unless they are asked for, and defaults where they are', () => {
    expect(agent().thread).toBeNull();
    expect(agent({ executor: 'inline' }).thread).toBeNull();
    expect(agent({ executor: 'thread' }).thread).toEqual({ maxHeapMb: null, idle: 30_000, maxJobs: null });
    expect(agent({ executor: 'thread', thread: { maxHeapMb: 64, idle: '1m', maxJobs: 10 } }).thread).toEqual({
      maxHeapMb: 64,
      idle: 60_000,
      maxJobs: 10,
    });
  });

  it.each([
    [{ executor: 'process' }, "`executor` to be 'inline' or 'thread', got 'process'"],
    [{ thread: {} }, "`thread` to be absent without executor: 'thread'"],
    [{ executor: 'thread', thread: { maxHeapMb: 0 } }, '`thread.maxHeapMb` to be a whole number from 1 up'],
    [{ executor: 'thread', thread: { maxJobs: 1.5 } }, '`thread.maxJobs` to be a whole number from 1 up'],
    [{ executor: 'thread', thread: { idle: 'soon' } }, '`thread.idle` to be a duration'],
    [{ executor: 'thread', thread: { heap: 1 } }, 'heap'],
  ])('are refused: %j', (options, said) => {
    expect(codeOf(() => agent(options as never))).toContain(said);
  });

  it.each([
    [agent(), agent({ executor: 'thread' }), 'thread instead of inline'],
    [agent({ executor: 'thread' }), agent(), 'inline instead of thread'],
    [
      agent({ executor: 'thread' }),
      agent({ executor: 'thread', thread: { maxJobs: 1 } }),
      'other settings of its threads',
    ],
    [agent({ executor: 'thread' }), agent({ executor: 'thread' }), ''],
  ])('differ in words %#', (stored, given, words) => {
    expect(changesOf(stored, given)).toBe(words);
  });

  it('that a store kept before there were threads are those without', () => {
    const { thread: _thread, ...stored } = agent();

    expect(changesOf(stored, agent())).toBe('');
  });
});

describe('The module of threads', () => {
  it.each([['./jobs.js'], ['C:\\jobs.js'], ['https://example.org/jobs.js'], [42], [{}]])(
    'is the URL of a file: %j is refused',
    async (threadModule) => {
      const made = createSignalbox({ store: memoryStore(), threadModule: threadModule as string });

      await expect(made).rejects.toMatchObject({ code: 'INVALID_OPTION' });
      await expect(made).rejects.toThrow("new URL('./jobs.js', import.meta.url)");
    },
  );

  it('may be given as a URL or as its text', async () => {
    for (const threadModule of ['file:///jobs.js', new URL('file:///jobs.js')]) {
      const box = await createSignalbox({ store: memoryStore(), threadModule });
      await box.stop();
    }
  });
});
