import { createHash } from 'node:crypto';
import {
  agent,
  createSignalbox,
  defineJob,
  type IdSource,
  local,
  memoryStore,
  type Signalbox,
} from 'signalbox';
import { VirtualReactor } from 'signalbox/testing';
import { machineJobs, purchase, stock } from './shop-machines.ts';

/** A store with a story, and a process that is at work on it. */
export interface Seeded {
  readonly box: Signalbox;
  readonly reactor: VirtualReactor;
  /** Ids by the part that they play. */
  readonly ids: {
    readonly failed: string;
    readonly held: string;
    readonly running: string;
    readonly refused: string;
    readonly waiting: string;
    readonly succeeded: string;
  };
  close(): Promise<void>;
}

const begin = Date.parse('2026-11-30T13:53:22.480Z');

/** An error of the shop. Where it was thrown is the same on every computer. */
function thrownAt<Thrown extends Error>(error: Thrown, ...places: readonly string[]): Thrown {
  error.stack = [`${error.name}: ${error.message}`, ...places.map((place) => `    at ${place}`)].join('\n');
  return error;
}

/** The name of a gateway that resets connections, with what Node's error has. */
function reset(address: string): Error {
  const error = thrownAt(
    new Error(`connect ECONNRESET ${address}:443`),
    'Gateway.connect (/srv/shop/payments/gateway.ts:88:17)',
    'chargeCard (/srv/shop/payments/charge.ts:31:24)',
  );
  return Object.assign(error, { code: 'ECONNRESET', syscall: 'connect', address: `${address}:443` });
}

async function chargeCard(order: { readonly order: string; readonly amount: number }): Promise<string> {
  await local.setLiveAnnotation('gateway', 'acquirer-2');
  await local.sleep(order.amount > 80_000 ? '4h' : 200 + (order.amount % 977));
  if (order.amount % 5 === 0) throw reset('10.0.0.7');
  return `charged ${order.amount / 100} EUR for ${order.order}`;
}

/** The jobs of the shop. */
export const definitions = {
  charge: defineJob({
    name: 'payments.charge',
    quotas: ['payments'],
    redact: ['0.card'],
    retry: { maxAttempts: 3, delay: '5s', factor: 6, jitter: 0 },
    run: chargeCard,
  }),
  send: defineJob({
    name: 'mail.send',
    retry: { maxAttempts: 2, delay: '10s', jitter: 0 },
    run: async (to: string) => {
      await local.sleep(80 + to.length * 13);
      if (to.startsWith('full'))
        throw thrownAt(new Error('550 5.2.2 mailbox full'), 'sendMail (/srv/shop/mail/smtp.ts:142:11)');
      return `sent to ${to}`;
    },
  }),
  bulk: defineJob({ name: 'mail.bulk', run: (list: string) => `sent to list ${list}` }),
  index: defineJob({
    name: 'search.index',
    retry: { maxAttempts: 1 },
    run: async (sku: string) => {
      await local.sleep(350);
      if (!sku.endsWith('7')) return sku;
      const error = new TypeError("Cannot read properties of undefined (reading 'price')");
      throw thrownAt(error, 'indexProduct (/srv/shop/search/products.ts:67:31)');
    },
  }),
  rows: defineJob({
    name: 'report.rows',
    run: async () => {
      await local.sleep('2h');
      return 12_000;
    },
  }),
  feed: defineJob({
    name: 'feed.import',
    grace: '15s',
    retry: { maxAttempts: 3, delay: '1m', jitter: 0 },
    run: async (vendor: string) => {
      await local.setLiveAnnotation('vendor', vendor);
      local.progress(3120, 12_000, `rows of ${vendor}`);
      // It does not listen: nothing that it waits for can be stopped.
      await new Promise(() => {});
    },
  }),
  wait: defineJob({ name: 'feed.wait', run: () => local.snooze('10m', 'the feed is not there yet') }),
  release: defineJob({ name: 'orders.release', run: (order: string) => `released ${order}` }),
  ship: defineJob({ name: 'orders.ship', run: (order: string) => `shipped ${order}` }),
};

const report = defineJob({
  name: 'report.build',
  run: async (month: string) => {
    await local.setLiveAnnotation('month', month);
    await local.sleep('3s');
    return local.getQueue().put(definitions.rows());
  },
});

/** Ids that look like those of production, and are the same each time: so pictures are, too. */
function sameIds(): IdSource {
  let count = 0;
  const next = (encoding: 'base64url' | 'hex'): string => {
    count += 1;
    return createHash('sha256').update(`id ${count}`).digest(encoding);
  };
  return {
    newId: () => next('base64url').slice(0, 21),
    newUuid: () => next('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, '$1-$2-$3-$4-$5'),
  };
}

/** Ten minutes of a shop: payments of which some fail, mail, an index, a report that waits for its rows. */
export async function seed(store = memoryStore()): Promise<Seeded> {
  const reactor = new VirtualReactor({ now: begin });
  const box = await createSignalbox({
    store,
    reactor,
    ids: sameIds(),
    uuid: 'd10f3c52-8a61-4f5e-9a0b-6c1d2e3f4a5b',
    jobs: [...Object.values(definitions), report, ...Object.values(machineJobs)],
    machines: [purchase, stock],
    queues: ['default', 'mail', 'media'],
  });
  reactor.attach(box);
  await box.queue('default').quotas.ensure('payments', { size: 4 });
  await box.start({ agent: agent({ size: 12, filter: { notJobs: ['mail.bulk'] } }) });
  const ids = await tell(box, reactor);
  return { box, reactor, ids, close: () => box.stop({ grace: 0 }) };
}

async function tell(box: Signalbox, reactor: VirtualReactor): Promise<Seeded['ids']> {
  const queue = box.queue('default');
  const mail = box.queue('mail');
  const payment = (order: string, amount: number) =>
    definitions.charge({ order, amount, currency: 'EUR', card: '4111 1111 1111 1111' } as never);
  const idOf = (job: { readonly id: string | null }): string => job.id ?? '';

  await queue.put(report('2026-10'));
  for (let round = 0; round < 40; round += 1) {
    await queue.put(payment(`A-${20_800 + round}`, 1000 + round * 613));
    await mail.put(definitions.send(round % 9 === 4 ? 'full@example.org' : `customer-${round}@example.org`));
    await queue.put(definitions.index(`sku-${round}`));
    if (round % 10 === 3) await mail.put(definitions.bulk(`list-${round}`));
    await reactor.advance('11s');
  }
  const broken = payment('A-20931', 14_900);
  await broken.addCallbacks({
    success: definitions.ship.partial('A-20931') as never,
    failure: definitions.release.partial('A-20931') as never,
  });
  const failed = await queue.put(broken);
  await reactor.advance('1m');
  const succeeded = await queue.put(payment('A-20932', 14_901));
  await reactor.advance('20s');
  const stuck = [];
  for (const round of [1, 2, 3, 4]) {
    stuck.push(await queue.put(payment(`B-${round}`, 90_000 + round)));
    await reactor.advance('11s');
  }
  const held = await queue.put(payment('A-20940', 14_900));
  const refused = await mail.put(definitions.bulk('everybody'));
  const waiting = await queue.put(report('2026-11'));
  await reactor.advance('42s');
  return {
    failed: idOf(failed),
    held: idOf(held),
    running: idOf(stuck[0] as { id: string | null }),
    refused: idOf(refused),
    waiting: idOf(waiting),
    succeeded: idOf(succeeded),
  };
}
