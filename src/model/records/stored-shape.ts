import { endings } from '../../../machines/job.context.ts';
import { isId, isName } from '../checks/names.ts';
import { actorChecks, isParent, messageChecks } from './actor-shape.ts';
import { scheduleChecks } from './schedule-shape.ts';
import {
  anyOf,
  type Check,
  type Fields,
  isAnything,
  isCount,
  isFailure,
  isFlag,
  isMapping,
  isNumber,
  isText,
  isTexts,
  oneOf,
  orNull,
  shape,
} from './shape-checks.ts';
import { splitSystemName } from './system-names.ts';

/** A key that no version writes, or a value that no version writes under its key. */
export type Unsound = readonly [key: string, value: unknown];

const pauseMark = { by: isText, at: isNumber, reason: orNull(isText), until: orNull(isNumber) };

const isPlace: Check = anyOf(
  shape({ queue: isText }),
  shape({ queue: isText, dispatcher: isText, agent: isText }),
  shape({ job: isText }),
  shape({ proxy: isText }),
  shape({ system: isText }),
  shape({ left: isText }),
);

const isSelection: Check = anyOf(
  shape({ kind: oneOf('any') }),
  shape({ kind: oneOf('filter', 'chooser'), name: isText }),
  shape({ kind: oneOf('data'), filter: isFilter }),
);

function isFilter(value: unknown): boolean {
  if (!isMapping(value)) return false;
  const lists = ['jobs', 'notJobs', 'quotas'];
  return Object.entries(value).every(([key, part]) =>
    key === 'args' ? isMapping(part) : lists.includes(key) && isTexts(part),
  );
}

/** The keys that an entry of the journal has outside its patch, and a snapshot has in its records. */
const reserved: readonly (readonly [string, Check])[] = [
  ['id', isText],
  ['v', isCount],
  ['rev', isCount],
  ['lastSeq', isCount],
];

/** A system job may name the definition that it needs, and is then longer than a name. */
const isJobName: Check = (value) =>
  isName(typeof value === 'string' ? (splitSystemName(value)?.needs ?? value) : value);

const jobChecks: ReadonlyMap<string, Check> = new Map<string, Check>([
  ['name', isJobName],
  ['args', Array.isArray],
  ['quotaNames', isTexts],
  ['keys', orNull(isTexts)],
  ['beginAfter', orNull(isNumber)],
  ['beginBy', orNull(isNumber)],
  ['readyAt', orNull(isNumber)],
  ['timeout', orNull(isNumber)],
  ['deadline', orNull(isNumber)],
  ['failureLogLevel', orNull(isText)],
  ['retryPolicy', orNull(isText)],
  ['retryData', orNull(isMapping)],
  ['parent', orNull(isPlace)],
  ['line', oneOf(null, 'putBack', 'now', 'held', 'claimed', 'callback')],
  ['assigner', orNull(isText)],
  ['epoch', isCount],
  ['claim', isCount],
  ['quotas', isTexts],
  ['attempts', isCount],
  ['lastFailure', orNull(shape({ at: isNumber, failure: isFailure }))],
  ['activeStart', orNull(isNumber)],
  ['activeEnd', orNull(isNumber)],
  ['callbacksEnd', orNull(isNumber)],
  ['waitingOn', orNull(isText)],
  [
    'stop',
    orNull(
      shape({
        cause: oneOf('cancel', 'timeout', 'heartbeat', 'deadline'),
        at: isNumber,
        by: orNull(isText),
        reason: orNull(isText),
      }),
    ),
  ],
  ['tags', orNull(isTexts)],
  ['origin', orNull(anyOf(shape({ retryOf: isText }), shape({ schedule: isText, tick: orNull(isNumber) })))],
  ['reply', orNull(isParent)],
  ['snoozed', orNull(shape({ times: isCount, reason: orNull(isText) }))],
  [
    'outcome',
    orNull(
      anyOf(shape({ ok: oneOf(true), value: isAnything }), shape({ ok: oneOf(false), failure: isFailure })),
    ),
  ],
  ['ending', oneOf(null, ...endings)],
  ['priority', isNumber],
  ['uniqueKey', orNull(isText)],
  // Early versions wrote null under these.
  ['dueAt', oneOf(null)],
  ['lane', oneOf(null)],
]);

const isUnsound: Check = (value) =>
  Array.isArray(value) && value.every((pair) => Array.isArray(pair) && pair.length === 2 && isText(pair[0]));

const jobRecordChecks: ReadonlyMap<string, Check> = new Map([
  ...jobChecks,
  ...reserved,
  ['id', isId],
  ['state', isText],
  ['createdSeq', isCount],
  ['position', isCount],
  ['unsound', isUnsound],
]);

/** What the records of a kind may have under each key. Those of jobs are checked where they are read. */
const checksOf = {
  store: new Map<string, Check>([
    ['epoch', isCount],
    ['codec', isAnything],
    [
      'lastAction',
      shape({
        key: isText,
        action: isText,
        target: isText,
        user: isText,
        reason: orNull(isText),
        count: isCount,
        answer: isAnything,
      }),
    ],
    ['promotion', isMapping],
    ['redactions', (value) => isMapping(value) && Object.values(value).every(isTexts)],
  ]),
  queue: new Map<string, Check>([
    ['createdAt', isNumber],
    ['agingMs', orNull(isNumber)],
    ['pauses', (value) => Array.isArray(value) && value.every(shape({ job: orNull(isText), ...pauseMark }))],
  ]),
  quota: new Map<string, Check>([
    ['size', orNull(isCount)],
    ['rate', orNull(shape({ limit: isNumber, per: isNumber, burst: isNumber }))],
    ['keyed', isFlag],
    ['pinned', isFlag],
  ]),
  limit: new Map<string, Check>([
    ['tat', orNull(isNumber)],
    ['closedUntil', orNull(isNumber)],
  ]),
  schedule: scheduleChecks,
  representation: new Map<string, Check>([
    ['queue', isText],
    ['dispatcher', isText],
    ['activated', orNull(isNumber)],
    ['lastPing', orNull(isNumber)],
    ['pingInterval', isNumber],
    ['pingDeathInterval', isNumber],
    ['epoch', isCount],
  ]),
  agent: new Map<string, Check>([
    ['size', isCount],
    ['selection', isSelection],
    ['pinned', isFlag],
    ['failure', orNull(isFailure)],
    ['paused', orNull(shape(pauseMark))],
    ['thread', orNull(shape({ maxHeapMb: orNull(isCount), idle: isNumber, maxJobs: orNull(isCount) }))],
  ]),
  proxy: new Map<string, Check>([
    ['parent', isPlace],
    [
      'branches',
      (value) => Array.isArray(value) && value.every(shape({ when: isText, job: orNull(isText) })),
    ],
    ['otherwise', orNull(isText)],
    ['chosen', orNull(isText)],
  ]),
  annotation: new Map<string, Check>([['value', isAnything]]),
  unique: new Map<string, Check>([
    ['job', isId],
    ['at', isNumber],
    ['untilStart', isFlag],
    ['until', orNull(isNumber)],
  ]),
  actor: actorChecks,
  message: messageChecks,
} as const satisfies { readonly [kind: string]: ReadonlyMap<string, Check> };

/** A kind of record whose faults make a store unreadable. */
export type CheckedKind = keyof typeof checksOf;

/** The states of the kinds that have some, beside jobs. */
const statesOf: { readonly [kind in CheckedKind]?: Check } = {
  representation: oneOf('registered', 'activated', 'deactivated'),
  schedule: oneOf('active', 'paused', 'ended'),
  // That of its machine: the states of the user.
  actor: isText,
  message: oneOf('waiting', 'taken', 'dead'),
};

/** Keys that a kind has beside those that are named, by how they begin. */
const openKeys: { readonly [kind in CheckedKind]?: string } = { actor: 'c:' };

/** Returns the keys of a job that no version writes: of a patch of the journal, or of a whole record of a snapshot. */
export function unsoundInJob(fields: Fields, isRecord: boolean): readonly Unsound[] {
  const checks = isRecord ? jobRecordChecks : jobChecks;
  let found: Unsound[] | null = null;
  for (const key in fields) {
    if (checks.get(key)?.(fields[key]) === true) continue;
    found ??= [];
    found.push([key, fields[key]]);
  }
  return found ?? noFaults;
}

const noFaults: readonly Unsound[] = Object.freeze([]);

/** Returns the fault of a record of another kind, or of its patch, in words; null when it has no fault. */
export function faultIn(kind: CheckedKind, fields: Fields, isRecord: boolean): string | null {
  const checks: ReadonlyMap<string, Check> = checksOf[kind];
  const open = openKeys[kind];
  for (const key in fields) {
    if (open !== undefined && key.startsWith(open)) continue;
    const check = checks.get(key) ?? (isRecord ? recordCheck(kind, key) : undefined);
    if (check?.(fields[key]) !== true)
      return `${withArticle(kind)} with an unknown ${JSON.stringify(key.slice(0, 64))}`;
  }
  return null;
}

/** Whether a change of such a record may lead to this state, or to no state. A job is checked where it is read. */
export function mayBeIn(kind: CheckedKind | 'job', state: string | null): boolean {
  return kind === 'job' || state === null || statesOf[kind]?.(state) === true;
}

function recordCheck(kind: CheckedKind, key: string): Check | undefined {
  if (key === 'createdSeq') return kind === 'actor' || kind === 'proxy' ? isCount : undefined;
  if (key === 'state' && statesOf[kind] !== undefined) return statesOf[kind];
  return reserved.find(([name]) => name === key)?.[1];
}

function withArticle(kind: CheckedKind): string {
  return `${/^[aeiou]/.test(kind) ? 'an' : 'a'} ${kind}`;
}
