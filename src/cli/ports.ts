import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { readUi, type UiFile, unpacked } from '../inspector/server/ports.ts';
import type { StorePorts } from '../store/json/index.ts';

/** The ports of stores that commands open: real time and real ids. */
export function portsFor(report: (message: string) => void): StorePorts {
  return {
    now: () => Date.now(),
    defer: (run) => void setImmediate(run),
    newId: () => randomUUID(),
    report,
  };
}

/** The UUID of an instance that lives as long as one command. */
export function newUuid(): string {
  return randomUUID();
}

/** The version of the package that this command belongs to. */
export function packageVersion(): string {
  return createRequire(import.meta.url)('signalbox/package.json').version;
}

/** The URL of a folder, from the working directory on. */
export function folderUrl(path: string): URL {
  return pathToFileURL(resolve(path));
}

/** What a module exports, from the working directory on. */
export async function exportsOf(path: string): Promise<Readonly<Record<string, unknown>>> {
  return import(pathToFileURL(resolve(path)).href);
}

/** Writes a file, and the folders above it. Returns false, and writes nothing, when there is one. */
export async function writeNewFile(path: string, text: string): Promise<boolean> {
  await mkdir(dirname(resolve(path)), { recursive: true });
  try {
    await writeFile(path, text, { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** The files of a folder whose names end so, with their texts, in the order of their names. */
export function filesIn(folder: string, ending: string): readonly TextFile[] {
  const names = readdirSync(folder)
    .filter((name) => name.endsWith(ending))
    .sort();
  return names.map((name) => join(folder, name)).map((path) => ({ path, text: readFileSync(path, 'utf8') }));
}

export interface TextFile {
  readonly path: string;
  readonly text: string;
}

export function writeText(path: string, text: string): void {
  writeFileSync(path, text);
}

/** The module that was built from `src/inspector/ui/coverage/heat-page.tsx`. */
export async function builtHeatPage(): Promise<{ heatPage(given: object): string }> {
  const packed = readFileSync(createRequire(import.meta.url).resolve('#heat-page'));
  const code = Buffer.from(unpacked(new Uint8Array(packed)));
  return import(`data:text/javascript;base64,${code.toString('base64')}`);
}

/** The styles that all pages of the inspector have, as they were built. */
export function builtStyles(): string {
  const files = new Map(readUi()?.map((file) => [file.name, file]));
  const textOf = (name = ''): string => {
    const { bytes, isPacked } = files.get(name) as UiFile;
    return new TextDecoder().decode(isPacked ? unpacked(bytes) : bytes);
  };
  const named = [...textOf('index.html').matchAll(/href="\.\/(assets\/[^"]+\.css)"/g)];
  return named.map(([, name]) => textOf(name)).join('\n');
}

/** A variable of the environment; undefined when it is not set, or empty. */
export function environment(name: string): string | undefined {
  return process.env[name] || undefined;
}

/** Resolves when a person or a supervisor of processes stops this one. */
export function stopped(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
    if (process.env.npm_lifecycle_event === 'npx') whenOrphaned(resolve);
  });
}

const lookMs = 250;

/** npx runs a command in a shell. A signal to npx ends that shell and not the command, which has another parent then. */
function whenOrphaned(done: () => void): void {
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    done();
  }, lookMs);
  timer.unref();
}

/** Resolves after a while. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
