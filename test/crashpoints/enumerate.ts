import type { Image, Operation } from '../store/json/memory-files.ts';
import { MemoryFiles } from '../store/json/memory-files.ts';
import { atOnce } from './conduct.ts';
import { type CrashImage, Disk } from './disk.ts';
import { Expectations } from './expectations.ts';
import type { Detail } from './file-contents.ts';
import { type Found, readStore, storeDir } from './recovered.ts';
import { Session } from './session.ts';
import { continueStore, type Trace } from './workload.ts';

/** A place where a power cut is looked at: everything that may be on disk after so many operations. */
interface CrashPoint {
  readonly at: number;
  readonly disk: Disk;
}

/** An image on which the store breaks a promise. */
export interface Violation {
  readonly phase: 'image' | 'nested' | 'kill';
  readonly what: string;
  readonly where: string;
  readonly image: CrashImage;
}

/** What was looked at. The sets hold the keys of distinct images. */
export class Findings {
  readonly images = new Set<string>();
  readonly nested = new Set<string>();
  readonly afterKill = new Set<string>();
  readonly violations: Violation[] = [];
}

/** How much is looked at. */
export interface Extent {
  /** Recoveries whose own crashes are looked at. */
  readonly recoveries: number;
  /** Places at which the process is killed. */
  readonly kills: number;
  readonly detail: Detail;
  readonly stopAtFirst: boolean;
}

/** At each point after a kill: any of them shows what an opening forgot to sync. */
const imagesAfterKill = 8;

/** Looks at everything that a crash of this life of a store may leave. */
export async function enumerate(trace: Trace, extent: Extent): Promise<Findings> {
  const findings = new Findings();
  const recoveries: Recovery[] = [];
  await enumerateImages(trace, extent, findings, recoveries);
  if (!isDone(findings, extent)) await enumerateNested(trace, recoveries, extent, findings);
  if (!isDone(findings, extent)) await enumerateKills(trace, extent, findings);
  return findings;
}

interface Recovery {
  readonly image: CrashImage;
  readonly where: string;
}

function isDone(findings: Findings, { stopAtFirst }: Extent): boolean {
  return stopAtFirst && findings.violations.length > 0;
}

async function enumerateImages(
  trace: Trace,
  extent: Extent,
  findings: Findings,
  recoveries: Recovery[],
): Promise<void> {
  const kinds = new Set<string>();
  const { expectations, check } = trace;
  const look = lookAt({ expectations, check, findings, phase: 'image', keys: findings.images });
  for (const { at, disk } of crashPoints(trace.start, trace.operations, 0)) {
    const where = placeOf(trace.operations, at);
    for (const image of disk.images(extent.detail)) {
      const found = await look(image, at, where);
      if (isDone(findings, extent)) return;
      if (found === null) continue;
      const kind = kindOf(image, found);
      if (!kinds.has(kind)) recoveries.push({ image, where });
      kinds.add(kind);
    }
  }
}

/** A recovery is the same for images with the same files and the same end. */
function kindOf({ files }: Image, { seq, clean }: Found): string {
  const names = [...files].map(([path, { bytes }]) => {
    const name = path.replace(/(\.json)\..*\.tmp/, '$1.tmp');
    return name.includes('journal-') && bytes.at(-1) !== 0x0a ? `${name} torn` : name;
  });
  return `${seq} ${clean} ${names.sort().join(' ')}`;
}

/** Crashes while a crashed store is opened, and after it has acknowledged more. */
async function enumerateNested(
  { check }: Trace,
  recoveries: readonly Recovery[],
  extent: Extent,
  findings: Findings,
): Promise<void> {
  for (const { image, where } of spread(recoveries, extent.recoveries)) {
    const files = new MemoryFiles(image);
    const expectations = Expectations.from(await readStore(new MemoryFiles(image), storeDir));
    const refusal = await reopen(files, expectations);
    if (refusal !== null) {
      findings.violations.push({ phase: 'nested', what: refusal, where, image });
      continue;
    }
    const look = lookAt({ expectations, check, findings, phase: 'nested', keys: findings.nested });
    for (const { at, disk } of crashPoints(image, files.operations, 0)) {
      const here = `${where}, recovered, crashed again ${placeOf(files.operations, at)}`;
      for (const each of disk.images(extent.detail)) {
        await look(each, at, here);
        if (isDone(findings, extent)) return;
      }
    }
  }
}

/** The process is killed, the page cache stays; the store is opened again and continues; then the power fails. */
async function enumerateKills(trace: Trace, extent: Extent, findings: Findings): Promise<void> {
  const places = Array.from({ length: trace.operations.length + 1 }, (_, at) => at);
  // A store is made in the first of them, which happens once: each of them counts.
  const [making, working] = [places.slice(0, 8), places.slice(8)];
  for (const killedAt of [...making, ...spread(working, extent.kills)]) {
    const files = new MemoryFiles(trace.start);
    files.replay(trace.operations.slice(0, killedAt));
    const expectations = trace.expectations.afterKill(killedAt, await readStore(files, storeDir));
    const refusal = await reopen(files, expectations);
    if (refusal !== null) throw new Error(`killed after ${killedAt} operations: ${refusal}`);
    const { check } = trace;
    const look = lookAt({ expectations, check, findings, phase: 'kill', keys: findings.afterKill });
    for (const { at, disk } of crashPoints(trace.start, files.operations, killedAt)) {
      const where = `killed after ${killedAt} operations, opened again, power cut ${placeOf(files.operations, at)}`;
      for (const image of spread([...disk.images('some')], imagesAfterKill)) {
        await look(image, at, where);
        if (isDone(findings, extent)) return;
      }
    }
  }
}

/** Opens the store again and continues. Returns why it could not. */
async function reopen(files: MemoryFiles, expectations: Expectations): Promise<string | null> {
  const options = { ids: 'again-', checkpointMinBytes: 1_500, historyMaxBytes: 0 };
  try {
    const session = await Session.open(files, expectations, atOnce(files), options);
    await continueStore(session);
    if (session.surprises.length > 0) throw session.surprises[0];
    return null;
  } catch (error) {
    return `I1: the store is read, and not opened: ${error instanceof Error ? error.message : String(error)}`;
  }
}

/**
 * The points just before a sync has its effect, and the end. What a crash between two of them may leave is among
 * what a crash at the later one may leave, and by then at least as much was acknowledged: no image is missed.
 */
function* crashPoints(start: Image, operations: readonly Operation[], from: number): Generator<CrashPoint> {
  const disk = new Disk(start);
  for (const [at, operation] of operations.entries()) {
    const isSync = operation.call === 'datasync' || operation.call === 'syncDirectory';
    if (isSync && at >= from) yield { at, disk };
    disk.apply(operation);
  }
  yield { at: operations.length, disk };
}

type Look = (image: CrashImage, at: number, where: string) => Promise<Found | null>;

/** What each image is held against, and where it is noted. */
interface Sight {
  readonly expectations: Expectations;
  readonly check: Trace['check'];
  readonly findings: Findings;
  readonly phase: Violation['phase'];
  readonly keys: Set<string>;
}

/** Opens an image once, and holds what was found against what is promised at each point. Returns what is new. */
function lookAt({ expectations, check, findings, phase, keys }: Sight): Look {
  const known = new Map<string, Found | string>();
  const read = async (image: CrashImage, dir: string, key: string) => {
    const found = known.get(key) ?? (await foundIn(image, dir));
    known.set(key, found);
    return found;
  };
  return async (image, at, where) => {
    const report = (what: string) => findings.violations.push({ phase, what, where, image });
    const isNew = !known.has(image.key);
    if (isNew) keys.add(image.key);
    const found = await read(image, storeDir, image.key);
    const what = typeof found === 'string' ? found : expectations.violation(found, at);
    if (what !== null) report(what);
    const broken = isNew && what === null ? await check?.(image) : null;
    if (broken != null) report(broken);
    // Later phases open the store again, and the backup stays as it is.
    const backups = phase === 'image' ? [...expectations.backups(at), ...backupsIn(image)] : [];
    for (const dir of new Set(backups)) {
      const backup = await read(image, dir, partOf(image, dir));
      const wrong = typeof backup === 'string' ? backup : expectations.backupViolation(dir, backup);
      if (wrong !== null) report(`${dir}: ${wrong}`);
    }
    return isNew && typeof found !== 'string' ? found : null;
  };
}

/** What an opening finds; text when it is refused. */
async function foundIn(image: Image, dir: string): Promise<Found | string> {
  try {
    const { seq, digest, clean } = await readStore(new MemoryFiles(image), dir);
    return { seq, digest, clean };
  } catch (error) {
    return `I1: the store is refused: ${error instanceof Error ? error.message : String(error)}`;
  }
}

function backupsIn({ directories }: Image): readonly string[] {
  return directories.filter((path) => path.startsWith('/data/backup') && !path.endsWith('.tmp'));
}

/** A key of one directory: most images differ elsewhere. */
function partOf(image: CrashImage, dir: string): string {
  const parts = [...image.files].filter(([path]) => path.startsWith(`${dir}/`));
  return parts.map(([path, { key }]) => `${path} ${key}`).join('\n');
}

function placeOf(operations: readonly Operation[], at: number): string {
  const next = operations[at];
  return `after ${at} of ${operations.length} operations, before ${next === undefined ? 'the end' : textOf(next)}`;
}

function textOf(operation: Operation): string {
  switch (operation.call) {
    case 'write':
      return `write of ${operation.bytes.length} bytes at ${operation.at} of file ${operation.node}`;
    case 'truncate':
      return `truncate of file ${operation.node} to ${operation.length}`;
    case 'datasync':
      return `datasync of file ${operation.node}`;
    case 'names':
      return operation.what;
    case 'syncDirectory':
      return `sync of directory ${operation.node}`;
  }
}

/** So many of a list, evenly spread. */
function spread<Item>(list: readonly Item[], count: number): readonly Item[] {
  const step = Math.max(1, list.length / count);
  return Array.from(
    { length: Math.min(count, list.length) },
    (_, index) => list[Math.floor(index * step)] as Item,
  );
}
