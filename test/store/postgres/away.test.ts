import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, describe, expect, it } from 'vitest';
import { newSchema, removeSchemas } from './schemas.ts';
import { serverUrl } from './server.ts';

afterAll(removeSchemas);

describe('a process that puts a job while the database is away', () => {
  it('stays until it is answered, though nothing else keeps it', async () => {
    const program = join(import.meta.dirname, 'away.child.ts');
    const flags = ['--conditions', 'signalbox-source', '--import', 'tsx'];
    const child = spawn(process.execPath, [...flags, program, await serverUrl(), newSchema()], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });

    const [said, [code]] = await Promise.all([text(child.stdout), once(child, 'exit')]);

    expect({ code, said: said.trim() }).toEqual({ code: 0, said: 'STORE_DISCONNECTED' });
  });
});
