import { agent } from 'signalbox';
import { afterAll, expect, it } from 'vitest';
import { makeControlledJobs } from '../../behaviours/controlled-jobs.ts';
import { makeBox } from '../../behaviours/stores.ts';
import { newPostgresStore, newSchema, removeSchemas } from './schemas.ts';

const uuid = 'aaaaaaaa-0000-4000-8000-000000000000';

afterAll(removeSchemas);

/** A process that returns after another has taken its UUID, in time that the test moves. */
async function usurped() {
  const schema = newSchema();
  const controls = [makeControlledJobs(), makeControlledJobs()] as const;
  const open = (at: 0 | 1) =>
    makeBox({ store: newPostgresStore({ schema }), jobs: [controls[at].hold], queues: [''], uuid });
  const former = await open(0);
  await former.box.start({ agent: agent({ size: 1 }) });
  const held = await former.box.queue().put(controls[0].hold('held'));
  await former.reactor.runUntilIdle();
  // It is stopped until it counts as dead.
  const latter = await open(1);
  latter.reactor.setNow(former.reactor.now() + 61_000);
  await latter.box.start({ agent: agent({ size: 1 }) });
  await latter.reactor.runUntilIdle();
  former.reactor.setNow(latter.reactor.now());
  return { former, latter, held, controls };
}

it('a process that comes back when another has taken its place under its UUID says so, and leaves it alone', async () => {
  const { former, latter, held, controls } = await usurped();

  await former.reactor.advance('5s');
  // The other process gives signs of life meanwhile.
  await latter.reactor.advance('35s');
  const pinged = (await latter.box.queue().dispatchers.get(uuid)).lastPing;
  await former.reactor.advance('40s');
  const errors = former.logged('ERROR');
  await former.stop();

  const representation = await latter.box.queue().dispatchers.get(uuid);
  expect(errors.at(-1)).toMatch(/already active.*same UUID/);
  expect(controls[0].signals.map((signal) => signal.aborted)).toEqual([true]);
  expect([representation.lastPing, representation.activated === null]).toEqual([pinged, false]);
  controls[1].open('held');
  expect(await latter.reactor.until(latter.box.job(held.id ?? '').result())).toBe('held');
}, 60_000);

it('and takes the place back once that other one is dead', async () => {
  const { former, held, controls } = await usurped();

  await former.reactor.advance('75s');
  controls[0].open('held');
  await former.reactor.runUntilIdle();

  expect(controls[1].started).toEqual(['held']);
  expect((await held.refresh()).outcome).toEqual({ ok: true, value: 'held' });
}, 60_000);

it('and leaves it alone, too, when it is stopped before it has polled again', async () => {
  const { former, latter, controls } = await usurped();

  await former.stop();
  await latter.reactor.runUntilIdle();

  expect((await latter.box.queue().dispatchers.get(uuid)).activated).not.toBeNull();
  expect(controls[1].signals.map((signal) => signal.aborted)).toEqual([false]);
  expect(await latter.box.queue().length()).toBe(0);
}, 60_000);
