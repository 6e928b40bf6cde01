import { readdirSync } from 'node:fs';
import type { OpenStore } from 'signalbox';
import { jsonStore } from 'signalbox/json';
import { afterEach, describe, expect, it } from 'vitest';
import { createPastServer, type PastReply } from '../../src/inspector/server/past/past-server.ts';
import type { StoreFiles } from '../../src/store/log.ts';
import { RandomProgram } from '../reading/random-journal.ts';
import { newPath } from '../store/json/open-store.ts';
import { openByHand } from '../store/open-by-hand.ts';

let store: OpenStore | null = null;

afterEach(() => store?.close());

/** A json store at work, which begins a generation every few puts, and what the thread beside it answers. */
async function served(dir: string, historyMaxBytes = 1_000_000) {
  const clock = { now: 1000 };
  const open = await openByHand(
    jsonStore(dir, { checkpointMinBytes: 2000, historyMaxBytes }),
    () => clock.now,
  );
  store = open;
  const program = new RandomProgram(open, clock);
  const put = async (count: number): Promise<StoreFiles> => {
    for (let made = 0; made < count; made += 1) await program.make([0, 3 * made, 1]);
    await open.settled();
    return open.files?.() as StoreFiles;
  };
  const serve = createPastServer(
    { name: 'main', place: dir },
    { after: () => () => {}, pause: async () => {} },
  );
  const ask = async (at: number, files: StoreFiles): Promise<PastReply> =>
    serve({ id: 5, store: files, hidden: {}, question: { path: 'overview', id: '', query: {}, at } });
  const waiting = async (at: number, files: StoreFiles): Promise<unknown> => {
    const reply = await ask(at, files);
    if (!('answer' in reply) || reply.answer === null) return reply;
    const { seq, data } = JSON.parse(reply.answer.text);
    return [seq, data.waiting.count.n];
  };
  return { put, ask, waiting };
}

describe('The thread that reads the past of a store at work', () => {
  it('grows with the store, over the generations that it begins, without reading it anew', async () => {
    const dir = newPath();
    const { put, waiting } = await served(dir);
    const first = await put(10);

    expect(await waiting(first.seq - 2, first)).toEqual([first.seq - 2, 8]);
    for (let round = 1; round <= 6; round += 1) {
      const files = await put(10);
      expect(await waiting(files.seq, files)).toEqual([files.seq, 10 + 10 * round]);
      expect(await waiting(first.seq, files)).toEqual([first.seq, 10]);
    }

    expect(readdirSync(dir).filter((name) => name.startsWith('journal')).length).toBeGreaterThan(3);
  });

  it('shows nothing after the end that the question names as synced', async () => {
    const { put, ask, waiting } = await served(newPath());
    const told = await put(4);
    await put(4);

    expect(await ask(told.seq + 1, told)).toMatchObject({ id: 5, failure: { code: 'INVALID_OPTION' } });
    expect(await waiting(told.seq, told)).toEqual([told.seq, 4]);
  });

  it('says by its code what retention has dropped, and goes on', async () => {
    const { put, ask, waiting } = await served(newPath(), 5000);
    const early = await put(10);
    expect(await waiting(early.seq, early)).toEqual([early.seq, 10]);
    const late = await put(200);
    await waiting(late.seq, late);

    expect(await ask(2, late)).toMatchObject({ failure: { code: 'HISTORY_CUT', details: { seq: 2 } } });
    expect(await waiting(late.seq - 1, late)).toEqual([late.seq - 1, 209]);
  });
});
