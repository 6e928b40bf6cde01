import type { HistoryEntry } from '../../../store/entry.ts';
import type { ActorRecord } from './events.ts';
import { givenValue } from './events.ts';
import type { Oracle } from './oracle.ts';

/** One step of a pure actor. */
export interface PureStep {
  /** The event of its machine, or `signalbox.…`. */
  readonly event: string;
  readonly after: ActorRecord;
}

/** Actors as pure steps make them: the journal says which event came next, and nothing of what it led to. */
export class PureActors {
  readonly #oracle: Oracle;
  readonly #steps = new Map<string, PureStep[]>();
  /** What parents gave to children that start, by id. */
  readonly #inputs = new Map<string, unknown[]>();

  constructor(oracle: Oracle) {
    this.#oracle = oracle;
  }

  ids(): Iterable<string> {
    return this.#steps.keys();
  }

  /** The steps of an actor so far. */
  stepsOf(id: string): readonly PureStep[] {
    return this.#steps.get(id) ?? [];
  }

  /** Makes the step of an entry. Returns what is wrong with it; null: nothing. */
  follow(entry: HistoryEntry): string | null {
    const { id, event } = entry;
    if (entry.gone) {
      this.#steps.delete(id);
      return null;
    }
    const steps = this.#steps.get(id) ?? [];
    const isChild = event === 'signalbox.start' && entry.patch?.parent != null;
    const input = isChild ? this.#inputs.get(id)?.shift() : givenValue(entry.arg);
    const verdict = this.#oracle.judge(steps.at(-1)?.after, entry, input);
    if (verdict === null) return null;
    if ('wrong' in verdict) return `actor ${id} ${event}: ${verdict.wrong}`;
    const { record, effects } = verdict.made;
    for (const effect of effects)
      if (effect.type === 'startActor')
        this.#inputs.set(effect.id, [...(this.#inputs.get(effect.id) ?? []), effect.input]);
    steps.push({ event, after: record });
    this.#steps.set(id, steps);
    return null;
  }
}
