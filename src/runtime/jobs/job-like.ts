import type { PutResult } from '../../model/jobs/unique/name-answer.ts';
import type { JobRecord, ProxyRecord } from '../../model/records/records.ts';
import type { UnitOfWork } from '../commits/unit-of-work.ts';
import type { ConditionDefinition } from '../definitions/conditions.ts';
import type { Definition } from '../definitions/definition.ts';
import type { JobSettings } from './job-settings.ts';

/**
 * What the runtime needs of a job object. The class `Job` implements it; nothing below `handles` knows that class, so a
 * change of the public face reaches no lower room.
 */
export interface JobLike {
  /** Null before it is stored, unless the program has set one. */
  readonly id: string | null;
  readonly name: string;
  readonly isStored: boolean;
  readonly status: string;
  /** @throws BadStatusError while it is not stored. */
  readonly record: JobRecord;
  /** The definition of a draft; null for a handle. */
  readonly definition: Definition | null;
  readonly args: readonly unknown[];
  readonly settings: JobSettings;
  /** Callbacks that are stored together with the draft. */
  readonly pendingCallbacks: readonly PendingCallback[];
  /** Makes a draft the handle of its stored record. `putResult`: what its put did. */
  attach(work: UnitOfWork, record: JobRecord, putResult?: PutResult | null): void;
  /** Makes the handle a draft again when the commit that put it was rolled back. Returns whether it is a draft. */
  withdraw(): boolean;
  toString(): string;
}

/** What the runtime needs of a callback proxy. The class `CallbackProxy` implements it. */
export interface ProxyLike {
  readonly branches: readonly { readonly when: ConditionDefinition; readonly job: JobLike | null }[];
  readonly otherwise: JobLike | null;
  readonly pendingCallbacks: readonly PendingCallback[];
  attach(work: UnitOfWork, record: ProxyRecord): void;
}

/** A callback that is stored together with a job that is not stored yet. */
export type PendingCallback = { readonly job: JobLike } | { readonly proxy: ProxyLike };

/** Makes the job objects that programs see. */
export interface JobHandles {
  /** A handle of a stored job. `known`: jobs that its values refer to, as far as they were read. */
  of(work: UnitOfWork, record: JobRecord, known?: ReadonlyMap<string, JobRecord>): JobLike;
  /** A handle of a job of which only the id is known. */
  reference(work: UnitOfWork, id: string): JobLike;
}

/** What the runtime needs of what `defineJob` returns. */
export interface DefinitionLike {
  readonly definition: Definition;
  partial(): JobLike;
}

/** Marks jobs, so that other modules recognise them without the class. */
export const jobBrand: unique symbol = Symbol.for('signalbox.job') as never;

/** Whether a value is a job: a draft or a handle. */
export function isJob(value: unknown): value is JobLike {
  return typeof value === 'object' && value !== null && jobBrand in value;
}

/** Whether a value is a job definition. */
export function isDefinition(value: unknown): value is DefinitionLike {
  return typeof value === 'function' && 'definition' in value;
}
