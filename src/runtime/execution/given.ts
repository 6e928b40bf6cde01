import type { Json } from '../../../machines/json.ts';
import { shown } from '../../errors.ts';
import { jsonWithin } from '../../model/checks/bounded-json.ts';
import type { JobRecord } from '../../model/records/records.ts';
import { Failure } from '../../model/values/failure.ts';
import { valueText } from '../../model/values/job-text.ts';
import type { Redactor } from '../../model/values/redaction.ts';
import { encodeValue } from '../../model/values/values.ts';
import type { RuntimeContext } from '../commits/runtime-context.ts';
import { Detached } from '../definitions/detached.ts';
import { Snooze } from '../definitions/snooze.ts';
import { storedJobOnly } from '../jobs/job-drafts.ts';
import { isJob, type JobLike } from '../jobs/job-like.ts';

/** What the code of a job returned. */
export type Given =
  /** A value, as it is stored. */
  | { readonly kind: 'value'; readonly value: Json }
  /** A value that cannot be stored; `text` shows it. */
  | { readonly kind: 'unstorable'; readonly error: unknown; readonly text: () => string }
  | { readonly kind: 'failure'; readonly failure: Failure }
  | { readonly kind: 'snooze'; readonly snooze: Snooze }
  | { readonly kind: 'job'; readonly job: JobLike }
  | { readonly kind: 'detached'; readonly promise: Promise<unknown> };

/** How the code of an attempt has ended. One of the two is called, once. */
export interface CodeEnds<Returned> {
  returned(value: Returned): void;
  threw(error: unknown): void;
}

/** An attempt, as far as what its code returned is looked at. */
interface Returning {
  readonly context: RuntimeContext;
  readonly job: JobRecord;
}

/** What code returned, told apart. */
export function givenBy(run: Returning, value: unknown): Given {
  switch (kindOf(value)) {
    case 'job':
      return { kind: 'job', job: value as JobLike };
    case 'detached':
      return { kind: 'detached', promise: (value as Detached<unknown>).promise };
    case 'snooze':
      return { kind: 'snooze', snooze: value as Snooze };
    case 'failure':
      return { kind: 'failure', failure: value as Failure };
    default:
      return givenValue(run, value);
  }
}

function givenValue({ context, job }: Returning, value: unknown): Given {
  try {
    return { kind: 'value', value: encodedResult(context, value) };
  } catch (error) {
    return { kind: 'unstorable', error, text: () => shownValue(value, context.registry.redactorOf(job)) };
  }
}

/** A result as it is stored. @throws SignalboxError `ARGS_…`. */
export function encodedResult({ limits }: Pick<RuntimeContext, 'limits'>, value: unknown): Json {
  return value === undefined ? null : encodeValue(value, 'result', storedJobOnly, limits);
}

const longestShown = 10_000;

/** A value that could not be stored, as text: its JSON where there is any and it is short. */
function shownValue(value: unknown, redactor: Redactor): string {
  try {
    const text = jsonWithin(value, longestShown);
    return text === undefined ? shown(value) : valueText(redactor.value(JSON.parse(text) as Json));
  } catch {
    return shown(value);
  }
}

/** What a job's code gave. A proxy may refuse the question: then it is a value, and refused as one. */
function kindOf(value: unknown): Given['kind'] {
  try {
    if (isJob(value)) return 'job';
    if (value instanceof Detached) return 'detached';
    if (value instanceof Snooze) return 'snooze';
    return value instanceof Failure ? 'failure' : 'value';
  } catch {
    return 'value';
  }
}
