import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSignalbox, defineMachine } from 'signalbox';
import { jsonStore } from 'signalbox/json';
import { VirtualReactor } from 'signalbox/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ada, charge, length, mail, order as plainOrder } from '../actors/machines.ts';
import { run } from './run.ts';

const folder = mkdtempSync(join(tmpdir(), 'signalbox-look-actors-'));
const store = join(folder, 'store');
const order = defineMachine(plainOrder.logic, { redact: ['email'] });

// What a process has left behind that knew the machines; the command line does not.
beforeAll(async () => {
  const box = await createSignalbox({
    ...{ store: jsonStore(store), reactor: new VirtualReactor() },
    ...{ jobs: [charge, mail], machines: [order, length], queues: [''] },
  });
  await box.actor(order, '17').start(ada);
  const paying = await box.actor(order, '18').start({ ...ada, id: '18' });
  await paying.send({ type: 'order.approve', by: 'Grace' });
  await box.actor(order, '19').start({ ...ada, id: '19' });
  await box.actor(order, '19').suspend(`${ada.email} has called`);
  await box.transaction((tx) => tx.actor(order, '19').send({ type: 'order.reject', reason: 'no' }));
  await box.actor(length, 'root').start();
  await box.stop();
});

afterAll(() => rmSync(folder, { recursive: true }));

const look = (...args: readonly string[]) => run(...args, '--store', store);

describe('signalbox, on a store with durable actors,', () => {
  it('lists them with their state and their next timer', async () => {
    const { code, out } = await look('actors');

    expect(code).toBe(0);
    expect(out).toMatch(
      /^1 length, 3 order\.\nactor +version +status +state +timer +children +started +why\n/,
    );
    expect(out).toMatch(/\nlength\/root +1 +active +- +- +0 /);
    expect(out).toMatch(/\norder\/17 +1 +active +approval +20\d\d-\S+Z +0 /);
    expect(out).toMatch(/\norder\/18 +1 +active +paying +- +1 /);
    expect(out).toMatch(/\norder\/19 +1 +suspended +approval .*\[redacted\] has called\n/);
  });

  it('finds them by machine, status and state, a page at a time', async () => {
    const idsOf = async (...args: readonly string[]) =>
      ((await look('actors', ...args, '--json')).json.rows as { readonly id: string }[]).map(({ id }) => id);

    expect(await idsOf('--machine', 'length')).toEqual(['length/root']);
    expect(await idsOf('--status', 'suspended')).toEqual(['order/19']);
    expect(await idsOf('--state', 'paying')).toEqual(['order/18']);
    expect(await idsOf('--machine', 'order', '--limit', '1', '--after', 'order/17')).toEqual(['order/18']);
    expect((await look('actors', '--machine', 'order', '--limit', '2')).out).toContain(
      'More: --after order/18',
    );
  });

  it('shows one with its timers, its child and its history', async () => {
    const { out } = await look('actor', 'order/17');
    const { out: paying } = await look('actor', 'order/18');

    expect(out).toMatch(/^order\/17: it waits for an event, or for its timer in 10 minutes\.\n/);
    expect(out).toMatch(/\nTimers:\ntimer +due +in +to\nafter reminder +\S+Z +10 m +-\n/);
    expect(out).toMatch(
      /\n +\d+ .* signalbox\.start +approval +\S+ +\{"id":"17","email":<redacted>,"cents":4200\}/,
    );
    expect(paying).toMatch(/^order\/18: it waits for child 'charge': job \S+ is pending\.\n/);
    expect(paying).toMatch(/\nChildren:\nchild +is +id +state\ncharge +job charge +\S+ +pending\n/);
    expect(paying).toMatch(/ order\.approve +paying +\S+ +\{"by":"Grace"\}/);
  });

  it('shows its mail, and nothing that its machine redacts, though it does not have the machine', async () => {
    const texts = [await look('actor', 'order/19'), await look('actor', 'order/19', '--json')].map(
      ({ out }) => out,
    );

    expect(texts[0]).toContain('order/19: it is suspended: Error: [redacted] has called.');
    expect(texts[0]).toMatch(/\nMail: 1:\nevent +from +at\norder\.reject +- +\S+Z\n/);
    expect(texts[0]).toMatch(/\ncontext {4}\{"id":"19","email":<redacted>,"cents":4200,/);
    expect(texts.join()).not.toContain(ada.email);
  });

  it.each([
    [['actor', 'order/none'], 1, 'ACTOR_NOT_FOUND'],
    [['actors', '--status', 'lost'], 2, 'Expected --status to be active, suspended'],
    [['actors', '--limit', '0'], 2, 'from 1 to 200, got 0'],
    [['actor'], 2, "missing required argument 'id'"],
  ])('refuses %j with code %i', async (args, code, reason) => {
    const { err, ...done } = await look(...args);

    expect([done.code, err]).toEqual([code, expect.stringContaining(reason)]);
  });
});
