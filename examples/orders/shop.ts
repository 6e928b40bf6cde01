import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { agent, createSignalbox, type ListedActors, SignalboxError } from 'signalbox';
import { createInspector } from 'signalbox/inspector';
import { jsonStore } from 'signalbox/json';
import { booked } from './bank.ts';
import { charge, invoice, mail, refund, restock } from './jobs.ts';
import { TimeLens } from './lens.ts';
import { order } from './order.ts';

// The shop: one process with one directory. It may be killed at any moment, and goes on where it was.
const {
  ORDERS_FOLDER = '.signalbox/orders',
  ORDERS_ORIGIN,
  ORDERS_FACTOR = '3600',
  ORDERS_COUNT = '200',
} = process.env;
const factor = Number(ORDERS_FACTOR);
const reactor = new TimeLens(Number(ORDERS_ORIGIN ?? Date.now()), factor);
const jobs = [charge, refund, restock, invoice, mail];
const store = jsonStore(`${ORDERS_FOLDER}/store`);
const box = await createSignalbox({ store, jobs, machines: [order], reactor });
// Polls and signs of life keep the pace of the wall clock: they are the safety net of the shop, and not its work.
await box.start({ agent: agent({ size: 20 }), pollInterval: 5000 * factor });
const representation = await box.queue().dispatchers.get(box.uuid);
await representation.setPingIntervals({ pingInterval: 30_000 * factor, pingDeathInterval: 60_000 * factor });
const inspector = createInspector(box);

/** Where each order is, and what the shop has done in the world. */
async function overview() {
  const states: Record<string, string> = {};
  for (let after: string | null = ''; after !== null; ) {
    const page: ListedActors<typeof order.logic> = await box.actors(order, {
      limit: 200,
      ...(after === '' ? {} : { after }),
    });
    for (const { actor, state } of page.actors) states[actor.id.slice('order/'.length)] = state;
    after = page.next;
  }
  const journal: string[] = [];
  const { seq } = await box.store.position();
  for await (const { kind, id, event, from, to } of box.store.entries(Math.max(1, seq - 60)))
    if (kind === 'actor')
      journal.push(`${id}: ${shortEvent(event)}, ${from?.split('.')[0] ?? '·'} → ${to?.split('.')[0]}`);
  const world = { charges: 0, refunds: 0, mails: 0 };
  for (const line of booked()) {
    if (line.includes(' charge ')) world.charges += 1;
    else if (line.includes(' refund ')) world.refunds += 1;
    else if (line.includes(' mail ')) world.mails += 1;
  }
  return { pid: process.pid, now: reactor.now(), states, journal: journal.slice(-14), world };
}

/** `xstate.after.reminder.order.approval` says more than a page needs. */
function shortEvent(event: string): string {
  return event
    .replace(/^xstate\.(after|done|error)\.(?:actor\.)?([^.]+).*/, '$1 $2')
    .replace(/^signalbox\./, '');
}

/** New orders come while there are fewer than the demonstration wants. */
async function placeOrders(): Promise<void> {
  const most = Number(ORDERS_COUNT);
  const { length } = Object.keys((await overview()).states);
  for (let n = length + 1; n <= most && box.state === 'running'; n += 1) {
    const id = String(n).padStart(3, '0');
    // Every order is its own: the same in each run, so that what is seen can be seen again.
    const cents = [2900, 4200, 149_900, 9900, 699_000, 12_500][n % 6] as number;
    const input = { id, email: `customer-${id}@example.org`, cents, isLost: n % 17 === 0 };
    await box.actor(order, id).start(input, { ifExists: 'return' });
    await new Promise((resolve) => setTimeout(resolve, 60));
  }
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { pathname } = new URL(request.url ?? '/', 'http://localhost');
  const [, id = '', what = ''] = /^\/orders\/(\d+)\/(approve|reject|cancel)$/.exec(pathname) ?? [];
  if (/^\/inspect(\/|$)/.test(pathname)) return inspector.node(request, response);
  if (request.method === 'GET' && pathname === '/overview') return send(response, 200, await overview());
  if (request.method !== 'POST' || what === '') return send(response, 404, { error: 'Expected /overview.' });
  const actor = box.actor(order, id);
  const by = 'the page';
  const receipt =
    what === 'cancel'
      ? await actor.send({ type: 'order.cancel' })
      : await actor.send({ type: what === 'approve' ? 'order.approve' : 'order.reject', by });
  return send(response, 200, receipt);
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

const server = createServer((request, response) => {
  void answer(request, response).catch((error: unknown) => {
    send(response, error instanceof SignalboxError ? 409 : 500, { error: String(error) });
  });
});
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port));
const stop = (): void => void box.stop().then(() => process.exit());
for (const signal of ['SIGTERM', 'SIGINT', 'disconnect'] as const) process.once(signal, stop);
await placeOrders();
