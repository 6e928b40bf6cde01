// A program with nothing else to do puts a job while the database cannot be reached, and prints the answer.
import { Pool } from 'pg';
import { createSignalbox, defineJob } from 'signalbox';
import { postgresStore } from 'signalbox/postgres';

const [connectionString = '', schema = ''] = process.argv.slice(2);
const note = defineJob({ name: 'note', run: (text: string) => text });
const pool = new Pool({ connectionString });
const box = await createSignalbox({
  store: postgresStore({ pool, schema, queryTimeout: '1s' }),
  jobs: [note],
  uuid: '6ecaa3b2-1f1e-4c8e-9d5f-0d6c7a1b2c3d',
});
// The connections that there are end, and no new one is made.
for (const client of (pool as unknown as { _clients: { end(): Promise<void> }[] })._clients)
  await client.end();
pool.options.port = 1;
pool.options.connectionString = undefined;
await box
  .queue()
  .put(note('a'))
  .then(
    () => console.log('put'),
    (error: { code?: string }) => console.log(error.code),
  );
process.exit(0);
