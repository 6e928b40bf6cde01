import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build, install } from '../../.ci/prepare.mjs';

install();
build();

const { register } = await import('tsx/esm/api');
register();
if (process.env.DATABASE_URL !== undefined) await import('./main.ts');
else {
  // Without a database, starts one that runs as long as this command.
  const { removeServer, startServer } = await import('../../test/store/postgres/server.ts');
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-hosts-'));
  try {
    process.env.DATABASE_URL = await startServer(folder);
    console.log(`PostgreSQL: ${process.env.DATABASE_URL}`);
    await import('./main.ts');
  } finally {
    removeServer(folder);
  }
}
