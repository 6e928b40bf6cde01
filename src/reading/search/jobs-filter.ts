import { type Ending, endings } from '../../../machines/job.context.ts';
import type { Json } from '../../../machines/json.ts';
import { SignalboxError, shown } from '../../errors.ts';
import { checkQueueName, checkTags } from '../../model/checks/names.ts';
import type { JobStatus } from '../../model/jobs/step.ts';
import { encodeValue } from '../../model/values/values.ts';
import { durationMs, type Instant, instantMs, isDelay } from '../../time.ts';

/** Which jobs are meant. Every part that is given must hold; none means all jobs. */
export interface JobsFilter {
  /** The queue in which they wait, run or have ended. */
  readonly queue?: string;
  /** Their status, or one of several. */
  readonly status?: JobStatus | readonly JobStatus[];
  /** How they ended, or one of several ways. */
  readonly ending?: Ending | readonly Ending[];
  /**
   * The name of their definition, or one of several; `*` matches any characters: `mail.*`. Jobs of Signalbox itself are found by a
   * pattern that begins with `signalbox.` alone.
   */
  readonly job?: string | readonly string[];
  /** One of their tags. */
  readonly tag?: string;
  /** A limit and a key of it, as `keys` of a put names them; a limit alone: any key of it, or the quota of that name. */
  readonly key?: readonly [limit: string, key?: string];
  /** The schedule that put them: its name, or its queue, a slash and its name. */
  readonly schedule?: string;
  /** They were put at this instant or later, as far back as history is kept. Text such as `'2h'`: so long ago. */
  readonly since?: Instant;
  /** They were put before this instant. Text such as `'2h'`: so long ago. */
  readonly until?: Instant;
  /**
   * The name, the code or the message of the failure with which they ended, or with which their last attempt did; `*` matches any
   * characters: `ECONN*`. Compared as it may be shown.
   */
  readonly error?: string;
  /** Paths into the arguments, and the JSON value that each has: `{ '0.tenant': 'acme' }`. None that is redacted. */
  readonly args?: { readonly [path: string]: Json };
}

/** A filter that was checked: it is JSON, and its instants are epoch milliseconds. */
export interface CheckedFilter {
  readonly queue?: string;
  readonly status?: readonly JobStatus[];
  readonly ending?: readonly Ending[];
  readonly job?: readonly string[];
  readonly tag?: string;
  /** `<limit>/<key>`, or `<limit>`. */
  readonly key?: string;
  readonly schedule?: string;
  readonly since?: number;
  readonly until?: number;
  readonly error?: string;
  readonly args?: { readonly [path: string]: Json };
}

const statuses: readonly JobStatus[] = ['NEW', 'PENDING', 'ASSIGNED', 'ACTIVE', 'CALLBACKS', 'COMPLETED'];

/** How a part is checked, and what it has to be. */
type Check = readonly [expected: string, check: (value: unknown, now: number) => unknown];

/** Undefined, or an error: it is not as it has to be. */
const parts: Readonly<Record<keyof JobsFilter, Check>> = {
  queue: ['the name of a queue', (value) => checkQueueName(value)],
  status: [`one of ${statuses.join(', ')}, or a list of these`, (value) => someOf(value, statuses)],
  ending: [`one of ${endings.join(', ')}, or a list of these`, (value) => someOf(value, endings)],
  job: ["a pattern of names such as 'mail.*', or a list of these", (value) => someOf(value, null)],
  tag: ['a tag: text of 1 to 64 characters', (value) => checkTags([value])?.[0]],
  key: ["a limit and its key, such as ['tenant', '42']", keyOf],
  schedule: ["the name of a schedule, such as 'nightly' or 'reports/nightly'", text],
  since: [anInstant(), instant],
  until: [anInstant(), instant],
  error: ["a pattern of a name, a code or a message, such as 'ECONN*'", text],
  args: ["paths and JSON values, such as { '0.tenant': 'acme' }", argsOf],
};

/** What is wrong with a part of a filter. */
export function invalidFilter(
  part: string,
  expected: string,
  actual: unknown,
  repair?: string,
): SignalboxError {
  const about = { part, expected, actual: shown(actual) };
  return new SignalboxError('INVALID_FILTER', repair === undefined ? about : { ...about, repair });
}

/** A filter as it is worked with. `now`: the instant from which delays count back. @throws SignalboxError `INVALID_FILTER`. */
export function checkJobsFilter(filter: JobsFilter, now: number): CheckedFilter {
  if (typeof filter !== 'object' || filter === null || Array.isArray(filter))
    throw invalidFilter('filter', 'an object', filter);
  const checked: Record<string, unknown> = {};
  for (const [part, value] of Object.entries(filter)) {
    if (value === undefined) continue;
    if (!Object.hasOwn(parts, part))
      throw invalidFilter(part, `absent: only ${Object.keys(parts).join(', ')} are known`, value);
    const [expected, check] = parts[part as keyof JobsFilter];
    checked[part] = good(() => check(value, now));
    if (checked[part] === undefined) throw invalidFilter(part, expected, value);
  }
  return checked as CheckedFilter;
}

/** Checks of other options throw errors of their own. */
function good(check: () => unknown): unknown {
  try {
    return check();
  } catch {
    return undefined;
  }
}

function anInstant(): string {
  return "an instant with an offset, or how long ago, such as '2h'";
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function someOf(value: unknown, known: readonly string[] | null): readonly string[] | undefined {
  const all = Array.isArray(value) ? value : [value];
  const isGood = (each: unknown): boolean =>
    text(each) !== undefined && (known?.includes(each as string) ?? true);
  return all.length > 0 && all.every(isGood) ? [...new Set(all as string[])] : undefined;
}

function keyOf(value: unknown): string | undefined {
  if (!Array.isArray(value) || value.length < 1 || value.length > 2) return undefined;
  const [limit, key] = value as readonly unknown[];
  if (text(limit) === undefined || (key !== undefined && text(key) === undefined)) return undefined;
  return key === undefined ? (limit as string) : `${limit}/${key}`;
}

function instant(value: unknown, now: number): number {
  if (typeof value === 'string' && isDelay(value)) return now - durationMs(value, 'since');
  return instantMs(value as Instant, 'since');
}

function argsOf(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const paths = Object.keys(value);
  if (paths.length === 0 || !paths.every((path) => /^\d+(\.[^.]+)*$/.test(path))) return undefined;
  // As arguments are stored: they are compared with those.
  return encodeValue(value, 'args', () => null);
}
