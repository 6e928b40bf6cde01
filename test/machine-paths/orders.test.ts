import { machinePaths } from 'signalbox/testing';
import { describe, expect, it, test } from 'vitest';
import { order } from '../../examples/orders/order.ts';

const small = { id: '17', email: 'ada@example.org', cents: 4200, isLost: false };

const paths = await machinePaths(order, {
  // Guards ask whether an order is large, and whether its parcel is lost.
  inputs: [small, { ...small, cents: 149_900 }, { ...small, isLost: true }],
  events: [
    { type: 'order.approve', by: 'Grace' },
    { type: 'order.reject', by: 'Grace' },
    { type: 'order.cancel' },
  ],
  jobs: {
    charge: [{ output: 'r-1' }, { error: new Error('the card was declined') }],
    refund: [{ output: 'r-2' }],
    restock: [{ output: 'r-3' }],
    invoice: [{ output: 'invoice of 17' }, { error: new Error('no printer') }],
  },
  perturb: ['kill', 'lost', 'twice'],
  invariant: ({ snapshot, jobs }) => {
    expect(jobs.charge.length).toBeLessThan(2);
    if (snapshot.matches('delivered')) expect(jobs.refund).toHaveLength(0);
    if (snapshot.matches('cancelled')) expect(jobs.refund).toHaveLength(jobs.charge.length);
  },
});

describe('On every path of an order', () => {
  for (const { name, run } of paths) test(name, run);
});

describe('The paths of an order', () => {
  it('take every transition of the order and of its parcel', () => {
    expect(paths.coverage().missed).toEqual([]);
    expect(paths.coverage().taken.length).toBeGreaterThan(15);
    expect(paths.coverage('parcel').missed).toEqual([]);
  });

  it('are struck at every commit', () => {
    const names = [...paths].map(({ name }) => name);

    for (const way of [
      /^input 1 → charge failed$/,
      /^input 2 → approve → .*charge.* · kill at commit \d+ \(job\.finish of charge\)$/,
      /^input 2 → approve → .*charge.* · power cut at commit \d+ \(job\.finish of charge\)$/,
      /^input 2 → approve.* · sent twice at commit 2 \(order\.approve of order\/1\)$/,
    ])
      expect(names).toContainEqual(expect.stringMatching(way));
  });
});
