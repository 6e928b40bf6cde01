import type { Change } from '../../store.ts';
import type { Written } from './writing.ts';

/** The claim of a statement: of lanes whose jobs it need not tell apart. */
export interface PlainClaim {
  readonly queue: string;
  readonly dispatcher: string;
  readonly agent: string;
  readonly agentSeq: number | null;
  /** How many jobs the agent may hold; null: the claim says by itself. */
  readonly size: number | null;
  readonly lanes: readonly number[];
  /** The marks of the queue; null: it has no record. */
  readonly marks: number | null;
  /**
   * Where priorities are in use, or nothing but own puts is known: all lanes that are known to have jobs. Nothing is taken when another
   * one has some.
   */
  readonly known: readonly number[] | null;
  /** Where several levels have jobs: the level of each lane, and the turn behind which the claim begins there. */
  readonly levels: {
    readonly of: readonly number[];
    readonly afters: readonly number[];
    readonly agingMs: number | null;
  } | null;
  /** Ids of the quotas that a job of these lanes enters. */
  readonly quotas: readonly string[];
  readonly most: number;
  /** The turn behind which it begins, and the one before which it ends. */
  readonly after: number;
  readonly until: number;
  /** How many runs are looked at at a time. */
  readonly width: number;
  readonly token: number;
  /** The changes of each job that it takes. */
  readonly changes: readonly Change[];
  /** Its jobs may have keys, which they enter, up to the first job of which one has no room. */
  readonly isKeyed: boolean;
}

/** The answer to a statement. */
export interface Answer {
  /** Number of the commit; absent when nothing was written. */
  readonly c?: number;
  readonly at: number;
  /** Turn of the last job that was taken. */
  readonly last: number;
  /** With several levels: that of each lane. */
  readonly lasts?: readonly number[] | null;
  /** How many runs were taken from. */
  readonly runs?: number;
  /** How many jobs the agent held before. */
  readonly held: number | null;
  /** Why nothing was claimed. `marks`, `stale`: what is known of the queue is not so any more. */
  readonly refusal: 'gone' | 'changed' | 'dead' | 'marks' | 'stale' | null;
  /** There is something to take, which another transaction may have locked. */
  readonly isAny: boolean;
  /** A job was left, with all behind it, since one of its keys may have no room. */
  readonly isHeld?: boolean;
  readonly ids?: readonly string[];
  readonly lanes?: readonly number[];
  /** Of each claimed job the ids of the keys that it has entered; empty: it is a claim without keys. */
  readonly slots?: readonly (readonly string[])[];
  /** Those of the jobs that it takes that have annotations; absent where the answer was asked for later. */
  readonly annotated?: readonly string[];
  /** Of each claimed job: revision of its row, its newest entry, and the patches of its document. */
  readonly jobs?: readonly ClaimedRow[];
}

type ClaimedRow = readonly [id: string, rev: number, seq: number, ...patches: Record<string, unknown>[]];

/** The answer of the server, whose jobs come in any order. */
export function answerIn(text: string): Answer {
  const answer = JSON.parse(text) as Answer;
  const { ids = [], jobs = [] } = answer;
  const rows = new Map(jobs.map((row) => [row[0], row]));
  return { ...answer, jobs: ids.map((id) => rows.get(id) as ClaimedRow) };
}

/** Who commits, and how. */
export interface StatementHead {
  readonly epoch: number;
  /** Counts the commits of the opening: its answer can be asked for by this. */
  readonly n: number;
  readonly by: string;
  readonly machineVersion: string;
  /** Null: as the transaction has it. */
  readonly isSynced: boolean | null;
  /** The instant by a clock that is moved by hand; null: that of the server. */
  readonly now: number | null;
}

const parameterCount = 45;
/** How many jobs stand in one run. */
const jobsOfRun = 25;

/** The text of the statement. */
export function commitText(schema: string): string {
  const parameters = Array.from({ length: parameterCount }, (_, index) => `$${index + 1}`).join();
  return `SELECT ${schema}.commit(${parameters}) AS answer`;
}

/** What a commit writes that changes nothing. */
export const nothingWritten: Written = {
  tokens: [],
  revs: [],
  left: [],
  beliefs: [],
  changes: [],
  puts: { ids: [], docs: [], at: [], lanes: [], groups: [], due: null, ready: [] },
  done: [],
  freed: [],
  rooms: [],
  rows: [],
};

/** The values of the statement, in the order of the parameters of the function. */
export function commitValues(
  head: StatementHead,
  written: Written | null,
  claim: PlainClaim | null,
): readonly unknown[] {
  const { tokens, revs, left, beliefs, changes, puts, done, freed, rooms, rows } = written ?? nothingWritten;
  const { runs, ready } = runsOf(puts);
  const hasPuts = puts.ids.length > 0;
  const hasDone = done.length > 0;
  return [
    head.epoch,
    head.n,
    head.by,
    head.machineVersion,
    head.isSynced,
    head.now,
    orNull(numbers(tokens), tokens),
    orNull(numbers(revs), revs),
    orNull(nested(left.map((lease) => (lease === null ? null : texts(lease.ids)))), left),
    orNull(nested(left.map((lease) => (lease === null ? null : numbers(lease.seqs)))), left),
    orNull(nested(left.map((lease) => (lease === null ? null : numbers(lease.lanes)))), left),
    beliefs.length === 0 ? null : JSON.stringify(beliefs),
    changes.length === 0 ? null : JSON.stringify(changes),
    hasPuts ? texts(puts.ids) : null,
    hasPuts ? lines(puts.docs) : null,
    hasPuts ? numbers(puts.at) : null,
    hasPuts
      ? numbers(puts.lanes.every((lane) => lane === puts.lanes[0]) ? puts.lanes.slice(0, 1) : puts.lanes)
      : null,
    puts.due === null ? null : numbers(puts.due),
    hasPuts ? numbers(runs) : null,
    hasPuts ? numbers(ready) : null,
    hasDone ? texts(done.map(({ id }) => id)) : null,
    hasDone ? numbers(done.map(({ entry }) => entry)) : null,
    hasDone ? lines(done.map(({ patch }) => patch)) : null,
    hasDone ? numbers(done.map(({ lane }) => lane)) : null,
    hasDone ? numbers(done.map(({ ending }) => ending)) : null,
    freed.length === 0 ? null : texts(freed),
    rows.length === 0 ? null : lines(rows.map(({ text }) => text)),
    rows.length === 0 ? null : numbers(rows.map(({ count }) => count)),
    ...claimValues(claim, rooms),
  ];
}

function claimValues(claim: PlainClaim | null, rooms: readonly string[]): readonly unknown[] {
  if (claim === null)
    return Array.from({ length: 17 }, (_, index) => (index === 4 && rooms.length > 0 ? texts(rooms) : null));
  return [
    texts([claim.queue, claim.dispatcher, claim.agent]),
    claim.agentSeq,
    claim.size,
    numbers(claim.lanes),
    claim.quotas.length === 0 ? null : texts(claim.quotas),
    claim.most,
    claim.after,
    claim.until,
    claim.width,
    claim.token,
    JSON.stringify(claim.changes),
    claim.isKeyed,
    claim.marks,
    claim.known === null ? null : numbers(claim.known),
    claim.levels === null ? null : numbers(claim.levels.of),
    claim.levels === null ? null : numbers(claim.levels.afters),
    claim.levels?.agingMs ?? null,
  ];
}

/** Runs of new jobs. */
interface Runs {
  /** The number of that of each job, from 1; null: it cannot be claimed at once. */
  readonly runs: readonly (number | null)[];
  /** When the jobs of each became ready. */
  readonly ready: readonly number[];
}

/**
 * Runs of new jobs: neighbours in one lane, among those of their level, that can be claimed at once and became ready at one instant.
 * Jobs of other levels may stand between them: they are not ordered by their turns.
 */
function runsOf({ ids, lanes, groups, due, ready }: Written['puts']): Runs {
  const runs: (number | null)[] = [];
  const since: number[] = [];
  const open = new Map<string, { readonly run: number; readonly first: number; count: number }>();
  for (let index = 0; index < ids.length; index += 1) {
    if (due !== null && due[index] !== null) {
      runs.push(null);
      continue;
    }
    const group = groups[index] as string;
    const last = open.get(group);
    const isNext =
      last !== undefined &&
      last.count < jobsOfRun &&
      lanes[last.first] === lanes[index] &&
      ready[last.first] === ready[index];
    if (isNext) last.count += 1;
    else open.set(group, { run: since.push(ready[index] as number), first: index, count: 1 });
    runs.push(open.get(group)?.run ?? null);
  }
  return { runs, ready: since };
}

function orNull(value: string, list: readonly unknown[]): string | null {
  return list.length === 0 ? null : value;
}

/** JSON texts, one on a line: no line break is left in one, and the quotes of an array would have to be escaped. */
function lines(texts: readonly string[]): string {
  return texts.join('\n');
}

function numbers(values: readonly (number | null)[]): string {
  return `{${values.map((value) => value ?? 'NULL').join()}}`;
}

function texts(values: readonly string[]): string {
  return `{${values.map(inArray).join()}}`;
}

function nested(values: readonly (string | null)[]): string {
  return `{${values.map((value) => (value === null ? 'NULL' : inArray(value))).join()}}`;
}

function inArray(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&')}"`;
}
