import { ConflictError } from '../../errors.ts';
import type { JobRecord, RepresentationRecord } from '../../model/records/records.ts';
import type { Openings } from '../../store/store.ts';
import type { Engine } from '../box/engine.ts';

/**
 * Jobs that a process was at outside any agent, or at their callbacks, when it went away. Nothing else tells of them: they are in
 * no agent of a dispatcher that could be found dead, and a program that only puts jobs has none. So whoever polls sees
 * which openings of the store are alive, and one that is not any more has them looked for.
 */
export class Orphans {
  readonly #engine: Engine;
  /** Openings when it was last looked at them; null: nobody here has. */
  #known: Openings | null = null;
  /** One is gone, and nobody here has looked since: who should have may have gone before it did. */
  #isDue = false;
  /** What was taken up: it is left until the system job that goes on with it begins. */
  readonly #takenUp = new Set<string>();

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** Takes up what was left by those that are gone by now. */
  async takeUp(): Promise<void> {
    const { store, callbacks } = this.#engine;
    for (const job of await store.orphans()) {
      const name = await this.#nameOf(job);
      if (this.#takenUp.has(name)) continue;
      await callbacks.readopt(job).catch((error: unknown) => {
        // Somebody has been at it meanwhile.
        if (!(error instanceof ConflictError)) throw error;
      });
      this.#takenUp.add(name);
    }
  }

  /**
   * Looks when an opening is gone. One process does: the one with the oldest opening of those whose dispatchers are
   * activated. When it goes before it has looked, the next one sees that.
   */
  async look(): Promise<void> {
    const { store } = this.#engine;
    if (store.exclusive) return;
    const now = await store.openings();
    this.#isDue ||= isAnyGone(this.#known, now);
    this.#known = now;
    if (!this.#isDue || store.epoch !== oldest(await store.list('representation', ''), now)) return;
    await this.takeUp();
    this.#isDue = false;
  }

  /** Changes when anybody has been at it since. */
  async #nameOf({ id, lastSeq }: JobRecord): Promise<string> {
    const { store } = this.#engine;
    let newest = lastSeq;
    for (const { kind, record } of await store.callbacks(id)) {
      // A proxy stays as it is once it has chosen: what is called then is its job.
      const chosen =
        kind === 'proxy' && record.chosen !== null ? await store.get('job', record.chosen) : undefined;
      newest = Math.max(newest, record.lastSeq, chosen?.lastSeq ?? 0);
    }
    return `${id} ${newest}`;
  }
}

/** Also one that came and went between two looks. */
function isAnyGone(known: Openings | null, now: Openings): boolean {
  if (known === null) return true;
  for (let epoch = known.newest + 1; epoch <= now.newest; epoch += 1) if (!now.alive.has(epoch)) return true;
  return [...known.alive].some((epoch) => !now.alive.has(epoch));
}

function oldest(all: readonly RepresentationRecord[], { alive }: Openings): number {
  const active = all.filter(({ state, epoch }) => state === 'activated' && alive.has(epoch));
  return Math.min(...active.map(({ epoch }) => epoch));
}
