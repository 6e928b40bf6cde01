import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
const biome = join(root, 'node_modules', '@biomejs', 'biome', 'bin', 'biome');

const forbidden = [
  'Date.now();',
  'new Date();',
  'new Date;',
  'Date();',
  'performance.now();',
  'process.hrtime.bigint();',
  'setTimeout(() => {}, 1);',
  'setInterval(() => {}, 1);',
  'setImmediate(() => {});',
  'globalThis.setTimeout(() => {}, 1);',
  'Math.random();',
  'crypto.randomUUID();',
  'crypto.getRandomValues(new Uint8Array(1));',
  'export const now = Date.now;',
  `import { randomUUID } from 'node:crypto';`,
  `import { open } from 'node:fs';`,
  `import { open } from 'node:fs/promises';`,
  `import { Worker } from 'node:worker_threads';`,
  `import { fork } from 'node:child_process';`,
  `import { setTimeout } from 'node:timers';`,
  `import { setTimeout } from 'node:timers/promises';`,
  `import { nanoid } from 'nanoid';`,
  `import { Pool } from 'pg';`,
  `await import('node:fs');`,
];

const harmless = [
  'new Date(0);',
  'queueMicrotask(() => {});',
  'export const at = (clock: { now(): number }) => clock.now();',
  `import { createHash } from 'node:crypto';\nexport const hash = createHash;`,
];

const ports = [
  'src/runtime/environment/ports.ts',
  'src/runtime/environment/reactor/node-reactor.ts',
  'src/runtime/environment/threads.ts',
  'src/store/json/ports/file-port.ts',
  'src/store/json/ports/lock.ts',
  'src/store/json/ports/sync-port.ts',
  'src/store/postgres/heartbeat-port.ts',
  'src/store/postgres/sql-port.ts',
  'src/cli/ports.ts',
  'src/inspector/server/ports.ts',
  'src/inspector/ui/browser.ts',
  'src/testing/coverage/ports.ts',
];

const rules = ['plugin', 'lint/style/noRestrictedGlobals', 'lint/style/noRestrictedImports'];

describe('The rule that time, randomness, ids and files come through ports', () => {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-ports-'));
  let refused: ReadonlySet<string>;

  // One run over one file for each case: Biome prints no diagnostics for source given on standard input.
  beforeAll(() => {
    cpSync(join(root, 'biome.json'), join(folder, 'biome.json'));
    cpSync(join(root, '.ci', 'lint'), join(folder, '.ci', 'lint'), { recursive: true });
    forbidden.forEach((source, index) => write(`src/model/forbidden-${index}.ts`, source));
    forbidden.forEach((source, index) => write(`machines/forbidden-${index}.ts`, source));
    forbidden.forEach((source, index) => write(`test/forbidden-${index}.ts`, source));
    harmless.forEach((source, index) => write(`src/model/harmless-${index}.ts`, source));
    for (const port of ports) write(port, forbidden.join('\n'));
    refused = filesRefused();
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it.each(forbidden.map((source, index) => [source, index]))('refuses %s', (_, index) => {
    expect(refused).toContain(`src/model/forbidden-${index}.ts`);
    expect(refused).toContain(`machines/forbidden-${index}.ts`);
  });

  it.each(harmless.map((source, index) => [source, index]))('allows %s', (_, index) => {
    expect(refused).not.toContain(`src/model/harmless-${index}.ts`);
  });

  it.each(ports)('lets %s do it', (port) => {
    expect(refused).not.toContain(port);
  });

  it('leaves tests alone', () => {
    expect([...refused].filter((file) => file.startsWith('test/'))).toEqual([]);
  });

  function write(file: string, source: string): void {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), source);
  }

  function filesRefused(): ReadonlySet<string> {
    const { stdout } = spawnSync(
      process.execPath,
      [biome, 'lint', '--vcs-enabled=false', '--reporter=json', '--max-diagnostics=none', '.'],
      { cwd: folder, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 },
    );
    const report: { diagnostics: { category: string; location: { path: string } }[] } = JSON.parse(stdout);
    return new Set(
      report.diagnostics
        .filter(({ category }) => rules.includes(category))
        .map(({ location }) => location.path),
    );
  }
});
