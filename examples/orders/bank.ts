import { appendFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The world outside: a file to which what is done is added. It outlives every process of the shop. */
export const bankFile = join(process.env.ORDERS_FOLDER ?? '.signalbox/orders', 'bank.txt');

/** Does something under a key. Under a key that is known it does nothing, as a bank does. */
export function book(key: string, what: string): string {
  if (!booked().some((line) => line.startsWith(`${key} `))) {
    mkdirSync(dirname(bankFile), { recursive: true });
    appendFileSync(bankFile, `${key} ${what}\n`);
  }
  return key;
}

/** All that was done, in order. */
export function booked(): readonly string[] {
  if (!existsSync(bankFile)) return [];
  return readFileSync(bankFile, 'utf8').split('\n').filter(Boolean);
}
