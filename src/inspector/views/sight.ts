import type { ActorExplanation } from '../../reading/actors/actor-explanation.ts';
import type { Explanation, KnownNames } from '../../reading/explanation.ts';
import type { StoreReader } from '../../store/reader.ts';
import type { ActorSource } from './actors/actor-source.ts';

/** What views are made from: a store, at one moment, and what is known beside it. */
export interface Sight {
  readonly reader: StoreReader;
  /** Where the records are: `memory`, a directory, or `PostgreSQL`. */
  readonly place: string;
  /** `live`: the store of a process that is at work; `closed`: a store that is read without being opened. */
  readonly source: 'live' | 'closed';
  /** What this process knows by name. Absent: it has no part in the work, as for a closed store and in the past. */
  readonly names?: KnownNames;
  /** The live machines of this process. Absent: they are not recorded, as in a closed store and in the past. */
  readonly actors?: ActorSource;
  /** Calls the listener with every change of a live machine, until what it returns is called. */
  watchLiveActors?(listener: () => void): () => void;
  /** Why there is no answer about an earlier moment, in words; null: there is. */
  readonly noPast: string | null;
  /** Explains a job with what this process knows. Undefined: there is no such job. */
  explain(id: string): Promise<Explanation | undefined>;
  /** Explains a durable actor with what this process knows. Absent: it has no part in the work. Undefined: there is no such actor. */
  explainActor?(id: string): Promise<ActorExplanation | undefined>;
  /** Lets the event loop run, so that a long look keeps nothing from its work. */
  pause(): Promise<void>;
}

/** What a question names besides its view. */
export interface Asked {
  /** The part of the path that names a subject; empty for views without one. */
  readonly id: string;
  readonly query: Readonly<Record<string, string | undefined>>;
}

/** Makes the data of one answer. Undefined: there is no such subject. */
export type View = (sight: Sight, asked: Asked) => Promise<object | undefined>;

/** A whole number of a query; null: none was given, or it is none. */
export function countOf(text: string | undefined): number | null {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : null;
}
