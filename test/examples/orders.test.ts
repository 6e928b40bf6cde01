import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, it } from 'vitest';

const start = fileURLToPath(new URL('../../examples/orders/start.mjs', import.meta.url));
const ended: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const end of ended.splice(0).reverse()) await end();
});

interface Overview {
  readonly pid: number;
  readonly states: Readonly<Record<string, string>>;
  readonly world: { readonly charges: number; readonly refunds: number; readonly mails: number };
}

/** The example with so many orders, and what its page asks. */
async function openShop(folder: string, orders: number) {
  const child: ChildProcess = spawn(process.execPath, [start], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ORDERS_FOLDER: join(folder, 'orders'), ORDERS_COUNT: String(orders), PORT: '0' },
  });
  let said = '';
  child.stdout?.on('data', (text) => {
    said += text;
  });
  ended.push(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGTERM');
    await once(child, 'exit');
  });
  while (!/Open (\S+)/.test(said)) await once(child.stdout as never, 'data');
  const url = /Open (\S+)/.exec(said)?.[1] as string;
  const post = (path: string): Promise<Response> =>
    fetch(new URL(path, url), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{}',
    });
  /** Asks until the answer is as wanted. */
  const until = async (isReached: (overview: Overview) => boolean): Promise<Overview> => {
    for (;;) {
      const response = await fetch(new URL('/overview', url)).catch(() => null);
      const overview = response?.ok === true ? ((await response.json()) as Overview) : null;
      if (overview !== null && isReached(overview)) return overview;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  return { url, post, until };
}

const ends = ['delivered', 'cancelled', 'declined', 'rejected', 'expired'];

it('orders go on where they were after kill -9: each is charged once, and reminders that are overdue come in order', {
  timeout: 120_000,
}, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-orders-'));
  ended.push(async () => rmSync(folder, { recursive: true, force: true }));
  const { post, until } = await openShop(folder, 30);

  const before = await until(({ world, states }) => world.charges >= 5 && Object.keys(states).length < 30);
  await post('/kill');
  const after = await until(({ pid }) => pid !== before.pid);
  await until(({ states }) => Object.keys(states).length === 30);
  const waiting = await until(({ states }) => Object.values(states).some((state) => state === 'approval'));
  const [approved] = Object.entries(waiting.states).find(([, state]) => state === 'approval') ?? [];
  await post(`/orders/${approved}/approve`);
  await post('/kill');
  const last = await until(
    ({ states }) =>
      Object.keys(states).length === 30 && Object.values(states).every((state) => ends.includes(state)),
  );

  expect(after.pid).not.toBe(before.pid);
  const lines = readFileSync(join(folder, 'orders', 'bank.txt'), 'utf8')
    .split('\n')
    .filter(Boolean);
  const charged = lines.flatMap((line) => / charge (\d+) /.exec(line)?.[1] ?? []);
  expect(new Set(charged).size).toBe(charged.length);
  expect(charged).toContain(approved);
  // Two reminders each, a day apart, of those that no person has approved.
  const expired = Object.values(last.states).filter((state) => state === 'expired').length;
  const reminders = lines.filter((line) => line.includes(' waits for approval'));
  expect(reminders.length).toBeGreaterThanOrEqual(2 * expired);
  // Refunds and restocks of a lost parcel, the last first, each once.
  const undone = lines.flatMap((line) => / (restock|refund) 017\b/.exec(line)?.[1] ?? []);
  expect(undone).toEqual(['restock', 'refund']);
});
