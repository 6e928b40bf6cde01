import { actorChecks } from './actors/actors.ts';
import { mailChecks } from './actors/mail.ts';
import type { ContractCheck } from './check.ts';
import { claimantChecks } from './claimants.ts';
import { acceptanceChecks, orderChecks } from './claims.ts';
import { commitChecks } from './commits.ts';
import { indexChecks } from './indexes.ts';
import { journalChecks } from './journal.ts';
import { limitChecks } from './limits.ts';
import { listChecks } from './lists.ts';
import { openingChecks } from './openings.ts';
import { pauseChecks } from './pauses.ts';
import { priorityChecks } from './priorities.ts';
import { queueChecks } from './queues.ts';

export type { ContractCheck, MakeStore } from './check.ts';

/**
 * What every store does, as named checks for any test runner. All of Signalbox's stores pass them; so must yours.
 *
 * @example
 * ```ts
 * import { memoryStore } from 'signalbox';
 * import { storeContract } from 'signalbox/testing';
 *
 * for (const { name, run } of storeContract) {
 *   await run(() => memoryStore());
 *   console.log(`a memory store ${name}`);
 * }
 * ```
 */
export const storeContract: readonly ContractCheck[] = [
  ...commitChecks,
  ...orderChecks,
  ...claimantChecks,
  ...acceptanceChecks,
  ...priorityChecks,
  ...pauseChecks,
  ...limitChecks,
  ...indexChecks,
  ...listChecks,
  ...queueChecks,
  ...journalChecks,
  ...openingChecks,
  ...actorChecks,
  ...mailChecks,
];
