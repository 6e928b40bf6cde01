import type { ActorEvent } from '../../../../machines/actor.machine.ts';
import { type ActorContext, newActorContext } from '../../../../machines/actor.machine.ts';
import type { Json } from '../../../../machines/json.ts';
import { BadStatusError } from '../../../errors.ts';
import { type ActorRecord, recordVersion } from '../../records/records.ts';
import { actorChart } from '../machine-version.ts';
import { copyActor } from './copy-actor.ts';

/** What the step of a user's machine looks like in the journal. */
export interface ActorStep {
  /** The event of the machine. */
  readonly event: string;
  /** The states of the machine before and after. */
  readonly from: string | null;
  readonly to: string;
  /** What the event carried beside its type. */
  readonly arg?: Json | undefined;
}

/** A change of an actor, to be committed. */
export interface ActorTransition extends Omit<ActorStep, 'arg'> {
  readonly arg?: Json;
  readonly kind: 'actor';
  readonly id: string;
  readonly patch: { readonly [key: string]: Json } | null;
}

/**
 * Applies an event to an actor, by its chart: it decides the status, the machine of the user the state.
 * @throws BadStatusError when the chart refuses the event.
 */
export function stepActor(record: ActorRecord, event: ActorEvent, change: ActorStep): ActorTransition {
  const step = actorChart.step(record.status, record, event);
  if (!step.moved) {
    throw new BadStatusError({
      what: `actor ${record.id}`,
      status: record.status,
      event: event.type,
      guards: step.guards,
    });
  }
  const patch = event.type === 'actor.start' ? leftContext(record) : {};
  Object.assign(patch, step.patch);
  if (step.to !== record.status) patch.status = step.to;
  const { event: name, to, arg } = change;
  // The first entry of a record has no state before it.
  const from = record.rev === 0 ? null : change.from;
  const left = changedBy(patch, record);
  return arg === undefined
    ? { kind: 'actor', id: record.id, event: name, from, to, patch: left }
    : { kind: 'actor', id: record.id, event: name, from, to, patch: left, arg };
}

/** Without what the record already says; null: nothing is left. */
function changedBy(patch: Record<string, Json>, record: ActorRecord): Record<string, Json> | null {
  const known = record as unknown as Record<string, Json>;
  let changed: Record<string, Json> | null = null;
  for (const key in patch) {
    if (patch[key] === known[key]) continue;
    changed ??= {};
    changed[key] = patch[key] as Json;
  }
  return changed;
}

/** The actor after a change, for a further step in the same commit. */
export function afterActorStep(record: ActorRecord, { patch, to }: ActorTransition): ActorRecord {
  const after = copyActor(record);
  for (const key in patch)
    if (patch[key] === null && key.startsWith('c:')) delete after[key];
    else after[key] = patch[key];
  after.state = to;
  return after as unknown as ActorRecord;
}

/** An actor that begins anew has nothing of the context that it had before. */
function leftContext(record: ActorRecord): Record<string, Json> {
  const keys = Object.keys(record).filter((key) => key.startsWith('c:'));
  return Object.fromEntries(keys.map((key) => [key, null]));
}

/** An actor that was never started. */
export function newActorRecord(id: string): ActorRecord {
  const context: ActorContext = newActorContext();
  return {
    id,
    v: recordVersion,
    rev: 0,
    lastSeq: 0,
    createdSeq: 0,
    status: 'absent',
    state: '',
    ...context,
  } as ActorRecord;
}
