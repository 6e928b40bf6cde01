import { defineJob, local } from 'signalbox';
import { book } from './bank.ts';

// What the shop does in the world. Each has one id in all its attempts: who is asked twice does it once.

/** Takes the money. The bank declines what is above its limit. */
export const charge = defineJob({
  name: 'charge',
  retry: { maxAttempts: 3 },
  run: async (order: string, cents: number) => {
    await local.sleep('20m');
    if (cents > 500_000) throw Object.assign(new Error('the card was declined'), { unrecoverable: true });
    return book(local.getJob()?.id ?? '', `charge ${order} ${cents}`);
  },
});

/** Gives the money back. */
export const refund = defineJob({
  name: 'refund',
  run: async (order: string, cents: number) => {
    await local.sleep('10m');
    return book(local.getJob()?.id ?? '', `refund ${order} ${cents}`);
  },
});

/** Puts what was taken from the shelf back. */
export const restock = defineJob({
  name: 'restock',
  run: async (order: string) => book(local.getJob()?.id ?? '', `restock ${order}`),
});

/** Writes the invoice. */
export const invoice = defineJob({
  name: 'invoice',
  run: async (order: string, cents: number) => {
    await local.sleep('30m');
    return `invoice of ${order} for ${cents / 100} €`;
  },
});

/** Writes to a customer. */
export const mail = defineJob({
  name: 'mail',
  run: async (to: string, text: string) => book(local.getJob()?.id ?? '', `mail ${to} ${text}`),
});
