import type { HistoryEntry } from '../../../index.ts';
import { Oracle } from '../oracle/oracle.ts';
import type { Host } from '../world/host.ts';
import type { World } from '../world/world.ts';
import { Audit } from './audit.ts';

/** The journal of a run: audited as it is synced, and compared with what each opening reads. */
export class Journal {
  readonly #world: World;
  readonly #host: Host;
  /** Entry `seq` as text, at `seq - 1`. */
  readonly #texts: string[] = [];
  /** What the machines of the scenario would have done. To be set before the store is opened. */
  oracle = new Oracle([]);
  /** Called with the entries of each commit, in their order, once they are synced. */
  onSynced: (entries: readonly HistoryEntry[]) => void = () => {};
  #audit: Audit;

  constructor(world: World, host: Host) {
    this.#world = world;
    this.#host = host;
    this.#audit = this.#newAudit();
  }

  /** The audit of everything so far. */
  get audit(): Audit {
    return this.#audit;
  }

  /** Opens the store and reads all of its journal. Everything that was synced before must be there. */
  async open(): Promise<void> {
    const world = this.#world;
    const store = await this.#host.open();
    const audit = this.#newAudit();
    for await (const entry of store.entries(1)) {
      const known = this.#texts[entry.seq - 1];
      const text = textOf(entry);
      if (known === undefined) {
        this.#texts[entry.seq - 1] = text;
        this.onSynced([entry]);
      } else if (known !== text) world.violated(`I3 entry ${entry.seq} was ${known} and is ${text}`);
      audit.follow(entry);
    }
    const before = this.#audit;
    if (audit.seq < before.seq)
      world.violated(`I1 entries ${audit.seq + 1} to ${before.seq} were synced and are lost`);
    world.violations.push(...before.problems.filter((problem) => !audit.problems.includes(problem)));
    this.#audit = audit;
    store.follow((lines) => {
      for (const { s, at, by, mv, entries } of lines) {
        const whole = entries.map((entry, index) => ({ ...entry, seq: s + index, commit: s, at, by, mv }));
        for (const entry of whole) this.#follow(entry);
        this.onSynced(whole);
      }
    });
  }

  #newAudit(): Audit {
    return new Audit({ boxPrefix, hasPeers: this.#host.hasPeers, oracle: this.oracle });
  }

  #follow(entry: HistoryEntry): void {
    const text = textOf(entry);
    this.#texts[entry.seq - 1] = text;
    this.#world.note(text);
    this.#audit.follow(entry);
  }

  /** Compares the records of the store with the journal, now and after another opening. */
  async compare(): Promise<void> {
    const world = this.#world;
    await world.until(this.#host.store.settled(), 'the last sync');
    await world.until(this.#audit.compare(this.#host.store), 'comparing');
    await world.until(this.#host.close(), 'closing the store');
    await world.until(this.#compareReopened(), 'opening the store again');
    await world.until(this.#host.close(), 'closing the store');
  }

  async #compareReopened(): Promise<void> {
    const store = await this.#host.open();
    const audit = this.#newAudit();
    for await (const entry of store.entries(1)) audit.follow(entry);
    await audit.compare(store);
    for (const problem of audit.problems)
      if (!this.#audit.problems.includes(problem)) this.#world.violated(`opened again: ${problem}`);
  }
}

/** The UUID of a simulated box is this and the UUID of its dispatcher. */
export const boxPrefix = 'box-';

function textOf({ seq, at, by, kind, id, event, to, patch }: HistoryEntry): string {
  // A stack names files and lines, which differ between machines and versions of Node.
  const hasStack =
    patch !== null &&
    [patch.outcome, patch.retryData, patch.lastFailure, patch.failure].some((value) => value != null);
  const text = JSON.stringify(patch, hasStack ? withoutStack : undefined);
  return `${seq} ${at} ${by} ${kind}/${id} ${event} ${to} ${text}`;
}

function withoutStack(key: string, value: unknown): unknown {
  return key === 'stack' ? undefined : value;
}
