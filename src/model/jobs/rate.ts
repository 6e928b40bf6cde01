/** How many jobs may begin in a time: `limit` in each `per` milliseconds, and `burst` at once. */
export interface Rate {
  readonly limit: number;
  readonly per: number;
  readonly burst: number;
}

/**
 * What is kept of a limit. `tat`: the instant from which on the rate owes nothing any more. `closedUntil`: nothing begins before
 * it. Null: it says nothing.
 */
export interface LimitState {
  readonly tat: number | null;
  readonly closedUntil: number | null;
}

/** A limit of which nothing is kept: it is open, and its burst is whole. */
export const openLimit: LimitState = Object.freeze({ tat: null, closedUntil: null });

/** The instant until which something is closed that nothing opens by itself: the latest that a date can be. */
export const forEver = 8_640_000_000_000_000;

/** How many jobs may begin now. Without a rate any number may, unless it is closed. */
export function freeTokens(rate: Rate | null, { tat, closedUntil }: LimitState, now: number): number {
  if (closedUntil !== null && closedUntil > now) return 0;
  if (rate === null) return Number.POSITIVE_INFINITY;
  const step = stepOf(rate);
  const owed = Math.max(0, held(rate, tat, now) - now - roundingMs);
  return Math.max(0, Math.floor(rate.burst - owed / step));
}

/** Returns `tat` once one more job has begun. */
export function afterStart(rate: Rate, tat: number | null, now: number): number {
  return Math.max(held(rate, tat, now), now) + stepOf(rate);
}

/** The instant at which a job may begin: `now` when one may at once. */
export function opensAt(rate: Rate | null, { tat, closedUntil }: LimitState, now: number): number {
  return Math.max(now, opening(rate, { tat: rate === null ? null : held(rate, tat, now), closedUntil }));
}

/** The instant from which on a job may begin, as it is written: it may be long ago. */
export function opening(rate: Rate | null, { tat, closedUntil }: LimitState): number {
  const due = rate === null ? 0 : (tat ?? 0) - (rate.burst - 1) * stepOf(rate);
  // Clocks count whole milliseconds: in the one before, it would be too early.
  return Math.max(closedUntil ?? 0, Math.ceil(due - roundingMs));
}

/** Whether a limit says nothing any more, so that its record can go. */
export function isSpent({ tat, closedUntil }: LimitState, now: number): boolean {
  return (tat ?? 0) <= now && (closedUntil ?? 0) <= now;
}

function stepOf({ limit, per }: Rate): number {
  return per / limit;
}

/**
 * `tat` as it counts now. A rate never owes more than its burst: one that does was written before the clock was set back. It must
 * not stop the limit for as long, so one more may begin, which writes what is owed anew.
 */
function held(rate: Rate, tat: number | null, now: number): number {
  const most = now + rate.burst * stepOf(rate);
  return tat !== null && tat > most + roundingMs ? most - stepOf(rate) : (tat ?? 0);
}

/** Sums of steps are not exact. Clocks count whole milliseconds, so none begins too early by this. */
const roundingMs = 0.01;
