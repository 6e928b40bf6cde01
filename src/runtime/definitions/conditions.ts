import { SignalboxError, shown } from '../../errors.ts';
import { checkName } from '../../model/checks/names.ts';
import { isSystemName } from '../../model/records/system-names.ts';

/** A condition by name, for callbacks of which one is chosen. It must be total and fast: when it throws, it is asked again for ever. */
export interface ConditionDefinition {
  readonly conditionName: string;
  /** Whether the outcome, a value or a Failure, meets it. */
  readonly holds: (input: unknown) => boolean;
}

/**
 * Names a condition, so that the callbacks that depend on it can be stored: see `job.addConditionalCallbacks`.
 *
 * @example
 * ```ts
 * import { defineCondition, Failure } from 'signalbox';
 *
 * export const isTimeout = defineCondition('isTimeout', (input) => input instanceof Failure && input.check('TIMEOUT'));
 * console.log(isTimeout.holds(new Failure({ ...Failure.from(new Error('late')).data, code: 'TIMEOUT' }))); // => true
 * ```
 *
 * @throws SignalboxError `INVALID_NAME`.
 */
export function defineCondition(name: string, holds: ConditionDefinition['holds']): ConditionDefinition {
  checkName(name, 'the name of a condition');
  if (!isSystemName(name)) return { conditionName: name, holds };
  throw new SignalboxError('INVALID_OPTION', {
    option: 'name',
    expected: "a name outside the reserved prefix 'signalbox.'",
    actual: shown(name),
  });
}
