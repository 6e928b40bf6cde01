import { invalidOption } from '../../errors.ts';
import type { Signalbox } from '../box/signalbox.ts';
import type { JobDefinition } from '../handles/define-job.ts';
import type { Job } from '../handles/job.ts';

/** Marks jobs, so that other modules recognise them without importing the class. */
export const jobBrand: unique symbol = Symbol.for('signalbox.job') as never;

/** Whether a value is a job: a draft or a handle. */
export function isJob(value: unknown): value is Job<unknown> {
  return typeof value === 'object' && value !== null && jobBrand in value;
}

/** Refuses what is no Signalbox. @throws SignalboxError `INVALID_OPTION`. */
export function checkBox(value: unknown): void {
  if (typeof (value as Partial<Signalbox> | null | undefined)?.createQueue === 'function') return;
  throw invalidOption('box', 'a Signalbox, as createSignalbox gives it', value);
}

/** Whether a value is a job definition. */
export function isDefinition(value: unknown): value is JobDefinition {
  return typeof value === 'function' && 'definition' in value;
}
