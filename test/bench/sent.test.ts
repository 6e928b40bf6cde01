import { Client } from 'pg';
import { afterEach, expect, test } from 'vitest';
import { SentStatements } from '../../bench/measures/sent.ts';

const none = { statements: 0, reads: 0, syncs: 0 };
let sent: SentStatements;
afterEach(() => sent.end());

test.each([
  ['a commit that is only written', 'SELECT "s".commit($1,$2) AS answer', [7, false], { statements: 1 }],
  ['a synced commit', 'SELECT "s".commit($1,$2) AS answer', [7, true], { statements: 1, syncs: 1 }],
  ['a commit as its transaction has it', 'SELECT "s".commit($1,$2)', [7, null], { statements: 1, syncs: 1 }],
  ['another write', 'UPDATE "s".opening SET seen_at = now()', [], { statements: 1, syncs: 1 }],
  ['a message that syncs', `SELECT pg_logical_emit_message(true, 'signalbox', '')`, [], { syncs: 1 }],
  ['a row that is written to sync', 'SELECT "s".touch(7)', [], { syncs: 1 }],
  [
    'a look at the heads of a queue, which may wake jobs',
    'SELECT * FROM "s".heads($1)',
    ['q'],
    { statements: 1 },
  ],
  ['a read of jobs', 'SELECT * FROM "s".read($1)', [['id']], { reads: 1 }],
  ['a read of a table', ' SELECT token, rev FROM "s".lease WHERE epoch = $1', [7], { reads: 1 }],
  ['a hint', 'SELECT pg_notify($1, $2)', ['c', 't'], {}],
  ['a listener', 'LISTEN "c"', [], {}],
] as const)('%s counts as what the server has to do for it', (_what, text, values, counted) => {
  sent = new SentStatements('s', 2);

  // Not connected: it keeps what it is to send.
  void new Client().query(text, [...values]);
  void new Client().query({ name: 'named', text, values: [...values] });

  const twice = Object.entries(counted).map(([kind, n]) => [kind, 2 * n]);
  expect(sent.sent).toEqual({ ...none, ...Object.fromEntries(twice) });
});

test('where a commit cannot be told to be written only, each is synced, and nothing counts after the end', () => {
  sent = new SentStatements('s', null);
  void new Client().query('SELECT "s".commit($1,$2)', [7, false]);
  sent.end();
  void new Client().query('SELECT "s".commit($1,$2)', [7, false]);

  expect(sent.sent).toEqual({ ...none, statements: 1, syncs: 1 });
});
