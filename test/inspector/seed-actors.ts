import type { Seeded } from './seed.ts';
import { purchase, stock } from './shop-machines.ts';

/** Ids of actors by the part that they play. */
export const actorIds = {
  waiting: 'purchase/B-7001',
  paying: 'purchase/B-7002',
  sending: 'purchase/B-7003',
  parcel: 'purchase/B-7003/parcel',
  suspended: 'purchase/B-7004',
  done: 'purchase/B-7005',
} as const;

/** Durable actors beside the story of `seed`: in approval, with children, suspended with mail, and over. */
export async function seedActors({ box, reactor }: Seeded): Promise<void> {
  const start = (order: string, cents: number) =>
    box.actor(purchase, order).start({ order, cents, email: `${order.toLowerCase()}@example.org` });
  const approve = { type: 'approve', by: 'Grace' } as const;
  for (let n = 0; n < 18; n += 1) {
    const actor = await start(`A-${6000 + n}`, n % 3 === 0 ? 60_002 : 1001 + n * 50);
    if (n % 4 === 1) await actor.send({ type: 'reject', reason: 'sold out' });
    else if (n % 2 === 0) await actor.send(approve);
  }
  await start('B-7001', 4199);
  await reactor.advance('5m');
  await (await start('B-7002', 40_001)).send({ type: 'change', cents: 90_001 });
  for (const _ of ['in approval', 'in review']) await box.actor(purchase, 'B-7002').send(approve);
  await (await start('B-7003', 1999)).send(approve);
  await (await start('B-7004', 2500)).send(approve);
  await (await start('B-7005', 1001)).send(approve);
  await reactor.advance('10s');
  for (const order of ['B-7003', 'B-7005'])
    await box.actorById(`purchase/${order}/parcel`).send({ type: 'scan' } as never);
  await box.actorById('purchase/B-7005/parcel').send({ type: 'delivered' } as never);
  await box.transaction((tx) => tx.actor(purchase, 'B-7004').send({ type: 'reject', reason: 'no answer' }));
  await box.actor(stock, 'sku-17').start();
  await box.actor(stock, 'sku-17').send({ type: 'add', n: 12 });
  await reactor.advance('5s');
}
