import type { Json } from '../../../machines/json.ts';
import { invalidOption } from '../../errors.ts';
import { checkReason } from '../checks/names.ts';

/** How far the code of a job has come, as it says itself. */
export interface Progress {
  /** How much is done, in units of the code's own. */
  readonly done: number;
  /** How much there is to do; null: not known. */
  readonly total: number | null;
  /** What it is at; null: it does not say. */
  readonly note: string | null;
  /** When it said so, in epoch milliseconds of the store's clock. */
  readonly at: number;
}

/** The annotation of a job that keeps its progress. */
export const progressAnnotation = 'signalbox.progress';

/** Progress as code gives it, ready to be stored. @throws SignalboxError `INVALID_OPTION`. */
export function checkedProgress(done: unknown, total: unknown, note: unknown, at: number): Progress {
  return {
    done: amount(done, 'done'),
    total: total == null ? null : amount(total, 'total'),
    note: note == null ? null : checkReason(note, 'note'),
    at,
  };
}

/** What an annotation says about progress; null for one that a program wrote in another shape. */
export function progressOf(value: Json | undefined): Progress | null {
  if (typeof value !== 'object' || value === null || !('done' in value)) return null;
  const { done, total, note, at } = value;
  if (!isAmount(done) || !isAmount(at) || !(total === null || isAmount(total))) return null;
  return note === null || typeof note === 'string' ? { done, total, note, at } : null;
}

function amount(value: unknown, option: string): number {
  if (!isAmount(value)) throw invalidOption(option, 'a number of zero or more', value);
  // JSON knows no -0.
  return value + 0;
}

function isAmount(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0;
}
