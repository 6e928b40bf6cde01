import { randomUUID } from 'node:crypto';
import { type OpenStore, recordKinds, type Store } from 'signalbox';
import { promoteStore } from '../../../src/store/promotion/promote-store.ts';
import type { Promotion, PromotionStep } from '../../../src/store/promotion/promoting.ts';
import type { StorePorts } from '../../../src/store/store.ts';

import { serverUrl } from '../postgres/server.ts';

/** The ports of stores, in real time. */
export const ports: StorePorts = {
  now: () => Date.now(),
  defer: (run) => void setImmediate(run),
  newId: () => randomUUID(),
  report() {},
};

/** Promotes on the server of this run. */
export async function promoted(
  from: string,
  schema: string,
  reached: (step: PromotionStep) => void = () => {},
  url?: string,
): Promise<Promotion> {
  return promoteStore({ from, connectionString: url ?? (await serverUrl()), schema, ports, reached });
}

/** Everything that a store shows through its port: records, the order of queues, history. */
export async function pictureOf(store: Store, upTo = Number.POSITIVE_INFINITY): Promise<Picture> {
  const open = await store.open(ports);
  try {
    const records: Record<string, unknown> = {};
    // Each store has a record of itself.
    for (const kind of recordKinds) if (kind !== 'store') records[kind] = await open.list(kind, '');
    const waiting: Record<string, readonly string[]> = {};
    for (const { id } of await open.list('queue', ''))
      waiting[id] = (await open.waiting(id)).map((job) => job.id);
    return { records, waiting, entries: await entriesOf(open, upTo) };
  } finally {
    await open.close();
  }
}

/** What a store shows. */
export interface Picture {
  readonly records: Readonly<Record<string, unknown>>;
  readonly waiting: Readonly<Record<string, readonly string[]>>;
  readonly entries: readonly { readonly seq: number; readonly event: string; readonly id: string }[];
}

async function entriesOf(open: OpenStore, upTo: number): Promise<Picture['entries']> {
  const entries = [];
  for await (const entry of open.entries(1)) if (entry.seq <= upTo) entries.push(entry);
  return entries;
}
