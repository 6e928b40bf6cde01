import type { Limits } from '../../model/checks/limits.ts';
import type { OpenStore } from '../../store/store.ts';
import type { Registry } from '../definitions/registry.ts';
import type { Instrument, Intercept } from '../environment/instruments.ts';
import type { Log } from '../environment/logging.ts';
import type { IdSource, RandomSource } from '../environment/ports.ts';
import type { Reactor } from '../environment/reactor/reactor.ts';
import type { StoredRules } from './stored-rules.ts';
import type { Turns } from './turns.ts';

/** The ports that every part of the runtime works with. Ports only: nothing here decides or writes. */
export interface RuntimeContext {
  readonly store: OpenStore;
  /** What this process knows by name. */
  readonly registry: Registry;
  readonly reactor: Reactor;
  readonly ids: IdSource;
  readonly random: RandomSource;
  readonly log: Log;
  /** Watches puts and attempts; null: nothing does. */
  readonly instrument: Instrument | null;
  /** Stands between attempts and their code; null: nothing does. */
  readonly intercept: Intercept | null;
  /** UUID of this instance. */
  readonly uuid: string;
  /** What definitions hide, as the store knows it. */
  readonly rules: Pick<StoredRules, 'pending'>;
  /** URL of the module that defines the jobs of threads; null: there is none. */
  readonly threadModule: string | null;
  /** Puts that have met a conflict. */
  readonly turns: Turns;
  /** Queues that were seen in the store: none is ever removed. */
  readonly queues: Set<string>;
  /** Upper bounds for values and for the number of stored jobs. */
  readonly limits: Limits;
  /** The store's clock, in epoch milliseconds: the only clock that all hosts share. */
  now(): number;
  /** Resolves after this time. @throws SignalboxError `BOX_STOPPED` when the box stops first. */
  sleep(ms: number): Promise<void>;
}
