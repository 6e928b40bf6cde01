import { machinePaths } from 'signalbox/testing';
import { expect, test } from 'vitest';
import { order } from '../../examples/orders/order.ts';

const small = { id: '17', email: 'ada@example.org', cents: 4200, isLost: false };
const t0 = performance.now();
const paths = await machinePaths(order, {
  inputs: [small, { ...small, cents: 149_900 }, { ...small, isLost: true }],
  events: [
    { type: 'order.approve', by: 'Grace' },
    { type: 'order.reject', by: 'Grace' },
    { type: 'order.cancel' },
  ],
  jobs: {
    charge: [{ output: 'r-1' }, { error: new Error('declined') }],
    refund: [{ output: 'r-2' }],
    restock: [{ output: 'r-3' }],
    invoice: [{ output: 'invoice' }, { error: new Error('no printer') }],
  },
  perturb: process.env.P ? ['kill', 'lost', 'twice'] : [],
  invariant: ({ snapshot, jobs }) => {
    if (snapshot.matches('delivered')) expect(jobs.charge).toHaveLength(1);
  },
});
console.log(performance.now() - t0, [...paths].length);
for (const { name, run } of paths) test(name, run);
test('all', () => {
  expect(paths.coverage().missed).toEqual([]);
  expect(paths.coverage('parcel').missed).toEqual([]);
});
