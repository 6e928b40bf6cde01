import { isId } from '../checks/names.ts';
import {
  anyOf,
  type Check,
  isCount,
  isMapping,
  isNumber,
  isText,
  oneOf,
  orNull,
  shape,
} from './shape-checks.ts';

const isFigures: Check = shape({
  cron: orNull(isText),
  tz: isText,
  every: orNull(isNumber),
  from: orNull(isNumber),
  overlap: oneOf('skip', 'buffer', 'allow', 'cancel'),
  misfire: oneOf('once', 'all', 'skip'),
  misfireWindow: isNumber,
  jitter: isNumber,
  until: orNull(isNumber),
  maxRuns: orNull(isCount),
});

const isScheduledJob: Check = shape({
  content: isMapping,
  delay: orNull(isNumber),
  deadline: orNull(anyOf(shape({ at: isNumber }), shape({ after: isNumber }))),
  annotations: orNull(isMapping),
});

/** What a schedule may have under each of its keys. */
export const scheduleChecks: ReadonlyMap<string, Check> = new Map<string, Check>([
  ['figures', isFigures],
  ['job', isScheduledJob],
  ['setAt', isNumber],
  ['setBy', isText],
  ['paused', orNull(shape({ by: isText, at: isNumber, reason: orNull(isText) }))],
  ['nextTick', orNull(isNumber)],
  ['nextAt', orNull(isNumber)],
  ['lastTick', orNull(isNumber)],
  ['lastJob', orNull(isId)],
  ['lastSkip', orNull(shape({ tick: isNumber, why: oneOf('overlap', 'buffered', 'missed', 'exists') }))],
  ['runs', isCount],
  ['missed', isCount],
  ['skipped', isCount],
]);
