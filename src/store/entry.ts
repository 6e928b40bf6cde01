import type { Json } from '../../machines/json.ts';
import type {
  ActorRecord,
  AgentRecord,
  AnnotationRecord,
  JobRecord,
  LimitRecord,
  MessageRecord,
  ProxyRecord,
  QueueRecord,
  QuotaRecord,
  RepresentationRecord,
  ScheduleRecord,
  StoreRecord,
  UniqueRecord,
} from '../model/records/records.ts';

/** The kinds of record, with the shape of each. */
export interface Records {
  readonly store: StoreRecord;
  readonly queue: QueueRecord;
  readonly quota: QuotaRecord;
  readonly limit: LimitRecord;
  readonly schedule: ScheduleRecord;
  readonly representation: RepresentationRecord;
  readonly agent: AgentRecord;
  readonly job: JobRecord;
  readonly proxy: ProxyRecord;
  readonly annotation: AnnotationRecord;
  readonly unique: UniqueRecord;
  readonly actor: ActorRecord;
  readonly message: MessageRecord;
}

/** A kind of record. */
export type Kind = keyof Records;

/** New values of top-level keys. `null` clears a key. */
export type Patch = Readonly<Record<string, Json>>;

/**
 * One change of one record: the unit of the journal. Its `seq` is the `s` of its line plus its place in it.
 */
export interface Entry {
  readonly kind: Kind;
  readonly id: string;
  /** The type of the event that caused it: `job.claim`, `annotation.set`, `evicted` … */
  readonly event: string;
  /** State before and after: both null for a record without a status, equal without a transition. */
  readonly from: string | null;
  readonly to: string | null;
  readonly patch: Patch | null;
  /** What the event of an actor carried beside its type; of a large one its hash. Absent: nothing. */
  readonly arg?: Json;
  /** The record is dropped by this entry. */
  readonly gone: boolean;
  /** The seq of the subject's previous entry, 0 for its first. */
  readonly q: number;
}

/** One commit as the journal keeps it: all of it or nothing. */
export interface Line {
  /** Seq of the first entry; entry i has seq s + i; the next line's s is not less than s + entries.length. */
  readonly s: number;
  /** Instant of the commit by the store's clock, epoch milliseconds. */
  readonly at: number;
  /** Who committed: `<dispatcher uuid or 'client'>#<epoch>`. */
  readonly by: string;
  /** Version of the machines that stepped. */
  readonly mv: string;
  readonly entries: readonly Entry[];
}

/** One entry of the journal with its place, its instant, its author and the version of the machines that stepped. */
export interface HistoryEntry extends Entry {
  readonly seq: number;
  /** Seq of the first entry of its commit. A database keeps a long commit as several. */
  readonly commit: number;
  readonly at: number;
  readonly by: string;
  readonly mv: string;
}

/** The entries of a line from a seq on, each with what it shares with its line. */
export function* entriesOf({ s, at, by, mv, entries }: Line, from = s): Generator<HistoryEntry> {
  for (let index = Math.max(0, from - s); index < entries.length; index += 1)
    yield { ...(entries[index] as Entry), seq: s + index, commit: s, at, by, mv };
}
