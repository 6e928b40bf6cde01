import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  createSignalbox,
  type LogFields,
  type Logger,
  type LogLevel,
  type LogStream,
  memoryStore,
  NodeReactor,
  type RunnableReactor,
  type Signalbox,
  type SignalboxOptions,
  type Store,
} from 'signalbox';
import { jsonStore } from 'signalbox/json';
import { VirtualReactor } from 'signalbox/testing';
import { afterAll, afterEach, describe, expect } from 'vitest';
import { differingRecords, newPostgresStore, removeSchemas } from '../store/postgres/schemas.ts';

/** Makes a new, empty store. Opened again after a stop, it holds what was written. */
export type MakeStore = (options?: { readonly name?: string }) => Store;

/** The stores that behaviours are shown on. */
export type StoreKind = 'memory' | 'json' | 'postgres';

const stores: { readonly [kind in StoreKind]: MakeStore } = {
  memory: (options = {}) => memoryStore(options),
  json: (options = {}) => jsonStore(join(newDirectory(), 'store'), options),
  postgres: (options = {}) => withDirectory(newPostgresStore(options)),
};

/**
 * What every run shows on a database, too: a selection. All of it takes minutes there, and `SIGNALBOX_TEST_STORE=postgres`
 * asks for it.
 */
const alsoOnPostgres: readonly string[] = [
  'The status of a job',
  'Quotas',
  'An interrupted job',
  'interruptions',
  'A stream of the inspector',
  'A timeline of the inspector',
  'An operator',
  'The progress of a job',
  'A search',
  'A bulk call',
  'A bulk call under faults',
];

const folders: string[] = [];
const running = new Set<TestBox<RunnableReactor>>();

afterEach(async () => {
  try {
    for (const testBox of running) await testBox.stop();
  } finally {
    running.clear();
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
  }
});

afterAll(async () => {
  // The other stores get their records from the journal; a database has them in rows of their own.
  expect(await differingRecords()).toEqual([]);
  await removeSchemas();
}, 60_000);

/** Shows the same facts on every store, or on the one that `SIGNALBOX_TEST_STORE` names. */
export function forEachStore(name: string, facts: (makeStore: MakeStore, kind: StoreKind) => void): void {
  const only = process.env.SIGNALBOX_TEST_STORE;
  const kinds = Object.keys(stores) as StoreKind[];
  const isUsual = (kind: StoreKind): boolean => kind !== 'postgres' || alsoOnPostgres.includes(name);
  const chosen = kinds.filter((kind) => (only === undefined ? isUsual(kind) : kind === only));
  if (chosen.length === 0) throw new Error(`SIGNALBOX_TEST_STORE is ${only}; known are ${kinds.join(', ')}`);
  for (const kind of chosen) describe(`${name}, ${kind} store`, () => facts(stores[kind], kind));
}

/** A database keeps no UUID for an instance: its tests have a folder for that, as those of the json store. */
function withDirectory(store: Store): Store {
  const directory = newDirectory();
  return {
    name: store.name,
    open: async (ports) => Object.assign(await store.open(ports), { directory }),
  };
}

/** An empty folder that is removed after the test. */
export function newDirectory(): string {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-'));
  folders.push(folder);
  return folder;
}

/** One log entry, as the logger of a test box receives it. */
export interface LogEntry {
  readonly level: LogLevel;
  readonly stream: LogStream;
  readonly job: string | null;
  readonly message: string;
  readonly fields: LogFields;
}

/** A logger that keeps its entries. */
function collectingLogger(entries: LogEntry[]): Logger {
  const keep =
    (level: LogLevel): Logger['info'] =>
    (fields, message) => {
      entries.push({ level, stream: fields.stream, job: fields.job ?? null, message, fields });
    };
  return {
    debug: keep('DEBUG'),
    info: keep('INFO'),
    warn: keep('WARNING'),
    error: keep('ERROR'),
    fatal: keep('CRITICAL'),
  };
}

/** A box of a test with what the test holds in its hands. It is stopped after the test. */
export interface TestBox<Powers extends RunnableReactor = VirtualReactor> {
  readonly box: Signalbox;
  readonly reactor: Powers;
  /** Everything logged so far, of all levels. */
  readonly entries: readonly LogEntry[];
  /** Messages of a level, of both streams. */
  logged(level: LogLevel): string[];
  /** Stops the box unless it is stopped. Without grace: what runs is handed on. */
  stop(): Promise<void>;
}

/** What a test may say about its box: the store, and anything but what the test box itself provides. */
export type TestBoxOptions = Omit<SignalboxOptions, 'reactor' | 'logger'>;

/** A box in virtual time, not started. Polls, delays and deadlines happen when `reactor.advance` says so. */
export async function makeBox(options: TestBoxOptions): Promise<TestBox> {
  const reactor = new VirtualReactor();
  const testBox = await boxOn(reactor, options);
  reactor.attach(testBox.box);
  return testBox;
}

/** A box in real time, not started: for what virtual time cannot show. */
export function makeNodeBox(options: TestBoxOptions): Promise<TestBox<NodeReactor>> {
  return boxOn(new NodeReactor(), options);
}

async function boxOn<Powers extends RunnableReactor>(
  reactor: Powers,
  options: TestBoxOptions,
): Promise<TestBox<Powers>> {
  const entries: LogEntry[] = [];
  const box = await createSignalbox({ ...options, reactor, logger: collectingLogger(entries) });
  const testBox: TestBox<Powers> = {
    box,
    reactor,
    entries,
    logged: (level) => entries.filter((entry) => entry.level === level).map((entry) => entry.message),
    async stop() {
      running.delete(testBox);
      await box.stop();
    },
  };
  running.add(testBox);
  return testBox;
}
