import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { folderVariable, removeServer } from './server.ts';

/** Gives every worker of a test run the same folder for a PostgreSQL server, which starts when a test first asks for it. */
export default function setup(): () => void {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-postgres-'));
  process.env[folderVariable] = folder;
  return () => removeServer(folder);
}
