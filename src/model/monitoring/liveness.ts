import type { RepresentationRecord } from '../records/records.ts';

/** The last sign of life of a representation: its activation or its last ping. Null before the first. */
export function lastSign(record: Pick<RepresentationRecord, 'activated' | 'lastPing'>): number | null {
  if (record.activated === null) return record.lastPing;
  return record.lastPing === null ? record.activated : Math.max(record.activated, record.lastPing);
}

/** Whether a dispatcher counts as dead: its last sign of life is older than its death interval. */
export function isDead(
  record: Pick<RepresentationRecord, 'activated' | 'lastPing' | 'pingDeathInterval'>,
  now: number,
): boolean {
  const sign = lastSign(record);
  return sign !== null && sign + record.pingDeathInterval < now;
}

/** Whether a ping is due: there was no ping yet, or one interval has passed since. */
export function isPingDue(
  record: Pick<RepresentationRecord, 'lastPing' | 'pingInterval'>,
  now: number,
): boolean {
  return record.lastPing === null || record.lastPing + record.pingInterval <= now;
}

/**
 * Returns the one sibling that a dispatcher watches: the next activated one in order of UUID, wrapping to the lowest.
 * Each dispatcher watches exactly one, so a death is noticed as long as one dispatcher lives.
 */
export function siblingOf(
  uuid: string,
  representations: readonly RepresentationRecord[],
): RepresentationRecord | undefined {
  const siblings = representations
    .filter((record) => record.dispatcher !== uuid && record.state === 'activated')
    .sort((one, other) => (one.dispatcher < other.dispatcher ? -1 : 1));
  return siblings.find((record) => record.dispatcher > uuid) ?? siblings[0];
}

/** Health of a dispatcher process: a function of its instants and the clock, never a state. */
export type DispatcherHealth = 'STOPPED' | 'STARTING' | 'RUNNING' | 'STUCK';

/** Computes the health. All instants and the interval are milliseconds. */
export function healthOf(about: {
  activated: number | null;
  lastPoll: number | null;
  pollInterval: number;
  now: number;
}): DispatcherHealth {
  if (about.activated === null) return 'STOPPED';
  const since = about.lastPoll ?? about.activated;
  if (since + about.pollInterval < about.now) return 'STUCK';
  return about.lastPoll === null ? 'STARTING' : 'RUNNING';
}
