import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

import type { StreamClock } from './live/hub.ts';

/** A built file of the pages, with its compressed form when there is one. */
export interface UiFile {
  readonly name: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly brotli: Uint8Array<ArrayBuffer> | null;
}

/** The built pages: `index.html`, and what is in `assets`. Null: they were not built. */
export function readUi(): readonly UiFile[] | null {
  const folder = uiFolder();
  if (folder === null) return null;
  const names = readdirSync(join(folder, 'assets')).map((name) => `assets/${name}`);
  const all = ['index.html', ...names];
  return all
    .filter((name) => !name.endsWith('.br'))
    .map((name) => ({
      name,
      bytes: bytesOf(join(folder, name)),
      brotli: all.includes(`${name}.br`) ? bytesOf(join(folder, `${name}.br`)) : null,
    }));
}

function bytesOf(path: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(readFileSync(path));
}

// The package's own name for the folder: the same from the source and from what is built.
function uiFolder(): string | null {
  try {
    return dirname(createRequire(import.meta.url).resolve('#ui/index.html'));
  } catch {
    return null;
  }
}

/** A secret of 256 bits for one process. */
export function newToken(): string {
  return randomBytes(32).toString('base64url');
}

/** Whether this process serves users. */
export function isProduction(): boolean {
  return process.env.NODE_ENV === 'production';
}

/** Resolves when everything else that waits had its turn. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Real time for streams. They keep no process from ending. */
export const streamClock: StreamClock = {
  now: () => performance.now(),
  cpu() {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  },
  after(ms, run) {
    const timer = setTimeout(run, ms).unref();
    return () => clearTimeout(timer);
  },
};
