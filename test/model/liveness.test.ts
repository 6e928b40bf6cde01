import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { newRepresentationContext } from '../../machines/representation.machine.ts';
import { isExpired } from '../../src/model/jobs/deadline.ts';
import { healthOf, isDead, isPingDue, siblingOf } from '../../src/model/monitoring/liveness.ts';
import type { RepresentationRecord } from '../../src/model/records/records.ts';

const instant = fc.oneof(fc.constant(null), fc.nat(1000));
const now = fc.nat(3000);

function representation(
  dispatcher: string,
  changes: Partial<RepresentationRecord> = {},
): RepresentationRecord {
  const context = newRepresentationContext({ queue: 'q', dispatcher });
  return { id: `q/${dispatcher}`, v: 1, rev: 0, lastSeq: 0, state: 'activated', ...context, ...changes };
}

describe('a dispatcher', () => {
  it('is dead when its last sign of life is older than its death interval, and not a millisecond sooner (DR-9)', () => {
    fc.assert(
      fc.property(instant, instant, fc.nat(500), (activated, lastPing, pingDeathInterval) => {
        const record = { activated, lastPing, pingDeathInterval };
        const signs = [activated, lastPing].filter((sign) => sign !== null);
        if (signs.length === 0) {
          expect(isDead(record, Number.MAX_SAFE_INTEGER)).toBe(false);
          return;
        }
        const end = Math.max(...signs) + pingDeathInterval;
        expect([isDead(record, end - 1), isDead(record, end), isDead(record, end + 1)]).toEqual([
          false,
          false,
          true,
        ]);
      }),
    );
  });

  it('pings when it never did, and exactly one interval after the last (DR-11)', () => {
    fc.assert(
      fc.property(fc.nat(1000), fc.nat(500), (lastPing, pingInterval) => {
        const due = lastPing + pingInterval;
        expect(isPingDue({ lastPing: null, pingInterval }, 0)).toBe(true);
        expect([
          isPingDue({ lastPing, pingInterval }, due - 1),
          isPingDue({ lastPing, pingInterval }, due),
        ]).toEqual([false, true]);
      }),
    );
  });

  it('is one of four things, by its instants (D-health)', () => {
    fc.assert(
      fc.property(instant, instant, fc.nat(500), now, (activated, lastPoll, pollInterval, at) => {
        const health = healthOf({ activated, lastPoll, pollInterval, now: at });
        const since = lastPoll ?? activated ?? 0;
        const wanted =
          activated === null
            ? 'STOPPED'
            : since + pollInterval < at
              ? 'STUCK'
              : lastPoll === null
                ? 'STARTING'
                : 'RUNNING';
        expect(health).toBe(wanted);
      }),
    );
  });
});

describe('the ring of dispatchers', () => {
  const ring = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 8 });

  it('has each watch exactly one other, and each watched by exactly one (DR-12, DR-13)', () => {
    fc.assert(
      fc.property(ring, (uuids) => {
        const all = uuids.map((uuid) => representation(uuid));
        const watched = uuids.map((uuid) => siblingOf(uuid, all)?.dispatcher);

        if (uuids.length === 1) expect(watched).toEqual([undefined]);
        else {
          expect([...watched].sort()).toEqual([...uuids].sort());
          for (const [at, uuid] of uuids.entries()) expect(watched[at]).not.toBe(uuid);
        }
      }),
    );
  });

  it('is one circle that visits every dispatcher', () => {
    fc.assert(
      fc.property(ring, (uuids) => {
        const all = uuids.map((uuid) => representation(uuid));
        const seen: string[] = [];
        for (let at = uuids[0]; at !== undefined && !seen.includes(at); at = siblingOf(at, all)?.dispatcher)
          seen.push(at);

        expect(seen.sort()).toEqual([...uuids].sort());
      }),
    );
  });

  it('passes over those that are not activated, and takes in one that is not in it itself', () => {
    const all = [
      representation('a'),
      representation('b', { state: 'deactivated' }),
      representation('c', { state: 'registered' }),
    ];

    expect(siblingOf('b', all)?.dispatcher).toBe('a');
    expect(siblingOf('a', all)).toBeUndefined();
  });
});

describe('a deadline', () => {
  it('is over when it has passed, never exactly on it (Q-27), and does not exist without both its parts (J-91)', () => {
    fc.assert(
      fc.property(fc.nat(1000), fc.nat(500), (beginAfter, beginBy) => {
        const end = beginAfter + beginBy;
        const job = { beginAfter, beginBy, deadline: null };
        expect([isExpired(job, end - 1), isExpired(job, end), isExpired(job, end + 1)]).toEqual([
          false,
          false,
          true,
        ]);
        expect(isExpired({ ...job, beginBy: null }, Number.MAX_SAFE_INTEGER)).toBe(false);
        expect(isExpired({ ...job, beginAfter: null }, Number.MAX_SAFE_INTEGER)).toBe(false);
      }),
    );
  });
});
