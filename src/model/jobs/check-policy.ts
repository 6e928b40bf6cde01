import { SignalboxError, shown } from '../../errors.ts';
import { checkName } from '../checks/names.ts';
import { type Backoff, backoffName, backoffPolicy } from './backoff.ts';
import type { RetryPolicy } from './retry.ts';

/** Refuses what is not a policy. A missing method means: do not retry. @throws SignalboxError `INVALID_…`. */
export function checkPolicy(policy: unknown): RetryPolicy {
  if (typeof policy !== 'object' || policy === null || !('name' in policy)) {
    throw new SignalboxError('INVALID_OPTION', {
      option: 'retry policy',
      expected: 'an object with a name and methods',
      actual: shown(policy),
      repair: "Write { maxAttempts: 5 }, or { ...NeverRetry, name: 'mine', jobError } for rules of your own.",
    });
  }
  checkName(policy.name, 'the name of a retry policy');
  return policy as RetryPolicy;
}

/**
 * A policy, or the name of one, as a program gave it. A backoff becomes a policy: of this name, or of one that says its
 * figures. @throws SignalboxError `INVALID_…` for anything else.
 */
export function checkPolicyOrName(policy: unknown, name?: string): RetryPolicy | string {
  if (typeof policy === 'string') return checkName(policy, 'the name of a retry policy');
  if (!isBackoff(policy)) return checkPolicy(policy);
  return backoffPolicy({ ...policy, name: name ?? backoffName(policy) });
}

/** Whether it is meant as a backoff: a policy has a name, and one whose name was forgotten has methods. */
function isBackoff(given: unknown): given is Backoff {
  if (typeof given !== 'object' || given === null || Array.isArray(given) || 'name' in given) return false;
  return !('jobError' in given || 'commitError' in given || 'interrupted' in given);
}
