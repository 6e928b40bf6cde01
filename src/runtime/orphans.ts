import type { RepresentationRecord } from '../model/records.ts';
import type { Engine } from './engine.ts';

/**
 * Jobs that a process was at outside any agent, or at their callbacks, when it went away. Nothing else tells of them: they are in
 * no agent of a dispatcher that could be found dead, and a program that only puts jobs has none. So whoever polls sees
 * which openings of the store are alive, and one that is not any more has them looked for.
 */
export class Orphans {
  readonly #engine: Engine;
  /** Openings that were alive once and after which nobody here has looked since. */
  #known: ReadonlySet<number> = new Set();

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** Takes up what was left by those that are gone by now. Who dies from here on is found later. */
  async takeUp(alive: ReadonlySet<number>): Promise<void> {
    const { store, callbacks } = this.#engine;
    for (const job of await store.orphans()) await callbacks.readopt(job);
    this.#known = alive;
  }

  /**
   * Looks when an opening is gone. One process does: the one with the oldest opening of those whose dispatchers are
   * activated. The others remember, in case that it goes before it has looked.
   */
  async look(): Promise<void> {
    const { store } = this.#engine;
    if (store.exclusive) return;
    const alive = await store.alive();
    const isGone = [...this.#known].some((epoch) => !alive.has(epoch));
    if (isGone && store.epoch === oldest(await store.list('representation', ''), alive))
      await this.takeUp(alive);
    else this.#known = new Set([...this.#known, ...alive]);
  }
}

function oldest(all: readonly RepresentationRecord[], alive: ReadonlySet<number>): number {
  const active = all.filter(({ state, epoch }) => state === 'activated' && alive.has(epoch));
  return Math.min(...active.map(({ epoch }) => epoch));
}
