import type { EventObject } from 'xstate';
import type { Json } from '../../../../machines/json.ts';
import { newActorRecord } from '../../../model/jobs/actors/actor-step.ts';
import { wholeActor } from '../../../model/jobs/actors/copy-actor.ts';
import type { ActorRecord } from '../../../model/records/records.ts';
import { Failure } from '../../../model/values/failure.ts';
import { decodeValue } from '../../../model/values/values.ts';

export type { ActorRecord };

/** Stands for a job in what an actor holds. */
export class JobStandIn {
  readonly id: string;

  constructor(id: string) {
    this.id = id;
  }
}

/** A value of the journal as machines get it. */
export function givenValue(stored: Json | undefined): unknown {
  return stored == null ? undefined : decodeValue(stored, (id) => new JobStandIn(id));
}

/** An event as machines get it: the failure of a child is data of its own. */
export function eventOf(type: string, arg: Json | undefined): EventObject {
  const { error, ...rest } = (arg ?? {}) as { readonly [key: string]: Json };
  if (!type.startsWith('xstate.error.')) return { ...(givenValue(arg ?? {}) as object), type };
  return { ...(givenValue(rest) as object), type, error: new Failure(error as never) } as EventObject;
}

/** What an event carries beside its type; undefined: nothing. */
export function argOf(event: Json): Json | undefined {
  const { type: _type, ...rest } = event as { readonly [key: string]: Json };
  return Object.keys(rest).length === 0 ? undefined : rest;
}

/** A value of a record as JSON has it. */
export function jsonOf(record: ActorRecord, key: string): unknown {
  const value = record[key as keyof ActorRecord];
  return value === undefined ? null : JSON.parse(JSON.stringify(value));
}

/** An actor as its journal gives it. */
export function actorOf(record: {
  readonly id: string;
  readonly state: string | null;
  readonly rev: number;
  readonly fields: Readonly<Record<string, unknown>>;
}): ActorRecord {
  const { id, state, rev, fields } = record;
  const given = { ...fields, id, rev, state: state ?? '' } as Partial<ActorRecord>;
  return wholeActor(given, newActorRecord(id)) as unknown as ActorRecord;
}
