import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jsonStore } from 'signalbox/json';
import { SignalboxError } from '../../../src/errors.ts';
import { type FilePort, nodeFilePort } from '../../../src/store/json/ports/file-port.ts';
import { createInlineSyncPort } from '../../../src/store/json/ports/sync-port.ts';
import type { OpenStore } from '../../../src/store/store.ts';
import { createFaultyFiles, type FaultyFiles } from './faulty-files.ts';

type Call = keyof FilePort;

/** One call that fails: the nth of its kind, or all from that one on. A number is a write that takes so many bytes. */
interface Failure {
  readonly call: Call;
  readonly nth: number;
  readonly how: string | number;
  readonly lasts: boolean;
}

/** The result of one run of the workload. */
interface Run {
  readonly acknowledged: string[];
  readonly notCommitted: string[];
  /** The failures, each as `what: code`. */
  readonly errors: SignalboxError[];
  readonly strange: string[];
  /** Whether the store took the last commit, when the fault was over. */
  worksOn: boolean;
  isPoisoned: boolean;
  /** Files that it opened and never closed. */
  left: number;
}

/** Ways to fail: the errors of the operating system; for a write also the number of bytes before it is cut short. */
const errnos = ['ENOSPC', 'EIO', 'EACCES', 'EROFS', 'EMFILE'];
const ways = (call: Call): readonly (string | number)[] => {
  if (call === 'read') return ['EIO'];
  return call === 'write' ? [...errnos, 'EDQUOT', 0, 1, 40] : errnos;
};

/** The calls that fail in turn: all but `close`, which by its contract never does. */
export const failingCalls = (Object.keys(nodeFilePort) as Call[]).filter((call) => call !== 'close');

/** Stores to begin with. */
export const beginnings = ['a new store', 'a store after a kill'] as const;

/** Files whose syncs cost nothing: only the chosen calls fail. */
function countingFiles(failure: Failure | null): { files: FaultyFiles; calls: Map<Call, number> } {
  const files = createFaultyFiles({ ...nodeFilePort, datasync: () => {}, syncDirectory: () => {} });
  const calls = new Map<Call, number>();
  files.fault = (call) => {
    const nth = (calls.get(call) ?? 0) + 1;
    calls.set(call, nth);
    if (call !== failure?.call) return null;
    return nth === failure.nth || (failure.lasts && nth > failure.nth) ? failure.how : null;
  };
  return { files, calls };
}

function open(dir: string, files: FilePort): Promise<OpenStore> {
  let lastId = 0;
  const syncs = () => createInlineSyncPort(files);
  return jsonStore(dir, { files, syncs, lock: 'pidfile-unsafe', checkpointMinBytes: 600 }).open({
    now: () => 1_000_000,
    defer: (run) => void setImmediate(run),
    newId: () => {
      lastId += 1;
      return `id${lastId}-${Math.random()}`;
    },
    report: () => {},
  });
}

function put(store: OpenStore, id: string): Promise<void> {
  const change = {
    kind: 'annotation' as const,
    id: `job/${id}`,
    event: 'annotation.set',
    from: null,
    to: null,
  };
  return store.commit({
    by: 'client',
    changes: [{ ...change, patch: { value: 'n'.repeat(150) } }],
    expect: [],
  }).synced;
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Open, commits alone and together, a checkpoint on the way, close. */
async function workload(dir: string, files: FaultyFiles): Promise<Run> {
  const run: Run = {
    acknowledged: [],
    notCommitted: [],
    errors: [],
    strange: [],
    worksOn: false,
    isPoisoned: false,
    left: 0,
  };
  const failed = (error: unknown, id: string | null): void => {
    if (!(error instanceof SignalboxError)) {
      run.strange.push(`${id ?? 'the store'}: ${String(error)}`);
      return;
    }
    run.errors.push(error);
    if (id !== null && error.code === 'STORE_FULL') run.notCommitted.push(id);
  };
  let store: OpenStore;
  try {
    store = await open(dir, files);
  } catch (error) {
    failed(error, null);
    run.left = files.left;
    return run;
  }
  store.onFailure(() => {
    run.isPoisoned = true;
  });
  const tried = (id: string): Promise<void> =>
    put(store, id).then(
      () => void run.acknowledged.push(id),
      (error: unknown) => failed(error, id),
    );
  await tried('a');
  await Promise.all([tried('b'), tried('c')]);
  for (const id of ['d', 'e', 'f', 'g']) {
    await tried(id);
    await turn();
  }
  const { fault } = files;
  files.fault = () => null;
  await tried('last');
  run.worksOn = run.acknowledged.includes('last');
  files.fault = fault;
  await store.close().catch((error: unknown) => failed(error, null));
  run.left = files.left;
  return run;
}

/** The results of failures, in numbers and in words. */
export interface Findings {
  readonly runs: number;
  readonly problems: readonly string[];
}

/**
 * Lets the nth call of one kind fail, for every n of the workload, once and permanently.
 * @param all - every n in every way; false: every n in one or two ways, which take turns.
 */
export async function failEach(
  beginning: (typeof beginnings)[number],
  call: Call,
  all: boolean,
): Promise<Findings> {
  const folder = fs.mkdtempSync(join(tmpdir(), 'signalbox-failures-'));
  try {
    const before = beginning === 'a new store' ? null : await killed(folder);
    const counted = countingFiles(null);
    await workload(copyOf(before, join(folder, 'counted')), counted.files);
    const total = counted.calls.get(call) ?? 0;
    const failures = Array.from({ length: total }, (_, index) => failuresAt(call, index + 1, all)).flat();
    const problems: string[] = [];
    for (const [index, failure] of failures.entries())
      problems.push(...(await problemsOf(before, join(folder, `run-${index}`), failure)));
    return { runs: failures.length, problems };
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

function failuresAt(call: Call, nth: number, all: boolean): readonly Failure[] {
  const each = ways(call).flatMap((how): Failure[] => [
    { call, nth, how, lasts: false },
    // Too many open files, and a write that was cut short, are passing failures.
    ...(how === 'EMFILE' || (typeof how === 'number' && how > 0) ? [] : [{ call, nth, how, lasts: true }]),
  ]);
  return all ? each : [each[nth % each.length] as Failure];
}

/** Runs the workload with one failure on a copy of `before`, and returns the faults of the result, in words. */
async function problemsOf(before: string | null, path: string, failure: Failure): Promise<string[]> {
  const dir = copyOf(before, path);
  const run = await workload(dir, countingFiles(failure).files);
  const problems = [...run.strange];
  const right = codesOf(failure);
  for (const { code, message } of run.errors)
    if (!right.includes(code)) problems.push(`${code}, where ${right} is right: ${message}`);
  if (run.acknowledged.length > 0 && !run.worksOn && !run.isPoisoned) problems.push('does not work on');
  if (run.left !== 0) problems.push(`${run.left} files are left open`);
  problems.push(...(await afterwards(dir, run, before === null ? [] : ['before'])));
  fs.rmSync(dir, { recursive: true, force: true });
  return problems.map((problem) => `${JSON.stringify(failure)}: ${problem}`);
}

function codesOf({ call, how }: Failure): readonly string[] {
  // A write that takes nothing or a little is a full disk, and one that cannot even be cut off ends the store.
  const isFull = typeof how === 'number' || how === 'ENOSPC' || how === 'EDQUOT';
  const isRefused = how === 'EACCES' || how === 'EROFS';
  const atOpening = isFull ? ['STORE_FULL'] : isRefused ? ['STORE_PERMISSION'] : [];
  return call === 'write' && isFull ? ['STORE_FULL'] : [...atOpening, 'STORE_IO'];
}

/** Checks the store after the fault: it opens, has everything acknowledged and nothing refused, and accepts more. */
async function afterwards(dir: string, run: Run, earlier: readonly string[]): Promise<string[]> {
  const problems: string[] = [];
  const { files } = countingFiles(null);
  try {
    const store = await open(dir, files);
    const found = (await store.list('annotation', 'job/')).map(({ id }) => id.slice('job/'.length));
    for (const id of [...earlier, ...run.acknowledged])
      if (!found.includes(id)) problems.push(`${id} is lost`);
    for (const id of run.notCommitted)
      if (found.includes(id)) problems.push(`${id} was refused and is there`);
    await put(store, 'after');
    await store.close();
  } catch (error) {
    problems.push(`does not open again: ${String(error)}`);
  }
  return problems;
}

/** A store as a killed process leaves it: not closed, with a file under construction. */
async function killed(folder: string): Promise<string> {
  const dir = join(folder, 'living');
  const store = await open(dir, countingFiles(null).files);
  await put(store, 'before');
  const copy = copyOf(dir, join(folder, 'killed'));
  fs.writeFileSync(join(copy, 'snapshot.json.left.tmp'), 'half');
  fs.writeFileSync(join(copy, 'lock'), '');
  await store.close();
  return copy;
}

function copyOf(before: string | null, path: string): string {
  if (before === null) return path;
  fs.cpSync(before, path, { recursive: true });
  fs.chmodSync(path, 0o700);
  return path;
}
