import type { ActorContext } from '../../../machines/actor.machine.ts';
import {
  type Check,
  isAnything,
  isCount,
  isFailure,
  isMapping,
  isNumber,
  isText,
  isTexts,
  oneOf,
  orNull,
  shape,
} from './shape-checks.ts';

/** What an actor may have under `status`. */
const actorStatuses = ['absent', 'active', 'suspended', 'done', 'failed', 'stopped'] as const;

/** Whose child something is. */
export const isParent: Check = shape({ actor: isText, machine: isText, child: isText, run: isCount });

const isChild: Check = shape({ kind: oneOf('job', 'actor'), src: isText, id: isText, run: isCount });

const isTimer: Check = (value) =>
  Array.isArray(value) &&
  value.length === 4 &&
  isNumber(value[0]) &&
  isCount(value[1]) &&
  orNull(isText)(value[3]);

function eachOf(check: Check): Check {
  return (value) => isMapping(value) && Object.values(value).every(check);
}

const contextChecks: { readonly [key in keyof ActorContext]: Check } = {
  machine: isText,
  version: isText,
  hash: isText,
  history: orNull(eachOf(isTexts)),
  timers: orNull(eachOf(isTimer)),
  children: orNull(eachOf(isChild)),
  runs: orNull(eachOf(isCount)),
  dueAt: orNull(isNumber),
  parent: orNull(isParent),
  output: isAnything,
  failure: orNull(isFailure),
  startedAt: isNumber,
  finishedAt: orNull(isNumber),
};

/** What an actor may have under each of its keys, those of the context of its machine aside. */
export const actorChecks: ReadonlyMap<string, Check> = new Map<string, Check>([
  ...Object.entries(contextChecks),
  ['status', oneOf(...actorStatuses)],
]);

/** What a message may have under each of its keys. */
export const messageChecks: ReadonlyMap<string, Check> = new Map<string, Check>([
  ['actor', isText],
  ['machine', isText],
  ['event', isAnything],
  ['from', orNull(isText)],
  ['run', orNull(isCount)],
  ['at', isNumber],
  ['endedAt', orNull(isNumber)],
  ['reason', orNull(isText)],
  ['failure', orNull(isFailure)],
]);
