import { afterAll, expect, it } from 'vitest';
import { DatabaseClock } from '../../../src/store/postgres/clock.ts';
import { openByHand } from '../open-by-hand.ts';
import { connected, newPostgresStore, removeSchemas } from './schemas.ts';

afterAll(removeSchemas);

/** A clock that got 10,000 from the database at the start, in a time that the test moves. */
function startedClock() {
  let elapsed = 0;
  const clock = new DatabaseClock(() => elapsed, null);
  clock.asking()({ now: 10_000 });
  return { clock, pass: (ms: number) => (elapsed += ms) };
}

it('The clock of a database is not set back by an answer that was late to be read', () => {
  const { clock, pass } = startedClock();
  pass(100);
  const keep = clock.asking();
  // Answered at once; then the process was busy.
  pass(200);
  keep({ now: 10_101 });

  expect(clock.now()).toBe(10_300);
});

it('The clock of a database continues from an answer that it was behind', () => {
  const { clock, pass } = startedClock();
  pass(100);
  const keep = clock.asking();
  pass(2);
  keep({ now: 10_150 });

  expect(clock.now()).toBe(10_150);
});

it('The clock of a database that was set back follows it', () => {
  const { clock, pass } = startedClock();
  pass(100);
  const keep = clock.asking();
  pass(2);
  keep({ now: 9_000 });

  expect(clock.now()).toBe(9_000);
});

it('A clock that is moved by hand gives its instant to statements; for that of the database they ask the server', () => {
  const given = new DatabaseClock(
    () => 0,
    () => 7,
  );

  given.asking()({ now: 10_000 });

  expect([given.given(), given.now()]).toEqual([7, 7]);
  expect(startedClock().clock.given()).toBeNull();
});

it('A store that has just been opened has the time of its database', async () => {
  const [admin, store] = [
    await connected(),
    await openByHand(newPostgresStore({ clock: 'database' }), () => 7),
  ];
  const { rows } = await admin.query('SELECT (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS now');

  const now = store.now();

  expect(Math.abs(now - rows[0].now)).toBeLessThan(10_000);
  await Promise.all([store.close(), admin.end()]);
});
