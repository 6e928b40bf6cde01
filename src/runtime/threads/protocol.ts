import type { Failure as FailureData, Outcome, Stop } from '../../../machines/job.context.ts';
import type { Json } from '../../../machines/json.ts';
import {
  BadStatusError,
  ConflictError,
  type ErrorCode,
  errorCodes,
  ReassignedError,
  SignalboxError,
} from '../../errors.ts';
import type { Limits } from '../../model/checks/limits.ts';
import type { JobRecord } from '../../model/records/records.ts';
import { Failure } from '../../model/values/failure.ts';
import type { Progress } from '../../model/values/progress.ts';
import type { OpenStore, Precondition } from '../../store/store.ts';
import type { StagedChange } from '../commits/committer.ts';
import type { LogDetails, LogLevel } from '../environment/logging.ts';

/** What a thread knows of the box from its beginning. */
export interface BoxData {
  readonly store: string;
  readonly uuid: string;
  readonly epoch: number;
  readonly limits: Limits;
}

/** An attempt whose code is to be called. */
export interface CallMessage {
  readonly type: 'call';
  /** Numbers the attempts of a thread. Every other message names it. */
  readonly call: number;
  readonly job: JobRecord;
  readonly agent: string;
  readonly dispatcher: string;
  readonly queue: string;
  /** What a callback is called with: the outcome of its parent. */
  readonly input: readonly Outcome[];
  readonly annotations: Readonly<Record<string, Json>>;
  /** What the clock of the store says. */
  readonly now: number;
}

/** Why the code of an attempt is to stop. */
export type StopReason =
  | { readonly kind: 'stop'; readonly state: JobRecord['state']; readonly stop: Stop }
  | { readonly kind: 'shutdown' }
  | { readonly kind: 'other'; readonly message: string };

/** What the main thread says. */
export type ToThread =
  | CallMessage
  | { readonly type: 'stop'; readonly call: number; readonly reason: StopReason }
  /** The attempt is over and its outcome committed, or its changes are dropped. */
  | { readonly type: 'tearDown'; readonly call: number }
  | { readonly type: 'answer'; readonly question: number; readonly value: unknown }
  | { readonly type: 'refusal'; readonly question: number; readonly error: ErrorData };

/** How the code of an attempt has ended. */
export type CodeEnd =
  | { readonly kind: 'value'; readonly value: Json }
  | { readonly kind: 'unstorable'; readonly error: ErrorData; readonly text: string }
  | { readonly kind: 'failure'; readonly failure: FailureData }
  | { readonly kind: 'snooze'; readonly until: number; readonly reason: string | null }
  | { readonly kind: 'job'; readonly id: string }
  | { readonly kind: 'threw'; readonly error: ErrorData };

/** What is to be done once the changes of an attempt are committed. */
export type FollowUp =
  | { readonly kind: 'offer'; readonly queue: string }
  | { readonly kind: 'late'; readonly parent: string; readonly callback: string | null }
  | { readonly kind: 'callbacks'; readonly job: JobRecord };

/** What an attempt puts and changes: committed with its result. */
export interface AttemptWork {
  readonly changes: readonly StagedChange[];
  readonly expect: readonly Precondition[];
  readonly followUps: readonly FollowUp[];
}

/** What a thread reads of the store: calls of its contract whose arguments and answers are JSON. */
export const readMethods = [
  'get',
  'list',
  'waiting',
  'waitingCount',
  'lanes',
  'place',
  'find',
  'held',
  'heldCount',
  'completed',
  'callbacks',
  'branches',
  'waiters',
  'quotaHolders',
  'parked',
  'annotations',
  'settled',
] as const satisfies readonly (keyof OpenStore)[];

/** What a thread asks: a reading call of the store, or a commit that is made at once. */
export interface Question {
  readonly method: (typeof readMethods)[number] | 'commit';
  readonly args: readonly unknown[];
}

/** What a thread says. */
export type FromThread =
  | {
      readonly type: 'end';
      readonly call: number;
      readonly end: CodeEnd;
      /** Null: it has put and changed nothing. */
      readonly work: AttemptWork | null;
      /** What its code has said last of its progress and is not written; null: nothing. */
      readonly progress: Progress | null;
      /** Whether the thread has a `tearDown` to call. */
      readonly tearsDown: boolean;
    }
  | { readonly type: 'tornDown'; readonly call: number }
  | { readonly type: 'beat'; readonly call: number }
  | ({ readonly type: 'ask'; readonly call: number | null; readonly question: number } & Question)
  | {
      readonly type: 'log';
      readonly level: LogLevel;
      readonly text: string;
      readonly fields: Omit<LogDetails, 'err'>;
      readonly failure: FailureData | null;
    };

/** An error on its way: with its details when it is one of the catalogue, so that it is one of its class again. */
export interface ErrorData {
  readonly failure: FailureData;
  readonly details: Json | null;
}

/** An error as data. */
export function errorData(error: unknown): ErrorData {
  const { data: failure } = Failure.from(error);
  // Details are data, or text where they name what no one can store.
  const details = error instanceof SignalboxError ? JSON.parse(JSON.stringify(error.details)) : null;
  return { failure, details };
}

/** The error of an answer, as its caller would have got it in the main thread. */
export function errorOf({ failure, details }: ErrorData): Error {
  const { code } = failure;
  if (details === null || !isCode(code)) return new Failure(failure).toError();
  const about = details as never;
  const error =
    code === 'CONFLICT'
      ? new ConflictError(about)
      : code === 'REASSIGNED'
        ? new ReassignedError(about)
        : code === 'BAD_STATUS'
          ? new BadStatusError(about)
          : new SignalboxError(code, about);
  return Object.assign(error, { message: failure.message, stack: failure.stack });
}

/** What code threw, as the main thread goes on with it: a lost job is known by the class of its error. */
export function thrown({ failure, details }: ErrorData): unknown {
  return failure.code === 'REASSIGNED' ? errorOf({ failure, details }) : new Failure(failure);
}

function isCode(code: string | null): code is ErrorCode {
  return errorCodes.some((known) => known === code);
}
