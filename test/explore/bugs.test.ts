import { explore, type PerturbationName, type SimulatedScenario } from 'signalbox/testing';
import { afterAll, describe, expect, it } from 'vitest';
import { copyOfExample, type Edit } from './copy-of-example.ts';
import { approved, type Shop, shop, slowly } from './orders.ts';

const removes: (() => void)[] = [];
afterAll(() => {
  for (const remove of removes) remove();
});

/** The example with a bug. */
async function shopWith(edits: readonly Edit[]): Promise<Shop> {
  const copy = copyOfExample('orders', ['bank.ts', 'jobs.ts', 'order.ts'], edits);
  removes.push(copy.remove);
  const { charge, refund, restock, invoice, mail } = await copy.load('jobs.ts');
  const { order } = await copy.load('order.ts');
  const { keepBooks } = await copy.load('bank.ts');
  return { order, keepBooks, jobs: [charge, refund, restock, invoice, mail] };
}

/** The names of the ways that break a promise. */
async function failing(
  perturb: readonly PerturbationName[],
  scenario: () => SimulatedScenario,
): Promise<readonly string[]> {
  const failed: string[] = [];
  for (const { name, run } of await explore({ ...slowly, perturb, scenario }))
    await run().catch(() => failed.push(name));
  return failed;
}

interface Bug {
  readonly bug: string;
  readonly edits: readonly Edit[];
  readonly perturb: readonly PerturbationName[];
  readonly test: (shop: Shop) => SimulatedScenario;
  readonly found: string;
}

const count = (lines: readonly string[], what: string): number =>
  lines.filter((line) => line.includes(` ${what} `)).length;

const bugs: readonly Bug[] = [
  {
    bug: 'a charge without an idempotency key',
    perturb: ['kill', 'lost'],
    edits: [
      {
        file: 'jobs.ts',
        find: "return book(local.getJob()?.id ?? '', `charge",
        replace: 'return book(String(local.now()), `charge',
      },
    ],
    test: (shop) =>
      approved(shop, (lines) => ({
        invariant: () => expect(count(lines, 'charge')).toBeLessThan(2),
      })),
    found: 'commit 4 job.finish of charge · power cut',
  },
  {
    bug: 'a refund that is not made again after a crash',
    perturb: ['kill', 'stopped'],
    edits: [
      {
        file: 'jobs.ts',
        find: "  name: 'refund',\n",
        replace: "  name: 'refund',\n  retry: 'NeverRetry',\n",
      },
    ],
    test: (shop) =>
      approved(shop, (lines) => ({
        act: ({ start }) =>
          start(shop.order, '17', { id: '17', email: 'ada@example.org', cents: 4200, isLost: true }),
        check: () => expect(count(lines, 'refund')).toBe(count(lines, 'charge')),
      })),
    found: 'commit 15 job.start of refund · kill',
  },
  {
    bug: 'a timer that is not cancelled',
    perturb: ['timer'],
    edits: [
      {
        file: 'order.ts',
        find: "    initial: 'placed',",
        replace: "    initial: 'placed',\n    on: { 'order.remind': { actions: 'remind' } },",
      },
      {
        file: 'order.ts',
        find: '      approval: {\n',
        replace:
          "      approval: {\n        entry: raise({ type: 'order.remind' } as never, { delay: 'reminder', id: 'again' }),\n",
      },
      {
        file: 'order.ts',
        find: "import { assign, setup } from 'xstate';",
        replace: "import { assign, raise, setup } from 'xstate';",
      },
    ],
    test: (shop) =>
      approved(shop, (lines) => ({
        invariant: () => {
          const paid = lines.findIndex((line) => line.includes(' charge '));
          if (paid >= 0) expect(count(lines.slice(paid), 'mail')).toBe(0);
        },
      })),
    found: 'commit 5 xstate.done.actor.charge of order/17 · next timer of order/17 first',
  },
];

describe('A bug in a copy of examples/orders is found by explore, and the name of the way says where:', () => {
  it.each(bugs)('$bug', { timeout: 120_000 }, async ({ edits, perturb, test, found }) => {
    const shop = await shopWith(edits);

    const failed = await failing(perturb, () => test(shop));

    expect(failed).toContain(found);
    expect(failed).not.toContain('undisturbed');
  });

  it.each(bugs)('the example does not have $bug', { timeout: 120_000 }, async ({ perturb, test }) => {
    expect(await failing(perturb, () => test(shop))).toEqual([]);
  });
});
