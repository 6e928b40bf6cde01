import { explore, type Ways } from 'signalbox/testing';
import { copyOfExample } from '../test/explore/copy-of-example.ts';
import { approved, type Shop, slowly } from '../test/explore/orders.ts';
import { type Check, checksOf } from './measures/check.ts';

/** How fast every way of the examples is gone, in one thread. */
export interface Figures extends Record<string, unknown> {
  /** Ways a second, of both examples together. */
  readonly waysPerS: number;
  readonly waysOfExpress: number;
  readonly waysOfOrders: number;
  readonly secondsExpress: number;
  readonly secondsOrders: number;
}

/** Explores the job of the Express service and an order, each with one perturbation a way. */
export async function run(): Promise<Figures> {
  const copies = {
    express: copyOfExample('express', ['jobs.ts']),
    orders: copyOfExample('orders', ['bank.ts', 'jobs.ts', 'order.ts']),
  };
  try {
    const { report } = await copies.express.load('jobs.ts');
    const express = await gone(() =>
      explore({
        scenario: () => ({
          jobs: [report],
          act: ({ put }) => put(() => report('sales', 3), { beginBy: '1h' }),
        }),
      }),
    );
    const { charge, refund, restock, invoice, mail } = await copies.orders.load('jobs.ts');
    const shop: Shop = {
      jobs: [charge, refund, restock, invoice, mail],
      ...(await copies.orders.load('order.ts')),
      ...(await copies.orders.load('bank.ts')),
    };
    const orders = await gone(() => explore({ ...slowly, scenario: () => approved(shop, () => ({})) }));
    return {
      waysPerS: (express.ways + orders.ways) / (express.seconds + orders.seconds),
      waysOfExpress: express.ways,
      waysOfOrders: orders.ways,
      secondsExpress: express.seconds,
      secondsOrders: orders.seconds,
    };
  } finally {
    for (const { remove } of Object.values(copies)) remove();
  }
}

export function checks(figures: Figures): readonly Check[] {
  const check = checksOf(figures);
  return [
    check('waysPerS', { atLeast: 15 }),
    check('secondsExpress', { atMost: 60 }),
    check('secondsOrders', { atMost: 60 }),
  ];
}

async function gone(
  exploring: () => Promise<Ways>,
): Promise<{ readonly ways: number; readonly seconds: number }> {
  const begin = performance.now();
  const ways = await exploring();
  for (const { run } of ways) await run();
  return { ways: ways.length, seconds: (performance.now() - begin) / 1000 };
}
