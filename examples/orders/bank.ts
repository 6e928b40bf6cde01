import { appendFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Where it is written down what was done in the world. */
export interface Books {
  lines(): readonly string[];
  add(line: string): void;
}

const bankFile = join(process.env.ORDERS_FOLDER ?? '.signalbox/orders', 'bank.txt');

/** A file to which lines are added. It outlives every process of the shop. */
const file: Books = {
  lines: () => (existsSync(bankFile) ? readFileSync(bankFile, 'utf8').split('\n').filter(Boolean) : []),
  add: (line) => {
    mkdirSync(dirname(bankFile), { recursive: true });
    appendFileSync(bankFile, `${line}\n`);
  },
};
let books = file;

/** Keeps other books, such as a list in a test. */
export function keepBooks(others: Books): void {
  books = others;
}

/** Does something under a key. Under a key that is known it does nothing, as a bank does. */
export function book(key: string, what: string): string {
  if (!booked().some((line) => line.startsWith(`${key} `))) books.add(`${key} ${what}`);
  return key;
}

/** All that was done, in order. */
export function booked(): readonly string[] {
  return books.lines();
}
