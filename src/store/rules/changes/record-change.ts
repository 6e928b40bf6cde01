import type { ActorTimer } from '../../../../machines/actor.machine.ts';
import type { Json } from '../../../../machines/json.ts';
import { copyActor, wholeActor } from '../../../model/jobs/actors/copy-actor.ts';
import { copyJob, wholeJob } from '../../../model/jobs/copy-job.ts';
import type { ActorRecord, JobRecord } from '../../../model/records/records.ts';
import type { Kind, Records } from '../../entry.ts';
import { blankOf } from '../../kinds.ts';
import type { StoredRecord } from '../../log.ts';
import type { Change } from '../../store.ts';
import { soundRecord } from '../quarantine.ts';

/**
 * Values that consecutive jobs have in common, held once for all of them. As a rule such jobs wait in the
 * same queue and were put by the same program: a place takes 32 of the 585 bytes of a waiting job, and an
 * assigner that was read is a string of its own.
 */
export class SharedValues {
  #place: { readonly queue: string } = { queue: '' };
  #assigner = '';
  readonly #texts = new Map<string, string>();
  readonly #events = new Map<string, Json>();

  /** What all actors of a machine have in common: 150 of the 1,700 bytes of one that was read from a file. */
  shareOfActor(actor: Record<string, unknown>): void {
    for (const key of sharedOfActor) actor[key] = shared(this.#texts, actor[key] as string, same);
    const timers = actor.timers as ActorRecord['timers'];
    for (const id in timers) {
      const [dueAt, seq, event, to] = timers[id] as ActorTimer;
      const { type, ...rest } = event as { readonly type: string };
      if (Object.keys(rest).length > 0) continue;
      const timer = [dueAt, seq, shared(this.#events, type, () => event), to] as const;
      (timers as Record<string, ActorTimer>)[id] = timer;
    }
  }

  /**
   * Replaces the place and the assigner of a job by the newest ones that are equal. Only places in a queue
   * are shared.
   */
  share(job: Record<string, unknown>): void {
    const { parent, assigner } = job as Pick<JobRecord, 'parent' | 'assigner'>;
    if (parent !== null && 'queue' in parent && !('agent' in parent)) {
      if (parent.queue !== this.#place.queue) this.#place = parent;
      job.parent = this.#place;
    }
    if (assigner !== null) {
      if (assigner !== this.#assigner) this.#assigner = assigner;
      job.assigner = this.#assigner;
    }
  }
}

const sharedOfActor = ['machine', 'version', 'hash', 'state', 'status'] as const;

/** So many machines have a thousand states; beyond them nothing is shared. */
const mostShared = 1000;

function shared<Value>(known: Map<string, Value>, text: string, make: (text: string) => Value): Value {
  const found = known.get(text);
  if (found !== undefined) return found;
  const made = make(text);
  if (known.size < mostShared) known.set(text, made);
  return made;
}

const same = (text: string): string => text;

/**
 * Returns the record as a change leaves it: a copy, or the record itself when it `isOwn`: a copy that no other code has
 * seen.
 */
export function changed(
  change: Change,
  before: Records[Kind] | undefined,
  seq: number,
  shared: SharedValues,
  isOwn = false,
): Records[Kind] {
  const { patch } = change;
  const base = before ?? blankOf(change.kind);
  const next = isOwn ? (base as unknown as Record<string, unknown>) : copyOf(change.kind, base);
  next.id = change.id;
  for (const key in patch) next[key] = patch[key];
  next.rev = base.rev + 1;
  next.lastSeq = seq;
  if (change.to !== null) next.state = change.to;
  if (before === undefined && 'createdSeq' in next) next.createdSeq = seq;
  if (change.kind === 'job') {
    const line = (patch as Partial<JobRecord> | null)?.line;
    if (line !== undefined) next.position = line === null ? 0 : seq;
    shared.share(next);
  } else if (change.kind === 'actor') dropCleared(next, patch);
  return next as unknown as Records[Kind];
}

/**
 * Completes a record of a snapshot with what the snapshot leaves out. Without `shared` its values are its
 * own.
 */
export function loaded(kind: Kind, stored: StoredRecord, shared?: SharedValues): Records[Kind] {
  if (kind === 'actor') {
    const actor = wholeActor(stored as Partial<ActorRecord>, blankOf('actor'));
    shared?.shareOfActor(actor);
    return actor as unknown as ActorRecord;
  }
  if (kind !== 'job') return { ...blankOf(kind), ...stored } as Records[Kind];
  const sound = soundRecord(stored) as Partial<JobRecord>;
  const job = wholeJob(sound, blankOf('job'));
  if (sound.unsound !== undefined) job.unsound = sound.unsound;
  shared?.share(job);
  return job as unknown as JobRecord;
}

/** A key of the context of an actor's machine that is cleared is not there any more. */
function dropCleared(actor: Record<string, unknown>, patch: Change['patch']): void {
  for (const key in patch) if (patch[key] === null && key.startsWith('c:')) delete actor[key];
}

function copyOf(kind: Kind, record: Records[Kind]): Record<string, unknown> {
  if (kind === 'actor') return copyActor(record as ActorRecord);
  if (kind !== 'job') return { ...record };
  const { unsound } = record as JobRecord;
  const copy = copyJob(record as JobRecord);
  if (unsound !== undefined) copy.unsound = unsound;
  return copy;
}
