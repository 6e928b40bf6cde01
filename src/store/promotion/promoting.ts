import { SignalboxError } from '../../errors.ts';
import { machineVersion } from '../../model/jobs/machine-version.ts';
import type { JobRecord, PromotionRecord, StoreRecord } from '../../model/records/records.ts';
import type { Kind, Line, Records } from '../entry.ts';
import { type AtRestPorts, openAtRest, type StoreAtRest } from '../json/recovery/at-rest.ts';
import type { PromotionMark } from '../json/snapshot/promotion-mark.ts';
import { recordKinds } from '../kinds.ts';
import type { FoundTarget, PromotionTarget } from '../postgres/promotion/promotion-target.ts';
import { loaded } from '../rules/changes/record-change.ts';
import { inBatches } from './batches.ts';
import { type Compared, compare, type Wanted } from './comparing.ts';

/** The steps of a promotion. If the process ends after any of them, the same call finishes the promotion. */
export type PromotionStep =
  | 'read'
  | 'begun'
  | 'copying'
  | 'copied'
  | 'compared'
  | 'marked'
  | 'committed'
  | 'finished';

/** The input of a promotion. */
export interface PromotionRequest {
  /** The directory of the json store. */
  readonly from: string;
  readonly target: PromotionTarget;
  /** Host, port and name of the database, without a password. The mark in the directory holds this text. */
  readonly to: string;
  readonly schema: string;
  readonly ports: AtRestPorts & { readonly newId: () => string };
  /** Called after each step. */
  readonly reached: (step: PromotionStep) => void;
}

/** The result of a promotion. */
export interface Promotion {
  readonly id: string;
  /** Id of the json store. */
  readonly store: string;
  /** Absolute path of its directory. */
  readonly directory: string;
  /** True when an earlier call had finished the promotion. */
  readonly wasDone: boolean;
  /** What was compared before the commit; null when an earlier call committed. */
  readonly compared: Compared | null;
}

/**
 * Moves a whole json store to an empty schema: records, journal and epochs, under the same ids and numbers.
 * One transaction writes the database. Before its commit the directory gets a mark, and a marked directory is
 * never opened. So at most one of the two stores can be opened at any moment:
 *
 * 1. No mark: the directory is in charge, and the schema is empty.
 * 2. Mark, not done: neither store opens; the same call finishes the promotion.
 * 3. After the commit, mark, done: the database is in charge.
 *
 * @throws SignalboxError `PROMOTION_TARGET`, `PROMOTION_ELSEWHERE`, `PROMOTION_UNREADABLE`,
 * `PROMOTION_DIFFERS`, and the errors of the two stores.
 */
export async function promote(request: PromotionRequest): Promise<Promotion> {
  let source: StoreAtRest | null = null;
  try {
    source = await openAtRest(request.from, request.ports);
    request.reached('read');
    return await promoteFrom(source, request);
  } finally {
    // The database first: no process may open the directory while the transaction could still be committed.
    await request.target.end();
    source?.release();
  }
}

async function promoteFrom(source: StoreAtRest, request: PromotionRequest): Promise<Promotion> {
  const found = await request.target.found();
  if (isOf(source, found)) return finish(request, source, null, source.mark?.isDone === true);
  mustBeFree(request, source, found);
  mustBeReadable(source.records.job as readonly unknown[] as readonly JobRecord[]);
  // Checks again under the lock, which waits for the end of an earlier call whose process was killed.
  const locked = await request.target.begin();
  if (isOf(source, locked)) return finish(request, source, null, false);
  mustBeFree(request, source, locked);
  request.reached('begun');
  return move(request, source);
}

async function move(request: PromotionRequest, source: StoreAtRest): Promise<Promotion> {
  const { target, to, schema, ports, reached } = request;
  const mark: PromotionMark = source.mark ?? {
    id: ports.newId(),
    to,
    schema,
    isDone: false,
    at: ports.now(),
  };
  const wanted = wantedOf(source, mark);
  let compared: Compared;
  try {
    await copy(request, wanted, source.seq + 1);
    reached('copied');
    compared = await compare(wanted, target);
    reached('compared');
    source.setMark(mark);
    reached('marked');
    await target.commit();
  } catch (error) {
    // After an unknown outcome the mark stays, and the next call finds the outcome.
    if (isNotCommitted(error)) source.removeMark();
    throw error;
  }
  reached('committed');
  return finish(request, { ...source, mark }, compared, false);
}

function finish(
  { reached }: PromotionRequest,
  source: StoreAtRest,
  compared: Compared | null,
  wasDone: boolean,
): Promotion {
  const mark = source.mark as PromotionMark;
  if (!wasDone) source.setMark({ ...mark, isDone: true });
  reached('finished');
  return { id: mark.id, store: source.storeId, directory: source.dir, wasDone, compared };
}

/** Whether the schema holds the promotion that the directory's mark names. */
function isOf({ mark }: StoreAtRest, found: FoundTarget): boolean {
  return found.is === 'promoted' && mark?.id === found.promotion.id;
}

function mustBeFree({ to, schema }: PromotionRequest, { dir, mark }: StoreAtRest, found: FoundTarget): void {
  if (mark !== null && (mark.isDone || mark.to !== to || mark.schema !== schema)) {
    const given = mark.to === to && mark.schema === schema;
    throw new SignalboxError('PROMOTION_ELSEWHERE', {
      path: dir,
      to: mark.to,
      schema: mark.schema,
      found: given ? 'one that does not hold it any more' : `schema ${schema} of ${to}`,
    });
  }
  if (found.is === 'empty') return;
  const what =
    found.is === 'used' ? found.by : `the promotion ${found.promotion.id} of store ${found.promotion.store}`;
  throw new SignalboxError('PROMOTION_TARGET', { schema, found: what });
}

/** Refuses jobs in quarantine: their values could not be compared. */
function mustBeReadable(jobs: readonly JobRecord[]): void {
  const unreadable = jobs.filter((job) => job.unsound !== undefined);
  const [first] = unreadable;
  if (first !== undefined)
    throw new SignalboxError('PROMOTION_UNREADABLE', {
      count: unreadable.length,
      example: `job ${first.id}`,
    });
}

/**
 * The contents that the database must have: the whole directory, and one more entry that records the
 * promotion.
 */
function wantedOf(source: StoreAtRest, mark: PromotionMark): Wanted {
  const records = source.records as unknown as { readonly [K in Kind]: readonly Records[K][] };
  // A crash during the very first opening leaves no record of the store.
  const store = records.store[0] ?? (loaded('store', { id: 'store' }) as StoreRecord);
  const seq = source.seq + 1;
  const promotion: PromotionRecord = { id: mark.id, store: source.storeId, seq: source.seq, at: mark.at };
  const promoted: Line = {
    s: seq,
    at: mark.at,
    by: `promotion#${store.epoch}`,
    mv: machineVersion,
    entries: [
      {
        kind: 'store',
        id: 'store',
        event: 'store.promoted',
        from: null,
        to: null,
        patch: { promotion: { ...promotion } },
        gone: false,
        q: store.lastSeq,
      },
    ],
  };
  return {
    records: { ...records, store: [{ ...store, promotion, rev: store.rev + 1, lastSeq: seq }] },
    async *lines() {
      yield* source.lines();
      yield promoted;
    },
  };
}

async function copy({ target, reached }: PromotionRequest, wanted: Wanted, seq: number): Promise<void> {
  const copyKind = async <K extends Kind>(kind: K): Promise<void> => {
    for await (const batch of inBatches(wanted.records[kind] as Iterable<Records[K]>)) {
      await target.putRecords(kind, batch);
      reached('copying');
    }
  };
  for (const kind of recordKinds) await copyKind(kind);
  for await (const batch of inBatches(wanted.lines())) {
    await target.putLines(batch);
    reached('copying');
  }
  await target.finish(seq);
}

function isNotCommitted(error: unknown): boolean {
  const { outcome } = (error as { details?: { outcome?: string } }).details ?? {};
  return outcome !== 'unknown';
}
