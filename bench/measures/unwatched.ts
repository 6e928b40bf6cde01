import { request } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { createSignalbox, decorateStore, memoryStore, type Store } from 'signalbox';
import { createInspector } from 'signalbox/inspector';

/** What an inspector costs that listens while no page is open. */
export interface Unwatched {
  readonly idleTimers: number;
  readonly idleFollowers: number;
}

/** Counts timers and followers of a store. `afterMs`: a page is opened and closed first, and that long passes. Null: none was. */
export async function measure({ afterMs }: { readonly afterMs: number | null }): Promise<Unwatched> {
  const timers = countTimers();
  let followers = 0;
  const inner = memoryStore();
  const store: Store = {
    name: inner.name,
    async open(ports) {
      const opened = await inner.open(ports);
      return decorateStore(opened, {
        follow(listener) {
          followers += 1;
          const end = opened.follow(listener);
          return () => {
            followers -= 1;
            end();
          };
        },
      });
    },
  };
  const box = await createSignalbox({ store, jobs: [] });
  const before = { timers: timers(), followers };

  const { url } = await createInspector(box).listen();
  if (afterMs !== null) {
    await lookShortly(url);
    await pause(afterMs);
  }
  return { idleTimers: timers() - before.timers, idleFollowers: followers - before.followers };
}

/** Opens a stream and closes it. Not by `fetch`, which has timers of its own. */
function lookShortly(url: string): Promise<void> {
  const { hash, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const headers = {
      authorization: `Bearer ${hash.slice('#t='.length)}`,
      'content-type': 'application/json',
      'x-signalbox': '1',
      'sec-fetch-site': 'same-origin',
    };
    const asked = request({ port, path: '/api/v1/stream', method: 'POST', headers, agent: false });
    asked.on('error', reject);
    asked.on('response', (response) => {
      response.once('data', () => {
        response.destroy();
        resolve();
      });
    });
    asked.end(JSON.stringify({ topics: ['overview'] }));
  });
}

/** Counts the timers that programs have set, from now on; those of Node itself are not among them. */
function countTimers(): () => number {
  const { setTimeout: later, setInterval: often, clearTimeout: clear } = globalThis;
  const set = new Set<unknown>();
  const once = (run: (...args: unknown[]) => void, ms?: number, ...args: unknown[]) => {
    const timer = later(() => {
      set.delete(timer);
      run(...args);
    }, ms);
    set.add(timer);
    return timer;
  };
  const again = (run: (...args: unknown[]) => void, ms?: number, ...args: unknown[]) => {
    const timer = often(run, ms, ...args);
    set.add(timer);
    return timer;
  };
  const end = (timer: NodeJS.Timeout | undefined): void => {
    set.delete(timer);
    clear(timer);
  };
  Object.assign(globalThis, {
    setTimeout: once,
    setInterval: again,
    clearTimeout: end,
    clearInterval: end,
  });
  return () => set.size;
}
