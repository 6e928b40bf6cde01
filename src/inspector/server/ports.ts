import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { brotliDecompressSync } from 'node:zlib';

import type { StreamClock } from './live/hub.ts';

/** A built file of the pages. */
export interface UiFile {
  readonly name: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The bytes are compressed with brotli. */
  readonly isPacked: boolean;
}

/** The built pages: `index.html`, and what is in `assets`. Null: they were not built. */
export function readUi(): readonly UiFile[] | null {
  const folder = uiFolder();
  if (folder === null) return null;
  const assets = readdirSync(join(folder, 'assets'));
  return [
    { name: 'index.html', bytes: bytesOf(join(folder, 'index.html')), isPacked: false },
    ...assets.map((file) => ({
      name: `assets/${file.replace(/\.br$/, '')}`,
      bytes: bytesOf(join(folder, 'assets', file)),
      isPacked: file.endsWith('.br'),
    })),
  ];
}

/** What was compressed with brotli. */
export function unpacked(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return new Uint8Array(brotliDecompressSync(bytes));
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
