import { randomUUID } from 'node:crypto';
import { jsonStore } from 'signalbox/json';
import { postgresStore } from 'signalbox/postgres';
import { moveSlice, type Slice, type SliceStep } from '../../../src/store/promotion/slicing.ts';

/** Where jobs leave, and where they go. */
export interface SliceOrder {
  readonly connectionString: string;
  readonly schema: string;
  readonly dir: string;
  readonly limit: number;
  readonly name?: string;
  /** Default 2. */
  readonly atOnce?: number;
}

/** Moves jobs of the queue '', a few at a time. */
export async function movedSlice(
  order: SliceOrder,
  reached: (step: SliceStep) => void | Promise<void> = () => {},
): Promise<Slice> {
  const { connectionString, schema, dir, limit, name = '1', atOnce = 2 } = order;
  const ports = {
    now: () => Date.now(),
    defer: (run: () => void) => void setImmediate(run),
    newId: () => randomUUID(),
    report() {},
  };
  const from = await postgresStore({ connectionString, schema }).open(ports);
  try {
    const to = await jsonStore(dir).open(ports);
    try {
      return await moveSlice({
        from,
        to,
        queue: '',
        source: `schema ${schema}`,
        limit,
        name,
        atOnce,
        newId: ports.newId,
        reached,
      });
    } finally {
      await to.close();
    }
  } finally {
    await from.close();
  }
}
