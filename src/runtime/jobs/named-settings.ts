import { SignalboxError } from '../../errors.ts';
import type { Backoff } from '../../model/jobs/backoff.ts';
import { checkPolicyOrName } from '../../model/jobs/check-policy.ts';
import type { RetryPolicy } from '../../model/jobs/retry.ts';
import type { UnitOfWork } from '../commits/unit-of-work.ts';
import type { Registry } from '../definitions/registry.ts';

/** Checks that a queue exists. @throws SignalboxError `QUEUE_NOT_FOUND`. */
export async function mustHaveQueue(work: UnitOfWork, name: string): Promise<void> {
  if ((await work.read('queue', name)) !== undefined) {
    if (!work.isPartial) work.context.queues.add(name);
    return;
  }
  const known = (await work.list('queue', '')).map((queue) => queue.id);
  throw new SignalboxError('QUEUE_NOT_FOUND', { name, known });
}

/** The name under which a policy is stored. A policy that is an object is registered under its name. */
export function policyName(registry: Registry, policy: RetryPolicy | Backoff | string | null): string | null {
  if (policy === null) return null;
  const given = checkPolicyOrName(policy);
  if (typeof given === 'string') return given;
  registry.addPolicy(given);
  return given.name;
}
