import type { Answer, Item } from './actor-items.ts';
import { ActorLine, type LineDeps } from './actor-line.ts';
import type { TurnPlan } from './make-turn.ts';

/** The lines of the actors that have something to take in this process. */
export class ActorLines {
  readonly #deps: LineDeps;
  readonly #lines = new Map<string, ActorLine>();

  constructor(deps: LineDeps) {
    this.#deps = deps;
  }

  /** Resolves when what it has led to is synced. */
  add(id: string, machine: string, item: Item): Promise<Answer> {
    return this.#at(id, machine).add(item);
  }

  /** Looks for mail and due timers of an actor. Never rejects. */
  look(id: string, machine: string): Promise<void> {
    return this.#at(id, machine).look();
  }

  /** A turn was made outside its line: what becomes due is planned, and mail that is left is looked at. */
  follow(id: string, machine: string, { plansDue, hasMore }: Pick<TurnPlan, 'plansDue' | 'hasMore'>): void {
    if (plansDue) this.#deps.planDue();
    if (hasMore && this.#deps.isRunning()) void this.look(id, machine);
  }

  /** Why an actor could not take its mail; null: it could, or nothing is known here. */
  blockedBy(id: string): ActorLine['blockedBy'] {
    return this.#lines.get(id)?.blockedBy ?? null;
  }

  /** Resolves when all that is under way is over. Nothing is tried again. */
  async end(): Promise<void> {
    await Promise.all([...this.#lines.values()].map((line) => line.end()));
  }

  #at(id: string, machine: string): ActorLine {
    let line = this.#lines.get(id);
    if (line === undefined) {
      line = new ActorLine(this.#deps, id, machine, () => this.#lines.delete(id));
      this.#lines.set(id, line);
    }
    return line;
  }
}
