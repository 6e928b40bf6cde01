import { agent, createSignalbox, defineJob, detached, local } from 'signalbox';
import { afterAll, expect, it } from 'vitest';
import { openByHand } from '../open-by-hand.ts';
import { connected, newPostgresStore, newSchema, removeSchemas } from './schemas.ts';

afterAll(removeSchemas);

type Fields = Record<string, unknown>;

/** Patches, or a record, as versions wrote them whose jobs had their line and their position under one key. */
function asBefore(patches: readonly Fields[]): Fields[] {
  let last: unknown = null;
  return patches.map(({ line, position, ...patch }) => {
    if (line !== undefined) last = line;
    if (line === undefined && position === undefined) return patch;
    return { ...patch, order: last === null ? null : [last, position ?? 0] };
  });
}

const inText = (text: string): string => JSON.stringify(asBefore(JSON.parse(`[${text}]`))).slice(1, -1);

/** Rewrites all that a database keeps of lines and positions. */
async function writtenBefore(schema: string): Promise<readonly string[]> {
  const client = await connected();
  const rewritten = new Set<string>();
  const rewrite = async (table: string, key: string, column: string, edit: (text: string) => string) => {
    const { rows } = await client.query(
      `SELECT ${key} AS key, ${column}::text AS text FROM ${schema}.${table} WHERE ${column} IS NOT NULL`,
    );
    for (const { key: which, text } of rows) {
      if (edit(text) !== text) rewritten.add(`${table}.${column}`);
      await client.query(
        `UPDATE ${schema}.${table} SET ${column} = $1${column === 'body' ? '::json' : ''} WHERE ${key} = $2`,
        [edit(text), which],
      );
    }
  };
  const inChanges = (text: string): string =>
    JSON.stringify(
      (JSON.parse(text) as { patch: Fields }[]).map((change) => ({
        ...change,
        patch: asBefore([change.patch])[0],
      })),
    );
  const inGroups = (text: string): string =>
    JSON.stringify(
      (JSON.parse(text) as { patch?: Fields; own?: Fields[] }[]).map(({ patch, own, ...group }) => ({
        ...group,
        ...(patch == null ? { patch } : { patch: asBefore([patch])[0] }),
        ...(own === undefined
          ? {}
          : { own: own.map((each) => (each === null ? each : asBefore([each])[0])) }),
      })),
    );
  await rewrite('job', 'id', 'doc', inText);
  await rewrite('done', 'id', 'patch', inText);
  await rewrite('lease', 'token', 'claim', inChanges);
  await rewrite('line', 'c', 'claim', inChanges);
  await rewrite('line', 'c', 'entries', inGroups);
  await rewrite('proxy', 'id', 'body', (text) => {
    const { createdSeq, ...body } = JSON.parse(text) as Fields;
    return JSON.stringify({ ...body, order: ['callback', createdSeq] });
  });
  await client.end();
  return [...rewritten].sort();
}

it('A database of a version before: its jobs stand in their lines, its history shows, and it runs on', async () => {
  const schema = newSchema();
  const note = defineJob({ name: 'note', run: (text: string) => `noted ${text}` });
  const quick = defineJob({ name: 'quick', run: () => null });
  const hold = defineJob({ name: 'hold', run: () => detached(local.sleep('1d')) });
  const boxOn = (letter: string) =>
    createSignalbox({
      store: newPostgresStore({ schema }),
      uuid: `${letter.repeat(8)}-0000-4000-8000-000000000000`,
      jobs: [note, quick, hold],
      queues: [''],
    });
  const seen = async () => {
    const store = await openByHand(newPostgresStore({ schema }));
    const found: unknown[] = [];
    for (const { id } of await store.list('job', '')) {
      const history: unknown[] = [];
      for await (const entry of store.history('job', id)) history.push(entry);
      found.push([await store.get('job', id), history]);
    }
    const lists = [await store.list('proxy', ''), (await store.waiting('')).map(({ id }) => id)];
    await store.close();
    return [found, lists];
  };
  const first = await boxOn('a');
  const queue = first.queue('');
  await first.start({ agent: agent({ filter: { jobs: ['quick', 'hold'] } }) });
  await (await queue.put(quick())).result({ timeout: '10s' });
  const held = await queue.put(hold());
  await held.waitFor('ACTIVE', { timeout: '10s' });
  const parent = note('parent');
  parent.addCallbacks({ success: note.partial(), failure: note.partial() });
  await queue.put(parent);
  for (const text of ['a', 'b']) await queue.put(note(text));
  await (await queue.put(note('moved'), { beginAfter: '1h' })).setPriority(3);
  await queue.put(note('held'), { beginAfter: '1d' });
  const there = await seen();

  const rewritten = await writtenBefore(schema);
  const second = await boxOn('b');

  const [claims, kept] = [
    ['lease.claim', 'line.claim'],
    ['done.patch', 'job.doc', 'line.entries', 'proxy.body'],
  ];
  expect(rewritten).toEqual([...claims, ...kept].sort());
  expect(await seen()).toEqual(there);
  await second.start({ agent: agent({ filter: { jobs: ['note'] } }) });
  await second.job(String(parent.id)).waitFor('COMPLETED', { timeout: '10s' });
  expect(await held.cancel()).toBe('cancelling');
  await Promise.all([first.stop(), second.stop()]);
});
