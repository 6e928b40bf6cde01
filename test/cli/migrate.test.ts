import { afterAll, describe, expect, it } from 'vitest';
import { connected, newSchema, removeSchemas } from '../store/postgres/schemas.ts';
import { serverUrl } from '../store/postgres/server.ts';
import { run } from './run.ts';

afterAll(removeSchemas);

describe('signalbox migrate', () => {
  it('reports which migrations it made, then that the schema is up to date', async () => {
    const [url, schema] = [await serverUrl(), newSchema()];

    const first = await run('migrate', '--to', url, '--schema', schema, '--json');
    const second = await run('migrate', '--to', url, '--schema', schema);

    expect([first.code, first.json.schema]).toEqual([0, schema]);
    expect(first.json.made).toContain(1);
    expect([second.code, second.out]).toEqual([0, `Schema ${schema} is up to date.\n`]);
  });

  it('names each migration in a line', async () => {
    const [url, schema] = [await serverUrl(), newSchema()];

    const { out } = await run('migrate', '--to', url, '--schema', schema);

    expect(out).toContain(`Migration 1 of schema ${schema} was made.\n`);
  });

  it('does not change a schema that is newer than this version, and exits with 1', async () => {
    const [url, schema] = [await serverUrl(), newSchema()];
    await run('migrate', '--to', url, '--schema', schema);
    const client = await connected();
    await client.query(`INSERT INTO ${schema}.migration (number) VALUES (1000)`);
    await client.end();

    const { code, err, out } = await run('migrate', '--to', url, '--schema', schema);

    expect([code, out]).toEqual([1, '']);
    expect(err).toMatch(/^STORE_VERSION: /);
  });
});
