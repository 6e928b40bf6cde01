import type { SimulatedScenario } from 'signalbox/testing';
import { keepBooks } from '../../examples/orders/bank.ts';
import { charge, invoice, mail, refund, restock } from '../../examples/orders/jobs.ts';
import { order } from '../../examples/orders/order.ts';

/** What the modules of the example export, or those of a copy. */
export interface Shop {
  readonly order: typeof order;
  readonly jobs: NonNullable<SimulatedScenario['jobs']>;
  readonly keepBooks: typeof keepBooks;
}

export const shop: Shop = { order, jobs: [charge, refund, restock, invoice, mail], keepBooks };

/** Days pass in an order: polls of production would be most of what happens. */
export const slowly = {
  pollInterval: '1h',
  pingInterval: '1h',
  deathInterval: '3h',
  within: '30d',
} as const;

/** An order that is approved, and what was done for it in the world. */
export function approved(
  { order, jobs, keepBooks }: Shop,
  then: (lines: readonly string[]) => Partial<SimulatedScenario>,
): SimulatedScenario {
  const lines: string[] = [];
  keepBooks({ lines: () => lines, add: (line) => void lines.push(line) });
  return {
    jobs,
    machines: [order],
    act: async ({ start, send }) => {
      await start(order, '17', { id: '17', email: 'ada@example.org', cents: 149_900, isLost: false });
      await send(order, '17', { type: 'order.approve', by: 'Grace' });
    },
    ...then(lines),
  };
}
