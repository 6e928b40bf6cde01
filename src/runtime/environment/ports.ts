/*
 * Room: environment.
 *
 * Owns: What a process is given from outside: the clock and timers (reactor/), ids, text files, signals, the
 *   log, and the UUID of this instance. Everything that a test replaces to make a run repeatable comes
 *   through here.
 *
 * Invariant: No other file of the runtime reaches for time, randomness, ids or files; a lint rule forbids it
 *   (biome.json).
 *
 * May import: nothing.
 */
import { randomUUID } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fchmodSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { readdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { nanoid } from 'nanoid';
import { idBeginning } from '../../model/values/ids.ts';

/** Where ids come from. */
export interface IdSource {
  /** A job's id: short, unique, safe in URLs. Those that a process makes one after the other ascend, as far as milliseconds tell. */
  newId(): string;
  /** An instance's UUID. */
  newUuid(): string;
}

/** How much of an id is chance. */
const chanceLength = 13;

/** The ids of production: for jobs their time and 78 bits of chance, random UUIDs for instances. */
export const randomIds: IdSource = {
  newId: () => idBeginning(Date.now()) + nanoid(chanceLength),
  newUuid: () => randomUUID(),
};

/** Milliseconds that only grow, whatever is done to the clock of the machine. */
export const steadyMs = (): number => performance.now();

/** Where randomness comes from: the jitter of delays. */
export interface RandomSource {
  /** Returns a number from 0 up to, but without, 1. */
  next(): number;
}

/** The randomness of production. */
export const mathRandom: RandomSource = { next: () => Math.random() };

/** The small files that the runtime itself reads and writes: the instance UUID. */
export interface TextFilePort {
  /** The text, or null when there is no such file. */
  read(path: string): string | null;
  /**
   * Makes a new file, for its owner alone: all of it or nothing, also after a crash.
   * @throws when the name is taken, also by a link that leads nowhere.
   */
  write(path: string, text: string): void;
  environment(name: string): string | undefined;
}

/** Node's file system and environment. */
export const nodeTextFiles: TextFilePort = {
  read: (path) => (existsSync(path) ? readFileSync(path, 'utf8') : null),
  write: createFile,
  environment: (name) => process.env[name],
};

/**
 * The text is on disk before the file has its name, so a crash leaves no empty file there. A link, unlike a rename,
 * replaces neither a file that has the name nor the target of a link planted there.
 */
function createFile(path: string, text: string): void {
  const temporary = `${path}.tmp`;
  rmSync(temporary, { force: true });
  const fd = openSync(temporary, 'wx', 0o600);
  try {
    fchmodSync(fd, 0o600);
    writeFileSync(fd, text);
    fsyncSync(fd);
    linkSync(temporary, path);
  } finally {
    closeSync(fd);
    rmSync(temporary, { force: true });
  }
  // Windows knows no sync of a directory.
  if (process.platform === 'win32') return;
  const directory = openSync(dirname(path), 'r');
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}

/** The folders and modules of a program, as `discoverJobs` reads them. */
export interface ModulePort {
  /** The names in a folder. */
  list(folder: URL): Promise<readonly string[]>;
  /** Imports a file. Returns its exports by name. */
  load(file: URL): Promise<Readonly<Record<string, unknown>>>;
  /** A file or folder as people write it. */
  path(url: URL): string;
}

/** Node's folders and modules. */
export const nodeModules: ModulePort = {
  list: (folder) => readdir(folder),
  load: (file) => import(/* webpackIgnore: true */ file.href) as Promise<Readonly<Record<string, unknown>>>,
  path: (url) => fileURLToPath(url),
};

/** Signals that ask a process to end. SIGBREAK exists on Windows only and never comes elsewhere. */
export type SignalName = 'SIGINT' | 'SIGTERM' | 'SIGBREAK';

/** The signals of a process, and its end. */
export interface SignalPort {
  on(signal: SignalName, handler: () => void): void;
  off(signal: SignalName, handler: () => void): void;
  listenerCount(signal: SignalName): number;
  /** Sends the signal to this process: without a handler it has its usual effect. */
  raise(signal: SignalName): void;
  exit(code: number): void;
}

/** The signals of this process. */
export const nodeSignals: SignalPort = {
  on: (signal, handler) => void process.on(signal, handler),
  off: (signal, handler) => void process.off(signal, handler),
  listenerCount: (signal) => process.listenerCount(signal),
  raise: (signal) => void process.kill(process.pid, signal),
  exit: (code) => process.exit(code),
};
